//! The sosopay protocol: shops collect payments by QR code, payer's code and official account; refund,
//! revoke, query, and are notified. Sections in comments are those of the protocol's specification.
//!
//! A [`Client`] has a method per interface. It checks that mandatory fields are there, signs, encrypts
//! if told to, sends, verifies the answer's signature when there is one, and understands it. A refusal
//! of the platform is an [`Error`]; so is an unknown outcome, which is never a failure: see
//! [`Error::is_unknown_outcome`].
//!
//! Notifications arrive at a web server of the shop; [`Client::parse_notification`] proves and reads
//! them, whatever that server is:
//!
//! ```
//! use tradewind_sdk::sosopay::{Client, ack, try_again};
//!
//! /// Called by the web server with the query of the address and the body, as they were received.
//! fn notified(client: &Client, query: &str, body: &[u8]) -> (u16, &'static str) {
//!     match client.parse_notification(query, body) {
//!         Ok(news) => {
//!             println!("order {} is now {}", news.charge_code, news.state);
//!             (200, ack())
//!         }
//!         Err(error) if error.is_untrusted() => (403, try_again()),
//!         Err(_) => (400, try_again()),
//!     }
//! }
//! ```

mod auth;
pub mod code;
mod config;
mod exchange;
mod message;
mod notification;
mod request;
mod response;
mod write_off;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tradewind_signing::Secret;

use crate::clock::span;
use crate::error::{Effect, Error, Kind};
use crate::transport::{EgressTransport, Transport};
use crate::{Clock, Timestamp};

pub use crate::answer::Answer;
pub use auth::{Company, Device, User};
pub use config::{Config, Encryption, Format, PAY_TIME_LIMIT_MIN};
pub use message::{FundBill, Goods, State, channel_name};
pub use notification::{Notification, ack, try_again};
pub use request::{
    BatchQueryRequest, Lookup, OfficialAccountRequest, PayRequest, PrecreateRequest, RefundRequest,
    Revocation, VerifyResultsRequest, VoucherRequest,
};
pub use response::{
    BatchQueryResponse, Bridge, CancelResponse, OfficialAccountResponse, PayChannel, PayResponse,
    PrecreateResponse, QueryResponse, RefundResponse, Trade,
};
pub use write_off::{Redeemed, Redemption, RedemptionNews, RedemptionPage, VoucherInfo};

use config::Keys;
use exchange::Operation;

/// A shop's client of one platform. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    clock: Clock,
}

struct Shared {
    config: Config,
    keys: Keys,
    transport: Box<dyn Transport>,
}

impl Client {
    /// A client over the default transport. Nothing is sent yet.
    ///
    /// # Errors
    /// When a setting cannot be used; the text names it.
    pub fn new(config: Config) -> Result<Client, Error> {
        Client::over(config, EgressTransport::default())
    }

    /// A client over a transport of your own.
    ///
    /// # Errors
    /// When a setting cannot be used; the text names it.
    pub fn over(config: Config, transport: impl Transport) -> Result<Client, Error> {
        config.check()?;
        let keys = Keys::of(&config);
        let shared = Shared { config, keys, transport: Box::new(transport) };
        Ok(Client { shared: Arc::new(shared), clock: Clock::system() })
    }

