//! The ticket page: whoever holds the link sees the codes of a purchase, to be shown or printed.
//!
//! The link is the only key, as good as the codes that it shows. It cannot be guessed.

mod page;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use tradewind_domain::{OrderId, PartnerId, Refusal};

use self::page::Sheet;
use crate::{Console, reply};

/// What the ticket page needs of whoever makes its links.
pub trait TicketLinks: Send + Sync + 'static {
    /// The order that the token of a link names; `None` for a token that was not made here.
    fn open(&self, token: &str) -> Option<(PartnerId, OrderId)>;
}

pub(crate) fn routes() -> axum::Router<Console> {
    axum::Router::new().route("/ticket/{token}", get(show))
}

async fn show(State(console): State<Console>, Path(token): Path<String>) -> Response {
    let Some((partner, order)) = console.tickets.open(&token) else { return unknown() };
    let now = console.app.clock().now();
    match console.app.purchase_of_order(partner, order).await {
        Ok(Some(purchase)) => match Sheet::of(&purchase, now, console.app.config().day_offset) {
            Some(sheet) => reply::html(StatusCode::OK, page::tickets(&sheet)),
            None => unknown(),
        },
        Ok(None) => unknown(),
        Err(refusal) => not_now(&refusal),
    }
}

fn unknown() -> Response {
    reply::html(StatusCode::NOT_FOUND, page::unknown())
}

fn not_now(refusal: &Refusal) -> Response {
    tracing::error!(%refusal, "the ticket page could not be shown");
    reply::html(StatusCode::SERVICE_UNAVAILABLE, page::not_now())
}
