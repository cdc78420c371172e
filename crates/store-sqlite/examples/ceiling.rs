//! What the store alone can do: microseconds of the writing thread for each order, in batches, on an
//! empty database and on one that already holds many.
//!
//! `cargo run --release -p tradewind-store-sqlite --example ceiling -- [ORDERS] [PARTNERS] [FOLDER]`
//!
//! An order's life is: placed, paid, notified; or one to five tickets of one hot day are bought and paid
//! from the balance in one. Commands are decided by the domain as in the gateway;
//! loading, deciding and committing are timed apart.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program that prints figures"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tradewind_domain::{
    ChannelReport, Command, Decided, DeliveryResult, Flow, FundBill, Need, Rules, Sku, Span, Stock, StockKey,
    Task, TaskKind, View, decide, needs,
};
use tradewind_store::contract::desk::Desk;
use tradewind_store::contract::samples::{self, yuan};
use tradewind_store::contract::shop;
use tradewind_store::{LeaseRequest, Store};
use tradewind_store_sqlite::{SqliteConfig, SqliteStore};

const MEASURED: usize = 20_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let orders: usize = arguments.next().map_or(100_000, |n| n.parse().expect("a number of orders"));
    let partners: usize = arguments.next().map_or(10, |n| n.parse().expect("a number of partners"));
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("tradewind-ceiling-{}.db", std::process::id()));
    let config = SqliteConfig {
        page_size: std::env::var("PAGE_SIZE").map_or(4096, |n| n.parse().expect("a page size")),
        wal_autocheckpoint_pages: std::env::var("CHECKPOINT_PAGES")
            .map_or(4000, |n| n.parse().expect("pages")),
        ..SqliteConfig::default()
    };
    println!("SQLite {}, {config:?}, {partners} partners", rusqlite::version());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, config).expect("a database"));
        let mut desk = Desk::open(&store).await;
        for id in 1..=partners {
            shop::add_buyer(&mut desk, i64::try_from(id).expect("few partners"), 1_000_000_000).await;
        }
        let hot = shop::sell(&mut desk, 7, Stock::TOTAL_MAX, shop::rules()).await;
        let mut bench = Bench { desk, partners, placed: 0, hot };
        println!("empty database");
        bench.figures().await;
        if orders > bench.placed {
            let (begin, before) = (Instant::now(), bench.placed);
            let mut times = Times::default();
            while bench.placed < orders {
                bench.life(256, &mut times).await;
            }
            let rate = u128::try_from(bench.placed - before).expect("fits") * 1000
                / begin.elapsed().as_millis().max(1);
            println!("filled up to {} orders at {rate} whole lives/s", bench.placed);
            println!("database of {} orders", bench.placed);
            bench.figures().await;
        }
        let begin = Instant::now();
        let verification = store.verify().await.expect("a verification");
        println!("verify: {:?}, {} findings", begin.elapsed(), verification.findings.len());
        println!("{:?}", verification.checked);
        println!(
            "resident {} MiB, file {} MiB",
            resident_mb(),
            std::fs::metadata(&path).unwrap().len() >> 20
        );
    });
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

struct Bench {
    desk: Desk,
    partners: usize,
    placed: usize,
    hot: (Sku, StockKey),
}

#[derive(Default)]
struct Times {
    load: Duration,
    decide: Duration,
    commit: Duration,
    /// On the processor, without the waits for the disk.
    busy: Duration,
    rows: usize,
    longest: Duration,
}

impl Times {
    fn print(&self, what: &str, orders: usize) {
        let each = |time: Duration| time.as_nanos() / u128::try_from(orders).expect("fits");
        let store = each(self.load + self.commit);
        println!(
            "  {what:<28} store {:>3}.{} us/order, {:>2}.{} of them busy (load {:>5} ns, commit {:>6} ns), \
             decide {:>4} ns, {:>6} rows/s, longest batch {:?}",
            store / 1000,
            store % 1000 / 100,
            each(self.busy) / 1000,
            each(self.busy) % 1000 / 100,
            each(self.load),
            each(self.commit),
            each(self.decide),
            u128::try_from(self.rows).expect("fits") * 1_000_000_000 / self.commit.as_nanos().max(1),
            self.longest,
        );
    }
}

