//! The contract of all stores, kept by this one.

use std::sync::Arc;

use tradewind_store::contract::Fixture;

use crate::support::{Folder, open, run};

tradewind_store::contract_tests!(run, fixture);

fn fixture() -> Fixture {
    let folder = Folder::new();
    let path = folder.database();
    Fixture {
        store: Arc::new(open(&path)),
        sql: Box::new(move |sql| {
            let path = path.clone();
            Box::pin(async move {
                let connection = rusqlite::Connection::open(&path).unwrap();
                connection.pragma_update(None, "foreign_keys", false).unwrap();
                connection.execute_batch(&sql).unwrap();
            })
        }),
        keep: Box::new(folder),
    }
}
