//! The lianhe dialect: distributors buy e-tickets from a prepaid balance, apply for refunds, and are told
//! of redeemed codes and reviewed refunds. Sections in comments are those of the protocol's specification.
//!
//! A request goes through `identify` (who claims to call), `open` (check the signature, and only then read
//! the body and map it to a call) and back through `answer`. Each operation has a file with its request's
//! mapping above its answer's fields. Decisions and oddities are in the README.

#![forbid(unsafe_code)]

mod answer;
mod cancel;
pub mod client;
mod errors;
mod fields;
mod fuzz;
mod identify;
mod notify;
mod open;
mod operation;
mod order;
mod prepared;
mod price;
mod query;
mod sample;
mod sandbox;
mod send;
mod sign;
mod status;
mod team;
mod visitor;

use tradewind_dialect::{
    Ack, Claim, Credentials, Dialect, DialectOptions, Interface, Notice, Notification, Opened, RawRequest,
    RawResponse, Route, SandboxPartner,
};
use tradewind_domain::{EventKind, Method, Order, OrderId, Refusal, Schedule, Span, Timestamp};

pub use errors::{Code, Failure, Hint};
pub use fuzz::{fuzz_authorization, fuzz_client, fuzz_open};
pub use operation::{PATH, target};
pub use sign::{Authorization, authorization, sign};
pub use status::{OrderStatus, ReStatus};

use operation::Operation;

/// The lianhe dialect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lianhe {
    options: DialectOptions,
}

impl Lianhe {
    /// The dialect's name: the folder's.
    pub const NAME: &'static str = "lianhe";

    /// The dialect with what the operator has laid down.
    pub fn new(options: DialectOptions) -> Lianhe {
        Lianhe { options }
    }
}

const fn row(id: &'static str, title: &'static str, section: &'static str) -> Interface {
    Interface { id, title, section }
}

/// The specification's operations, notifications and numbers that we say. Those that it reserves, leaves
/// unassigned or has given up (code 200 and 300, status 1) are not among them.
const INTERFACES: &[Interface] = &[
    row("lianhe.getTeam", "Products", "5.1"),
    row("lianhe.getPrice", "Price calendar", "5.2"),
    row("lianhe.creatOrder", "Create order", "5.3"),
    row("lianhe.payOrder", "Pay order", "5.4"),
    row("lianhe.newOrder", "Create and pay order", "5.5"),
    row("lianhe.queryOrder", "Query order", "5.6"),
    row("lianhe.cancelOrder", "Refund application", "5.7"),
    row("lianhe.send", "Resend voucher", "5.8"),
    row("lianhe.getBalance", "Balance (switch)", "9"),
    row("lianhe.snNotify", "Notification: code redeemed", "8.2"),
    row("lianhe.reNotify", "Notification: refund reviewed", "8.3"),
    row("lianhe.teamNotify", "Notification: product changed (switch)", "9"),
    row("lianhe.code.10000", "Success", "6.1"),
    row("lianhe.code.20000", "Failure", "6.1"),
    row("lianhe.code.10001", "Balance too low", "6.1"),
    row("lianhe.code.10002", "Price abnormal", "6.1"),
    row("lianhe.code.10003", "Conditions not met", "6.1"),
    row("lianhe.code.10004", "Travel date required", "6.1"),
    row("lianhe.code.10005", "Travel date restricted", "6.1"),
    row("lianhe.code.10006", "Sale price differs", "6.1"),
    row("lianhe.code.10007", "Settlement price differs", "6.1"),
    row("lianhe.code.10008", "Must be bought in advance", "6.1"),
    row("lianhe.code.10009", "Out of stock", "6.1"),
    row("lianhe.code.10010", "Mobile number empty", "6.1"),
    row("lianhe.code.10011", "More than the maximum", "6.1"),
    row("lianhe.code.10012", "Fewer than the minimum", "6.1"),
    row("lianhe.code.10013", "All travellers required", "6.1"),
    row("lianhe.code.10016", "Document missing", "6.1"),
    row("lianhe.code.10017", "Machines only", "6.1"),
    row("lianhe.orderStatus.0", "No such order", "6.2"),
    row("lianhe.orderStatus.2", "Created", "6.2"),
    row("lianhe.orderStatus.3", "Creation failed", "6.2"),
    row("lianhe.orderStatus.4", "Paid", "6.2"),
    row("lianhe.orderStatus.5", "Payment failed", "6.2"),
    row("lianhe.orderStatus.6", "Refunded", "6.2"),
    row("lianhe.orderStatus.7", "Refund refused", "6.2"),
    row("lianhe.orderStatus.8", "Fully consumed", "6.2"),
    row("lianhe.orderStatus.9", "Partly consumed", "6.2"),
    row("lianhe.reStatus.0", "No refund", "6.3"),
    row("lianhe.reStatus.1", "Under review", "6.3"),
    row("lianhe.reStatus.2", "Refused at once", "6.3"),
    row("lianhe.reStatus.3", "Refunded", "6.3"),
    row("lianhe.reStatus.4", "Rejected in review", "6.3"),
];

