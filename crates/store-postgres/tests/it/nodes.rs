//! Node numbers: no two live processes have the same, and whoever has lost his commits nothing.

use std::time::{Duration, Instant};

use tradewind_domain::{Fact, WriteSet};
use tradewind_store::{Store, StoreError};
use tradewind_store_postgres::{PostgresConfig, PostgresStore};
use tradewind_testkit::AMPLE;

use crate::support::{config, database, open, run};

fn remember(name: &str) -> WriteSet {
    WriteSet { facts: vec![Fact { name: name.into(), value: String::new() }], ..WriteSet::default() }
}

#[test]
fn live_processes_have_different_numbers_and_there_are_a_hundred() {
    run(async {
        let database = database();
        let one = PostgresStore::open(config(database.url())).await.unwrap();
        let other = open(database.url()).await;
        let (a, b) = tokio::join!(one.claim_node(), other.claim_node());
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_ne!(a, b);
        assert_eq!(one.claim_node().await.unwrap(), a, "a process has one number");
        database.sql("UPDATE nodes SET lease = 1, lease_until = 'infinity' WHERE lease IS NULL");
        let third = open(database.url()).await;
        assert!(matches!(third.claim_node().await, Err(StoreError::Unavailable(_))));
        // One that is given back can be had at once.
        one.close().await.unwrap();
        assert_eq!(third.claim_node().await.unwrap(), a);
    });
}

#[test]
fn who_has_lost_his_number_commits_nothing_until_he_has_it_back() {
    run(async {
        let database = database();
        let short = PostgresConfig { node_lease: Duration::from_secs(6), ..config(database.url()) };
        let store = PostgresStore::open(short).await.unwrap();
        let number = store.claim_node().await.unwrap().number();
        let mut lane = store.open_lane().await.unwrap();
        // A busy machine may let a lease this short run out before it is renewed.
        let begin = Instant::now();
        while lane.commit(&remember("before")).await.is_err() {
            assert!(begin.elapsed() < AMPLE, "the number is never there");
        }

        // As if this process had been paused, and another had come.
        database
            .sql(&format!("UPDATE nodes SET lease = 7, lease_until = 'infinity' WHERE number = {number}"));
        let refused = lane.commit(&remember("refused")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert_eq!(store.fact("refused".into()).await.unwrap(), None);
        assert!(store.ping().await.is_err(), "ready is who can commit");

        // The other has gone, and nobody else wanted the number.
        database.sql(&format!("UPDATE nodes SET lease_until = '-infinity' WHERE number = {number}"));
        let begin = Instant::now();
        while lane.commit(&remember("again")).await.is_err() {
            assert!(begin.elapsed() < AMPLE, "the number does not come back");
            tokio::task::yield_now().await;
        }
        store.ping().await.unwrap();
    });
}

#[test]
fn a_commit_that_goes_through_proves_the_lease() {
    run(async {
        let database = database();
        // Nothing is renewed while this test runs: the lane alone finds out.
        let long = PostgresConfig { node_lease: Duration::from_secs(24 * 60 * 60), ..config(database.url()) };
        let store = PostgresStore::open(long).await.unwrap();
        let number = store.claim_node().await.unwrap().number();
        let mut lane = store.open_lane().await.unwrap();
        for name in ["first", "second"] {
            database.sql(&format!("UPDATE nodes SET lease = -lease WHERE number = {number}"));
            let refused = lane.commit(&remember("refused")).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            assert!(store.ping().await.is_err(), "ready is who can commit");
            database.sql(&format!("UPDATE nodes SET lease = -lease WHERE number = {number}"));
            lane.commit(&remember(name)).await.unwrap();
            store.ping().await.unwrap();
        }
    });
}
