//! The store on one SQLite file.
//!
//! One process works with a file at a time (a lock file beside it makes sure), one connection writes,
//! and a few threads read from snapshots of their own, so that neither waits for the other. Every
//! commit is synced before it is answered; what makes it quick is that a batch shares the sync.
//!
//! Where to look: `open` for the file and its pragmas, `migrations/` for the tables, `load` and
//! `write` for the hot path, `leases` for due work, `list` and `pages` for lists, `verify` for the proof that it
//! all agrees.

#![forbid(unsafe_code)]

mod codes;
mod error;
mod export;
mod lane;
mod leases;
mod list;
mod load;
mod migrate;
mod open;
mod pages;
#[cfg(test)]
mod plans;
mod readers;
mod retention;
mod rows;
mod verify;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tradewind_domain::{
    About, Balance, Day, Deposit, DepositId, Event, Fact, Need, NodeId, Order, OrderId, OrderPage, PartnerId,
    ProductId, Redemption, RedemptionPage, Refund, RefundId, Rows, SkuChoice, SkuId, SkuPage, Stock, Task,
    TaskId, TaskKey, User, VoucherId,
};
use tradewind_store::moving::{Chunk, Movable, Section};
use tradewind_store::{
    BoxFuture, Lane, LeaseRequest, Leased, OrderQuery, RedemptionQuery, Result, SkuQuery, Store, StoreError,
    Story, TaskFilter, TaskPage, Verification,
};

pub use error::OpenError;
pub use migrate::SchemaStep;
pub use open::SqliteConfig;

use error::store_error;
use lane::SqliteLane;
use leases::{Granted, Leases};
use readers::{Limits, Readers, run_apart};

/// How many reads share a snapshot; a slow one among them delays only these.
const READS_PER_SNAPSHOT_MAX: usize = 16;

/// Scans for due tasks: how many may wait, and each with a snapshot of its own, because a snapshot
/// must not begin before its scan is announced (see `leases`).
const SCANS: Limits = Limits { waiting_max: 64, per_snapshot_max: 1 };

/// A store on one SQLite file. The file is closed when the store and its lane are dropped.
pub struct SqliteStore {
    // The readers end before the writer closes the file, so that the last one out can tidy the log.
    readers: Readers,
    /// Lists that count and look at many rows, apart: however many are asked for, reads by key go on.
    listers: Readers,
    /// One thread with one connection: scans for due tasks never meet, and never wait for reads.
    scanner: Readers,
    shared: Arc<Shared>,
}

/// What the store shares with its lane.
struct Shared {
    path: PathBuf,
    config: SqliteConfig,
    /// The writing connection, while no lane has it.
    writer: Mutex<Option<Connection>>,
    leases: Arc<Leases>,
    verifying: AtomicBool,
    /// Keeps other processes out for as long as it is open.
    _lock: File,
}

impl SqliteStore {
    /// Opens the database at `path`, creating the file or upgrading its schema where needed.
    pub fn open(path: &Path, config: SqliteConfig) -> std::result::Result<SqliteStore, OpenError> {
        let lock = open::lock(path)?;
        let writer = open::open_writer(path, &config)?;
        let cannot_open = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::CannotOpen {
            path: path.to_owned(),
            source,
        };
        let reads =
            Limits { waiting_max: config.reads_waiting_max, per_snapshot_max: READS_PER_SNAPSHOT_MAX };
        let lists = Limits { waiting_max: config.lists_waiting_max, ..reads };
        let start = |name, count, limits| {
            let connections = (0..count)
                .map(|_| open::open_reader(path, &config))
                .collect::<rusqlite::Result<Vec<_>>>()
                .map_err(|error| error::open_error(path, error))?;
            Readers::start(name, connections, limits).map_err(|error| cannot_open(error.into()))
        };
        Ok(SqliteStore {
            readers: start("store-reader", config.readers.max(1), reads)?,
            listers: start("store-lister", config.list_readers.max(1), lists)?,
            scanner: start("store-scanner", 1, SCANS)?,
            shared: Arc::new(Shared {
                path: path.to_owned(),
                config,
                writer: Mutex::new(Some(writer)),
                leases: Arc::default(),
                verifying: AtomicBool::new(false),
                _lock: lock,
            }),
        })
    }

    /// The steps of the schema, and which of them the file at `path` has run; it may be in use.
    pub fn schema(path: &Path) -> std::result::Result<Vec<SchemaStep>, OpenError> {
        open::schema(path)
    }

    /// Has a reader do `work`.
    fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        Box::pin(self.readers.run(move |connection| work(connection).map_err(store_error)))
    }

    /// Has one of those apart do `work`, which may take a while.
    fn listing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        Box::pin(self.listers.run(move |connection| work(connection).map_err(store_error)))
    }
}

