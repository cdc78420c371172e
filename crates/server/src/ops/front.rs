//! The operators' listener: who may enter, and what every answer carries.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::Either;
use hyper::body::Incoming;
use tower_service::Service as _;
use tradewind_signing::{Secret, constant_time_eq};

use super::error::OpsError;
use crate::gateway::catch_panic;
use crate::health::METRICS_PATH;
use crate::http1::{Answer, REQUEST_ID, RequestIds};
use crate::metrics::Totals;

/// Below it stand codes.
const TICKETS: &str = "/ops/v1/tickets/";

/// Everything that the operators' listener serves.
pub(crate) struct OpsFront {
    pub(crate) router: Router,
    /// `/metrics`, when it is served here.
    pub(crate) metrics: Option<Router>,
    pub(crate) token: Secret,
    pub(crate) ids: RequestIds,
    pub(crate) totals: Arc<Totals>,
}

impl OpsFront {
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let id = self.ids.of(request.headers());
        let mut answer = if let Some(metrics) = self.metrics_for(&request) {
            self.admitted(metrics, request, &id).await
        } else if is_operator(request.headers(), &self.token) {
            self.admitted(&self.router, request, &id).await
        } else {
            let mut answer = OpsError::unauthorised().into_response();
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            answer.map(Either::Right)
        };
        let headers = answer.headers_mut();
        headers.insert(REQUEST_ID, id);
        // Secrets may be among what is shown.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    /// Whoever collects metrics has no use for the token, and no business to have it.
    fn metrics_for(&self, request: &Request<Incoming>) -> Option<&Router> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        self.metrics.as_ref().filter(|_| reads && request.uri().path() == METRICS_PATH)
    }

    async fn admitted(&self, router: &Router, request: Request<Incoming>, id: &HeaderValue) -> Answer {
        let request_id = id.to_str().unwrap_or("-");
        let (method, path) = (request.method().clone(), logged(request.uri().path()));
        let answer = match catch_panic(router.clone().call(request)).await {
            Some(Ok(response)) => response,
            Some(Err(never)) => match never {},
            None => {
                self.totals.panicked();
                OpsError::internal().into_response()
            }
        };
        let status = answer.status().as_u16();
        if answer.status().is_server_error() {
            tracing::error!(request_id, %method, path, status, "an operator's request failed");
        } else if !matches!(method, Method::GET | Method::HEAD) {
            // What operators change is worth a line.
            tracing::info!(request_id, %method, path, status, "an operator's request");
        }
        answer.map(Either::Right)
    }
}

/// Whether the request carries the operator token, found out in a time that does not depend on it.
fn is_operator(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = given.and_then(|value| value.split_at_checked(b"Bearer ".len()));
    match given {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case(b"Bearer ") => {
            !token.expose().is_empty() && constant_time_eq(given, token.expose())
        }
        Some(_) | None => false,
    }
}

/// A path as the log may know it: whoever reads a ticket's code can use it up.
fn logged(path: &str) -> String {
    match path.strip_prefix(TICKETS).map(|rest| rest.split_once('/')) {
        None => path.to_owned(),
        Some(None) => format!("{TICKETS}..."),
        Some(Some((_, action))) => format!("{TICKETS}.../{action}"),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};
    use tradewind_signing::Secret;

    use super::is_operator;

    #[test]
    fn only_the_token_opens() {
        let check = |given: Option<&str>, token: &str, opens: bool| {
            let given = given.map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap()));
            let headers = HeaderMap::from_iter(given);
            assert_eq!(is_operator(&headers, &Secret::new(token)), opens, "{headers:?}");
        };
        check(Some("Bearer abc"), "abc", true);
        check(Some("bearer abc"), "abc", true);
        check(Some("Bearer abd"), "abc", false);
        check(Some("Bearer ab"), "abc", false);
        check(Some("Bearer abcd"), "abc", false);
        check(Some("Bearer "), "abc", false);
        check(Some("Bearer "), "", false);
        check(Some("Bearer"), "abc", false);
        check(Some("Basic abc"), "abc", false);
        check(Some("abc"), "abc", false);
        check(None, "abc", false);
    }

    #[test]
    fn codes_are_not_logged() {
        let check = |path: &str, expected: &str| assert_eq!(super::logged(path), expected);
        check("/ops/v1/orders/7", "/ops/v1/orders/7");
        check("/ops/v1/tickets/1234", "/ops/v1/tickets/...");
        check("/ops/v1/tickets/1234/redeem", "/ops/v1/tickets/.../redeem");
    }
}
