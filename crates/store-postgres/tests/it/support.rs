//! Databases to work in, connections past the store, and how a future is run.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio_postgres::{Client, NoTls};
use tradewind_store::Store;
use tradewind_store_postgres::{PostgresConfig, PostgresStore};
use tradewind_testkit::AMPLE;
use tradewind_testkit::postgres::{Database, Postgres};

/// An empty database of the server that all tests share.
pub(crate) fn database() -> Database {
    Postgres::shared().database()
}

/// A database with the two roles and, made by the one, the tables.
pub(crate) async fn database_with_roles() -> Database {
    let roles = include_str!("../../migrations/roles.sql");
    // Roles belong to the whole server, and other tests may be making them too.
    Postgres::shared().sql(&format!(
        "SELECT pg_advisory_xact_lock(1); {roles}; \
         ALTER ROLE tradewind_migrator LOGIN; ALTER ROLE tradewind_runtime LOGIN"
    ));
    let database = database();
    database.sql(roles);
    PostgresStore::open(config(database.url_as("tradewind_migrator"))).await.unwrap();
    database
}

/// Bounds that no busy machine reaches; a test of a bound sets it.
pub(crate) fn config(url: impl Into<String>) -> PostgresConfig {
    PostgresConfig {
        migrate: true,
        reads_wait_max: AMPLE,
        connect_wait_max: AMPLE,
        statement_wait_max: AMPLE,
        lock_wait_max: AMPLE,
        commit_wait_max: AMPLE,
        node_lease: AMPLE,
        ..PostgresConfig::new(url)
    }
}

pub(crate) async fn open(url: impl Into<String>) -> Arc<dyn Store> {
    open_with(config(url)).await
}

pub(crate) async fn open_with(config: PostgresConfig) -> Arc<dyn Store> {
    Arc::new(PostgresStore::open(config).await.unwrap())
}

/// A connection past the store, for the superuser.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// How many sessions of the store wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tradewind' \
     AND datname = current_database() AND wait_event_type = 'Lock'";

/// Waits until a session of the store waits for a lock.
pub(crate) async fn until_one_waits(client: &Client) {
    until(client, WAITING).await;
}

/// Waits until `sql` counts something.
pub(crate) async fn until(client: &Client, sql: &str) {
    let begin = Instant::now();
    while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(begin.elapsed() < AMPLE, "{sql}: never came true");
        tokio::task::yield_now().await;
    }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(future)
}
