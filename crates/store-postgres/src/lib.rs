//! The store on PostgreSQL, for as many gateway processes as one likes.
//!
//! A batch costs two flights to the database: one that begins a transaction, locks and loads; one that
//! writes and commits. Each table is asked and written once in it, with arrays for the rows, so that
//! the number of statements does not grow with the batch. Processes meet in the database alone, by
//! row locks, unique keys and leases; nothing here leans on sequences, advisory locks or
//! notifications, and every key leads with the partner.
//!
//! Where to look: `config` for the address and the bounds, `session` and `link` for connections and
//! how they come back, `load` for what is locked in which order, `write` for the statements, `lane`
//! for transactions and their doubtful ends, `leases` and `nodes` for what processes share, `list` and
//! `pages` for lists, `verify` for the proof that it all agrees, `migrate` and `migrations/` for the schema and the
//! roles.

#![forbid(unsafe_code)]

mod codes;
mod config;
mod error;
mod export;
mod lane;
mod leases;
mod link;
mod list;
mod load;
mod migrate;
mod nodes;
mod pages;
#[cfg(test)]
mod plans;
mod pool;
mod retention;
mod rows;
mod session;
mod tls;
mod verify;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tradewind_domain::{
    About, Balance, Day, Deposit, DepositId, Event, Fact, Need, NodeId, Order, OrderId, OrderPage, PartnerId,
    ProductId, Redemption, RedemptionPage, Refund, RefundId, Rows, SkuChoice, SkuId, SkuPage, Stock, Task,
    TaskId, TaskKey, User, VoucherId,
};
use tradewind_store::{
    BoxFuture, Lane, LeaseRequest, Leased, OrderQuery, RedemptionQuery, Result, SkuQuery, Store, StoreError,
    Story, TaskFilter, TaskPage, Verification,
};

pub use config::PostgresConfig;
pub use error::OpenError;
pub use migrate::{Migration, Migrations};

use lane::PostgresLane;
use leases::Leases;
use nodes::Node;
use pool::Readers;
use session::{Connector, Purpose, Step};

/// A store on a PostgreSQL database.
pub struct PostgresStore {
    shared: Arc<Shared>,
}

/// What the store shares with its lanes.
struct Shared {
    connector: Arc<Connector>,
    readers: Readers,
    listers: Readers,
    leases: Leases,
    node: Node,
    verifying: AtomicBool,
}

impl PostgresStore {
    /// Opens the database of `config`, migrating it where that is asked for. Refused when the schema is
    /// not the one that this program was made for.
    pub async fn open(config: PostgresConfig) -> std::result::Result<PostgresStore, OpenError> {
        if config.migrate {
            Migrations::new(config.clone())?.apply().await?;
        }
        let connector = Arc::new(Connector::new(config)?);
        let session = connector.connect(Purpose::Read).await.map_err(OpenError::Unavailable)?;
        migrate::check_current(&session.client).await?;
        let shared = Shared {
            readers: Readers::new(&connector),
            listers: Readers::for_lists(&connector),
            connector,
            leases: Leases::default(),
            node: Node::default(),
            verifying: AtomicBool::new(false),
        };
        Ok(PostgresStore { shared: Arc::new(shared) })
    }

    /// Gives back the leases on tasks and on the node number, so that others need not wait for them to
    /// run out. Commits are not fenced any more afterwards, so the lanes have to be at rest.
    pub async fn close(&self) -> Result<()> {
        self.shared.leases.release_all(&self.shared.readers).await?;
        nodes::release(&self.shared).await
    }
}

