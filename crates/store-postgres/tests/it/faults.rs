//! The database goes away, comes back, is slow: what is told is true, and the store comes back by
//! itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tradewind_domain::{Fact, Need, PartnerId, WriteSet};
use tradewind_store::contract::desk::Desk;
use tradewind_store::{Store, StoreError};
use tradewind_store_postgres::PostgresConfig;
use tradewind_testkit::AMPLE;
use tradewind_testkit::postgres::Cluster;

use crate::support::{config, connect, database, open, open_with, run, until, until_one_waits};

const OWNER: PartnerId = PartnerId::from_i64(1);

fn remember(name: &str) -> WriteSet {
    WriteSet { facts: vec![Fact { name: name.into(), value: "there".into() }], ..WriteSet::default() }
}

async fn is_there(store: &Arc<dyn Store>, name: &str) -> bool {
    store.fact(name.into()).await.unwrap().is_some()
}

const KILL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE application_name = 'tradewind' AND datname = current_database()";

#[test]
fn a_connection_killed_before_commit_has_changed_nothing() {
    run(async {
        let database = database();
        let store = open(database.url()).await;
        let mut desk = Desk::open(&store).await;
        desk.commit(&remember("contended")).await.unwrap();
        let holder = connect(&database.url()).await;
        holder.batch_execute("BEGIN; UPDATE facts SET value = 'held'").await.unwrap();
        let mut set = remember("contended");
        set.facts.push(Fact { name: "a first".into(), value: "there".into() });
        let (killed, ()) = tokio::join!(desk.commit(&set), async {
            let killer = connect(&database.url()).await;
            until_one_waits(&killer).await;
            killer.query_one(KILL, &[]).await.unwrap();
        });
        assert!(matches!(killed, Err(StoreError::Unavailable(_))), "{killed:?}");
        holder.batch_execute("ROLLBACK").await.unwrap();
        assert!(!is_there(&store, "a first").await);
        desk.commit(&set).await.unwrap();
        assert!(is_there(&store, "a first").await);
    });
}

#[test]
fn connections_killed_at_any_moment_never_lie() {
    run(async {
        let database = database();
        let store = open(database.url()).await;
        let mut desk = Desk::open(&store).await;
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let killer = tokio::spawn({
            let (stop, url) = (Arc::clone(&stop), database.url());
            async move {
                let killer = connect(&url).await;
                while !stop.load(std::sync::atomic::Ordering::Acquire) {
                    killer.query_one(KILL, &[]).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(7)).await;
                }
            }
        });
        let mut outcomes = Vec::new();
        for n in 0..150 {
            let name = n.to_string();
            outcomes.push((name.clone(), desk.commit(&remember(&name)).await));
        }
        stop.store(true, std::sync::atomic::Ordering::Release);
        killer.await.unwrap();
        let mut committed = 0;
        for (name, outcome) in outcomes {
            let found = is_there(&store, &name).await;
            match outcome {
                Ok(()) => assert!(found, "{name} was acknowledged and is not there"),
                Err(StoreError::Unavailable(reason)) => {
                    assert!(!found, "{name} is there in spite of: {reason}")
                }
                Err(StoreError::Unknown(_)) => {}
                Err(error) => panic!("{name}: {error}"),
            }
            committed += u32::from(found);
        }
        assert!(committed > 0, "not one was committed");
    });
}

#[test]
fn a_connection_lost_between_load_and_commit_is_told() {
    run(async {
        let database = database();
        let store = open(database.url()).await;
        let mut lane = store.open_lane().await.unwrap();
        lane.load(&[Need::Partner(OWNER)]).await.unwrap();
        let killer = connect(&database.url()).await;
        killer.query_one(KILL, &[]).await.unwrap();
        let lost = lane.commit(&remember("lost")).await;
        assert!(
            matches!(lost, Err(StoreError::Unavailable(_) | StoreError::Unknown(_))),
            "what was locked is no longer: {lost:?}"
        );
        assert!(!is_there(&store, "lost").await);
        lane.commit(&remember("found")).await.unwrap();
    });
}

