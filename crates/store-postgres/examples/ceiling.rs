//! What the store alone can do: orders placed and whole lives per second through `load` and `commit`,
//! beside the bare array inserts of four small rows that the database takes over one connection.
//!
//! `cargo run --release -p tradewind-store-postgres --example ceiling -- [ORDERS] [PARTNERS] [URL]`
//!
//! Without an address a private cluster is started, which syncs like in production. An order's life is:
//! placed, paid, notified; or one to five tickets of one hot day are bought and paid from the balance in
//! one, by lanes that all want the same stock. Commands are decided by the domain as in the gateway.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program that prints figures"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tradewind_domain::{
    ChannelReport, Command, Decided, DeliveryResult, Flow, FundBill, IdSource, Need, NodeId, Rules, Sku,
    Span, Stock, StockKey, TaskKind, Timestamp, View, decide, needs,
};
use tradewind_store::contract::desk::Desk;
use tradewind_store::contract::samples::{self, yuan};
use tradewind_store::contract::shop;
use tradewind_store::{BoxFuture, Lane, LeaseRequest, Store};
use tradewind_store_postgres::{PostgresConfig, PostgresStore};
use tradewind_testkit::postgres::Cluster;

/// The bare inserts: four tables of small rows.
const BARE_TABLES: &str = "CREATE TABLE bare_1 (p bigint, id bigint, a bigint, t text, PRIMARY KEY (p, id));
     CREATE TABLE bare_2 (p bigint, id bigint, a bigint, t text, PRIMARY KEY (p, id));
     CREATE TABLE bare_3 (p bigint, id bigint, a bigint, t text, PRIMARY KEY (p, id));
     CREATE TABLE bare_4 (p bigint, id bigint, a bigint, t text, PRIMARY KEY (p, id))";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let orders: usize = arguments.next().map_or(20_000, |n| n.parse().expect("a number of orders"));
    let partners: usize = arguments.next().map_or(10, |n| n.parse().expect("a number of partners"));
    let (cluster, url) = match arguments.next() {
        Some(url) => (None, url),
        None => {
            let cluster = Cluster::start();
            let url = cluster.url();
            (Some(cluster), url)
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for batch in [50, 200] {
            println!(
                "bare array inserts, {batch} requests of 4 rows each: {}/s",
                bare(&url, orders, batch).await
            );
        }
        let config = PostgresConfig { migrate: true, ..PostgresConfig::new(&url) };
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(config).await.expect("a database"));
        let mut desk = Desk::open(&store).await;
        for id in 1..=partners {
            shop::add_buyer(&mut desk, i64::try_from(id).expect("few partners"), 1_000_000_000).await;
        }
        let hot = shop::sell(&mut desk, 7, Stock::TOTAL_MAX, shop::rules()).await;
        for (lanes, batch) in [(1, 1), (1, 64), (1, 256), (2, 64), (2, 256)] {
            let count = if batch == 1 { 500 } else { orders };
            place(&store, lanes, batch, count, partners).await;
        }
        life(&store, 256, orders / 2, partners).await;
        for (lanes, batch) in [(1, 1), (1, 64), (1, 256), (2, 64), (2, 256), (4, 100)] {
            let count = if batch == 1 { 500 } else { orders };
            buy(&store, lanes, batch, count, (partners, &hot)).await;
        }
        let begin = Instant::now();
        let verification = store.verify().await.expect("a verification");
        println!("verify: {:?}, {} findings", begin.elapsed(), verification.findings.len());
    });
    drop(cluster);
}

