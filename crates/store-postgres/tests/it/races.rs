//! Several processes on one database: what each believes to be free or its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tradewind_domain::{
    Command, DeliveryResult, Flow, Need, NewRefund, OrderRef, PartnerId, PartnerState, RefundId, Refusal,
    Rules, Span, Task, TaskState, WriteSet,
};
use tradewind_store::contract::desk::{Desk, REFUND_WINDOW};
use tradewind_store::contract::past::refunded;
use tradewind_store::contract::samples::{self, NOW, yuan};
use tradewind_store::retention::orders_page;
use tradewind_store::{LeaseRequest, Leased, Store, StoreError};
use tradewind_store_postgres::PostgresConfig;
use tradewind_testkit::postgres::Database;

use crate::support::{config, connect, database, open, open_with, run, until_one_waits};

const OWNER: PartnerId = PartnerId::from_i64(1);

/// A database with a partner, and two processes that work on it.
async fn two(partner: i64) -> (Database, Desk, Desk) {
    let database = database();
    let one = open(database.url()).await;
    let other = open(database.url()).await;
    let mut desk = Desk::open(&one).await;
    desk.add_partner(partner).await;
    let other = Desk::open(&other).await;
    (database, desk, other)
}

fn sets_of(desk: &Desk, number: &str, shift_ms: i64) -> WriteSet {
    let mut new = desk.new_order(1, number, yuan(1), Flow::PayerCode);
    let id = tradewind_domain::OrderId::from_i64(new.order.id.get() + shift_ms * 10_000);
    new.order.id = id;
    new.payment.order = id;
    WriteSet { orders_new: vec![new.order], payments_new: vec![new.payment], ..WriteSet::default() }
}

#[test]
fn of_two_who_take_a_number_at_the_same_moment_one_gets_it() {
    run(async {
        let (_database, mut one, mut other) = two(1).await;
        for round in 0..20 {
            let number = format!("wanted twice {round}");
            let (first, second) = (sets_of(&one, &number, 0), sets_of(&other, &number, 500_000));
            let (a, b) = tokio::join!(one.commit(&first), other.commit(&second));
            let won = match (&a, &b) {
                (Ok(()), Err(StoreError::Conflict(_))) => &first,
                (Err(StoreError::Conflict(_)), Ok(())) => &second,
                _ => panic!("{a:?} and {b:?}"),
            };
            assert_eq!(one.read(Need::OrderNumber(OWNER, number)).await.orders, won.orders_new);
        }
    });
}

#[test]
fn batches_that_cross_end_without_a_deadlock() {
    run(async {
        let (_database, mut one, mut other) = two(1).await;
        for round in 0..10 {
            let numbers: Vec<String> = (0..50).map(|n| format!("{round}-{n}")).collect();
            let mut first = WriteSet::default();
            let mut second = WriteSet::default();
            for number in &numbers {
                let set = sets_of(&one, number, 0);
                first.orders_new.extend(set.orders_new);
            }
            for number in numbers.iter().rev() {
                let set = sets_of(&other, number, 500_000);
                second.orders_new.extend(set.orders_new);
            }
            let (a, b) = tokio::join!(one.commit(&first), other.commit(&second));
            let lost = [a, b].into_iter().filter_map(Result::err).collect::<Vec<_>>();
            assert!(
                matches!(lost.as_slice(), [StoreError::Conflict(words)] if words.contains("23505")),
                "{lost:?}"
            );
        }
    });
}

#[test]
fn nobody_overwrites_what_he_has_not_seen() {
    run(async {
        let (_database, mut one, mut other) = two(1).await;
        let mut lanes = Vec::new();
        for desk in [&mut one, &mut other] {
            let mut lane = desk.store.open_lane().await.unwrap();
            let rows = lane.load(&[Need::Partner(OWNER)]).await.unwrap();
            lanes.push((lane, rows.partners.into_iter().next().unwrap()));
        }
        let mut results = Vec::new();
        for ((lane, partner), fee_ppm) in lanes.iter_mut().zip([1, 2]) {
            let changed =
                tradewind_domain::Partner { fee_ppm, state: PartnerState::Suspended, ..partner.clone() };
            let set = WriteSet { partners_changed: vec![changed], ..WriteSet::default() };
            results.push(lane.commit(&set).await);
        }
        assert!(matches!(results.as_slice(), [Ok(()), Err(StoreError::Conflict(_))]), "{results:?}");
        assert_eq!(one.read(Need::Partner(OWNER)).await.partners[0].fee_ppm, 1);
    });
}

