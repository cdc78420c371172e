//! The one way out for pages: status, markup, and the headers that keep a page to itself.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::Markup;

use crate::components::STYLE;

/// Nothing is loaded but our own style sheet and pictures, nothing runs, forms go home, and nobody
/// puts the page into a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

const NEVER_KEPT: &str = "no-store";

/// A page. It shows how things stand now, so nobody may keep it.
pub(crate) fn html(status: StatusCode, page: Markup) -> Response {
    build(status, "text/html; charset=utf-8", NEVER_KEPT, page.into_string())
}

/// A picture that belongs to a page.
pub(crate) fn svg(picture: String) -> Response {
    build(StatusCode::OK, "image/svg+xml", NEVER_KEPT, picture)
}

/// The style sheet.
pub(crate) async fn style() -> Response {
    build(StatusCode::OK, "text/css; charset=utf-8", "public, max-age=300", STYLE)
}

/// Sends the browser on to look at what its form has led to.
pub(crate) fn see_other(path: &str) -> Response {
    let mut response = build(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", NEVER_KEPT, "");
    match HeaderValue::from_str(path) {
        Ok(path) => {
            response.headers_mut().insert(header::LOCATION, path);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

fn build(status: StatusCode, kind: &'static str, keep: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
