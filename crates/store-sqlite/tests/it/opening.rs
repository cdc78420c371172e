//! What can be wrong with a file before the first query, and what comes back when it is opened again.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tradewind_domain::{Fact, Need, PartnerId, WriteSet};
use tradewind_store::contract::desk::Desk;
use tradewind_store::contract::shop;
use tradewind_store::{Store, StoreError};
use tradewind_store_sqlite::{OpenError, SqliteConfig, SqliteStore};

use crate::support::{Folder, open, run};

fn refused(path: &std::path::Path) -> OpenError {
    match SqliteStore::open(path, SqliteConfig::default()) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let folder = Folder::new();
    let (order, payment) = run(async {
        let store: Arc<dyn Store> = Arc::new(open(&folder.database()));
        let mut desk = Desk::open(&store).await;
        desk.add_partner(1).await;
        desk.place(1, "kept").await
    });
    assert!(
        !folder.database().with_file_name("tradewind.db-wal").exists(),
        "the log was tidied away at the end"
    );
    let store = open(&folder.database());
    let rows = run(store.read(vec![Need::OrderNumber(PartnerId::from_i64(1), "kept".into())])).unwrap();
    assert_eq!((rows.orders, rows.payments), (vec![order], vec![payment]));
}

#[test]
fn one_process_at_a_time_and_one_lane() {
    let folder = Folder::new();
    let store = open(&folder.database());
    assert!(matches!(refused(&folder.database()), OpenError::Locked { .. }));
    let lane = run(store.open_lane()).unwrap();
    assert!(matches!(run(store.open_lane()).map(drop), Err(StoreError::Unavailable(_))));
    drop(lane);
    let lane = run(store.open_lane()).unwrap();
    drop(store);
    assert!(matches!(refused(&folder.database()), OpenError::Locked { .. }), "a lane keeps the file");
    drop(lane);
    open(&folder.database());
}

#[test]
fn files_that_are_not_ours_are_left_alone() {
    let folder = Folder::new();
    let path = folder.database();
    std::fs::write(&path, "this is no database, but long enough to be taken for one".repeat(100)).unwrap();
    assert!(matches!(refused(&path), OpenError::Corrupt { .. }));
    std::fs::remove_file(&path).unwrap();

    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(refused(&path), OpenError::Foreign { .. }));
    let journal: String =
        Connection::open(&path).unwrap().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(journal, "delete", "nothing was changed");

    let nowhere = path.with_file_name("no such folder").join("tradewind.db");
    assert!(matches!(refused(&nowhere), OpenError::CannotOpen { .. }));
    let inner = path.with_file_name("a folder");
    std::fs::create_dir(&inner).unwrap();
    assert!(matches!(refused(&inner), OpenError::CannotOpen { .. }), "a folder is no file");
}

#[test]
fn newer_and_edited_schemas_are_refused() {
    let folder = Folder::new();
    let path = folder.database();
    drop(open(&path));
    let change = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    change("PRAGMA user_version = 99");
    assert!(matches!(refused(&path), OpenError::NewerSchema { found: 99, .. }));
    let steps = SqliteStore::schema(&folder.database().with_extension("none")).unwrap().len();
    change(&format!("PRAGMA user_version = {steps}; UPDATE migrations SET checksum = checksum + 1"));
    assert!(matches!(refused(&path), OpenError::MigrationChanged { number: 1, .. }));
    change("UPDATE migrations SET checksum = checksum - 1");
    drop(open(&path));
}

#[test]
fn rows_that_cannot_be_understood_are_told_as_such() {
    let folder = Folder::new();
    let store: Arc<dyn Store> = Arc::new(open(&folder.database()));
    run(async {
        let mut desk = Desk::open(&store).await;
        desk.add_partner(1).await;
        let (order, _) = desk.place(1, "1").await;
        let other = Connection::open(folder.database()).unwrap();
        for damage in ["currency = 'yuan'", "method = 'No Method!'", "bills = '[[\"x\"]]'"] {
            other.execute_batch(&format!("UPDATE payments SET {damage}")).unwrap();
            let read = store.read(vec![Need::Order(order.partner, order.id)]).await;
            assert!(matches!(read, Err(StoreError::Corrupt(_))), "{damage}: {read:?}");
            let findings = store.verify().await.unwrap().findings;
            assert!(
                findings.iter().any(|f| f.contains("a row of payments cannot be understood")),
                "{findings:?}"
            );
        }
        assert!(other.execute_batch("UPDATE payments SET state = 6").is_err(), "the table itself refuses");
    });
}

