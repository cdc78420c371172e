//! The lianhe protocol: distributors buy e-tickets from a prepaid balance, apply for refunds, and are told
//! of used tickets and reviewed refunds. Sections in comments are those of the protocol's specification.
//!
//! A [`Client`] has a method per operation. It checks that mandatory fields are there, signs, sends, and
//! understands the answer. A refusal of the platform is an [`Error`], which [`Refusal::of`] reads; so is an
//! unknown outcome, which is never a failure: see [`Error::is_unknown_outcome`]. What was bought then is
//! found out with [`Client::resolve_new_order`]:
//!
//! ```no_run
//! use tradewind_sdk::lianhe::{Client, OrderRequest, Resolved};
//! use tradewind_sdk::Error;
//!
//! /// The codes of the tickets, if they could be bought.
//! async fn buy(client: &Client, request: &OrderRequest) -> Result<Vec<String>, Error> {
//!     match client.new_order(request).await {
//!         Ok(bought) => Ok(bought.into_inner().vouchers),
//!         Err(error) if error.is_unknown_outcome() => match client.resolve_new_order(request).await? {
//!             Resolved::Bought(order) => Ok(order.into_inner().vouchers),
//!             // Its number keeps the same request from buying twice.
//!             Resolved::NotThere => Ok(client.new_order(request).await?.into_inner().vouchers),
//!             _ => Err(error),
//!         },
//!         Err(error) => Err(error),
//!     }
//! }
//! ```
//!
//! Notifications arrive at a web server of the partner; [`Client::parse_notification`] proves and reads
//! them, whatever that server is:
//!
//! ```
//! use tradewind_sdk::http::HeaderMap;
//! use tradewind_sdk::lianhe::{Client, News, ack, try_again};
//!
//! /// Called by the web server with the headers and the body, as they were received.
//! fn notified(client: &Client, headers: &HeaderMap, body: &[u8]) -> (u16, &'static str) {
//!     let header = |name: &str| headers.get(name)?.to_str().ok();
//!     match client.parse_notification(header, body) {
//!         Ok(told) => {
//!             if let News::Redeemed(redeemed) = &told.news {
//!                 println!("{} of order {} are used", redeemed.used, redeemed.order_id);
//!             }
//!             (200, ack())
//!         }
//!         Err(error) if error.is_untrusted() => (403, try_again()),
//!         Err(_) => (400, try_again()),
//!     }
//! }
//! ```

mod config;
mod exchange;
mod notification;
mod request;
mod response;

use std::fmt;
use std::sync::Arc;

use tradewind_dialect::codec::Writer;
use tradewind_domain::{Day, Timestamp};
use tradewind_lianhe::client::{self, Account};

use crate::clock::span;
use crate::error::Error;
use crate::transport::{EgressTransport, Transport};
use crate::{Amount, Answer, Clock};

pub use config::Config;
pub use notification::{
    Change, News, Notification, ProductChanged, Redeemed, RefundRejected, Refunded, ack, try_again,
};
pub use request::{OrderNames, OrderRequest, ProductQuery, RefundRequest, SmsFrom, Visitor};
pub use response::{
    Applied, CalendarDay, OrderState, Placed, Prices, Product, ProductPage, Refusal, Resent, Resolved, Told,
    VoucherType,
};
pub use tradewind_lianhe::client::{PurchaseNote, RefundRule, ServicePhone, TeamType};
pub use tradewind_lianhe::{Code, OrderStatus, ReStatus};

use exchange::{Operation, same};

/// A distributor's client of one platform. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    clock: Clock,
}

struct Shared {
    config: Config,
    account: Account,
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
        let account = config.account();
        let shared = Shared { config, account, transport: Box::new(transport) };
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

