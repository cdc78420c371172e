//! One stock and one balance, wanted by several processes at once: never more than there is, nobody waits
//! in a circle, and whatever is lost on the way, each purchase happens once.

use std::time::{Duration, Instant};

use tradewind_domain::{
    Command, Decided, Deposit, DepositId, IdSource, Need, NodeId, PartnerId, PartnerPatch, PaymentState,
    Product, PurchaseProblem, Refusal, Sku, Stock, StockKey, Timestamp, WriteSet,
};
use tradewind_store::StoreError;
use tradewind_store::contract::desk::Desk;
use tradewind_store::contract::samples::yuan;
use tradewind_store::contract::shop::{self, SELLER, purchased};
use tradewind_store_postgres::PostgresConfig;
use tradewind_testkit::AMPLE;
use tradewind_testkit::postgres::{Cluster, Database};

use crate::support::{config, connect, database, open, open_with, run, until, until_one_waits};

type Offer = (Sku, StockKey);

fn patient(database: &Database) -> PostgresConfig {
    PostgresConfig { lock_wait_max: AMPLE, statement_wait_max: AMPLE, ..config(database.url()) }
}

/// A process of its own at the database, with ids of its own.
async fn process(config: PostgresConfig, node: u8) -> Desk {
    let mut desk = Desk::open(&open_with(config).await).await;
    desk.ids = IdSource::new(NodeId::new(node).unwrap(), Timestamp::from_ms(0));
    desk
}

async fn stock(desk: &Desk, key: StockKey) -> Stock {
    desk.read(Need::Stock(key)).await.stocks.remove(0)
}

/// Runs a batch until no other process is in the way. Nothing has happened when it was.
async fn insist(desk: &mut Desk, commands: &[Command]) -> Vec<Result<Decided, Refusal>> {
    let begin = Instant::now();
    loop {
        match desk.attempt(commands.to_vec()).await {
            Ok(decided) => return decided,
            Err(StoreError::Conflict(_)) => assert!(begin.elapsed() < AMPLE, "it does not get through"),
            Err(error) => panic!("{error}"),
        }
    }
}

fn is_sold_out(decided: &Result<Decided, Refusal>) -> bool {
    matches!(decided, Err(Refusal::Purchase(PurchaseProblem::SoldOut)))
}

/// Buys in batches, one ticket more with each wish of a batch, until nothing is left; how many.
async fn buy_all(desk: &mut Desk, owners: &[i64], lane: &str, (sku, key): &Offer) -> u32 {
    let mut bought = 0;
    for round in 0.. {
        let wish = |(n, owner): (u32, &i64)| {
            shop::purchase(desk, *owner, &format!("{lane}{round}-{n}"), (sku, *key), n, true)
        };
        let wishes: Vec<Command> = (1..).zip(owners).map(wish).collect();
        let decided = insist(desk, &wishes).await;
        let end = decided.iter().all(is_sold_out);
        for paid in decided.into_iter().filter(|decided| !is_sold_out(decided)) {
            let purchase = purchased(paid);
            assert_eq!(purchase.payment.state, PaymentState::Paid);
            bought += purchase.order.line.unwrap().quantity;
        }
        if end {
            return bought;
        }
    }
    bought
}

#[test]
fn two_processes_sell_the_last_units_of_one_stock() {
    run(async {
        let database = database();
        let (mut one, mut other) =
            (process(patient(&database), 1).await, process(patient(&database), 2).await);
        for owner in 1..=6 {
            shop::add_buyer(&mut one, owner, 1_000_000).await;
        }
        let offer = shop::sell(&mut one, 7, 401, shop::rules()).await;
        let theirs = offer.clone();
        // They share two of their partners, so they meet at more than the stock.
        let running = tokio::spawn(async move { buy_all(&mut other, &[3, 6, 5, 4], "b", &theirs).await });
        let mine = buy_all(&mut one, &[1, 2, 3, 4], "a", &offer).await;
        let theirs = running.await.unwrap();
        let left = stock(&one, offer.1).await;
        assert_eq!((left.held, left.sold, mine + theirs), (0, 401, 401));
        assert!(mine > 0 && theirs > 0, "{mine} and {theirs}");
        check_clean(&one).await;
    });
}

