//! Pages for people, rendered on the server, without scripts.
//!
//! A page is a function from plain data to markup, tested by its labels and headings. A handler
//! collects that data through the application and names what it needs of the outside in a trait, so
//! that no page knows a payment channel. Every page is built from [`components`] and leaves through
//! one function that adds the security headers.

#![forbid(unsafe_code)]

mod cashier;
pub mod components;
mod qr;
mod reply;
mod ticket;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tradewind_app::App;

pub use cashier::CashierLinks;
pub use ticket::TicketLinks;

/// What the pages work with.
#[derive(Clone)]
pub struct Console {
    /// The application.
    pub app: Arc<App>,
    /// What is behind the links to the cashier page.
    pub links: Arc<dyn CashierLinks>,
    /// What is behind the links to the ticket page.
    pub tickets: Arc<dyn TicketLinks>,
    /// The address under which browsers reach the gateway, without a trailing slash.
    pub public_url: Arc<str>,
}

impl Console {
    /// All pages: the cashier page with its QR code, the ticket page, and the style sheet.
    pub fn router(self) -> Router {
        cashier::routes()
            .merge(ticket::routes())
            .with_state(self)
            .route(components::STYLE_PATH, get(reply::style))
    }
}
