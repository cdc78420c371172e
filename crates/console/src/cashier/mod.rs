//! The cashier page: whoever holds the link sees the order and pays or refuses.
//!
//! The link is the only key. It names an order and cannot be guessed, so a form sent with it needs no
//! other proof.

mod page;
mod standing;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::Markup;
use serde::Deserialize;
use tradewind_domain::{ChannelReport, Command, Need, OrderId, OrderRef, PartnerId, Payment, Refusal};

use self::page::View;
use self::standing::Standing;
use crate::{Console, qr, reply};

/// What the cashier page needs of the payment channel that makes its links.
pub trait CashierLinks: Send + Sync + 'static {
    /// The order that the token of a link names; `None` for a token that was not made here.
    fn open(&self, token: &str) -> Option<(PartnerId, OrderId)>;

    /// What the channel reports when the payer pays.
    fn paid(&self, payment: &Payment) -> ChannelReport;

    /// What the channel reports when the payer refuses.
    fn refused(&self, payment: &Payment) -> ChannelReport;
}

/// A form with one button has no use for more.
const FORM_BYTES_MAX: usize = 1024;

pub(crate) fn routes() -> axum::Router<Console> {
    axum::Router::new()
        .route("/pay/{token}", get(show).post(decide))
        .route("/pay/{token}/qr.svg", get(code))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

async fn show(State(console): State<Console>, Path(token): Path<String>) -> Response {
    match load(&console, &token).await {
        Ok(case) => reply::html(StatusCode::OK, case.page(&token)),
        Err(problem) => problem.response(),
    }
}

async fn code(State(console): State<Console>, Path(token): Path<String>) -> Response {
    if console.links.open(&token).is_none() {
        return Problem::UnknownLink.response();
    }
    match qr::svg(&format!("{}{}", console.public_url, path_of(&token))) {
        Some(picture) => reply::svg(picture),
        None => Problem::UnknownLink.response(),
    }
}

/// The form of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    action: Action,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Pay,
    Refuse,
}

async fn decide(
    State(console): State<Console>,
    Path(token): Path<String>,
    form: Result<Form<Choice>, FormRejection>,
) -> Response {
    let Ok(Form(Choice { action })) = form else { return Problem::BadForm.response() };
    match record(&console, &token, action).await {
        Ok(Recorded::Done) => reply::see_other(&path_of(&token)),
        Ok(Recorded::TooLate(page)) => reply::html(StatusCode::CONFLICT, page),
        Err(problem) => problem.response(),
    }
}

enum Recorded {
    Done,
    /// The order can no longer be decided on; the page says why.
    TooLate(Markup),
}

async fn record(console: &Console, token: &str, action: Action) -> Result<Recorded, Problem> {
    let case = load(console, token).await?;
    if !case.view.standing.is_payable() {
        return Ok(Recorded::TooLate(case.page(token)));
    }
    let report = match action {
        Action::Pay => console.links.paid(&case.payment),
        Action::Refuse => console.links.refused(&case.payment),
    };
    let command = Command::ReportPayment {
        partner: case.payment.partner,
        order: case.payment.order,
        payment: case.payment.id,
        report,
        attempts: None,
    };
    console.app.submit(command).await.map_err(Problem::Refused)?;
    Ok(Recorded::Done)
}

/// An order as its payer sees it.
struct Case {
    view: View,
    payment: Payment,
}

impl Case {
    fn page(&self, token: &str) -> Markup {
        page::cashier(&self.view, &path_of(token))
    }
}

async fn load(console: &Console, token: &str) -> Result<Case, Problem> {
    let (partner, order) = console.links.open(token).ok_or(Problem::UnknownLink)?;
    let needs = vec![Need::Partner(partner), Need::Order(partner, order)];
    let found = console.app.view(needs).await.map_err(Problem::Refused)?;
    let shop = found.partner(partner).ok_or(Problem::UnknownLink)?;
    let order = found.order(partner, &OrderRef::Id(order)).ok_or(Problem::UnknownLink)?;
    let payment = found.payment(order.payment).ok_or(Problem::UnknownLink)?;
    let view = View {
        shop: shop.name.clone(),
        subject: order.subject.clone(),
        number: order.number.clone(),
        amount: order.amount,
        standing: Standing::of(order, payment, console.app.clock().now()),
    };
    Ok(Case { view, payment: payment.clone() })
}

/// Why there is no page of an order.
enum Problem {
    UnknownLink,
    BadForm,
    Refused(Refusal),
}

impl Problem {
    fn response(self) -> Response {
        let (status, page) = match self {
            Problem::UnknownLink => (StatusCode::NOT_FOUND, page::unknown_link()),
            Problem::BadForm => (StatusCode::BAD_REQUEST, page::bad_form()),
            Problem::Refused(Refusal::OrderNotFound | Refusal::NotFound { .. }) => {
                (StatusCode::NOT_FOUND, page::unknown_link())
            }
            Problem::Refused(refusal) => {
                tracing::warn!(%refusal, "a choice on a cashier page was not recorded");
                (StatusCode::SERVICE_UNAVAILABLE, page::try_again())
            }
        };
        reply::html(status, page)
    }
}

/// Tokens are made of characters that need no encoding, and unknown ones never get here.
fn path_of(token: &str) -> String {
    format!("/pay/{token}")
}