async fn bare(url: &str, requests: usize, batch: usize) -> u128 {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("DROP TABLE IF EXISTS bare_1, bare_2, bare_3, bare_4").await.expect("no tables");
    client.batch_execute(BARE_TABLES).await.expect("tables");
    let mut inserts = Vec::new();
    for table in 1..=4 {
        let sql = format!(
            "INSERT INTO bare_{table} SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])"
        );
        inserts.push(client.prepare(&sql).await.expect("a statement"));
    }
    let begin = Instant::now();
    let mut done = 0;
    while done < requests {
        let ids: Vec<i64> = (done..done + batch).map(|id| i64::try_from(id).expect("fits")).collect();
        let partners: Vec<i64> = ids.iter().map(|id| id % 10).collect();
        let texts: Vec<String> = ids.iter().map(|id| format!("text {id}")).collect();
        let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[&partners, &ids, &ids, &texts];
        let (a, b, c, d, e, f) = tokio::join!(
            client.batch_execute("BEGIN"),
            client.execute(&inserts[0], values),
            client.execute(&inserts[1], values),
            client.execute(&inserts[2], values),
            client.execute(&inserts[3], values),
            client.batch_execute("COMMIT"),
        );
        for outcome in [a, f] {
            outcome.expect("a transaction");
        }
        for inserted in [b, c, d, e] {
            inserted.expect("rows");
        }
        done += batch;
    }
    client.batch_execute("DROP TABLE bare_1, bare_2, bare_3, bare_4").await.expect("no tables");
    rate(done, begin.elapsed())
}

#[derive(Default)]
struct Times {
    load: Duration,
    decide: Duration,
    commit: Duration,
}

/// Numbers of orders, over all measurements.
static PLACED: AtomicUsize = AtomicUsize::new(0);

async fn place(store: &Arc<dyn Store>, lanes: usize, batch: usize, orders: usize, partners: usize) {
    in_lanes("place", store, (lanes, batch, orders, partners), move |worker, own| {
        Box::pin(async move { drop(worker.place(batch, own).await) })
    })
    .await;
}

async fn buy(
    store: &Arc<dyn Store>,
    lanes: usize,
    batch: usize,
    orders: usize,
    (partners, hot): (usize, &(Sku, StockKey)),
) {
    let hot = hot.clone();
    in_lanes("buy hot tickets", store, (lanes, batch, orders, partners), move |worker, own| {
        let hot = hot.clone();
        Box::pin(async move { worker.buy(batch, own, &hot).await })
    })
    .await;
}

async fn in_lanes<W>(
    what: &str,
    store: &Arc<dyn Store>,
    (lanes, batch, orders, partners): (usize, usize, usize, usize),
    work: W,
) where
    W: for<'w> Fn(&'w mut Worker, &'w [usize]) -> BoxFuture<'w, ()> + Clone + Send + 'static,
{
    let begin = Instant::now();
    let mut working = Vec::new();
    for lane in 0..lanes {
        let (store, work) = (Arc::clone(store), work.clone());
        working.push(tokio::spawn(async move {
            let mut worker = Worker::open(&store, lane).await;
            let own: Vec<usize> =
                (1..=partners).filter(|partner| partner % lanes == lane % partners).collect();
            let mut done = 0;
            while done < orders / lanes {
                work(&mut worker, &own).await;
                done += batch;
            }
            (done, worker.times)
        }));
    }
    let (mut done, mut times) = (0, Times::default());
    for worker in working {
        let (placed, spent) = worker.await.expect("a lane");
        done += placed;
        times.load += spent.load;
        times.decide += spent.decide;
        times.commit += spent.commit;
    }
    let each = |time: Duration| time.as_micros() / u128::try_from(done).expect("fits").max(1);
    println!(
        "{what}, {lanes} lanes, batches of {batch:>3}: {:>6}/s (per order load {} us, decide {} us, commit {} us)",
        rate(done, begin.elapsed()),
        each(times.load),
        each(times.decide),
        each(times.commit),
    );
}

async fn life(store: &Arc<dyn Store>, batch: usize, orders: usize, partners: usize) {
    let mut worker = Worker::open(store, 0).await;
    let own: Vec<usize> = (1..=partners).collect();
    let begin = Instant::now();
    let mut done = 0;
    while done < orders {
        let placed = worker.place(batch, &own).await;
        let paid = placed.into_iter().map(|decided| {
            let Decided::Order(order, payment) = decided else { unreachable!("orders were placed") };
            Command::ReportPayment {
                partner: order.partner,
                order: order.id,
                payment: payment.id,
                report: ChannelReport::Paid {
                    channel_number: format!("2026112222001{}", order.id.get()),
                    payer: Some("2088102169".into()),
                    bills: vec![FundBill { source: "alipay_balance".into(), amount: yuan(100) }],
                },
                attempts: None,
            }
        });
        worker.batch(paid.collect()).await;
        let request = LeaseRequest {
            now: worker.desk.now,
            limit: batch,
            limit_per_partner: batch,
            lease_for: Duration::from_secs(60),
        };
        let told = store.lease_tasks(request).await.expect("leases").tasks;
        assert!(told.iter().all(|task| matches!(task.kind, TaskKind::Deliver { .. })));
        let recorded = told.into_iter().map(|task| Command::RecordDelivery {
            key: task.key,
            attempt: 1,
            result: DeliveryResult::Acknowledged,
        });
        worker.batch(recorded.collect()).await;
        done += batch;
    }
    println!("whole life, 1 lane, batches of {batch}: {:>6}/s", rate(done, begin.elapsed()));
}