/// The one answer that cannot be known: COMMIT was done, and nobody was left to say so.
#[test]
fn a_commit_whose_answer_is_lost_is_found_out_by_looking() {
    let cluster = Cluster::start();
    run(async {
        let url = cluster.url();
        let store = open(&url).await;
        let mut lane = store.open_lane().await.unwrap();
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        for (name, end) in [("killed", "pg_terminate_backend"), ("cancelled", "pg_cancel_backend")] {
            // Every COMMIT waits for a standby that is not there.
            cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
            cluster.sql("SELECT pg_reload_conf()");
            let (outcome, ()) = tokio::join!(
                async {
                    loop {
                        // The server takes a moment to hear of its new setting.
                        match lane.commit(&remember(name)).await {
                            Ok(()) => {}
                            error => break error,
                        }
                    }
                },
                async {
                    let other = connect(&url).await;
                    until(&other, waits).await;
                    let sql = format!(
                        "SELECT count({end}(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                    );
                    other.query_one(&sql, &[]).await.unwrap();
                }
            );
            assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{name}: {outcome:?}");
            cluster.sql("ALTER SYSTEM RESET synchronous_standby_names");
            cluster.sql("SELECT pg_reload_conf()");
            let begin = Instant::now();
            while lane.load(&[Need::Partner(OWNER)]).await.is_err() {
                assert!(begin.elapsed() < AMPLE, "the lane does not come back");
            }
            lane.abandon().await.unwrap();
            assert!(is_there(&store, name).await, "{name} was committed here");
        }
    });
}

/// The database is at work on a commit that we have given up: before anything is read through the lane
/// again, that is over.
#[test]
fn a_commit_that_was_given_up_is_ended_before_anybody_looks() {
    run(async {
        let database = database();
        Desk::open(&open(database.url()).await).await.commit(&remember("contended")).await.unwrap();
        let hasty = PostgresConfig { commit_wait_max: Duration::from_millis(300), ..config(database.url()) };
        let store = open_with(hasty).await;
        let mut lane = store.open_lane().await.unwrap();
        let holder = connect(&database.url()).await;
        holder.batch_execute("BEGIN; UPDATE facts SET value = 'held'").await.unwrap();
        let mut set = remember("contended");
        set.facts.push(Fact { name: "given up".into(), value: "there".into() });
        let outcome = lane.commit(&set).await;
        assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
        // On a busy machine the end of the old process may take longer than it is waited for.
        let begin = Instant::now();
        while lane.load(&[Need::Partner(OWNER)]).await.is_err() {
            assert!(begin.elapsed() < AMPLE, "the lane does not come back");
        }
        // Had the old process still been there, it would go on now.
        holder.batch_execute("COMMIT").await.unwrap();
        lane.abandon().await.unwrap();
        let begin = Instant::now();
        while lane.commit(&remember("afterwards")).await.is_err() {
            assert!(begin.elapsed() < AMPLE, "nothing is committed in time");
        }
        assert!(!is_there(&store, "given up").await);
    });
}

#[test]
fn a_slow_database_is_unavailable_and_not_waited_for() {
    run(async {
        let database = database();
        let calm = open(database.url()).await;
        let hasty = PostgresConfig { statement_wait_max: Duration::from_secs(1), ..config(database.url()) };
        let store = open_with(hasty).await;
        let mut desk = Desk::open(&store).await;
        database.sql(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(3600); RETURN NEW; END $$; \
             CREATE TRIGGER dawdle BEFORE INSERT ON facts FOR EACH ROW EXECUTE FUNCTION dawdle()",
        );
        let slow = timeout(AMPLE, desk.commit(&remember("slow"))).await.expect("it is not waited for");
        assert!(matches!(slow, Err(StoreError::Unavailable(_))), "{slow:?}");
        database.sql("DROP TRIGGER dawdle ON facts");
        assert!(!is_there(&calm, "slow").await);
        let begin = Instant::now();
        while desk.commit(&remember("slow")).await.is_err() {
            assert!(begin.elapsed() < AMPLE, "nothing is committed in time");
        }

        let locker = connect(&database.url()).await;
        locker.batch_execute("BEGIN; LOCK TABLE facts").await.unwrap();
        let read = store.fact("slow".into()).await;
        assert!(read.is_err(), "{read:?}");
        locker.batch_execute("ROLLBACK").await.unwrap();
        assert!(is_there(&calm, "slow").await);
    });
}

#[test]
fn reads_that_do_not_fit_are_refused_at_once() {
    run(async {
        let database = database();
        let narrow = PostgresConfig { readers: 1, reads_waiting_max: 1, ..config(database.url()) };
        let store = open_with(narrow).await;
        let locker = connect(&database.url()).await;
        locker.batch_execute("BEGIN; LOCK TABLE facts").await.unwrap();
        let read = || {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.fact("any".into()).await })
        };
        let running = read();
        until_one_waits(&connect(&database.url()).await).await;
        let more = [read(), read(), read()];
        let begin = Instant::now();
        while more.iter().filter(|read| read.is_finished()).count() < 2 {
            assert!(begin.elapsed() < AMPLE, "nobody is refused");
            tokio::task::yield_now().await;
        }
        locker.batch_execute("ROLLBACK").await.unwrap();
        running.await.unwrap().unwrap();
        let mut refused = 0;
        for read in more {
            refused += usize::from(matches!(read.await.unwrap(), Err(StoreError::Busy(_))));
        }
        assert_eq!(refused, 2, "one waited, as allowed");
    });
}

