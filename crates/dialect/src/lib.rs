//! What every partner protocol implements, and the codecs they share.
//!
//! A dialect is sans-IO: bytes in, bytes out. It knows the wire and the domain, and neither a clock,
//! a socket nor a database. The server drives every dialect through the one generic sequence
//! *identify, credentials, open, execute, seal*, and the worker through *notify, acknowledged*.

#![forbid(unsafe_code)]

pub mod codec;
mod credentials;
mod options;
mod raw;
mod verified;

pub use credentials::Credentials;
pub use options::DialectOptions;
pub use raw::{Headers, Method, RawRequest, RawResponse};
pub use verified::{Proof, Verified};

use tradewind_domain::{
    Call, Endpoint, Event, EventKind, Order, Outcome, Partner, Payment, Product, Redemption, Refund, Refusal,
    Schedule, Sku, Span, Timestamp, Voucher,
};

/// A partner protocol. Every method is required: there is no default that says yes.
pub trait Dialect: Send + Sync + 'static {
    /// Its name: lower case, the folder's name, unique.
    fn name(&self) -> &'static str;

    /// Where it listens. The server mounts these on its generic handler.
    fn routes(&self) -> &'static [Route];

    /// The headers of a request that it looks at, by their lower-case names. It is shown no others.
    fn headers(&self) -> &'static [&'static str];

    /// The interfaces of the specification, for the coverage table and the documents.
    fn interfaces(&self) -> &'static [Interface];

    /// Who claims to call. Looks as far into the request as it takes to find the name, and proves
    /// nothing.
    fn identify(&self, operation: &'static str, request: &RawRequest) -> Result<Claim, Refusal>;

    /// Checks the signature over the exact bytes, freshness, decrypts, parses strictly, and maps to a
    /// call. `credentials` are those of the claimed partner; `None` for an operation whose claim was
    /// [`Claim::Anonymous`].
    fn open(
        &self,
        operation: &'static str,
        request: &RawRequest,
        credentials: Option<&Credentials>,
        now: Timestamp,
    ) -> Result<Opened, Refusal>;

    /// Answers a request that was refused before it could be opened. Total: it cannot fail.
    fn refuse(
        &self,
        operation: &'static str,
        request: &RawRequest,
        credentials: Option<&Credentials>,
        refusal: &Refusal,
        now: Timestamp,
    ) -> RawResponse;

    /// The request that tells an event. `None` when the protocol has no words for it.
    fn notify(&self, notice: &Notice<'_>, now: Timestamp) -> Option<Notification>;

    /// Which events the protocol has words for.
    fn notifies(&self) -> &'static [EventKind];

    /// What the receiver's answer to a notification means.
    fn acknowledged(&self, response: &RawResponse) -> Ack;

    /// When a notification is tried again.
    fn schedule(&self, kind: EventKind) -> Schedule;

    /// How long its specification lets a receiver of notifications take, where that is longer than what the
    /// operator has set. `None` where the operator's setting counts alone.
    fn patience(&self) -> Option<Span>;

    /// The name of the group in which this kind of event is told in order: of one order, voucher or sku,
    /// news of a group go to an address one after the other. `None` for news that wait for no others.
    fn ordered_by(&self, kind: EventKind) -> Option<&'static str>;

    /// Checks the partner's switches for this dialect (a JSON object) and the shape of a key id and
    /// secret, when an operator sets them. The error is for the operator.
    fn check_partner(&self, key_id: &str, secret: &str, settings: &str) -> Result<(), String>;

    /// A fresh secret in the shape that the dialect's clients expect.
    fn new_secret(&self) -> String;

    /// The payment methods that a new partner of this dialect may use unless the operator says otherwise.
    fn default_methods(&self) -> Vec<tradewind_domain::Method>;

    /// The serial by which partners know an order, and the order it names.
    fn serial(&self, order: &Order) -> String;

    /// The id of the order that a serial names, if the text is one.
    fn order_of_serial(&self, serial: &str) -> Option<tradewind_domain::OrderId>;

    /// Partners and users that a sandbox starts with.
    fn sandbox_partners(&self) -> Vec<SandboxPartner>;

    /// A signed request of this operation as a partner would send it, for documents, conformance tests
    /// and trying things out.
    fn sample(
        &self,
        operation: &'static str,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Option<RawRequest>;
}

/// One path of a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// GET or POST.
    pub method: Method,
    /// The path with `{name}` for variable segments.
    pub path: &'static str,
    /// The query parameter, and its value, that a request must have for this route, where one path has
    /// several operations. Of the routes of one path and method, one without is the fallback.
    pub query: Option<(&'static str, &'static str)>,
    /// The operation, for instance `refund`: a metrics label and the argument of the other methods.
    pub operation: &'static str,
}

impl Route {
    /// Whether the query of a request, as it was sent, is that of this route. Names and values are matched
    /// letter by letter, and of several parameters of the name the last counts. The fallback takes any.
    pub fn takes(&self, query: &str) -> bool {
        let Some((name, value)) = self.query else { return true };
        let pairs = query.rsplit('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut named = pairs.filter(|(own, _)| *own == name);
        named.next().is_some_and(|(_, own)| own == value)
    }
}

/// One interface of a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its id: the dialect's name, a dot, and the number in its specification.
    pub id: &'static str,
    /// Its name in the specification.
    pub title: &'static str,
    /// Where the specification describes it.
    pub section: &'static str,
}

/// Who a request says it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The holder of this key id.
    Key(String),
    /// Nobody: the operation carries its own proof, for instance a login.
    Anonymous,
}

