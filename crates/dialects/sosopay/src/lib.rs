//! The sosopay dialect: shops collect payments by QR code, payer's code and official account; refund,
//! revoke, query, and are notified. Sections in comments are those of the protocol's specification.
//!
//! A request goes through `identify` (who claims to call), `open` (decrypt, parse, check the
//! signature and the contract, map to a call) and back through `answer`. Each interface has a file
//! with its request's mapping above its answer's fields. Decisions and oddities are in the README.

#![forbid(unsafe_code)]

mod amount;
mod answer;
mod auth;
mod channels;
mod cipher;
mod collect;
mod details;
mod dictionaries;
mod errors;
mod fields;
mod fuzz;
mod goods;
mod identify;
mod list;
mod lists;
mod notify;
mod notify_url;
mod open;
mod operation;
mod prepared;
mod query;
mod refund;
mod revoke;
mod sample;
mod sandbox;
mod serial;
mod sign;
mod write_off;

use tradewind_dialect::{
    Ack, Claim, Credentials, Dialect, DialectOptions, Interface, Notice, Notification, Opened, RawRequest,
    RawResponse, Route, SandboxPartner,
};
use tradewind_domain::{EventKind, Method, Order, OrderId, Refusal, Schedule, Span, Timestamp};

pub use amount::{cents, parse_yuan, yuan};
pub use cipher::{Undecryptable, decrypt, decrypt_inner, encrypt};
pub use dictionaries::{
    CHANNELS, Channel, FUND_CHANNELS, FundChannel, channel_of, fund_channel, method_of, refund_state,
    standings_of_filter, state,
};
pub use errors::Code;
pub use fuzz::{fuzz_cipher, fuzz_notify_url, fuzz_open, fuzz_sign};
pub use notify_url::NotifyUrl;
pub use operation::{PREFIX, root_of_answer};
pub use sign::{SIGN_HEADER, sign, verify};

use operation::Operation;

/// The sosopay dialect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sosopay {
    options: DialectOptions,
}

impl Sosopay {
    /// The dialect's name: the folder's.
    pub const NAME: &'static str = "sosopay";

    /// The dialect with what the operator has laid down.
    pub fn new(options: DialectOptions) -> Sosopay {
        Sosopay { options }
    }
}

/// The specification's interfaces by the numbers of its section 1.3, and those of its appendix A.
const INTERFACES: &[Interface] = &[
    Interface { id: "sosopay.1", title: "Merchant-scan payment", section: "5.1" },
    Interface { id: "sosopay.2", title: "Consumer-scan payment", section: "5.2" },
    Interface { id: "sosopay.3", title: "Official-account and APP payment", section: "5.3" },
    Interface { id: "sosopay.4", title: "Asynchronous notification", section: "8" },
    Interface { id: "sosopay.5", title: "Refund", section: "5.5" },
    Interface { id: "sosopay.6", title: "Query", section: "5.6" },
    Interface { id: "sosopay.7", title: "Revocation", section: "5.7" },
    Interface { id: "sosopay.8", title: "Batch query", section: "5.8" },
    Interface { id: "sosopay.9", title: "Payment channels", section: "5.9" },
    Interface { id: "sosopay.10", title: "Permission authentication", section: "5.10" },
    Interface { id: "sosopay.a.login", title: "App login", section: "A" },
    Interface { id: "sosopay.a.get", title: "Write-off: issue a code", section: "A" },
    Interface { id: "sosopay.a.query", title: "Write-off: query", section: "A" },
    Interface { id: "sosopay.a.check", title: "Write-off: check and redeem", section: "A" },
    Interface { id: "sosopay.a.cancel", title: "Write-off: cancel", section: "A" },
    Interface { id: "sosopay.a.queryResults", title: "Write-off: results", section: "A" },
];

/// Section 8: at most 30 attempts, one every 5 s.
const DELIVERY: Schedule = Schedule::Every { every: Span::from_secs(5), attempts: 30 };

impl Dialect for Sosopay {
    fn name(&self) -> &'static str {
        Sosopay::NAME
    }

    fn routes(&self) -> &'static [Route] {
        operation::ROUTES
    }

    fn headers(&self) -> &'static [&'static str] {
        &[]
    }

    fn interfaces(&self) -> &'static [Interface] {
        INTERFACES
    }

    fn identify(&self, operation: &'static str, request: &RawRequest) -> Result<Claim, Refusal> {
        identify::identify(Operation::named(operation)?, request)
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
        credentials: Option<&Credentials>,
        refusal: &Refusal,
        now: Timestamp,
    ) -> RawResponse {
        answer::refuse(Operation::named(operation).ok(), request, credentials, refusal, now)
    }

    fn notify(&self, notice: &Notice<'_>, now: Timestamp) -> Option<Notification> {
        notify::notify(notice, now)
    }

    fn notifies(&self) -> &'static [EventKind] {
        &[EventKind::OrderPaid, EventKind::VoucherRedeemed]
    }

    fn acknowledged(&self, response: &RawResponse) -> Ack {
        notify::acknowledged(response)
    }

    fn schedule(&self, _kind: EventKind) -> Schedule {
        DELIVERY
    }

    fn patience(&self) -> Option<Span> {
        None
    }

    fn ordered_by(&self, _kind: EventKind) -> Option<&'static str> {
        None
    }

    fn check_partner(&self, key_id: &str, secret: &str, settings: &str) -> Result<(), String> {
        prepared::check_partner(key_id, secret, settings)
    }

    fn new_secret(&self) -> String {
        prepared::new_secret()
    }

    fn default_methods(&self) -> Vec<Method> {
        dictionaries::default_methods()
    }

    fn serial(&self, order: &Order) -> String {
        serial::serial(order.id)
    }

    fn order_of_serial(&self, serial: &str) -> Option<OrderId> {
        serial::order_of_serial(serial)
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
