//! `run --orders N`: what a big database costs in memory, at start-up and per order.
//!
//! The database is filled through the product itself, by the load generator. The comparison with
//! an empty database is made in pairs: a fresh gateway on an empty folder and the full one, close
//! to each other in time and in alternating order; the result is the median of the pairs' ratios.

use crate::gateway::{Gateway, Workspace};
use crate::lists::{self, Asker, Times};
use crate::process::memory;
use crate::report::{Bar, median, table};
use crate::run::{LoadCommand, RunArgs, Target, megabytes};
use crate::scenarios::Scenario;
use crate::sosopay::{BUSI_ID, Merchant};
use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// Orders of one load process; each has numbers of its own.
const CHUNK: u64 = 50_000;
const STARTS: usize = 3;
const PAIRS: usize = 4;

/// What fills the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fill {
    /// Precreated orders, unpaid.
    Order,
    /// Orders paid at once.
    Pay,
    /// One chunk of each in turn.
    Both,
}

/// The figures of a big database.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Million {
    orders: u64,
    /// Orders in the database and the rate of the chunk that led there.
    fill: Vec<(u64, f64)>,
    fill_seconds: f64,
    database_bytes: u64,
    rss_kib: u64,
    peak_kib: u64,
    anon_kib: u64,
    start_after_stop_ms: Vec<f64>,
    start_after_kill_ms: Vec<f64>,
    /// Orders per second of each pair: empty, full.
    pairs: Vec<(f64, f64)>,
    slower_percent: f64,
    rss_after_restart_kib: u64,
    verify_seconds: f64,
    lists: Vec<Times>,
}

/// Fills a database, measures, and adds its bars.
pub(crate) fn measure(
    args: &RunArgs,
    orders: u64,
    workspace: &Workspace,
    bars: &mut Vec<Bar>,
) -> anyhow::Result<Million> {
    ensure!(orders > 0, "--orders must be at least 1");
    let folder = workspace.folder("full");
    let mut result = Million { orders, ..Million::default() };
    let gateway = Gateway::start(&args.binary, &folder)?;

    fill(args, &gateway, &mut result)?;
    let used = memory(gateway.pid())?;
    (result.rss_kib, result.peak_kib, result.anon_kib) = (used.rss_kib, used.peak_kib, used.anon_kib);
    result.database_bytes = size_of_database(&folder);

    let gateway = starts(args, gateway, &folder, &mut result)?;
    pairs(args, &gateway, workspace, &mut result)?;
    result.rss_after_restart_kib = memory(gateway.pid())?.rss_kib;

    let verify_begun_at = Instant::now();
    eprintln!("verifying {orders} orders");
    gateway.operator.verify().context("the full database")?;
    result.verify_seconds = verify_begun_at.elapsed().as_secs_f64();
    let merchant = Merchant::sandbox(gateway.listen);
    let asker = Asker { gateway: &gateway, merchant: &merchant, busi_id: BUSI_ID };
    (result.lists, _) = lists::measure(&asker, bars)?;
    gateway.stop()?;

    let megabytes = |kib: u64| kib as f64 * 1024.0 / 1e6;
    bars.push(Bar::below("resident memory after the fill", megabytes(result.rss_kib), 150.0, " MB"));
    bars.push(Bar::below("start after a stop, full", median(&result.start_after_stop_ms), 300.0, " ms"));
    bars.push(Bar::below("start after a kill, full", median(&result.start_after_kill_ms), 300.0, " ms"));
    bars.push(Bar::below("order/s slower than empty by", result.slower_percent, 15.0, " %"));
    Ok(result)
}

fn fill(args: &RunArgs, gateway: &Gateway, result: &mut Million) -> anyhow::Result<()> {
    let begun_at = Instant::now();
    let mut filled = 0;
    while filled < result.orders {
        let scenario = match args.fill {
            Fill::Order => Scenario::Order,
            Fill::Pay => Scenario::Pay,
            Fill::Both if (filled / CHUNK).is_multiple_of(2) => Scenario::Order,
            Fill::Both => Scenario::Pay,
        };
        let count = CHUNK.min(result.orders - filled);
        let mut command = LoadCommand::new(scenario, Target::gateway(gateway), args.connections());
        command.option("--count", count);
        command.option("--warmup", 0);
        let report = command.run()?;
        ensure!(report.success == count, "the fill failed: {:?}, {} lost", report.other, report.lost);
        filled += count;
        result.fill.push((filled, report.per_second));
        eprintln!("filled {filled} of {} ({} {:.0}/s)", result.orders, scenario.name(), report.per_second);
    }
    result.fill_seconds = begun_at.elapsed().as_secs_f64();
    Ok(())
}