struct Worker {
    desk: Desk,
    lane: Box<dyn Lane>,
    times: Times,
}

impl Worker {
    async fn open(store: &Arc<dyn Store>, lane: usize) -> Worker {
        let mut desk = Desk::open(store).await;
        let node = NodeId::new(u8::try_from(lane).expect("few lanes")).expect("few lanes");
        desk.ids = IdSource::new(node, Timestamp::from_ms(0));
        desk.now = desk.now + Span::from_mins(i64::try_from(PLACED.load(Ordering::Relaxed)).expect("fits"));
        Worker { desk, lane: store.open_lane().await.expect("a lane"), times: Times::default() }
    }

    async fn place(&mut self, batch: usize, own: &[usize]) -> Vec<Decided> {
        self.desk.now = self.desk.now + Span::from_ms(10);
        let first = PLACED.fetch_add(batch, Ordering::Relaxed);
        let commands = (first..first + batch).map(|serial| {
            let owner = i64::try_from(own[serial % own.len()]).expect("few partners");
            let mut new =
                self.desk.new_order(owner, &format!("20261122{serial:010}"), yuan(100), Flow::PayerCode);
            new.follow_up_at = samples::NOW + Span::from_days(36_500);
            Command::PlaceOrder(Box::new(new))
        });
        let commands = commands.collect();
        self.batch(commands).await
    }

    async fn buy(&mut self, batch: usize, own: &[usize], (sku, stock): &(Sku, StockKey)) {
        self.desk.now = self.desk.now + Span::from_ms(10);
        let first = PLACED.fetch_add(batch, Ordering::Relaxed);
        let wish = |serial: usize| {
            let owner = i64::try_from(own[serial % own.len()]).expect("few partners");
            let quantity = u32::try_from(serial % 5 + 1).expect("fits");
            shop::purchase(
                &self.desk,
                owner,
                &format!("T20261122{serial:010}"),
                (sku, *stock),
                quantity,
                true,
            )
        };
        let commands = (first..first + batch).map(wish).collect();
        for decided in self.batch(commands).await {
            let Decided::Purchase(purchase) = decided else { panic!("no purchase: {decided:?}") };
            assert_eq!(purchase.vouchers.len(), 1);
        }
    }

    async fn batch(&mut self, commands: Vec<Command>) -> Vec<Decided> {
        let mut seen = std::collections::HashSet::new();
        let wanted: Vec<Need> =
            commands.iter().flat_map(needs).filter(|need| seen.insert(need.clone())).collect();
        let begin = Instant::now();
        let rows = self.lane.load(&wanted).await.expect("a load");
        let loaded = Instant::now();
        let mut view = View::default();
        view.fill(wanted, rows);
        let rules = Rules::standard(Span::from_days(7));
        let mut decided = Vec::with_capacity(commands.len());
        for command in commands {
            let (changes, led_to) =
                decide(&view, command, self.desk.now, &self.desk.ids, &rules).expect("nothing is refused");
            view.apply(changes);
            decided.push(led_to);
        }
        let set = view.into_write_set();
        let ready = Instant::now();
        self.lane.commit(&set).await.expect("a commit");
        self.times.load += loaded - begin;
        self.times.decide += ready - loaded;
        self.times.commit += ready.elapsed();
        decided
    }
}

fn rate(count: usize, time: Duration) -> u128 {
    u128::try_from(count).expect("fits") * 1000 / time.as_millis().max(1)
}