    /// The same client by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Client {
        Client { clock, ..self }
    }

    /// How the client is set up.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Collects from the code that the customer shows (section 5.1). The platform holds the call until
    /// the customer has paid, refused, or let 80 seconds pass; success means paid.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: ask with [`Lookup::charge_code`].
    pub async fn pay(&self, request: &PayRequest) -> Result<Answer<PayResponse>, Error> {
        let operation = Operation::Pay;
        operation.check(request.missing())?;
        let mut call = self.message(operation, &request.0);
        call.time_limit = self.shared.config.pay_time_limit;
        let paid = self.exchange(call, PayResponse::read).await?;
        self.same(operation, paid, request.0.get("CHARGE_CODE"), |paid| paid.charge_code.as_deref())
    }

    /// Creates an order to be paid by a code that the shop shows (section 5.2). Success does not mean
    /// paid: that is told by a notification, or a query.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: the order may exist, but nobody has seen
    /// its code, so revoke it and create another.
    pub async fn precreate(&self, request: &PrecreateRequest) -> Result<Answer<PrecreateResponse>, Error> {
        let operation = Operation::Precreate;
        operation.check(request.missing())?;
        let created = self.exchange(self.message(operation, &request.0), PrecreateResponse::read).await?;
        self.same(operation, created, request.0.get("CHARGE_CODE"), |created| created.charge_code.as_deref())
    }

    /// Creates an order to be paid inside an official account or an app (section 5.3).
    ///
    /// # Errors
    /// As for [`Client::precreate`].
    pub async fn official_account(
        &self,
        request: &OfficialAccountRequest,
    ) -> Result<Answer<OfficialAccountResponse>, Error> {
        let operation = Operation::Precreate;
        operation.check(request.missing())?;
        let created =
            self.exchange(self.message(operation, &request.0), OfficialAccountResponse::read).await?;
        self.same(operation, created, request.0.get("CHARGE_CODE"), |created| created.charge_code.as_deref())
    }

    /// Gives money back (section 5.5). Success means done or accepted and under way; which of the two
    /// says a query.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: ask with [`Lookup::refund_no`].
    pub async fn refund(&self, request: &RefundRequest) -> Result<Answer<RefundResponse>, Error> {
        let operation = Operation::Refund;
        operation.check(request.missing())?;
        let refunded = self.exchange(self.message(operation, &request.0), RefundResponse::read).await?;
        match request.0.get("CHARGE_DOWN_CODE") {
            Some(number) => {
                self.same(operation, refunded, Some(number), |refunded| refunded.charge_down_code.as_deref())
            }
            None => {
                let number = request.0.get("CHARGE_CODE");
                self.same(operation, refunded, number, |refunded| refunded.charge_code.as_deref())
            }
        }
    }

    /// Asks how an order or a refund stands (section 5.6).
    ///
    /// # Errors
    /// [`Error::code`] is [`code::CHARGE_NONEXISTENT`] when there is none with this number.
    pub async fn query(&self, lookup: &Lookup) -> Result<Answer<QueryResponse>, Error> {
        let operation = Operation::Query;
        let (number, field, ser_type) = lookup.parts();
        operation.check(number.is_empty().then_some(field))?;
        let busi_id = self.shared.config.busi_id.as_str();
        let parameters = ser_type.map(|ser_type| ("serType", ser_type));
        let call = self.question(operation, &[number, busi_id], &[number.as_bytes()], parameters.as_slice());
        let found = self.exchange(call, QueryResponse::read).await?;
        let asked = Some(number);
        match lookup {
            // The answer may be that of a refund, which need not repeat its number.
            Lookup::ChargeCode(_) if found.state.number() < 10 => {
                self.same(operation, found, asked, |found| found.charge_code.as_deref())
            }
            Lookup::ChargeDownCode(_) => {
                self.same(operation, found, asked, |found| found.charge_down_code.as_deref())
            }
            Lookup::ChargeCode(_) | Lookup::RefundNo(_) => Ok(found),
        }
    }

    /// Revokes an order by the shop's own number (section 5.7): closes it, or gives back what was paid.
    /// An order that is revoked already is a success.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: call again, or query.
    pub async fn cancel(
        &self,
        charge_code: &str,
        revocation: Revocation,
    ) -> Result<Answer<CancelResponse>, Error> {
        let operation = Operation::Cancel;
        operation.check(charge_code.is_empty().then_some("CHARGE_CODE"))?;
        let busi_id = self.shared.config.busi_id.as_str();
        let parameters = (revocation == Revocation::Application).then_some(("opType", "ACO"));
        let signed: [&[u8]; 4] = [b"chargeCode=", charge_code.as_bytes(), b"&busiCode=", busi_id.as_bytes()];
        self.revoke(self.question(operation, &[charge_code, busi_id], &signed, parameters.as_slice())).await
    }

    /// A page of the shop's orders (section 5.8).
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn batch_query(
        &self,
        request: &BatchQueryRequest,
    ) -> Result<Answer<BatchQueryResponse>, Error> {
        let operation = Operation::BatchQuery;
        operation.check(request.missing())?;
        let page = [("pageNum", "1"), ("pageSize", "10")];
        let defaults = page.into_iter().filter(|(name, _)| request.0.get(name).is_none());
        let parameters: Vec<(&str, &str)> = request.0.iter().chain(defaults).collect();
        let call = self.question(operation, &[], &[], &parameters);
        self.exchange(call, BatchQueryResponse::read).await
    }

    /// The channels that the shop may use, in the order in which to show them (section 5.9).
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn channels(&self) -> Result<Answer<Vec<PayChannel>>, Error> {
        let busi_id = self.shared.config.busi_id.as_str();
        let signed: [&[u8]; 2] = [b"busiCode=", busi_id.as_bytes()];
        let call = self.question(Operation::Channels, &[busi_id], &signed, &[]);
        self.exchange(call, PayChannel::list).await
    }

    /// Signs a user in (section 5.10). The password goes in the body of a POST.
    ///
    /// # Errors
    /// [`Error::is_rejected`] for a wrong password or a user that may not sign in; [`Error::info`] says
    /// which, in the platform's words.
    pub async fn auth(&self, username: &str, password: &Secret) -> Result<Answer<User>, Error> {
        let operation = Operation::Auth;
        operation.check(missing_of_login(username, password))?;
        self.sign_in(operation, username, password, &[], auth::user).await
    }

    /// Signs an app in (appendix A): tells the channels that it may offer, in their order. The platform
    /// remembers the device.
    ///
    /// # Errors
    /// As for [`Client::auth`].
    pub async fn login(
        &self,
        username: &str,
        password: &Secret,
        device: &Device,
    ) -> Result<Answer<Vec<PayChannel>>, Error> {
        let operation = Operation::Login;
        operation.check(missing_of_login(username, password))?;
        let Device { imei, app_version, terminal_type } = device;
        let more = [("imei", imei.as_str()), ("appVer", app_version), ("teType", terminal_type)];
        self.sign_in(operation, username, password, &more, auth::channels).await
    }

    /// Proves and reads a notification (section 8): `url_query` is the query of the address it came to,
    /// `body` the body, both exactly as received. Answer with [`ack`] once the news are kept.
    ///
    /// # Errors
    /// [`Error::is_untrusted`] when it is not from the platform, was changed, is too old, or is for
    /// another merchant.
    pub fn parse_notification(&self, url_query: &str, body: &[u8]) -> Result<Notification, Error> {
        let config = &self.shared.config;
        let age_max = span(config.signature_age_max);
        notification::parse(&self.shared.keys, &config.busi_id, url_query, body, self.now(), age_max)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn time_limit(&self) -> Duration {
        self.shared.config.time_limit
    }

    /// Refuses an answer about another order than was asked for. Answers are not bound to requests by
    /// their signature, so this is what binds them.
    fn same<T>(
        &self,
        operation: Operation,
        answer: Answer<T>,
        asked: Option<&str>,
        told: impl Fn(&T) -> Option<&str>,
    ) -> Result<Answer<T>, Error> {
        match (asked, told(&answer)) {
            (Some(asked), Some(told)) if asked != told => {
                let problem = format!("it is about the order `{told}` instead of `{asked}`");
                Err(operation.error(Kind::Untrusted { problem }).with_raw(answer.raw().to_owned()))
            }
            _ => Ok(answer),
        }
    }
}

fn missing_of_login(username: &str, password: &Secret) -> Option<&'static str> {
    match (username.is_empty(), password.expose().is_empty()) {
        (true, _) => Some("username"),
        (false, true) => Some("password"),
        (false, false) => None,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Operation {
    /// What it does at the platform.
    pub(crate) fn effect(self) -> Effect {
        match self {
            Operation::Pay
            | Operation::Precreate
            | Operation::Refund
            | Operation::Cancel
            | Operation::VerifyGet
            | Operation::VerifyCheck
            | Operation::VerifyCancel => Effect::Changes,
            Operation::Query
            | Operation::BatchQuery
            | Operation::Channels
            | Operation::Auth
            | Operation::Login
            | Operation::VerifyQuery
            | Operation::VerifyLook
            | Operation::VerifyResults => Effect::Reads,
        }
    }

    pub(crate) fn error(self, kind: Kind) -> Error {
        Error::new(self.name(), self.effect(), kind)
    }

    fn check(self, missing: Option<&'static str>) -> Result<(), Error> {
        let code = Some(code::MISSING);
        missing.map_or(Ok(()), |field| Err(self.error(Kind::Missing { field, code })))
    }
}