impl Store for SqliteStore {
    fn open_lane(&self) -> BoxFuture<'_, Result<Box<dyn Lane>>> {
        Box::pin(async move {
            let lane: Box<dyn Lane> = Box::new(SqliteLane::open(&self.shared)?);
            Ok(lane)
        })
    }

    fn lanes(&self) -> usize {
        1
    }

    fn lanes_block(&self) -> bool {
        true
    }

    fn read(&self, needs: Vec<Need>) -> BoxFuture<'_, Result<Rows>> {
        self.reading(move |connection| load::load(connection, &needs))
    }

    fn lease_tasks(&self, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>> {
        let leases = Arc::clone(&self.shared.leases);
        let granted = self.scanner.run(move |connection| {
            let scan = leases.begin_scan();
            let leased = scan.lease(connection, &request).map_err(store_error)?;
            Ok(Granted::new(&leases, leased))
        });
        Box::pin(async move { Ok(granted.await?.keep()) })
    }

    fn release_tasks(&self, keys: Vec<TaskKey>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.shared.leases.release(&keys);
            Ok(())
        })
    }

    fn list_orders(&self, query: OrderQuery) -> BoxFuture<'_, Result<OrderPage>> {
        self.listing(move |connection| pages::list_orders(connection, &query))
    }

    fn list_redemptions(&self, query: RedemptionQuery) -> BoxFuture<'_, Result<RedemptionPage>> {
        self.listing(move |connection| pages::list_redemptions(connection, &query))
    }

    fn redemptions_of(
        &self,
        partner: PartnerId,
        voucher: VoucherId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Redemption>>> {
        self.reading(move |connection| list::purchases::redemptions_of(connection, partner, voucher, limit))
    }

    fn list_skus(&self, query: SkuQuery) -> BoxFuture<'_, Result<SkuPage>> {
        let by_id = matches!(query.list.choice, SkuChoice::Ids(_));
        let work = move |connection: &Connection| list::catalogue::list_skus(connection, &query);
        if by_id { self.reading(work) } else { self.listing(work) }
    }

    fn list_stocks(&self, sku: SkuId, from: Day, until: Day) -> BoxFuture<'_, Result<Vec<Stock>>> {
        self.reading(move |connection| list::catalogue::list_stocks(connection, sku, from, until))
    }

    fn list_products(
        &self,
        seller: Option<PartnerId>,
        after: Option<ProductId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Rows>> {
        self.reading(move |connection| list::catalogue::list_products(connection, seller, after, limit))
    }

    fn list_refunds_under_review(
        &self,
        after: Option<(PartnerId, RefundId)>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(Refund, Order)>>> {
        self.reading(move |connection| list::purchases::list_refunds_under_review(connection, after, limit))
    }

    fn list_deposits(
        &self,
        partner: PartnerId,
        after: Option<DepositId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Deposit>>> {
        self.reading(move |connection| list::purchases::list_deposits(connection, partner, after, limit))
    }

    fn balances(&self, partner: PartnerId) -> BoxFuture<'_, Result<Vec<Balance>>> {
        self.reading(move |connection| list::purchases::balances(connection, partner))
    }

    fn story(&self, partner: PartnerId, order: OrderId) -> BoxFuture<'_, Result<Option<Story>>> {
        Box::pin(self.readers.run(move |connection| list::story(connection, partner, order)))
    }

    fn list_partners(&self, after: Option<PartnerId>, limit: u32) -> BoxFuture<'_, Result<Rows>> {
        self.reading(move |connection| list::list_partners(connection, after, limit))
    }

    fn list_users(
        &self,
        partner: PartnerId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<User>>> {
        self.reading(move |connection| list::list_users(connection, partner, after.as_deref(), limit))
    }

    fn find_users(&self, login: String, limit: u32) -> BoxFuture<'_, Result<Vec<User>>> {
        self.reading(move |connection| list::find_users(connection, &login, limit))
    }

    fn list_events(&self, partner: PartnerId, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>> {
        self.reading(move |connection| list::list_events(connection, partner, after, limit))
    }

    fn list_tasks(&self, filter: TaskFilter) -> BoxFuture<'_, Result<TaskPage>> {
        self.reading(move |connection| list::list_tasks(connection, &filter))
    }

    fn find_task(&self, partner: PartnerId, id: TaskId) -> BoxFuture<'_, Result<Option<Task>>> {
        self.reading(move |connection| list::find_task(connection, partner, id))
    }

    fn tasks_about(&self, partner: PartnerId, about: Vec<About>) -> BoxFuture<'_, Result<Vec<Task>>> {
        self.reading(move |connection| list::tasks_about(connection, partner, &about))
    }

    fn orders_between(
        &self,
        partner: PartnerId,
        after: OrderId,
        before: OrderId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<OrderId>>> {
        self.reading(move |connection| retention::orders_between(connection, partner, after, before, limit))
    }

    fn fact(&self, name: String) -> BoxFuture<'_, Result<Option<Fact>>> {
        self.reading(move |connection| list::fact(connection, &name))
    }

    fn facts(&self, prefix: String) -> BoxFuture<'_, Result<Vec<Fact>>> {
        self.reading(move |connection| list::facts(connection, &prefix))
    }

    fn claim_node(&self) -> BoxFuture<'_, Result<NodeId>> {
        // The lock file keeps every other process out, so there is one node.
        Box::pin(async { NodeId::new(0).ok_or_else(|| StoreError::Corrupt("node 0 is not a node".into())) })
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verification>> {
        Box::pin(async move {
            if self.shared.verifying.swap(true, Ordering::AcqRel) {
                return Err(StoreError::Unavailable("a verification is under way".into()));
            }
            let running = Verifying(Arc::clone(&self.shared));
            run_apart("store-verify", move || {
                let Shared { path, config, .. } = &*running.0;
                let connection = open::open_reader(path, config).map_err(store_error)?;
                verify::verify(&connection)
            })
            .await
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        self.reading(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))
    }
}

impl Movable for SqliteStore {
    fn export(&self, section: Section, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Chunk>> {
        Box::pin(
            self.readers.run(move |connection| export::export(connection, section, after.as_deref(), limit)),
        )
    }

    fn others(&self) -> BoxFuture<'_, Result<u64>> {
        // The lock file keeps every other process out.
        Box::pin(async { Ok(0) })
    }
}

/// A verification under way; the next may begin when it is dropped.
struct Verifying(Arc<Shared>);

impl Drop for Verifying {
    fn drop(&mut self) {
        self.0.verifying.store(false, Ordering::Release);
    }
}
