//! The one way to write: load a batch's rows, commit its sum.

use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use tradewind_domain::{Need, Rows, WriteSet};
use tradewind_store::{BoxFuture, Lane, Result, StoreError};

use crate::Shared;
use crate::error::{commit_error, store_error};
use crate::load::load;
use crate::write::write;

/// The lane of a [`crate::SqliteStore`]. It holds the writing connection, and gives it back when it
/// is dropped.
pub(crate) struct SqliteLane {
    /// `Some` until the lane is dropped.
    connection: Option<Connection>,
    shared: Arc<Shared>,
}

impl SqliteLane {
    /// Takes the writing connection; refused while another lane has it.
    pub(crate) fn open(shared: &Arc<Shared>) -> Result<SqliteLane> {
        let connection = shared.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        match connection {
            Some(connection) => Ok(SqliteLane { connection: Some(connection), shared: Arc::clone(shared) }),
            None => Err(StoreError::Unavailable("the only lane is open already".into())),
        }
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        let connection =
            self.connection.as_mut().ok_or_else(|| StoreError::Unavailable("the lane is closed".into()))?;
        // Every transaction here ends with the function that began it. Should SQLite ever report one
        // that did not, what it holds belongs to nobody.
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").map_err(store_error)?;
        }
        Ok(connection)
    }

    fn load_now(&mut self, needs: &[Need]) -> Result<Rows> {
        // One snapshot for the batch, taken and given back once instead of for each query.
        let snapshot = self.connection()?.transaction_with_behavior(TransactionBehavior::Deferred);
        let snapshot = snapshot.map_err(store_error)?;
        load(&snapshot, needs).map_err(store_error)
    }

    fn commit_now(&mut self, set: &WriteSet) -> Result<()> {
        let transaction = self.connection()?.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(store_error)?;
        // Dropping the transaction on the way out rolls it back.
        write(&transaction, set).map_err(store_error)?;
        transaction.commit().map_err(commit_error)?;
        let changed = set.tasks_changed.iter().map(|task| &task.key);
        self.shared.leases.settle(changed.chain(&set.tasks_removed));
        Ok(())
    }
}

impl Lane for SqliteLane {
    fn load<'a>(&'a mut self, needs: &'a [Need]) -> BoxFuture<'a, Result<Rows>> {
        Box::pin(async move { self.load_now(needs) })
    }

    fn commit<'a>(&'a mut self, set: &'a WriteSet) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.commit_now(set) })
    }

    /// There is one writer, so loading locks nothing.
    fn abandon(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Drop for SqliteLane {
    fn drop(&mut self) {
        *self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner) = self.connection.take();
    }
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{Fact, PartnerId, Stream};

    use super::*;
    use crate::{SqliteConfig, SqliteStore};

    fn fact(bytes: usize) -> WriteSet {
        let fact = Fact { name: format!("{bytes} bytes"), value: "x".repeat(bytes) };
        WriteSet { facts: vec![fact], ..WriteSet::default() }
    }

    /// A full disk, a conflict and a transaction that something left open: the lane goes on after each.
    #[test]
    fn no_failure_leaves_a_transaction_open() {
        let folder = std::env::temp_dir().join(format!("tradewind-lane-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(&folder.join("tradewind.db"), SqliteConfig::default()).unwrap();
        let mut lane = SqliteLane::open(&store.shared).unwrap();
        let limit = |lane: &mut SqliteLane, pages: u32| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            lane.connection().unwrap().query_row(&sql, [], |_| Ok(())).unwrap();
        };
        limit(&mut lane, 1);
        let full = lane.commit_now(&fact(1_000_000));
        assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
        assert!(lane.connection.as_ref().unwrap().is_autocommit());
        limit(&mut lane, 1_000_000);
        lane.commit_now(&fact(1_000_000)).unwrap();

        let nobody = Stream { partner: PartnerId::from_i64(9), last: 1 };
        let conflict = lane.commit_now(&WriteSet { streams_new: vec![nobody], ..WriteSet::default() });
        assert!(matches!(conflict, Err(StoreError::Conflict(_))), "{conflict:?}");
        assert!(lane.connection.as_ref().unwrap().is_autocommit());

        lane.connection().unwrap().execute_batch("BEGIN IMMEDIATE; DELETE FROM facts").unwrap();
        lane.commit_now(&fact(1)).unwrap();
        drop(lane);
        let stored = crate::open::open_reader(&store.shared.path, &store.shared.config).unwrap();
        let facts: i64 = stored.query_row("SELECT count(*) FROM facts", [], |row| row.get(0)).unwrap();
        assert_eq!(facts, 2, "what was left open was undone");
        drop((stored, store));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