/// Lists that nobody answers keep nobody from reading by key, and those that do not fit are refused.
#[test]
fn lists_that_do_not_fit_are_refused_and_other_reads_go_on() {
    run(async {
        let database = database();
        let narrow = PostgresConfig {
            readers: 1,
            list_readers: 1,
            lists_waiting_max: 1,
            reads_wait_max: AMPLE,
            lock_wait_max: AMPLE,
            statement_wait_max: AMPLE,
            ..config(database.url())
        };
        let store = open_with(narrow).await;
        let locker = connect(&database.url()).await;
        locker.batch_execute("BEGIN; LOCK TABLE counts").await.unwrap();
        let list = || {
            let store = Arc::clone(&store);
            let list = tradewind_domain::ListOrders {
                from: tradewind_domain::Timestamp::from_ms(0),
                until: tradewind_store::contract::samples::NOW,
                standings: Vec::new(),
                method: None,
                operator: None,
                number: None,
                page: 1,
                page_size: 10,
            };
            let query = tradewind_store::OrderQuery {
                partner: tradewind_domain::PartnerId::from_i64(1),
                list,
                now: tradewind_store::contract::samples::NOW,
                refund_window: tradewind_store::contract::desk::REFUND_WINDOW,
            };
            tokio::spawn(async move { store.list_orders(query).await })
        };
        let running = list();
        until_one_waits(&connect(&database.url()).await).await;
        let more = [list(), list(), list()];
        let begin = Instant::now();
        while more.iter().filter(|list| list.is_finished()).count() < 2 {
            assert!(begin.elapsed() < AMPLE, "nobody is refused");
            tokio::task::yield_now().await;
        }
        assert!(store.fact("any".into()).await.is_ok(), "reads by key have connections of their own");
        locker.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(running.await.unwrap().unwrap().total, Some(0));
        let mut refused = 0;
        for list in more {
            refused += usize::from(matches!(list.await.unwrap(), Err(StoreError::Busy(_))));
        }
        assert_eq!(refused, 2, "one waited, as allowed");
    });
}

#[test]
fn a_server_that_crashes_and_restarts_finds_the_store_waiting() {
    let cluster = Cluster::start();
    run(async {
        let store = open(cluster.url()).await;
        let mut desk = Desk::open(&store).await;
        desk.add_partner(1).await;
        let (order, payment) = desk.place(1, "kept").await;
        let mut lane = store.open_lane().await.unwrap();
        store.ping().await.unwrap();

        cluster.crash();
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        let begin = Instant::now();
        for _ in 0..3 {
            let refused = lane.load(&[Need::Partner(OWNER)]).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        }
        assert!(begin.elapsed() < AMPLE, "nobody waits long for what is not there");

        cluster.start_again();
        let begin = Instant::now();
        while store.ping().await.is_err() {
            assert!(begin.elapsed() < AMPLE, "the store does not come back");
        }
        let rows = lane.load(&[Need::OrderNumber(OWNER, "kept".into())]).await.unwrap();
        assert_eq!((rows.orders, rows.payments), (vec![order], vec![payment]));
        lane.abandon().await.unwrap();
        lane.commit(&remember("after the crash")).await.unwrap();
        assert_eq!(store.verify().await.unwrap().findings, [""; 0]);
    });
}
