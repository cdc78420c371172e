//! What is asked of a store before a decision, what it finds, what a decision changes, and the sum of
//! a batch's changes.

use std::collections::BTreeMap;

use crate::{
    Account, AccountDelta, Balance, Credential, Deposit, Endpoint, EndpointId, Event, EventKind, Order,
    OrderId, OrderRef, Partner, PartnerId, PastOrder, PastRefund, Payment, Product, ProductId, Redemption,
    Refund, Sku, SkuId, Stock, StockKey, Task, TaskKey, Transfer, User, Voucher, VoucherCode, VoucherId,
};

/// Something that must be known before a command can be decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// A partner with its endpoints and the position of its event stream.
    Partner(PartnerId),
    /// An order with its payments and refunds.
    Order(PartnerId, OrderId),
    /// The same, by the partner's own number; or what is kept of it, when it has gone.
    OrderNumber(PartnerId, String),
    /// A refund by the partner's refund number, with its order, the order's payments and refunds; or what
    /// is kept of it, when it has gone.
    RefundNumber(PartnerId, String),
    /// A task.
    Task(TaskKey),
    /// All tasks about an order.
    TasksOf(PartnerId, OrderId),
    /// An event by its number, with the redemption that it tells and the voucher of that.
    Event(PartnerId, i64),
    /// A voucher of a partner.
    Voucher(PartnerId, VoucherId),
    /// The same, by the partner's own number.
    VoucherNumber(PartnerId, String),
    /// The voucher with a code, whoever's it is.
    VoucherCode(VoucherCode),
    /// The vouchers that an order has bought, and the order as [`Need::Order`] has it.
    VouchersOf(PartnerId, OrderId),
    /// The same, by the partner's own number of the order.
    VouchersOfNumber(PartnerId, String),
    /// A product with its skus.
    Product(ProductId),
    /// A sku with its product and the partner that sells it.
    Sku(SkuId),
    /// A stock. Locked where others could change it.
    Stock(StockKey),
    /// The prepaid balance of a partner in each currency. Locked where others could change it.
    Balance(PartnerId),
    /// A deposit by the operator's own number.
    Deposit(PartnerId, String),
    /// The endpoints of all partners that want to hear of this, with those partners and their streams.
    Listeners(EventKind),
    /// The credentials of a dialect that go by a key id, whoever's they are.
    KeyId {
        /// The dialect.
        dialect: String,
        /// The key id.
        key_id: String,
    },
    /// All credentials of a partner.
    Credentials(PartnerId),
    /// A user by login.
    User(PartnerId, String),
}

impl Need {
    /// The need for an order by one of its names.
    pub fn order(partner: PartnerId, order: &OrderRef) -> Need {
        match order {
            OrderRef::Id(id) => Need::Order(partner, *id),
            OrderRef::Number(number) => Need::OrderNumber(partner, number.clone()),
        }
    }
}

/// The position of a partner's event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Whose.
    pub partner: PartnerId,
    /// The number of the latest event; 0 before the first.
    pub last: i64,
}

/// Rows that a store found for a list of needs.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Partners.
    pub partners: Vec<Partner>,
    /// Their endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Their event streams.
    pub streams: Vec<Stream>,
    /// Orders.
    pub orders: Vec<Order>,
    /// Payments.
    pub payments: Vec<Payment>,
    /// Refunds.
    pub refunds: Vec<Refund>,
    /// Orders that have gone, whose number was asked for.
    pub past_orders: Vec<PastOrder>,
    /// Refunds that have gone, whose number was asked for.
    pub past_refunds: Vec<PastRefund>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Credentials.
    pub credentials: Vec<Credential>,
    /// Users.
    pub users: Vec<User>,
    /// Events.
    pub events: Vec<Event>,
    /// Vouchers.
    pub vouchers: Vec<Voucher>,
    /// Redemptions that events tell.
    pub redemptions: Vec<Redemption>,
    /// Products.
    pub products: Vec<Product>,
    /// Skus.
    pub skus: Vec<Sku>,
    /// Stocks.
    pub stocks: Vec<Stock>,
    /// Sums of prepaid accounts.
    pub balances: Vec<Balance>,
    /// Deposits.
    pub deposits: Vec<Deposit>,
}

/// What one decision changes. Rows are whole new values; nothing is written until the batch commits.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Partners, new or changed.
    pub partners: Vec<Partner>,
    /// Credentials, new or changed.
    pub credentials: Vec<Credential>,
    /// Users, new or changed.
    pub users: Vec<User>,
    /// New endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Endpoints that go.
    pub endpoints_removed: Vec<(PartnerId, EndpointId)>,
    /// Orders, new or changed.
    pub orders: Vec<Order>,
    /// Payments, new or changed.
    pub payments: Vec<Payment>,
    /// Refunds, new or changed.
    pub refunds: Vec<Refund>,
    /// Orders that go, as they were, with their payments and refunds; what is kept of them is in
    /// `past_orders` and `past_refunds`.
    pub orders_removed: Vec<Order>,
    /// What is kept of the orders that go.
    pub past_orders: Vec<PastOrder>,
    /// What is kept of their refunds.
    pub past_refunds: Vec<PastRefund>,
    /// New transfers.
    pub transfers: Vec<Transfer>,
    /// New events, numbered.
    pub events: Vec<Event>,
    /// New tasks.
    pub tasks_new: Vec<Task>,
    /// Tasks with new values; one that has gone meanwhile stays gone.
    pub tasks_changed: Vec<Task>,
    /// Tasks that go.
    pub tasks_removed: Vec<TaskKey>,
    /// Events that go, by number.
    pub events_removed: Vec<(PartnerId, i64)>,
    /// Vouchers, new or changed.
    pub vouchers: Vec<Voucher>,
    /// New redemptions.
    pub redemptions: Vec<Redemption>,
    /// Products, new or changed.
    pub products: Vec<Product>,
    /// Skus, new or changed.
    pub skus: Vec<Sku>,
    /// Stocks, new or changed.
    pub stocks: Vec<Stock>,
    /// New deposits.
    pub deposits: Vec<Deposit>,
    /// What the gateway has to remember about itself.
    pub facts: Vec<Fact>,
}