#[test]
fn two_processes_spend_the_last_of_one_balance() {
    run(async {
        let database = database();
        let mut desks = [process(patient(&database), 1).await, process(patient(&database), 2).await];
        // Paid in advance; never paid and trusted; both.
        for (owner, prepaid, limit) in [(1, 500, 0), (2, 0, 300), (3, 200, 150)] {
            shop::add_buyer(&mut desks[0], owner, prepaid).await;
            let patch = PartnerPatch { credit_limit: Some(yuan(limit)), ..PartnerPatch::default() };
            desks[0].must(Command::PatchPartner { partner: PartnerId::from_i64(owner), patch }).await;
            let mut running = Vec::new();
            for (mut desk, name) in desks.into_iter().zip(["a", "b"]) {
                // Each sells something of its own, so that they meet at the balance alone.
                let id = owner * 10 + i64::from(name == "b");
                let (sku, key) = shop::sell(&mut desk, id, 1_000, shop::rules()).await;
                running.push(tokio::spawn(async move {
                    let mut paid = 0;
                    for n in 0..60 {
                        let wish = shop::purchase(&desk, owner, &format!("{name}{n}"), (&sku, key), 1, true);
                        let purchase = purchased(insist(&mut desk, &[wish]).await.remove(0));
                        paid += i64::from(purchase.payment.state == PaymentState::Paid);
                    }
                    (desk, paid)
                }));
            }
            let (second, first) = (running.pop().unwrap(), running.pop().unwrap());
            let ((one, mine), (other, theirs)) = (first.await.unwrap(), second.await.unwrap());
            assert_eq!((mine + theirs) * 10, prepaid + limit, "all of it, and not more");
            assert_eq!(shop::available(&one, owner).await, -limit);
            desks = [one, other];
        }
        check_clean(&desks[0]).await;
    });
}

#[test]
fn a_balance_that_is_not_there_yet_is_made_by_one() {
    run(async {
        let database = database();
        let (mut one, mut other) =
            (process(patient(&database), 1).await, process(patient(&database), 2).await);
        one.add_partner(1).await;
        let deposit = |desk: &Desk, number: &str| {
            let id = DepositId::make(&desk.ids, desk.now);
            Command::Deposit(Box::new(Deposit { id, ..shop::deposit(1, 0, number, 5) }))
        };
        // Both have seen that there is none.
        let (first, second) = (deposit(&one, "first"), deposit(&other, "second"));
        let (mine, decided) = one.decide(vec![first]).await;
        assert!(decided[0].is_ok());
        let (theirs, decided) = other.decide(vec![second.clone()]).await;
        assert!(decided[0].is_ok());
        one.commit(&mine.into_write_set()).await.unwrap();
        let late = other.commit(&theirs.into_write_set()).await;
        assert!(matches!(&late, Err(StoreError::Conflict(words)) if words.contains("23505")), "{late:?}");
        other.must(second).await;
        assert_eq!(shop::available(&one, 1).await, 10);
        check_clean(&one).await;
    });
}