    /// Products that can be bought (section 5.1, `getTeam`).
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn products(&self, query: &ProductQuery) -> Result<Answer<ProductPage>, Error> {
        let operation = Operation::Products;
        operation.check(query.missing())?;
        let page = |answer: &client::Answer<'_>| {
            Ok(ProductPage { products: answer.products()?, total: answer.total_size })
        };
        self.exchange(operation, |writer| query.write(writer), page).await
    }

    /// What tickets of a product cost on each day, and how many are left (section 5.2, `getPrice`). Platforms
    /// take up to three months; days on which nothing is sold are left out.
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn prices(
        &self,
        deal_id: &str,
        from: Day,
        until: Day,
    ) -> Result<Answer<Vec<CalendarDay>>, Error> {
        let operation = Operation::Prices;
        operation.check(deal_id.is_empty().then_some("LHDealId"))?;
        let members = |writer: &mut Writer| {
            writer.text("LHDealId", deal_id);
            writer.text("startDate", &from.to_string());
            writer.text("endDate", &until.to_string());
        };
        let days = self.exchange(operation, members, |answer| answer.calendar()).await?;
        same(operation, days, deal_id, |days: &Vec<CalendarDay>| {
            days.iter().filter_map(|day| day.deal_id.as_deref()).find(|told| *told != deal_id)
        })
    }

    /// Creates an order to be paid within half an hour, until when its tickets are held (section 5.3,
    /// `creatOrder`). The same request again gives the same order.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: send the same request again, or find it with
    /// [`Client::find_order`].
    pub async fn create_order(&self, request: &OrderRequest) -> Result<Answer<Placed>, Error> {
        let operation = Operation::CreateOrder;
        operation.check(request.missing())?;
        self.exchange_order(operation, |writer| request.write_created(writer), Placed::read).await
    }

    /// Pays an order that was created, or whose payment failed (section 5.4, `payOrder`); success means paid.
    /// `request` is the one that it was created with. Its first traveller takes the place of the one before.
    ///
    /// # Errors
    /// [`Code::BalanceTooLow`] leaves the order as it is. [`Error::is_unknown_outcome`] when the answer was
    /// lost: send the same request again, or query the order.
    pub async fn pay_order(
        &self,
        lh_order_id: &str,
        request: &OrderRequest,
    ) -> Result<Answer<Placed>, Error> {
        let operation = Operation::PayOrder;
        operation.check(request.missing().or(lh_order_id.is_empty().then_some("LHOrderId")))?;
        let members = |writer: &mut Writer| request.write_paid(lh_order_id, writer);
        let paid = self.exchange_order(operation, members, Placed::read).await?;
        same(operation, paid, lh_order_id, |paid| Some(&paid.lh_order_id))
    }

    /// Creates an order and pays it, the usual way to buy (section 5.5, `newOrder`); success means paid. The
    /// same request again gives the same order.
    ///
    /// # Errors
    /// [`Code::BalanceTooLow`] leaves an order behind, named by [`Refusal::lh_order_id`], that
    /// [`Client::pay_order`] can pay. [`Error::is_unknown_outcome`] when the answer was lost: see
    /// [`Client::resolve_new_order`].
    pub async fn new_order(&self, request: &OrderRequest) -> Result<Answer<Placed>, Error> {
        let operation = Operation::NewOrder;
        operation.check(request.missing())?;
        self.exchange_order(operation, |writer| request.write_new(writer), Placed::read).await
    }

    /// Finds out what has become of a [`Client::new_order`] whose outcome was unknown, with one query.
    ///
    /// # Errors
    /// Nothing is known then either; ask again when [`Error::is_retryable`].
    pub async fn resolve_new_order(&self, request: &OrderRequest) -> Result<Resolved, Error> {
        let found = self.find_order(&request.order_id).await?;
        Ok(found.map_or(Resolved::NotThere, |found| Resolved::of(found, request.quantity)))
    }

    /// Asks how an order stands (section 5.6, `queryOrder`).
    ///
    /// # Errors
    /// [`Refusal::status`] is [`OrderStatus::Unknown`] when there is no order of these names.
    pub async fn query_order(&self, order: &OrderNames) -> Result<Answer<OrderState>, Error> {
        Operation::QueryOrder.check(order.missing())?;
        let found = self.query(order).await?;
        same(Operation::QueryOrder, found, &order.lh_order_id, |found| Some(&found.lh_order_id))
    }

    /// Asks for an order by the partner's own number alone (section 5.6), as one must when the answer that
    /// held the platform's was lost. `None` when there is none.
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn find_order(&self, order_id: &str) -> Result<Option<Answer<OrderState>>, Error> {
        Operation::QueryOrder.check(order_id.is_empty().then_some("orderId"))?;
        match self.query(&OrderNames::new(order_id, "")).await {
            Ok(found) => Ok(Some(found)),
            Err(error) => match Refusal::of(&error).and_then(|refusal| refusal.status) {
                Some(Told::Known(OrderStatus::Unknown)) => Ok(None),
                _ => Err(error),
            },
        }
    }

    async fn query(&self, order: &OrderNames) -> Result<Answer<OrderState>, Error> {
        let operation = Operation::QueryOrder;
        let found = self.exchange_order(operation, |writer| order.write(writer), OrderState::read).await?;
        same(operation, found, &order.order_id, |found| found.order_id.as_deref())
    }

    /// Applies for a refund (section 5.7, `cancelOrder`). Success means accepted for review; what comes of it
    /// is told by a notification, or a query. An order that is not paid just ends.
    ///
    /// # Errors
    /// [`Refusal::refundable`] tells how many could be given back. [`Error::is_unknown_outcome`] when the
    /// answer was lost: send the same request again, or query the order.
    pub async fn cancel_order(&self, request: &RefundRequest) -> Result<Answer<Applied>, Error> {
        let operation = Operation::CancelOrder;
        operation.check(request.missing())?;
        let applied = self.exchange_order(operation, |writer| request.write(writer), Applied::read).await?;
        same(operation, applied, &request.order.lh_order_id, |applied| Some(&applied.lh_order_id))
    }

    /// Has the codes sent to the traveller again (section 5.8, `send`). Platforms do so a few times for an
    /// order, and not twice in a minute.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: the codes may have been sent.
    pub async fn send(&self, order: &OrderNames) -> Result<Answer<Resent>, Error> {
        let operation = Operation::Send;
        operation.check(order.missing())?;
        self.exchange_order(operation, |writer| order.write(writer), |body| Ok(Resent::read(body))).await
    }

    /// What is left of what was paid in advance (section 9 no. 19, `getBalance`). Not every platform has it.
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn balance(&self) -> Result<Answer<Amount>, Error> {
        self.exchange(Operation::Balance, |_| {}, |answer| answer.balance()).await
    }

    /// Proves and reads a notification (section 8): `header` gives its headers by their lower-case names,
    /// `body` is the body exactly as received. Answer with [`ack`] once the news are kept.
    ///
    /// The platform signs that it sends, not what it sends. Where notifications do not come over TLS, query
    /// the order before anything hangs on the news.
    ///
    /// # Errors
    /// [`Error::is_untrusted`] when it is not from the platform, is too old, or is for another partner.
    pub fn parse_notification<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
    ) -> Result<Notification, Error> {
        let age_max = span(self.shared.config.signature_age_max);
        notification::parse(&self.shared.account, header, body, self.now(), age_max)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