#[test]
fn who_changes_an_order_is_waited_for_and_not_for_ever() {
    run(async {
        let (database, mut one, _) = two(1).await;
        let (order, _) = one.place(1, "wanted").await;
        let impatient =
            PostgresConfig { lock_wait_max: Duration::from_millis(100), ..config(database.url()) };
        let impatient = open_with(impatient).await;
        let mut holder = one.store.open_lane().await.unwrap();
        let need = [Need::Partner(OWNER), Need::Order(OWNER, order.id)];
        holder.load(&need).await.unwrap();
        let mut late = impatient.open_lane().await.unwrap();
        let refused = late.load(&need).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        holder.abandon().await.unwrap();
        assert_eq!(late.load(&need).await.unwrap().orders.len(), 1);

        // Who has only looked up a free number holds nobody up.
        late.abandon().await.unwrap();
        let free = [Need::Partner(OWNER), Need::OrderNumber(OWNER, "free".into())];
        holder.load(&free).await.unwrap();
        late.load(&free).await.unwrap();
    });
}

/// Event numbers have no gaps and none is given twice, whoever reports payments of one partner.
#[test]
fn two_processes_number_the_events_of_one_partner() {
    run(async {
        let (_database, mut one, mut other) = two(1).await;
        let mut orders = Vec::new();
        for n in 0..40 {
            orders.push(one.place(1, &n.to_string()).await);
        }
        let (mine, theirs) = orders.split_at(20);
        let pay = async |desk: &mut Desk, orders: &[(tradewind_domain::Order, tradewind_domain::Payment)]| {
            for (order, payment) in orders {
                let report = Command::ReportPayment {
                    partner: OWNER,
                    order: order.id,
                    payment: payment.id,
                    report: tradewind_domain::ChannelReport::Paid {
                        channel_number: "c".into(),
                        payer: None,
                        bills: Vec::new(),
                    },
                    attempts: None,
                };
                // A stream that was not there when it was looked at is a conflict once, for one of them.
                loop {
                    let (view, decided) = desk.decide(vec![report.clone()]).await;
                    assert!(decided[0].is_ok());
                    match desk.commit(&view.into_write_set()).await {
                        Ok(()) => break,
                        Err(StoreError::Conflict(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        };
        tokio::join!(pay(&mut one, mine), pay(&mut other, theirs));
        let events = one.store.list_events(OWNER, 0, 100).await.unwrap();
        let numbers: Vec<i64> = events.iter().map(|event| event.number).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
        assert_eq!(one.store.verify().await.unwrap().findings, [""; 0]);
    });
}

fn request(limit: usize, lease_for: Duration) -> LeaseRequest {
    LeaseRequest { now: NOW, limit, limit_per_partner: 100, lease_for }
}

fn ids(leased: &Leased) -> Vec<i64> {
    leased.tasks.iter().map(|task| task.key.id.get()).collect()
}

async fn lease(store: &Arc<dyn Store>, lease_for: Duration) -> Leased {
    store.lease_tasks(request(10, lease_for)).await.unwrap()
}

#[test]
fn two_processes_lease_disjoint_tasks_and_together_all() {
    run(async {
        let (_database, mut one, other) = two(1).await;
        let tasks = (1..=200).map(|id| samples::task(id % 5 + 1, id, id, 0)).collect();
        one.commit(&WriteSet { tasks_new: tasks, ..WriteSet::default() }).await.unwrap();
        let mut seen = BTreeSet::new();
        let hour = Duration::from_secs(3600);
        while seen.len() < 200 {
            let (a, b) = tokio::join!(
                one.store.lease_tasks(request(7, hour)),
                other.store.lease_tasks(request(7, hour))
            );
            let (a, b) = (a.unwrap(), b.unwrap());
            for id in ids(&a).into_iter().chain(ids(&b)) {
                assert!(seen.insert(id), "task {id} was leased twice");
            }
            assert!(seen.len() == 200 || a.more || b.more, "something is left and nobody says so");
        }
    });
}

#[test]
fn a_process_that_slept_through_its_lease_finishes_nothing() {
    run(async {
        let (_database, mut slept, mut awake) = two(1).await;
        let task = samples::task(1, 5, 1, 0);
        slept.commit(&WriteSet { tasks_new: vec![task.clone()], ..WriteSet::default() }).await.unwrap();
        assert_eq!(ids(&lease(&slept.store, Duration::ZERO).await), [1]);
        assert_eq!(ids(&lease(&awake.store, Duration::from_secs(60)).await), [1], "the lease has run out");
        // Whoever slept cannot give it away,
        slept.store.release_tasks(vec![task.key]).await.unwrap();
        assert_eq!(ids(&lease(&slept.store, Duration::from_secs(60)).await), [0_i64; 0]);
        let record = |result| Command::RecordDelivery { key: task.key, attempt: 1, result };
        awake.must(record(DeliveryResult::Acknowledged)).await;
        // nor overwrite what the other has recorded.
        let failed = DeliveryResult::Failed { reason: "too late".into(), next: None };
        slept.must(record(failed)).await;
        let stored = awake.read(Need::Task(task.key)).await.tasks;
        assert_eq!(stored, [Task { state: TaskState::Done, attempts: 1, ..task }]);
    });
}

#[test]
fn a_task_that_somebody_is_changing_is_left_and_told_of() {
    run(async {
        let (_database, mut one, other) = two(1).await;
        let task = samples::task(1, 5, 1, 0);
        one.commit(&WriteSet { tasks_new: vec![task.clone()], ..WriteSet::default() }).await.unwrap();
        let mut lane = one.store.open_lane().await.unwrap();
        lane.load(&[Need::Task(task.key)]).await.unwrap();
        let leased = lease(&other.store, Duration::from_secs(60)).await;
        assert_eq!((ids(&leased), leased.more), (vec![], true));
        lane.abandon().await.unwrap();
        assert_eq!(ids(&lease(&other.store, Duration::from_secs(60)).await), [1]);
    });
}

#[test]
fn a_deadlock_is_a_conflict_and_the_lane_goes_on() {
    run(async {
        let (database, mut desk, _) = two(1).await;
        let (order, _) = desk.place(1, "in the way").await;
        let fact = |value: &str| tradewind_domain::Fact { name: "contended".into(), value: value.into() };
        let set = |value| WriteSet { facts: vec![fact(value)], ..WriteSet::default() };
        desk.commit(&set("before")).await.unwrap();

        let other = connect(&database.url()).await;
        let watch = connect(&database.url()).await;
        let mut lane = desk.store.open_lane().await.unwrap();
        lane.load(&[Need::Order(OWNER, order.id)]).await.unwrap();
        // It is the lane that finds the deadlock, because the other looks for one much later.
        other
            .batch_execute("SET deadlock_timeout = '60s'; BEGIN; UPDATE facts SET value = 'theirs'")
            .await
            .unwrap();
        let blocked = tokio::spawn(async move {
            other.batch_execute("UPDATE orders SET device = 'theirs'; COMMIT").await.unwrap();
        });
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        crate::support::until(&watch, waits).await;
        let victim = lane.commit(&set("ours")).await;
        assert!(matches!(&victim, Err(StoreError::Conflict(words)) if words.contains("40P01")), "{victim:?}");
        blocked.await.unwrap();
        lane.commit(&set("ours, later")).await.unwrap();
        assert_eq!(desk.store.fact("contended".into()).await.unwrap(), Some(fact("ours, later")));
    });
}

#[test]
fn a_serialization_failure_is_a_conflict_and_the_lane_goes_on() {
    run(async {
        let (database, mut desk, _) = two(1).await;
        database.sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION refuse()",
        );
        let set = sets_of(&desk, "again", 0);
        let refused = desk.commit(&set).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        assert_eq!(desk.read(Need::OrderNumber(OWNER, "again".into())).await.orders, []);
        database.sql("DROP TRIGGER refuse ON payments");
        desk.commit(&set).await.unwrap();
    });
}

/// A value that this database cannot hold is the trouble of its own command, which a conflict isolates.
#[test]
fn what_cannot_be_stored_is_a_conflict_and_cannot_be_found() {
    run(async {
        let (_database, mut desk, _) = two(1).await;
        for number in [
            "zero \0 byte".to_owned(),
            (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect(),
        ] {
            let refused = desk.commit(&sets_of(&desk, &number, 0)).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
        let need = Need::OrderNumber(OWNER, "zero \0 byte".into());
        assert_eq!(desk.load(std::slice::from_ref(&need)).await.orders, []);
        assert_eq!(desk.read(need).await.orders, []);
        desk.commit(&sets_of(&desk, "fine", 0)).await.unwrap();
    });
}

#[test]
fn a_lane_that_waits_is_seen_by_the_watch() {
    run(async {
        let (database, mut desk, _) = two(1).await;
        let (order, _) = desk.place(1, "held").await;
        let holder = connect(&database.url()).await;
        holder.batch_execute("BEGIN; UPDATE orders SET device = device").await.unwrap();
        let mut lane = desk.store.open_lane().await.unwrap();
        let need = [Need::Order(OWNER, order.id)];
        let (loaded, ()) = tokio::join!(lane.load(&need), async {
            let watch = connect(&database.url()).await;
            until_one_waits(&watch).await;
            holder.batch_execute("COMMIT").await.unwrap();
        });
        assert_eq!(loaded.unwrap().orders.len(), 1);
    });
}

#[test]
fn a_number_never_looks_free_while_its_order_goes() {
    run(async {
        let (database, mut one, mut other) = two(1).await;
        refunded(&mut one, 1, "N", 100).await;
        one.now = one.now + Span::from_days(31);
        other.now = one.now;
        let rules = Rules::standard(REFUND_WINDOW);
        let before = one.now - Span::from_days(30);
        let page = orders_page(&*one.store, before, (one.now, &rules), None, 10).await.unwrap();
        let forget = Command::Forget(Box::new(page.forgetting.unwrap()));
        // One holds the order that is to go, the other waits for it.
        let (view, decided) = one.decide(vec![forget]).await;
        assert!(decided[0].is_ok(), "{decided:?}");
        let place = other.new_order(1, "N", yuan(100), Flow::PayerCode);
        let refund = NewRefund {
            id: RefundId::make(&other.ids, other.now),
            partner: OWNER,
            order: OrderRef::Number("N".into()),
            number: Some("R:N".into()),
            fingerprint: 100,
            amount: yuan(100),
            subject: "too cold".into(),
            operator: "manager01".into(),
        };
        let commands = vec![Command::PlaceOrder(Box::new(place)), Command::RequestRefund(Box::new(refund))];
        let ((_, answers), ()) = tokio::join!(other.decide(commands), async {
            let watch = connect(&database.url()).await;
            until_one_waits(&watch).await;
            one.commit(&view.into_write_set()).await.unwrap();
        });
        for answer in answers {
            assert_eq!(answer.unwrap_err(), Refusal::NumberTaken { same: true });
        }
        let verification = one.store.verify().await.unwrap();
        assert_eq!(verification.findings, [""; 0]);
    });
}

/// Two processes add orders of one partner at the same moments, to the same stretches of time: all of them
/// are counted, and none waits for ever.
#[test]
fn orders_of_two_processes_are_all_counted() {
    run(async {
        const ROUNDS: i64 = 15;
        const EACH: i64 = 20;
        let (_database, mut one, mut other) = two(1).await;
        let set = |desk: &Desk, round: i64, who: i64| {
            let mut set = WriteSet::default();
            for n in 0..EACH {
                let new = sets_of(desk, &format!("{who}-{round}-{n}"), (round * EACH + n) * 2_000 + who);
                set.orders_new.extend(new.orders_new);
                set.payments_new.extend(new.payments_new);
            }
            // As they come, whatever their order.
            if who == 1 {
                set.orders_new.reverse();
            }
            set
        };
        for round in 0..ROUNDS {
            let (first, second) = (set(&one, round, 0), set(&other, round, 1));
            let (a, b) = tokio::join!(one.commit(&first), other.commit(&second));
            a.unwrap();
            b.unwrap();
        }
        let list = tradewind_domain::ListOrders {
            from: NOW,
            until: NOW + tradewind_domain::Span::from_days(1),
            standings: Vec::new(),
            method: None,
            operator: None,
            number: None,
            page: 3,
            page_size: 100,
        };
        let refund_window = tradewind_store::contract::desk::REFUND_WINDOW;
        let query = tradewind_store::OrderQuery { partner: OWNER, list, now: NOW, refund_window };
        let found = one.store.list_orders(query).await.unwrap();
        assert_eq!(found.total, Some(u64::try_from(2 * ROUNDS * EACH).unwrap()));
        assert_eq!(found.entries.len(), 100);
        let findings = other.store.verify().await.unwrap().findings;
        assert!(!findings.iter().any(|finding| finding.contains("counted")), "{findings:?}");
    });
}