/// Stops, kills and starts the full gateway, and returns the last one started.
fn starts(args: &RunArgs, first: Gateway, folder: &Path, result: &mut Million) -> anyhow::Result<Gateway> {
    let millis = |gateway: &Gateway| gateway.started_in.as_secs_f64() * 1000.0;
    let mut gateway = first;
    for _ in 0..STARTS {
        gateway.stop()?;
        gateway = Gateway::start(&args.binary, folder)?;
        result.start_after_stop_ms.push(millis(&gateway));
        // Something to recover: a kill of an idle gateway would be a stop by another name.
        let mut command = LoadCommand::new(Scenario::Pay, Target::gateway(&gateway), args.connections());
        command.option("--count", 5000);
        command.option("--warmup", 0);
        command.run()?;
        gateway.kill()?;
        gateway = Gateway::start(&args.binary, folder)?;
        result.start_after_kill_ms.push(millis(&gateway));
    }
    Ok(gateway)
}

fn pairs(args: &RunArgs, full: &Gateway, workspace: &Workspace, result: &mut Million) -> anyhow::Result<()> {
    for pair in 0..PAIRS {
        eprintln!("comparing with an empty database: pair {} of {PAIRS}", pair + 1);
        let empty = Gateway::start(&args.binary, &workspace.folder(&format!("empty-{pair}")))?;
        let rate = |gateway: &Gateway| -> anyhow::Result<f64> {
            let mut command = LoadCommand::new(Scenario::Order, Target::gateway(gateway), args.connections());
            command.option("--duration", args.seconds);
            command.option("--warmup", 1);
            let report = command.run()?;
            ensure!(report.is_clean(), "not every order succeeded: {:?}", report.other);
            Ok(report.per_second)
        };
        let rates = if pair % 2 == 0 {
            let empty_rate = rate(&empty)?;
            (empty_rate, rate(full)?)
        } else {
            let full_rate = rate(full)?;
            (rate(&empty)?, full_rate)
        };
        result.pairs.push(rates);
        empty.stop()?;
    }
    let ratios: Vec<f64> = result.pairs.iter().map(|(empty, full)| full / empty).collect();
    result.slower_percent = (1.0 - median(&ratios)) * 100.0;
    Ok(())
}

fn size_of_database(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).filter(|data| data.is_file()).map(|data| data.len()).sum()
}

impl Million {
    pub(crate) fn print(&self) {
        println!(
            "\n{} orders made through the gateway in {:.0} s; {:.0} bytes per order on disk",
            self.orders,
            self.fill_seconds,
            self.database_bytes as f64 / self.orders as f64,
        );
        let list =
            |values: &[f64]| values.iter().map(|value| format!("{value:.0}")).collect::<Vec<_>>().join(" ");
        let rows = [
            ("resident after the fill", megabytes(self.rss_kib)),
            ("resident at most", megabytes(self.peak_kib)),
            ("its own pages", megabytes(self.anon_kib)),
            ("resident after restart and load", megabytes(self.rss_after_restart_kib)),
            ("start after a stop, ms", list(&self.start_after_stop_ms)),
            ("start after a kill, ms", list(&self.start_after_kill_ms)),
            ("verify, s", format!("{:.1}", self.verify_seconds)),
            ("order/s empty", list(&self.pairs.iter().map(|pair| pair.0).collect::<Vec<_>>())),
            ("order/s full", list(&self.pairs.iter().map(|pair| pair.1).collect::<Vec<_>>())),
        ];
        let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
        print!("{}", table(&["big database", "value"], &rows));
        println!(
            "order/s was measured in pairs, a fresh gateway on an empty folder against the full one, in alternating \
             order; the bar is on the median of the pairs' ratios."
        );
        lists::print(&self.lists);
    }
}
