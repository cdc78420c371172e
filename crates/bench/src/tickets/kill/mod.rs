//! `tickets-kill`: many buyers of the tickets of one day while the gateway is killed, and the proof that
//! never one too many is sold and nothing acknowledged is lost or doubled.
//!
//! Buyers ask for 1 to 5 tickets in one step or in two; some let what they hold lapse, some cancel it,
//! some give tickets back, which is approved automatically. Calls without an answer are made again with
//! the same number, or the order is looked for first. One look after the other at the stock has to add up.
//! In the end everything comes to rest, every order is looked at, all that is left is sold, and stock,
//! balances, codes and books are compared with what the buyers know.

mod fleet;
mod market;
mod reply;
mod settle;
mod watch;

use super::office::{self, Item, Terms};
use crate::chaos::Findings;
use crate::clock::{wait_until, wall_ms};
use crate::gateway::{Setup, Workspace};
use crate::lianhe::{Distributor, day_of};
use crate::postgres::cluster::{self, SETTINGS};
use crate::random::Random;
use crate::report::median;
use crate::run::Store;
use anyhow::ensure;
use fleet::{Fleet, serve, torment};
use market::Market;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What most distributors have, and what the poor ones have and may owe.
const RICH: (&str, i64) = ("9000000.00", 900_000_000);
const POOR: (&str, i64) = ("500.00", 50_000);
const LIMIT: &str = "400.00";
const LIMIT_CENTS: i64 = 40_000;
const REVIEW_S: u32 = 1;
/// The day of the tickets is beyond all that the clock is moved.
const DAYS_AHEAD: u64 = 30;
/// After the last kill, buyers go on for as many refusals ...
const LAST_REFUSALS: u64 = 50;
/// ... and for no longer than this, if the stock is too large for them.
const LAST_LIMIT: Duration = Duration::from_secs(30);
const LOOK_PAUSE: Duration = Duration::from_millis(2);
/// Violations that are printed.
const SHOWN: usize = 40;

#[derive(clap::Args)]
pub(crate) struct TicketsKillArgs {
    /// Where the gateway keeps its books.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// Gateway processes at once; more than one needs PostgreSQL. 1 on SQLite and 3 on PostgreSQL if absent.
    #[arg(long)]
    processes: Option<usize>,
    /// Tickets of the day.
    #[arg(long, default_value_t = 10_000)]
    tickets: u64,
    /// Buyers, each with a connection.
    #[arg(long, default_value_t = 400)]
    buyers: usize,
    /// Distributors through whom they buy; each eighth has too little money.
    #[arg(long, default_value_t = 40)]
    distributors: usize,
    /// How many times a process is killed.
    #[arg(long, default_value_t = 12)]
    kills: usize,
    /// Fewer of everything, for every change.
    #[arg(long)]
    short: bool,
    /// Seed of what buyers do and of the moments of the kills; the time of day when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// The gateway to start and kill.
    #[arg(long, env = "TRADEWIND_BIN", default_value = "target/release/tradewind")]
    binary: PathBuf,
    /// Folder for the database.
    #[arg(long, default_value = "target/bench-data")]
    data_root: PathBuf,
    /// Seconds in which everything must have come to rest after the last kill.
    #[arg(long, default_value_t = 150)]
    settle: u64,
    /// Keep the database; it is always kept when a promise was broken.
    #[arg(long)]
    keep: bool,
}

/// Everything the buyers know, behind one lock.
struct Shared {
    market: Mutex<Market>,
    /// Who waits for the lock, the buyers' connections left aside.
    visitors: AtomicUsize,
}

impl Shared {
    fn new(market: Market) -> Self {
        Self { market: Mutex::new(market), visitors: AtomicUsize::new(0) }
    }

    /// For those who come now and then.
    fn open(&self) -> MutexGuard<'_, Market> {
        self.visitors.fetch_add(1, Ordering::AcqRel);
        let market = self.market.lock().unwrap_or_else(PoisonError::into_inner);
        self.visitors.fetch_sub(1, Ordering::AcqRel);
        market
    }

    /// For the connections, which would take the lock again and again before anybody else woke up.
    fn open_last(&self) -> MutexGuard<'_, Market> {
        while self.visitors.load(Ordering::Acquire) > 0 {
            std::thread::park_timeout(Duration::from_micros(20));
        }
        self.market.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of everything.
struct Size {
    tickets: u64,
    buyers: usize,
    distributors: usize,
    kills: usize,
    processes: usize,
}

impl Size {
    fn of(args: &TicketsKillArgs) -> Self {
        let usual = if args.store == Store::Sqlite { 1 } else { 3 };
        let processes = args.processes.unwrap_or(usual);
        let (tickets, buyers, distributors, kills) = match args.short {
            true => (600, 90, 16, 3),
            false => (args.tickets, args.buyers, args.distributors, args.kills),
        };
        Self { tickets, buyers, distributors, kills, processes }
    }
}

/// What is sold, and the distributors' ids.
struct Shop {
    item: Item,
    partners: Vec<String>,
}

impl Shop {
    fn poor(&self) -> Vec<String> {
        let poor = self.partners.iter().enumerate().filter(|(index, _)| Market::is_poor(*index));
        poor.map(|(_, partner)| partner.clone()).collect()
    }
}