/// Batches that share stocks, partners, orders and tasks in every order never deadlock.
#[test]
fn processes_that_want_the_same_things_do_not_wait_in_a_circle() {
    run(async {
        let database = database();
        let mut desks = Vec::new();
        for node in 1..=3 {
            desks.push(process(patient(&database), node).await);
        }
        let mut offers = Vec::new();
        for id in 7..=10 {
            offers.push(shop::sell(&mut desks[0], id, 100_000, shop::rules()).await);
        }
        for owner in 1..=4 {
            shop::add_buyer(&mut desks[0], owner, 10_000_000).await;
            // The first event makes the stream, and only one can do that.
            let wish = shop::purchase(&desks[0], owner, "first", (&offers[0].0, offers[0].1), 1, true);
            desks[0].must(wish).await;
        }
        let mut running = Vec::new();
        for (mut desk, lane) in desks.into_iter().zip(0_usize..) {
            let offers = offers.clone();
            running.push(tokio::spawn(async move {
                let mut open = Vec::new();
                for round in 0_usize..40 {
                    let mut batch = Vec::new();
                    for n in 0..6_usize {
                        // Another order of stocks and partners in each round of each process.
                        let (sku, key) = &offers[(round * (lane + 1) + n * (lane + 2)) % 4];
                        let owner = i64::try_from((n * (lane + 1) + round) % 4 + 1).unwrap();
                        let number = format!("{lane}-{round}-{n}");
                        batch.push(shop::purchase(&desk, owner, &number, (sku, *key), 2, n % 3 > 0));
                    }
                    for order in open.drain(..) {
                        batch.push(shop::payment_of(&desk, &order));
                    }
                    let decided = desk.attempt(batch).await;
                    for purchase in
                        decided.unwrap_or_else(|error| panic!("{error}")).into_iter().map(purchased)
                    {
                        if purchase.payment.state == PaymentState::Waiting {
                            open.push(purchase.order);
                        }
                    }
                }
                desk
            }));
        }
        for one in running {
            check_clean(&one.await.unwrap()).await;
        }
    });
}

async fn check_clean(desk: &Desk) {
    assert_eq!(desk.store.verify().await.unwrap().findings, [""; 0]);
}

#[test]
fn who_waits_for_a_stock_has_all_the_rest_and_sees_what_was_sold() {
    run(async {
        let database = database();
        let mut desk = process(patient(&database), 1).await;
        shop::add_buyer(&mut desk, 1, 1_000).await;
        shop::add_buyer(&mut desk, 2, 1_000).await;
        let (sku, key) = shop::sell(&mut desk, 7, 10, shop::rules()).await;
        for owner in [1, 2] {
            let wish = shop::purchase(&desk, owner, "first", (&sku, key), 1, true);
            desk.must(wish).await;
        }
        let mut other = process(patient(&database), 2).await;
        let wish = shop::purchase(&desk, 1, "holds", (&sku, key), 3, true);
        let (view, _) = desk.decide(vec![wish]).await;
        let late = shop::purchase(&other, 2, "waits", (&sku, key), 6, true);
        let waiting = tokio::spawn(async move { other.attempt(vec![late]).await });
        let watch = connect(&database.url()).await;
        until_one_waits(&watch).await;
        for held in [
            "SELECT FROM streams WHERE partner = 2 FOR UPDATE NOWAIT",
            "SELECT FROM accounts WHERE partner = 2 AND account = 'prepaid' FOR UPDATE NOWAIT",
        ] {
            let refused = watch.query(held, &[]).await.unwrap_err();
            let code = refused.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("55P03"), "{held}: {refused}");
        }
        desk.commit(&view.into_write_set()).await.unwrap();
        let decided = waiting.await.unwrap().unwrap();
        assert!(is_sold_out(&decided[0]), "5 are left and 6 were wanted: {decided:?}");
        assert_eq!(stock(&desk, key).await.sold, 5);
    });
}

