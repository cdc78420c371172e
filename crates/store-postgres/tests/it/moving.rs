//! Moving a gateway from one database to another.

use std::future::Future;
use std::sync::Arc;

use tradewind_store::contract::moving::Pair;
use tradewind_store_postgres::PostgresStore;

use crate::support::{config, database};

tradewind_store::moving_contract_tests!(run, pair);

thread_local! {
    /// The connections of a store belong to the runtime in which it was opened.
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
}

fn run(check: impl Future<Output = ()>) {
    RUNTIME.with(|runtime| runtime.block_on(check));
}

fn pair() -> Pair {
    let (source, target) = (database(), database());
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            Pair {
                source: Arc::new(PostgresStore::open(config(source.url())).await.unwrap()),
                target: Arc::new(PostgresStore::open(config(target.url())).await.unwrap()),
                keep: Box::new((source, target)),
            }
        })
    })
}