#[test]
fn a_catalogue_that_cannot_be_understood_is_told_as_such() {
    for (table, damage) in [
        ("order_lines", "travellers = '[[]]'"),
        ("order_lines", "refund_terms = 'no JSON'"),
        ("order_lines", "day = 3000000000"),
        ("vouchers", "code = 7"),
        ("products", "contacts = '[1]'"),
        ("skus", "rules = '{}'"),
        ("stocks", "market = 1"),
        ("deposits", "currency = 'yuan'"),
    ] {
        let folder = Folder::new();
        let store: Arc<dyn Store> = Arc::new(open(&folder.database()));
        run(async {
            let mut desk = Desk::open(&store).await;
            let (sku, stock) = shop::sell(&mut desk, 7, 9, shop::rules()).await;
            shop::add_buyer(&mut desk, 1, 90).await;
            let wish = shop::purchase(&desk, 1, "1", (&sku, stock), 2, true);
            let order = shop::purchased(desk.run(wish).await).order;
            let other = Connection::open(folder.database()).unwrap();
            other.execute_batch(&format!("UPDATE {table} SET {damage}")).unwrap();
            let need = match table {
                "products" | "skus" => Need::Sku(sku.id),
                "stocks" => Need::Stock(stock),
                "deposits" => Need::Deposit(order.partner, "first of 1".into()),
                _ => Need::VouchersOf(order.partner, order.id),
            };
            let read = store.read(vec![need]).await;
            assert!(matches!(read, Err(StoreError::Corrupt(_))), "{damage}: {read:?}");
            let findings = store.verify().await.unwrap().findings;
            let words = format!("a row of {table} cannot be understood");
            assert!(findings.iter().any(|found| found.contains(&words)), "{words}: {findings:?}");
        });
    }
}

#[test]
fn a_commit_that_is_blocked_is_unavailable_and_leaves_the_lane_whole() {
    let folder = Folder::new();
    let config = SqliteConfig { busy_wait_max: Duration::ZERO, ..SqliteConfig::default() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.database(), config).unwrap());
    run(async {
        let mut desk = Desk::open(&store).await;
        desk.add_partner(1).await;
        let set = |name: &str| {
            let fact = Fact { name: name.into(), value: String::new() };
            WriteSet { facts: vec![fact], ..WriteSet::default() }
        };
        let other = Connection::open(folder.database()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = desk.commit(&set("blocked")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        other.execute_batch("ROLLBACK").unwrap();
        desk.commit(&set("free")).await.unwrap();

        assert_eq!(store.fact("blocked".into()).await.unwrap(), None);
        assert!(store.fact("free".into()).await.unwrap().is_some());
    });
}

#[test]
fn a_schema_is_looked_at_without_changing_it() {
    let folder = Folder::new();
    let path = folder.database();
    let done =
        |path: &std::path::Path| SqliteStore::schema(path).unwrap().iter().filter(|step| step.done).count();
    assert_eq!(done(&path), 0);
    assert!(!path.exists(), "looking makes no file");
    let unwilling = SqliteConfig { migrate: false, ..SqliteConfig::default() };
    let refused = SqliteStore::open(&path, unwilling).map(drop);
    assert!(matches!(refused, Err(OpenError::OlderSchema { found: 0, .. })), "{refused:?}");
    let store = open(&path);
    // While somebody works with the file, too.
    assert_eq!(done(&path), SqliteStore::schema(&path).unwrap().len());
    drop(store);
    drop(SqliteStore::open(&path, unwilling).unwrap());
}