/// A request that was opened: the call, and the means to answer it.
pub struct Opened {
    /// What is asked.
    pub call: Verified<Call>,
    /// Turns the outcome into the answer.
    pub sealer: Box<dyn Sealer>,
}

/// Answers one opened request. Total: sealing cannot fail.
pub trait Sealer: Send {
    /// The answer to the request.
    fn seal(self: Box<Self>, outcome: Result<&Outcome, &Refusal>, now: Timestamp) -> RawResponse;
}

/// An event and all that is needed to tell it.
pub struct Notice<'a> {
    /// What happened.
    pub event: &'a Event,
    /// To what.
    pub about: NoticeAbout<'a>,
    /// Whom it concerns.
    pub partner: &'a Partner,
    /// The partner's keys.
    pub credentials: &'a Credentials,
    /// Which attempt this is, from 1. While a key is being rotated nobody knows which one the partner
    /// has installed; a dialect whose notifications are signed can try one after the other.
    pub attempt: u32,
    /// Where to: the endpoint, or `None` for the address named in the order or voucher.
    pub endpoint: Option<&'a Endpoint>,
}

/// What an event happened to.
#[derive(Clone, Copy, Debug)]
pub enum NoticeAbout<'a> {
    /// An order.
    Order {
        /// The order.
        order: &'a Order,
        /// Its payment.
        payment: &'a Payment,
        /// The refund, for news of one.
        refund: Option<&'a Refund>,
        /// What was redeemed, and the voucher of the order that it was redeemed of, for news of that.
        redemption: Option<(&'a Voucher, &'a Redemption)>,
    },
    /// A voucher of which something was redeemed.
    Voucher {
        /// The voucher.
        voucher: &'a Voucher,
        /// What was redeemed.
        redemption: &'a Redemption,
        /// What the one who redeemed calls itself by in this dialect, if it speaks it.
        redeemer: Option<&'a str>,
    },
    /// A sku of a product that was changed.
    Sku {
        /// The sku.
        sku: &'a Sku,
        /// The product.
        product: &'a Product,
    },
}

impl Notice<'_> {
    /// The key that signs this attempt, of `keys` newest first. While a key is being rotated, the attempts
    /// go through the keys that count, the oldest first: the partner that has not installed the new one
    /// yet understands the first attempt, one that has the second.
    pub fn key_of_attempt<'k, K>(&self, keys: &'k [K]) -> Option<&'k K> {
        key_of_attempt(keys, self.attempt)
    }
}

fn key_of_attempt<K>(keys: &[K], attempt: u32) -> Option<&K> {
    let turn = usize::try_from(attempt.saturating_sub(1)).ok()?.checked_rem(keys.len())?;
    keys.get(keys.len() - 1 - turn)
}

/// A notification to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The absolute address, http or https.
    pub url: String,
    /// The `content-type`.
    pub content_type: &'static str,
    /// Further headers, by their lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// The body of the POST.
    pub body: bytes::Bytes,
}

/// What a receiver's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// It has the news.
    Received,
    /// It does not; try again. With the reason, for people.
    TryAgain(String),
}

/// A partner that a sandbox starts with.
#[derive(Clone, Debug)]
pub struct SandboxPartner {
    /// Name for people.
    pub name: &'static str,
    /// What it calls itself by.
    pub key_id: &'static str,
    /// Its published secret.
    pub secret: &'static str,
    /// Its switches: a JSON object.
    pub settings: &'static str,
    /// The payment methods it may use.
    pub methods: Vec<tradewind_domain::Method>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Its users: login, password, name, may refund, locked.
    pub users: &'static [SandboxUser],
}

/// A user that a sandbox starts with.
#[derive(Clone, Copy, Debug)]
pub struct SandboxUser {
    /// Login.
    pub login: &'static str,
    /// Password.
    pub password: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Whether it may give money back.
    pub may_refund: bool,
    /// Whether it may not sign in.
    pub locked: bool,
}

#[cfg(test)]
mod tests {
    use super::{Method, Route, key_of_attempt};

    #[test]
    fn attempts_go_through_the_keys_oldest_first() {
        let told = |keys: &[&'static str]| {
            (1..=4).map(|attempt| key_of_attempt(keys, attempt).copied()).collect::<Vec<_>>()
        };
        assert_eq!(told(&["only"]), [Some("only"); 4]);
        assert_eq!(told(&["new", "old"]), [Some("old"), Some("new"), Some("old"), Some("new")]);
        assert_eq!(told(&[]), [None; 4]);
    }

    #[test]
    fn routes_of_one_path_are_told_apart_by_a_parameter() {
        let of = |query| Route { method: Method::Post, path: "/a", query, operation: "b" };
        let route = of(Some(("method", "pay")));
        for query in ["method=pay", "a=1&method=pay", "method=pay&a=1&", "method=send&method=pay"] {
            assert!(route.takes(query), "{query}");
        }
        for query in [
            "",
            "method",
            "method=",
            "method=Pay",
            "Method=pay",
            "method=pay%20",
            "method=p%61y",
            "method=pay=",
            "xmethod=pay",
            "method=pay&method=send",
            "method=pay;method=send",
            "pay",
        ] {
            assert!(!route.takes(query), "{query}");
        }
        for query in ["", "method=pay", "%"] {
            assert!(of(None).takes(query), "the fallback takes {query}");
        }
    }
}
