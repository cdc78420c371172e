//! The operator API: JSON over a listener of its own, for the command line and for scripts.
//!
//! Every request carries the operator token. Errors are `{"error":{"code":..,"message":..}}`; a member
//! or parameter that is not known is an error, so that a misspelt one is not taken for its absence.
//! `{partner}` in a path is an id (`par_...`) or a key id of any dialect.

mod catalogue;
mod clock;
mod deposits;
mod endpoints;
mod error;
mod events;
mod extract;
mod front;
mod gate;
mod orders;
mod partners;
mod retention;
mod reviews;
mod shelf;
mod status;
mod stock_import;
mod tasks;
mod users;
mod verify;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};
use tokio::sync::Mutex;
use tradewind_app::{App, PartnerWithKeys};
use tradewind_channels::LinkKey;
use tradewind_domain::{Order, PartnerId};
use tradewind_egress::Egress;
use tradewind_worker::Worker;

use self::error::OpsError;
use crate::dialects::Dialects;
use crate::health::Readiness;

pub(crate) use front::OpsFront;

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Ops {
    pub(crate) app: Arc<App>,
    pub(crate) worker: Arc<Worker>,
    pub(crate) dialects: Dialects,
    pub(crate) readiness: Readiness,
    /// Knows which addresses endpoints may have.
    pub(crate) egress: Egress,
    /// Makes the links to the page of a purchase's tickets.
    pub(crate) ticket_links: LinkKey,
    /// The address under which browsers reach the gateway, without a trailing slash.
    pub(crate) public_url: Arc<str>,
    /// Held while a partner or a part of the catalogue is read, changed and written back.
    pub(crate) partner_changes: Arc<Mutex<()>>,
    /// Held while the clock is moved: two moves at once would lead to an instant nobody asked for.
    pub(crate) clock_moves: Arc<Mutex<()>>,
}

type Answer<T> = Result<T, OpsError>;

/// All resources, below `/ops/v1`.
pub(crate) fn routes(ops: Ops) -> Router {
    let partner = Router::new()
        .route("/", get(partners::show).patch(partners::change))
        .route("/rotate", post(partners::rotate))
        .route("/enable", post(partners::enable))
        .route("/disable", post(partners::disable))
        .route("/users", get(users::list).post(users::add))
        .route("/users/{login}/disable", post(users::disable))
        .route("/endpoints", get(endpoints::list).post(endpoints::add))
        .route("/endpoints/{endpoint}", delete(endpoints::remove))
        .route("/events", get(events::list))
        .route("/deposits", get(deposits::list).post(deposits::add))
        .route("/balance", get(deposits::balance))
        .route("/tasks/{task}/retry", post(tasks::retry))
        .route("/tasks/{task}/settle", post(tasks::settle))
        .route("/tasks/{task}/cancel", post(tasks::cancel));
    let all = Router::new()
        .route("/status", get(status::show))
        .route("/partners", get(partners::list).post(partners::add))
        .nest("/partners/{partner}", partner)
        .route("/sellers", post(catalogue::add_seller))
        .route("/products", get(catalogue::list_products).post(catalogue::add_product))
        .route("/products/{product}", get(catalogue::show_product).patch(catalogue::change_product))
        .route("/products/{product}/skus", post(catalogue::add_sku))
        .route("/skus/{sku}", get(catalogue::show_sku).patch(catalogue::change_sku))
        .route("/skus/{sku}/stock", get(catalogue::list_stock).put(catalogue::plan_stock))
        .route("/stock/import", post(stock_import::import))
        .route("/tickets/{code}", get(gate::show))
        .route("/tickets/{code}/redeem", post(gate::redeem))
        .route("/refunds/review", get(reviews::list))
        .route("/refunds/{refund}/approve", post(reviews::approve))
        .route("/refunds/{refund}/reject", post(reviews::reject))
        .route("/orders/{order}/resend", post(orders::resend))
        .route("/tasks", get(tasks::list))
        .route("/tasks/retry", post(tasks::retry_all))
        .route("/orders/{order}", get(orders::show))
        .route("/orders/{order}/revocation/approve", post(orders::approve))
        .route("/orders/{order}/revocation/reject", post(orders::reject))
        .route("/clock", get(clock::show))
        .route("/clock/advance", post(clock::advance))
        .route("/clock/freeze", post(clock::freeze))
        .route("/clock/resume", post(clock::resume))
        .route("/retention/page", post(retention::show))
        .route("/retention/forget", post(retention::forget))
        .route("/retention/orders/page", post(retention::show_orders))
        .route("/retention/orders/forget", post(retention::forget_orders))
        .route("/verify", post(verify::run));
    Router::new()
        .nest("/ops/v1", all)
        .fallback(async || OpsError::not_found("there is no such resource"))
        .method_not_allowed_fallback(async || OpsError::wrong_method())
        .with_state(ops)
}

impl Ops {
    /// The partner that a path names.
    async fn partner(&self, text: &str) -> Answer<PartnerWithKeys> {
        Ok(self.app.resolve_partner(text, &self.dialects.names()).await?)
    }

    /// Where the tickets of a purchase can be looked at; nobody can guess it.
    fn ticket_link(&self, order: &Order) -> String {
        format!("{}/ticket/{}", self.public_url, self.ticket_links.token(order.partner, order.id))
    }

    async fn partner_id(&self, text: &str) -> Answer<PartnerId> {
        Ok(self.partner(text).await?.partner.id)
    }
}
