//! What the application asks of a database.
//!
//! A store does four things: it loads rows for a batch of needs, commits the sum of a batch in one
//! durable transaction, leases due tasks, and answers reads for people and partners. It decides
//! nothing. [`contract`] is the suite of tests that every store has to pass; [`faulty`] wraps a store
//! to let steps fail on purpose; [`audit`] judges whether what is stored agrees with itself.

pub mod audit;
mod columns;
pub mod contract;
pub mod counts;
pub mod faulty;
pub mod finding;
pub mod moving;
pub mod retention;
mod tasks;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tradewind_domain::{
    About, Balance, Day, Deposit, DepositId, Endpoint, Event, Fact, ListOrders, ListRedemptions, ListSkus,
    Need, NodeId, Order, OrderId, OrderPage, Partner, PartnerId, Payment, ProductId, Redemption,
    RedemptionId, RedemptionPage, Refund, RefundId, Rows, SkuId, SkuPage, Span, Stock, Task, TaskId, TaskKey,
    Timestamp, Transfer, User, Voucher, VoucherId, WriteSet,
};

pub use columns::{
    NO_DAY, NotReadable, about_number, about_of_number, cause_number, cause_of_number, contacts_of,
    contacts_text, day_number, day_of_number, pictures_of, pictures_text, sku_kind_of, sku_kind_text,
    terms_of, terms_text, travellers_of, travellers_text,
};

pub use tasks::{NoTaskPlace, TaskFilter, TaskPage, TaskPlace};

/// A boxed future, so that stores can be used as trait objects and big futures are compiled once.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be used at the moment; nothing was changed.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A unique key was violated or another transaction was in the way; nothing was changed.
    #[error("the change conflicts with another: {0}")]
    Conflict(String),
    /// Too much waits already; nothing was done.
    #[error("too much to do at once: {0}")]
    Busy(String),
    /// The connection broke while committing; whether the change is there is not known.
    #[error("it is not known whether the change was committed: {0}")]
    Unknown(String),
    /// What is stored cannot be understood.
    #[error("what is stored cannot be understood: {0}")]
    Corrupt(String),
}