/// Runs the test and prints a summary; fails when a promise was broken.
pub(crate) fn command(args: &TicketsKillArgs) -> anyhow::Result<ExitCode> {
    let size = Size::of(args);
    ensure!(size.processes > 0 && size.buyers > 0 && size.distributors > 1, "nobody would sell or buy");
    ensure!(size.processes == 1 || args.store == Store::Postgres, "several processes need PostgreSQL");
    ensure!(size.kills > 0, "--kills must be at least 1");
    let seed = args.seed.unwrap_or_else(wall_ms);
    println!(
        "seed {seed}, {:?} store, {} processes, {} tickets, {} buyers through {} distributors, {} kills",
        args.store, size.processes, size.tickets, size.buyers, size.distributors, size.kills
    );
    let mut workspace = Workspace::fresh(&args.data_root, "tickets-kill", args.keep)?;
    let mut findings = Findings::default();
    let outcome = run(args, &size, seed, &workspace.folder("data"), &mut findings);
    for text in findings.texts.iter().take(SHOWN) {
        println!("VIOLATION  {text}");
    }
    if findings.texts.len() > SHOWN {
        println!("... and {} more", findings.texts.len() - SHOWN);
    }
    if outcome.is_err() || findings.failed > 0 {
        println!(
            "the data and the logs are kept in {}; repeat with --seed {seed}",
            workspace.keep().display()
        );
    }
    outcome?;
    println!("{} passed, {} failed", findings.passed, findings.failed);
    Ok(if findings.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(
    args: &TicketsKillArgs,
    size: &Size,
    seed: u64,
    data: &Path,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let cluster = (args.store == Store::Postgres).then(|| cluster::start(SETTINGS));
    let url = cluster.as_ref().map(|cluster| cluster::database(cluster, "tickets"));
    let setups = (0..size.processes).map(|index| {
        let setup = Setup::new(&args.binary, &data.join(format!("process-{index}")));
        match &url {
            // Short leases, so that another process soon takes over what a killed one was at.
            Some(url) => {
                setup.set("store.url", url).set("delivery.lease_s", "5").set("delivery.timeout_ms", "2000")
            }
            None => setup,
        }
    });
    let mut fleet = Fleet::start(setups.collect())?;
    let shop = open_shop(&fleet, size)?;
    let market =
        Shared::new(Market::new(seed, shop.item.deal.clone(), size.tickets, size.buyers, size.distributors));

    let looks = sell(&mut fleet, &shop, &market, size, seed)?;
    fleet.reduce()?;
    let starts = fleet.starts_ms.clone();
    settle::settle(&fleet, &shop, &market, size, Duration::from_secs(args.settle), findings)?;
    for gateway in fleet.gateways.drain(..).flatten() {
        gateway.stop()?;
    }

    let market = market.open();
    let sums = market.sums;
    let mut texts = market.violations.first.clone();
    let more = market.violations.count - texts.len();
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    findings.check("buyers", texts);
    println!(
        "{} orders, {} answers; {} calls were not answered: {} looks, {} repetitions; {} refused as sold out, {} declined \
         for the balance, {} cancelled, {} ran out, {} busy",
        market.orders.len(),
        sums.answers,
        sums.unanswered,
        sums.looked_up,
        sums.repeated,
        sums.refusals,
        sums.declined,
        sums.cancelled,
        sums.lapsed,
        sums.busy
    );
    println!(
        "{} looks at the stock added up; {} tickets paid, {} of them given back; {} starts, median {:.0} ms, longest \
         {:.0} ms",
        looks,
        sums.paid,
        sums.asked_back,
        starts.len(),
        median(&starts),
        starts.iter().copied().fold(0.0, f64::max)
    );
    Ok(())
}

fn open_shop(fleet: &Fleet, size: &Size) -> anyhow::Result<Shop> {
    let operator = fleet.operator()?;
    let day = day_of(wall_ms() + DAYS_AHEAD * 24 * 3600 * 1000);
    let terms = Terms { codes: "per_ticket", review_after_s: REVIEW_S, total: size.tickets, day: &day };
    let item = office::lay_down(operator, "Hot", &terms)?;
    let partners = (0..size.distributors).map(|index| {
        let deposit = if Market::is_poor(index) { POOR.0 } else { RICH.0 };
        office::add_distributor(operator, &Distributor::added(index), deposit, LIMIT)
    });
    Ok(Shop { partners: partners.collect::<anyhow::Result<_>>()?, item })
}

/// Sells under kills until all of them have happened and nothing is in flight; returns the number of looks.
fn sell(fleet: &mut Fleet, shop: &Shop, market: &Shared, size: &Size, seed: u64) -> anyhow::Result<u64> {
    let addresses = Arc::clone(&fleet.addresses);
    let (over, unwatched) = (AtomicBool::new(false), AtomicBool::new(false));
    let connections = size.buyers.div_ceil(size.processes);
    let poor = shop.poor();
    let every = (size.tickets * 3 / 5 / size.kills as u64).max(1);
    std::thread::scope(|scope| {
        let (addresses, over, unwatched) = (&addresses, &over, &unwatched);
        let counters: Vec<_> = (0..size.processes)
            .map(|index| scope.spawn(move || serve(addresses, index, connections, market, over)))
            .collect();
        let watcher = scope.spawn(|| watch::watch(addresses, &shop.item, &poor, market, unwatched));
        let outcome = torment(fleet, market, size.kills, every, &mut Random::new(!seed))
            .and_then(|()| last_rush(market));
        market.open().closing = true;
        over.store(true, Ordering::Release);
        counters.into_iter().for_each(|counter| drop(counter.join()));
        unwatched.store(true, Ordering::Release);
        let looks = watcher.join().unwrap_or(0);
        outcome.map(|()| looks)
    })
}

/// Buyers go on until the stock is sold out for some of them.
fn last_rush(market: &Shared) -> anyhow::Result<()> {
    let before = market.open().sums.refusals;
    let refused = || Ok((market.open().sums.refusals >= before + LAST_REFUSALS).then_some(()));
    // Whoever is left unrefused is refused when everything is sold out in the end.
    wait_until(LAST_LIMIT, LOOK_PAUSE, refused).map(drop)
}
