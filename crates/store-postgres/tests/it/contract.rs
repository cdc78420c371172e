//! The contract of all stores, kept by this one, in the role with the fewest rights.

use std::future::Future;
use std::sync::Arc;

use tradewind_store::contract::Fixture;
use tradewind_store_postgres::PostgresConfig;

use crate::support::{database_with_roles, open_with};

tradewind_store::contract_tests!(run, fixture);

thread_local! {
    /// The connections of a store belong to the runtime in which it was opened, and fixtures are made
    /// before the check is run.
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
}

fn run(check: impl Future<Output = ()>) {
    RUNTIME.with(|runtime| runtime.block_on(check));
}

fn fixture() -> Fixture {
    let (database, store) = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let database = Arc::new(database_with_roles().await);
            let store = open_with(PostgresConfig::new(database.url_as("tradewind_runtime"))).await;
            (database, store)
        })
    });
    let damaged = Arc::clone(&database);
    Fixture {
        store,
        sql: Box::new(move |sql| {
            let database = Arc::clone(&damaged);
            Box::pin(async move {
                database.sql(&format!("SET session_replication_role = replica; {sql}"));
            })
        }),
        keep: Box::new(database),
    }
}