/// The result of asking a store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A database with the gateway's tables.
pub trait Store: Send + Sync + 'static {
    /// Opens a lane to write through. A store says by [`Store::lanes`] how many it wants.
    fn open_lane(&self) -> BoxFuture<'_, Result<Box<dyn Lane>>>;

    /// How many lanes to run, at least one.
    fn lanes(&self) -> usize;

    /// Whether the futures of a lane block their thread, so that the lane needs one of its own.
    fn lanes_block(&self) -> bool;

    /// Reads committed rows. Absent ones are left out.
    fn read(&self, needs: Vec<Need>) -> BoxFuture<'_, Result<Rows>>;

    /// Leases pending tasks that are due, earliest first within a partner, so that no other caller
    /// gets them until they are changed, removed, released, or the lease runs out.
    fn lease_tasks(&self, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>>;

    /// Gives leased tasks back unchanged.
    fn release_tasks(&self, keys: Vec<TaskKey>) -> BoxFuture<'_, Result<()>>;

    /// A page of a partner's orders, newest first. It takes the same time wherever it lies; of orders that
    /// have to be looked at one by one, no more than [`counts::LOOKED_AT_MAX`] are.
    fn list_orders(&self, query: OrderQuery) -> BoxFuture<'_, Result<OrderPage>>;

    /// A page of what a partner has redeemed, newest first, each with its voucher; in the same way.
    fn list_redemptions(&self, query: RedemptionQuery) -> BoxFuture<'_, Result<RedemptionPage>>;

    /// What one voucher has been used for, newest first; at most `limit`.
    fn redemptions_of(
        &self,
        partner: PartnerId,
        voucher: VoucherId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Redemption>>>;

    /// Skus that are on sale, by id: those whose product is, as far as their sale window is open. Each with
    /// its product and, where it is not sold by the day, its stock.
    fn list_skus(&self, query: SkuQuery) -> BoxFuture<'_, Result<SkuPage>>;

    /// The stocks of the days of a sku from `from` to `until`, both included, in order; the first
    /// [`StockPlan::MAX`](tradewind_domain::StockPlan::MAX) of them. Days without a stock are left out.
    fn list_stocks(&self, sku: SkuId, from: Day, until: Day) -> BoxFuture<'_, Result<Vec<Stock>>>;

    /// Products by id, after `after`, on sale or not, each with all its skus; those of one seller, or of all.
    fn list_products(
        &self,
        seller: Option<PartnerId>,
        after: Option<ProductId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Rows>>;

    /// Refunds of units that wait for somebody's decision, each with its order, by partner and id.
    fn list_refunds_under_review(
        &self,
        after: Option<(PartnerId, RefundId)>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(Refund, Order)>>>;

    /// The deposits of a partner by id, after `after`.
    fn list_deposits(
        &self,
        partner: PartnerId,
        after: Option<DepositId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Deposit>>>;

    /// The sums of all accounts in a partner's books, by account and currency. [`Need::Balance`] has the
    /// prepaid ones alone.
    fn balances(&self, partner: PartnerId) -> BoxFuture<'_, Result<Vec<Balance>>>;

    /// Everything about one order.
    fn story(&self, partner: PartnerId, order: OrderId) -> BoxFuture<'_, Result<Option<Story>>>;

    /// Partners with their credentials, by id, after `after`.
    fn list_partners(&self, after: Option<PartnerId>, limit: u32) -> BoxFuture<'_, Result<Rows>>;

    /// The users of a partner, by login, after `after`.
    fn list_users(
        &self,
        partner: PartnerId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<User>>>;

    /// Users by login, whoever's they are; at most `limit`.
    fn find_users(&self, login: String, limit: u32) -> BoxFuture<'_, Result<Vec<User>>>;

    /// Events of a partner after number `after`, in order.
    fn list_events(&self, partner: PartnerId, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>>;

    /// A page of tasks by filter, in an order that an index of the store has: every task that passes and
    /// does not change meanwhile is on one page.
    fn list_tasks(&self, filter: TaskFilter) -> BoxFuture<'_, Result<TaskPage>>;

    /// The task of an id that waits, has failed or was called off. Done ones are in no index by id; see
    /// [`finding`].
    fn find_task(&self, partner: PartnerId, id: TaskId) -> BoxFuture<'_, Result<Option<Task>>>;

    /// All tasks of a partner that are about any of these, in the order of their ids.
    fn tasks_about(&self, partner: PartnerId, about: Vec<About>) -> BoxFuture<'_, Result<Vec<Task>>>;

    /// The ids of a partner's orders between two others, oldest first; at most `limit`.
    fn orders_between(
        &self,
        partner: PartnerId,
        after: OrderId,
        before: OrderId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<OrderId>>>;

    /// The fact of this name.
    fn fact(&self, name: String) -> BoxFuture<'_, Result<Option<Fact>>>;

    /// The facts whose names begin with this, by name. For families of facts that stay few.
    fn facts(&self, prefix: String) -> BoxFuture<'_, Result<Vec<Fact>>>;

    /// A node number that no other live process uses.
    fn claim_node(&self) -> BoxFuture<'_, Result<NodeId>>;

    /// Checks what is stored against itself.
    fn verify(&self) -> BoxFuture<'_, Result<Verification>>;

    /// Whether the database answers.
    fn ping(&self) -> BoxFuture<'_, Result<()>>;
}

/// A way to write. One batch at a time: load, decide outside, commit.
pub trait Lane: Send {
    /// Loads rows for a batch, locked or versioned where others could change them.
    fn load<'a>(&'a mut self, needs: &'a [Need]) -> BoxFuture<'a, Result<Rows>>;

    /// Writes the sum of a batch in one transaction; when it returns `Ok`, it is on disk. A unique key
    /// that is taken and an update of a row that is not there (tasks excepted) are a
    /// [`StoreError::Conflict`].
    fn commit<'a>(&'a mut self, set: &'a WriteSet) -> BoxFuture<'a, Result<()>>;

    /// Ends a batch of which nothing is to be written, and lets go of what [`Lane::load`] has locked.
    fn abandon(&mut self) -> BoxFuture<'_, Result<()>>;
}

/// Which tasks to lease.
#[derive(Clone, Debug)]
pub struct LeaseRequest {
    /// Due at or before.
    pub now: Timestamp,
    /// How many at most.
    pub limit: usize,
    /// How many at most of one partner, counting those that are leased already.
    pub limit_per_partner: usize,
    /// For how long, in real time, before others may take them; a store that only one process can use
    /// lets leases last as long as the process.
    pub lease_for: Duration,
}

/// Leased tasks.
#[derive(Clone, Debug, Default)]
pub struct Leased {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// When the next pending task that is not due yet will be.
    pub next_due: Option<Timestamp>,
    /// Due tasks were left because of a limit.
    pub more: bool,
    /// Those among the tasks that somebody else had leased, whose lease ran out: they may have been
    /// begun.
    pub retaken: HashSet<TaskKey>,
}

/// Which orders to list, in whose books, and the facts that standings derive from.
#[derive(Clone, Debug)]
pub struct OrderQuery {
    /// Whose.
    pub partner: PartnerId,
    /// Which.
    pub list: ListOrders,
    /// Standings are as of this instant.
    pub now: Timestamp,
    /// For how long paid orders may be refunded.
    pub refund_window: Span,
}

/// Which redemptions to list, made by whom.
#[derive(Clone, Debug)]
pub struct RedemptionQuery {
    /// Who redeemed.
    pub by: PartnerId,
    /// Which.
    pub list: ListRedemptions,
}

impl RedemptionQuery {
    /// The ids that the list is of, from the first until before the second.
    pub fn ids(&self) -> (i64, i64) {
        let list = &self.list;
        let (from, until) =
            (RedemptionId::first_at(list.from).get(), RedemptionId::first_at(list.until).get());
        match list.id.map(RedemptionId::get) {
            None => (from, until),
            Some(id) => (from.max(id), until.min(id.saturating_add(1))),
        }
    }
}

/// Which skus to list, on sale at which instant.
#[derive(Clone, Debug)]
pub struct SkuQuery {
    /// Which. What is chosen by id has to be on sale like the rest, and comes by id, each sku once; the total
    /// is how many were found.
    pub list: ListSkus,
    /// On sale at this instant.
    pub now: Timestamp,
}

/// Everything about one order.
#[derive(Clone, Debug)]
pub struct Story {
    /// The order.
    pub order: Order,
    /// Its payments, oldest first.
    pub payments: Vec<Payment>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Its transfers, oldest first.
    pub transfers: Vec<Transfer>,
    /// Its events, oldest first.
    pub events: Vec<Event>,
    /// Its tasks, oldest first.
    pub tasks: Vec<Task>,
    /// What it has bought, by id.
    pub vouchers: Vec<Voucher>,
    /// What has been redeemed of that, oldest first.
    pub redemptions: Vec<Redemption>,
    /// Whose it is.
    pub partner: Partner,
    /// The partner's endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// How many of what were checked.
    pub checked: Vec<(&'static str, u64)>,
    /// What is wrong, in words with ids; at most [`FINDINGS_MAX`], the rest is counted.
    pub findings: Vec<String>,
}

/// How many findings a verification lists.
pub const FINDINGS_MAX: usize = 100;