impl Bench {
    async fn figures(&mut self) {
        for batch in [1, 64, 256] {
            let measured = if batch == 1 { 1_000 } else { MEASURED };
            let mut times = Times::default();
            let before = self.placed;
            while self.placed - before < measured {
                self.place(batch, &mut times).await;
            }
            times.print(&format!("place, batches of {batch}"), self.placed - before);
        }
        for batch in [1, 64, 256] {
            let measured = if batch == 1 { 1_000 } else { MEASURED };
            let mut times = Times::default();
            let before = self.placed;
            while self.placed - before < measured {
                self.buy(batch, &mut times).await;
            }
            times.print(&format!("buy hot tickets, batches of {batch}"), self.placed - before);
            self.deliver_all().await;
        }
        for batch in [64, 256] {
            let mut times = Times::default();
            let before = self.placed;
            while self.placed - before < MEASURED {
                self.life(batch, &mut times).await;
            }
            times.print(&format!("whole life, batches of {batch}"), self.placed - before);
        }
    }

    async fn life(&mut self, batch: usize, times: &mut Times) {
        let placed = self.place(batch, times).await;
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
        self.batch(paid.collect(), times).await;
        let told: Vec<Task> = self.leased(batch).await;
        assert!(told.iter().all(|task| matches!(task.kind, TaskKind::Deliver { .. })));
        self.record(told, times).await;
    }

    /// Placing leaves follow-ups of its own behind; those are due later than deliveries here.
    async fn leased(&self, batch: usize) -> Vec<Task> {
        let request = LeaseRequest {
            now: self.desk.now,
            limit: batch,
            limit_per_partner: batch,
            lease_for: Duration::from_secs(60),
        };
        self.desk.store.lease_tasks(request).await.expect("leases").tasks
    }

    async fn place(&mut self, batch: usize, times: &mut Times) -> Vec<Decided> {
        self.desk.now = self.desk.now + Span::from_ms(10);
        let commands = (0..batch).map(|n| {
            let serial = self.placed + n;
            let owner = i64::try_from(serial % self.partners + 1).expect("few partners");
            let number = format!("20261122{serial:010}");
            let mut new = self.desk.new_order(owner, &number, yuan(100), Flow::PayerCode);
            new.follow_up_at = samples::NOW + Span::from_days(3650);
            Command::PlaceOrder(Box::new(new))
        });
        let commands = commands.collect();
        self.placed += batch;
        self.batch(commands, times).await
    }

    async fn buy(&mut self, batch: usize, times: &mut Times) {
        self.desk.now = self.desk.now + Span::from_ms(10);
        let wish = |n| {
            let serial = self.placed + n;
            let owner = i64::try_from(serial % self.partners + 1).expect("few partners");
            let quantity = u32::try_from(serial % 5 + 1).expect("fits");
            let (sku, stock) = &self.hot;
            shop::purchase(
                &self.desk,
                owner,
                &format!("T20261122{serial:010}"),
                (sku, *stock),
                quantity,
                true,
            )
        };
        let commands = (0..batch).map(wish).collect();
        self.placed += batch;
        for decided in self.batch(commands, times).await {
            let Decided::Purchase(purchase) = decided else { unreachable!("tickets were bought") };
            assert_eq!(purchase.vouchers.len(), 1);
        }
    }

    /// So that what a purchase has to tell does not stand in the way of the next figures.
    async fn deliver_all(&mut self) {
        loop {
            let told = self.leased(1_000).await;
            if told.is_empty() {
                return;
            }
            self.record(told, &mut Times::default()).await;
        }
    }

    async fn record(&mut self, told: Vec<Task>, times: &mut Times) {
        let recorded = told.into_iter().map(|task| Command::RecordDelivery {
            key: task.key,
            attempt: 1,
            result: DeliveryResult::Acknowledged,
        });
        self.batch(recorded.collect(), times).await;
    }

    async fn batch(&mut self, commands: Vec<Command>, times: &mut Times) -> Vec<Decided> {
        let mut seen = std::collections::HashSet::new();
        let wanted: Vec<Need> =
            commands.iter().flat_map(needs).filter(|need| seen.insert(need.clone())).collect();
        let (begin, busy) = (Instant::now(), busy());
        let rows = self.desk.load(&wanted).await;
        let (loaded, busy_loading) = (Instant::now(), self::busy() - busy);
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
        let (ready, busy) = (Instant::now(), self::busy());
        self.desk.commit(&set).await.expect("a commit");
        times.busy += busy_loading + (self::busy() - busy);
        let end = Instant::now();
        times.load += loaded - begin;
        times.decide += ready - loaded;
        times.commit += end - ready;
        times.longest = times.longest.max(end - ready);
        times.rows += set.orders_new.len()
            + set.orders_changed.len()
            + set.payments_new.len()
            + set.payments_changed.len()
            + set.transfers.len()
            + set.events.len()
            + set.tasks_new.len()
            + set.tasks_changed.len()
            + set.tasks_removed.len()
            + set.vouchers_new.len()
            + set.stocks_changed.len();
        decided
    }
}

/// How long this thread has been on a processor.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