#[test]
fn a_stock_is_waited_for_and_not_for_ever() {
    run(async {
        let database = database();
        let mut desk = process(patient(&database), 1).await;
        shop::add_buyer(&mut desk, 1, 1_000).await;
        let (_, key) = shop::sell(&mut desk, 7, 10, shop::rules()).await;
        let impatient =
            PostgresConfig { lock_wait_max: Duration::from_millis(100), ..config(database.url()) };
        let impatient = open_with(impatient).await;
        let mut holder = desk.store.open_lane().await.unwrap();
        holder.load(&[Need::Stock(key)]).await.unwrap();
        let mut late = impatient.open_lane().await.unwrap();
        let refused = late.load(&[Need::Stock(key)]).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        // Whoever only looks is not held up.
        assert_eq!(impatient.read(vec![Need::Stock(key)]).await.unwrap().stocks.len(), 1);
        let changed = Stock { held: 1, ..stock(&desk, key).await };
        holder
            .commit(&WriteSet { stocks_changed: vec![changed.clone()], ..WriteSet::default() })
            .await
            .unwrap();
        assert_eq!(late.load(&[Need::Stock(key)]).await.unwrap().stocks, [changed]);
    });
}

#[test]
fn nobody_overwrites_a_product_or_a_sku_that_he_has_not_seen() {
    run(async {
        let database = database();
        let mut desk = process(patient(&database), 1).await;
        let (sku, _) = shop::sell(&mut desk, 7, 10, shop::rules()).await;
        let mut lanes = Vec::new();
        for _ in 0..4 {
            let mut lane = desk.store.open_lane().await.unwrap();
            let rows = lane.load(&[Need::Sku(sku.id)]).await.unwrap();
            lanes.push((lane, rows));
        }
        let mut results = Vec::new();
        for (n, (lane, rows)) in lanes.iter_mut().enumerate() {
            let mut set = WriteSet::default();
            if n % 2 == 0 {
                let product = rows.products.remove(0);
                set.products_changed.push(Product { name: n.to_string(), ..product });
            } else {
                let sku = rows.skus.remove(0);
                set.skus_changed.push(Sku { order_min: u32::try_from(n).unwrap(), ..sku });
            }
            results.push(lane.commit(&set).await);
        }
        let outcome = results.as_slice();
        assert!(
            matches!(outcome, [Ok(()), Ok(()), Err(StoreError::Conflict(_)), Err(StoreError::Conflict(_))]),
            "{outcome:?}"
        );
        let found = desk.read(Need::Sku(sku.id)).await;
        assert_eq!((found.products[0].name.as_str(), found.skus[0].order_min), ("0", 1));
    });
}

const KILL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE application_name = 'tradewind' AND datname = current_database()";

/// What a purchase looks at and locks, and then what it writes: with each of these taken, it is held up at
/// another place of its two flights.
const PLACES: &[(&str, &[&str])] = &[
    (
        "ACCESS EXCLUSIVE",
        &["streams", "orders", "payments", "vouchers", "partners", "skus", "accounts", "stocks"],
    ),
    (
        "SHARE",
        &[
            "streams",
            "orders",
            "payments",
            "transfers",
            "events",
            "tasks",
            "stocks",
            "order_lines",
            "vouchers",
            "voucher_codes",
            "accounts",
            "facts",
        ],
    ),
];

/// Whoever lost the answer asks again under the same number, as a partner does.
#[test]
fn a_purchase_happens_once_wherever_its_connection_is_lost() {
    run(async {
        let database = database();
        let mut desk = process(patient(&database), 1).await;
        shop::add_buyer(&mut desk, 1, 10_000).await;
        let (sku, key) = shop::sell(&mut desk, 7, 1_000, shop::rules()).await;
        let other = connect(&database.url()).await;
        let watch = connect(&database.url()).await;
        let mut sold = 0;
        for (mode, tables) in PLACES {
            for table in *tables {
                let wish = shop::purchase(&desk, 1, &format!("{table} {mode}"), (&sku, key), 2, true);
                // What the application adds to every batch.
                let remember =
                    Command::Remember(tradewind_domain::Fact { name: "at".into(), value: "1".into() });
                let batch = vec![wish, remember];
                other.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN {mode} MODE")).await.unwrap();
                let lost = {
                    let (outcome, ()) = tokio::join!(desk.attempt(batch.clone()), async {
                        until_one_waits(&watch).await;
                        watch.query_one(KILL, &[]).await.unwrap();
                        other.batch_execute("ROLLBACK").await.unwrap();
                    });
                    outcome
                };
                // What is lost while loading is loaded again without a word.
                assert!(lost.is_err() || *mode != "SHARE", "{table}: it was killed while writing");
                if lost.is_err() {
                    assert_eq!(stock(&desk, key).await.sold, sold, "{table}: half of it is there: {lost:?}");
                    insist(&mut desk, &batch).await;
                }
                sold += 2;
                assert_eq!(stock(&desk, key).await.sold, sold, "{table}");
                insist(&mut desk, &batch).await;
                assert_eq!(stock(&desk, key).await.sold, sold, "{table}: asking again has sold it again");
            }
        }
        assert_eq!(shop::available(&desk, 1).await, 10_000 - 10 * i64::from(sold));
        check_clean(&desk).await;
    });
}