/// What is paid here is paid from the balance.
fn default_methods() -> Vec<Method> {
    vec![Method::BALANCE]
}

impl Dialect for Lianhe {
    fn name(&self) -> &'static str {
        Lianhe::NAME
    }

    fn routes(&self) -> &'static [Route] {
        operation::ROUTES
    }

    fn headers(&self) -> &'static [&'static str] {
        &[identify::PARTNER_ID, identify::DATE, identify::AUTHORIZATION]
    }

    fn interfaces(&self) -> &'static [Interface] {
        INTERFACES
    }

    fn identify(&self, operation: &'static str, request: &RawRequest) -> Result<Claim, Refusal> {
        Operation::named(operation)?;
        identify::identify(request)
    }

    fn open(
        &self,
        operation: &'static str,
        request: &RawRequest,
        credentials: Option<&Credentials>,
        now: Timestamp,
    ) -> Result<Opened, Refusal> {
        open::open(&self.options, Operation::named(operation)?, request, credentials, now)
    }

    fn refuse(
        &self,
        operation: &'static str,
        request: &RawRequest,
        _credentials: Option<&Credentials>,
        refusal: &Refusal,
        _now: Timestamp,
    ) -> RawResponse {
        answer::refuse(Operation::named(operation).ok(), request, refusal)
    }

    fn notify(&self, notice: &Notice<'_>, now: Timestamp) -> Option<Notification> {
        notify::notify(notice, now)
    }

    fn notifies(&self) -> &'static [EventKind] {
        notify::KINDS
    }

    fn acknowledged(&self, response: &RawResponse) -> Ack {
        notify::acknowledged(response)
    }

    fn schedule(&self, _kind: EventKind) -> Schedule {
        notify::SCHEDULE
    }

    fn patience(&self) -> Option<Span> {
        Some(notify::PATIENCE)
    }

    fn ordered_by(&self, kind: EventKind) -> Option<&'static str> {
        notify::name_of(kind)
    }

    fn check_partner(&self, key_id: &str, secret: &str, settings: &str) -> Result<(), String> {
        prepared::check_partner(key_id, secret, settings)
    }

    fn new_secret(&self) -> String {
        prepared::new_secret()
    }

    fn default_methods(&self) -> Vec<Method> {
        default_methods()
    }

    fn serial(&self, order: &Order) -> String {
        order.id.get().to_string()
    }

    fn order_of_serial(&self, serial: &str) -> Option<OrderId> {
        fields::own_id(serial).map(OrderId::from_i64)
    }

    fn sandbox_partners(&self) -> Vec<SandboxPartner> {
        sandbox::partners()
    }

    fn sample(
        &self,
        operation: &'static str,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Option<RawRequest> {
        sample::sample(Operation::named(operation).ok()?, credentials, now)
    }
}