/// Something a gateway remembers about itself across restarts, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its name, for instance `clock`.
    pub name: String,
    /// Its value, in a form that its owner knows.
    pub value: String,
}

/// The sum of a batch: what one transaction has to write. Order within a list does not matter.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    /// Partners to insert.
    pub partners_new: Vec<Partner>,
    /// Partners to update.
    pub partners_changed: Vec<Partner>,
    /// Credentials to insert.
    pub credentials_new: Vec<Credential>,
    /// Credentials to update.
    pub credentials_changed: Vec<Credential>,
    /// Users to insert.
    pub users_new: Vec<User>,
    /// Users to update.
    pub users_changed: Vec<User>,
    /// Endpoints to insert.
    pub endpoints_new: Vec<Endpoint>,
    /// Endpoints to delete.
    pub endpoints_removed: Vec<(PartnerId, EndpointId)>,
    /// Event streams that begin.
    pub streams_new: Vec<Stream>,
    /// Event streams that went on.
    pub streams_changed: Vec<Stream>,
    /// Orders to insert.
    pub orders_new: Vec<Order>,
    /// Orders to update.
    pub orders_changed: Vec<Order>,
    /// Payments to insert.
    pub payments_new: Vec<Payment>,
    /// Payments to update.
    pub payments_changed: Vec<Payment>,
    /// Refunds to insert.
    pub refunds_new: Vec<Refund>,
    /// Refunds to update.
    pub refunds_changed: Vec<Refund>,
    /// Orders to delete with all their payments and refunds, as they were: whatever counts orders has to
    /// take these off.
    pub orders_removed: Vec<Order>,
    /// What is kept of orders that have gone, to insert.
    pub past_orders: Vec<PastOrder>,
    /// What is kept of refunds that have gone, to insert.
    pub past_refunds: Vec<PastRefund>,
    /// Transfers to insert.
    pub transfers: Vec<Transfer>,
    /// What the transfers change on each account (partner, account, currency code).
    pub accounts: BTreeMap<(PartnerId, Account, String), AccountDelta>,
    /// Events to insert.
    pub events: Vec<Event>,
    /// Tasks to insert.
    pub tasks_new: Vec<Task>,
    /// Tasks to update where they still exist.
    pub tasks_changed: Vec<Task>,
    /// Tasks to delete.
    pub tasks_removed: Vec<TaskKey>,
    /// Events to delete, by number.
    pub events_removed: Vec<(PartnerId, i64)>,
    /// Vouchers to insert.
    pub vouchers_new: Vec<Voucher>,
    /// Vouchers to update.
    pub vouchers_changed: Vec<Voucher>,
    /// Redemptions to insert.
    pub redemptions: Vec<Redemption>,
    /// Products to insert.
    pub products_new: Vec<Product>,
    /// Products to update.
    pub products_changed: Vec<Product>,
    /// Skus to insert.
    pub skus_new: Vec<Sku>,
    /// Skus to update.
    pub skus_changed: Vec<Sku>,
    /// Stocks to insert.
    pub stocks_new: Vec<Stock>,
    /// Stocks to update.
    pub stocks_changed: Vec<Stock>,
    /// Deposits to insert.
    pub deposits: Vec<Deposit>,
    /// Facts to insert, of names that must be free.
    pub facts_new: Vec<Fact>,
    /// Facts to insert or overwrite.
    pub facts: Vec<Fact>,
}

impl WriteSet {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.partners_new.is_empty()
            && self.partners_changed.is_empty()
            && self.credentials_new.is_empty()
            && self.credentials_changed.is_empty()
            && self.users_new.is_empty()
            && self.users_changed.is_empty()
            && self.endpoints_new.is_empty()
            && self.endpoints_removed.is_empty()
            && self.orders_new.is_empty()
            && self.orders_changed.is_empty()
            && self.payments_new.is_empty()
            && self.payments_changed.is_empty()
            && self.refunds_new.is_empty()
            && self.refunds_changed.is_empty()
            && self.orders_removed.is_empty()
            && self.past_orders.is_empty()
            && self.past_refunds.is_empty()
            && self.transfers.is_empty()
            && self.events.is_empty()
            && self.tasks_new.is_empty()
            && self.tasks_changed.is_empty()
            && self.tasks_removed.is_empty()
            && self.events_removed.is_empty()
            && self.vouchers_new.is_empty()
            && self.vouchers_changed.is_empty()
            && self.redemptions.is_empty()
            && self.products_new.is_empty()
            && self.products_changed.is_empty()
            && self.skus_new.is_empty()
            && self.skus_changed.is_empty()
            && self.stocks_new.is_empty()
            && self.stocks_changed.is_empty()
            && self.deposits.is_empty()
            && self.facts_new.is_empty()
            && self.facts.is_empty()
    }
}