/// COMMIT was done, and nobody was left to say so: the purchase is there with all that belongs to it.
#[test]
fn a_purchase_whose_answer_is_lost_in_its_commit_is_there_as_a_whole() {
    let cluster = Cluster::start();
    run(async {
        let url = cluster.url();
        let mut desk = Desk::open(&open(&url).await).await;
        shop::add_buyer(&mut desk, 1, 100).await;
        let (sku, key) = shop::sell(&mut desk, 7, 10, shop::rules()).await;
        let wish = shop::purchase(&desk, 1, "doubtful", (&sku, key), 4, true);
        // Every COMMIT waits for a standby that is not there; a server takes a moment to hear of it.
        cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        cluster.sql("SELECT pg_reload_conf()");
        let other = connect(&url).await;
        until(&other, "SELECT count(*) FROM pg_settings WHERE setting = 'nobody'").await;
        let (outcome, ()) = tokio::join!(desk.attempt(vec![wish.clone()]), async {
            until(&other, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").await;
            let kill =
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
            other.query_one(kill, &[]).await.unwrap();
        });
        assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
        cluster.sql("ALTER SYSTEM RESET synchronous_standby_names");
        cluster.sql("SELECT pg_reload_conf()");
        let begin = Instant::now();
        let decided = loop {
            match desk.attempt(vec![wish.clone()]).await {
                Ok(mut decided) => break decided.remove(0),
                Err(error) => assert!(begin.elapsed() < AMPLE, "the lane does not come back: {error}"),
            }
        };
        let purchase = purchased(decided);
        assert_eq!((purchase.payment.state, purchase.vouchers.len()), (PaymentState::Paid, 1));
        assert_eq!(stock(&desk, key).await.sold, 4);
        assert_eq!(shop::available(&desk, 1).await, 60);
        check_clean(&desk).await;
    });
}

/// The row that everybody changes leaves no trail behind it: no page is added, and no index is touched.
#[test]
fn a_hot_stock_stays_on_its_page() {
    let cluster = Cluster::start();
    // Whoever gathers statistics looks at old versions, which have to stay as long.
    cluster.sql("ALTER SYSTEM SET autovacuum = off");
    cluster.sql("SELECT pg_reload_conf()");
    run(async {
        let mut desk = Desk::open(&open(cluster.url()).await).await;
        let (_, key) = shop::sell(&mut desk, 7, 1_000, shop::rules()).await;
        let mut changed = stock(&desk, key).await;
        for sold in 1..=150 {
            changed.sold = sold;
            desk.load(&[Need::Stock(key)]).await;
            desk.commit(&WriteSet { stocks_changed: vec![changed.clone()], ..WriteSet::default() })
                .await
                .unwrap();
        }
        let bytes = cluster.sql("SELECT pg_relation_size('stocks'), pg_relation_size('stocks_sku')");
        assert_eq!(bytes.trim(), "8192|16384", "one page, and the index has a root and what describes it");
        assert_eq!(stock(&desk, key).await.seller, SELLER);
    });
}