impl Store for PostgresStore {
    fn open_lane(&self) -> BoxFuture<'_, Result<Box<dyn Lane>>> {
        Box::pin(async move {
            let lane: Box<dyn Lane> = Box::new(PostgresLane::open(&self.shared).await?);
            Ok(lane)
        })
    }

    fn lanes(&self) -> usize {
        self.shared.connector.config.lanes.max(1)
    }

    fn lanes_block(&self) -> bool {
        false
    }

    fn read(&self, needs: Vec<Need>) -> BoxFuture<'_, Result<Rows>> {
        Box::pin(async move { list::read(&self.shared.readers, &needs).await })
    }

    /// The look for tasks goes on when nobody waits for it any longer, and what it leases is given back.
    fn lease_tasks(&self, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (reply, answer) = tokio::sync::oneshot::channel();
            tokio::spawn(async move {
                let leased = shared.leases.lease(&shared.readers, request).await;
                if let Err(Ok(unwanted)) = reply.send(leased) {
                    let keys: Vec<TaskKey> = unwanted.tasks.iter().map(|task| task.key).collect();
                    if let Err(error) = shared.leases.release(&shared.readers, &keys).await {
                        tracing::warn!(%error, "tasks stay leased by nobody until their leases run out");
                    }
                }
            });
            answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the look for tasks ended".into())))
        })
    }

    fn release_tasks(&self, keys: Vec<TaskKey>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.shared.leases.release(&self.shared.readers, &keys).await })
    }

    fn list_orders(&self, query: OrderQuery) -> BoxFuture<'_, Result<OrderPage>> {
        Box::pin(pages::list_orders(&self.shared.listers, query))
    }

    fn story(&self, partner: PartnerId, order: OrderId) -> BoxFuture<'_, Result<Option<Story>>> {
        Box::pin(list::story(&self.shared.readers, partner, order))
    }

    fn list_partners(&self, after: Option<PartnerId>, limit: u32) -> BoxFuture<'_, Result<Rows>> {
        Box::pin(list::list_partners(&self.shared.readers, after, limit))
    }

    fn list_users(
        &self,
        partner: PartnerId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<User>>> {
        Box::pin(list::list_users(&self.shared.readers, partner, after, limit))
    }

    fn find_users(&self, login: String, limit: u32) -> BoxFuture<'_, Result<Vec<User>>> {
        Box::pin(list::find_users(&self.shared.readers, login, limit))
    }

    fn list_events(&self, partner: PartnerId, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(list::list_events(&self.shared.readers, partner, after, limit))
    }

    fn list_tasks(&self, filter: TaskFilter) -> BoxFuture<'_, Result<TaskPage>> {
        Box::pin(list::list_tasks(&self.shared.readers, filter))
    }

    fn find_task(&self, partner: PartnerId, id: TaskId) -> BoxFuture<'_, Result<Option<Task>>> {
        Box::pin(list::find_task(&self.shared.readers, partner, id))
    }

    fn orders_between(
        &self,
        partner: PartnerId,
        after: OrderId,
        before: OrderId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<OrderId>>> {
        Box::pin(retention::orders_between(&self.shared.readers, partner, after, before, limit))
    }

    fn tasks_about(&self, partner: PartnerId, about: Vec<About>) -> BoxFuture<'_, Result<Vec<Task>>> {
        Box::pin(retention::tasks_about(&self.shared.readers, partner, about))
    }

    fn list_redemptions(&self, query: RedemptionQuery) -> BoxFuture<'_, Result<RedemptionPage>> {
        Box::pin(pages::list_redemptions(&self.shared.listers, query))
    }

    fn redemptions_of(
        &self,
        partner: PartnerId,
        voucher: VoucherId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Redemption>>> {
        Box::pin(list::purchases::redemptions_of(&self.shared.readers, partner, voucher, limit))
    }

    fn list_skus(&self, query: SkuQuery) -> BoxFuture<'_, Result<SkuPage>> {
        let readers = match query.list.choice {
            SkuChoice::Page { .. } => &self.shared.listers,
            SkuChoice::Ids(_) => &self.shared.readers,
        };
        Box::pin(list::catalogue::list_skus(readers, query))
    }

    fn list_stocks(&self, sku: SkuId, from: Day, until: Day) -> BoxFuture<'_, Result<Vec<Stock>>> {
        Box::pin(list::catalogue::list_stocks(&self.shared.readers, sku, from, until))
    }

    fn list_products(
        &self,
        seller: Option<PartnerId>,
        after: Option<ProductId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Rows>> {
        Box::pin(list::catalogue::list_products(&self.shared.readers, seller, after, limit))
    }

    fn list_refunds_under_review(
        &self,
        after: Option<(PartnerId, RefundId)>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(Refund, Order)>>> {
        Box::pin(list::purchases::list_refunds_under_review(&self.shared.readers, after, limit))
    }

    fn list_deposits(
        &self,
        partner: PartnerId,
        after: Option<DepositId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Deposit>>> {
        Box::pin(list::purchases::list_deposits(&self.shared.readers, partner, after, limit))
    }

    fn balances(&self, partner: PartnerId) -> BoxFuture<'_, Result<Vec<Balance>>> {
        Box::pin(list::purchases::balances(&self.shared.readers, partner))
    }

    fn fact(&self, name: String) -> BoxFuture<'_, Result<Option<Fact>>> {
        Box::pin(list::fact(&self.shared.readers, name))
    }

    fn facts(&self, prefix: String) -> BoxFuture<'_, Result<Vec<Fact>>> {
        Box::pin(list::facts(&self.shared.readers, prefix))
    }

    fn claim_node(&self) -> BoxFuture<'_, Result<NodeId>> {
        Box::pin(nodes::claim(&self.shared))
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verification>> {
        Box::pin(async move {
            if self.shared.verifying.swap(true, Ordering::AcqRel) {
                return Err(StoreError::Unavailable("a verification is under way".into()));
            }
            let _running = Verifying(&self.shared.verifying);
            verify::verify(&self.shared.connector).await
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.shared.node.check()?;
            self.shared.readers.fly(|| vec![Step::query("SELECT 1", Vec::new())]).await.map(drop)
        })
    }
}

/// A verification under way; the next may begin when it is dropped.
struct Verifying<'a>(&'a AtomicBool);

impl Drop for Verifying<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
