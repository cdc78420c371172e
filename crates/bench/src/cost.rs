//! `cost`: what orders cost in rows, bytes and log, measured by making many through the gateway.

use crate::gateway::{Gateway, Setup, Workspace};
use crate::postgres::cluster::{self, SETTINGS};
use crate::postgres::sql::Sql;
use crate::process::Helper;
use crate::report::table;
use crate::run::{LoadCommand, Store, Target};
use crate::scenarios::Scenario;
use crate::sosopay::Partner;
use anyhow::{Context, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const MILLION: f64 = 1e6;
/// The kinds of order, each with what the table calls it.
const KINDS: [(Scenario, &str); 3] = [
    (Scenario::Order, "precreated, not paid yet"),
    (Scenario::Pay, "paid"),
    (Scenario::PayNotify, "paid, notified once"),
];

#[derive(clap::Args)]
pub(crate) struct CostArgs {
    /// Where the gateway keeps its books.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// Orders of each kind; figures are given for a million.
    #[arg(long, default_value_t = 100_000)]
    orders: u64,
    /// Partners who order in turn.
    #[arg(long, default_value_t = 32)]
    partners: usize,
    /// Connections of the load generator.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// The gateway to start.
    #[arg(long, env = "TRADEWIND_BIN", default_value = "target/release/tradewind")]
    binary: PathBuf,
    /// Folder for the database.
    #[arg(long, default_value = "target/bench-data")]
    data_root: PathBuf,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// What is stored at one moment.
#[derive(Debug, Clone, Default)]
struct Stock {
    /// By table.
    rows: BTreeMap<String, u64>,
    /// Tables and indexes, or the file.
    bytes: u64,
    /// Written to the log since the database was made.
    log_bytes: u64,
}

/// What a million orders of one kind add.
#[derive(Debug, Serialize)]
struct Cost {
    kind: &'static str,
    rows: BTreeMap<String, f64>,
    megabytes: f64,
    log_megabytes: f64,
}

/// Where the figures come from.
enum Books {
    Sqlite { folder: PathBuf },
    Postgres { url: String, begun_at: String },
}

/// Makes orders of each kind and prints what they cost.
pub(crate) fn command(args: &CostArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.orders > 0 && args.partners > 0, "nothing would be measured");
    let workspace = Workspace::fresh(&args.data_root, "cost", false)?;
    let data = workspace.folder("data");
    let cluster = (args.store == Store::Postgres).then(|| cluster::start(SETTINGS));
    let mut setup = Setup::new(&args.binary, &data);
    let books = match &cluster {
        None => Books::Sqlite { folder: data.clone() },
        Some(cluster) => {
            let url = cluster::database(cluster, "cost");
            setup = setup.set("store.url", &url);
            let begun_at = cluster.sql("SELECT pg_current_wal_insert_lsn()").trim().to_owned();
            Books::Postgres { url, begun_at }
        }
    };
    let mut gateway = Gateway::start_with(&setup)?;
    for index in 0..args.partners {
        gateway.operator.add_partner(&Partner::added(index))?;
    }
    let receiver = Helper::start(&["receiver", "--check-every", "0"])?;

    let mut costs = Vec::new();
    let mut before;
    (gateway, before) = books.look(gateway, &setup, 0)?;
    for (scenario, kind) in KINDS {
        let mut load = LoadCommand::new(scenario, Target::gateway(&gateway), args.connections);
        load.option("--partners", args.partners);
        load.option("--count", args.orders);
        load.option("--warmup", 0);
        if scenario.notifies() {
            load.option("--receiver", receiver.address);
            load.option("--ops", gateway.operator.address);
            load.option("--ops-token-file", data.join("ops-token").display());
        }
        let report = load.run()?;
        ensure!(report.success == args.orders, "{kind}: {:?}, {} lost", report.other, report.lost);
        let after;
        (gateway, after) = books.look(gateway, &setup, before.log_bytes)?;
        costs.push(Cost::between(kind, &before, &after, args.orders));
        before = after;
    }
    gateway.operator.verify()?;
    gateway.stop()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&costs)?);
    } else {
        print(args, &costs);
    }
    Ok(ExitCode::SUCCESS)
}

impl Books {
    /// Counts what is stored. The gateway is stopped for it, so that nothing is on its way, and started
    /// again. `written_before` is what the processes before this one have written.
    fn look(&self, gateway: Gateway, setup: &Setup, written_before: u64) -> anyhow::Result<(Gateway, Stock)> {
        let checked = gateway.operator.checked()?;
        let counts = checked.as_object().context("verify does not say what it has checked")?;
        let rows = counts.iter().filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect();
        let written = written_bytes(gateway.pid())?;
        gateway.stop()?;
        let (bytes, log_bytes) = match self {
            // The log is folded into the file when the last connection closes; what the process wrote is both.
            Self::Sqlite { folder } => (size_of(&folder.join("tradewind.db"))?, written_before + written),
            Self::Postgres { url, begun_at } => {
                let mut sql = Sql::connect(url)?;
                let bytes = sql.number("SELECT pg_database_size(current_database())")?;
                let log = sql
                    .number(&format!("SELECT (pg_current_wal_insert_lsn() - '{begun_at}'::pg_lsn)::int8"))?;
                (u64::try_from(bytes)?, u64::try_from(log)?)
            }
        };
        Ok((Gateway::start_with(setup)?, Stock { rows, bytes, log_bytes }))
    }
}

impl Cost {
    fn between(kind: &'static str, before: &Stock, after: &Stock, orders: u64) -> Self {
        let per_million = |more: u64| more as f64 / orders as f64 * MILLION;
        let rows = after.rows.iter().map(|(name, count)| {
            let more = count.saturating_sub(before.rows.get(name).copied().unwrap_or(0));
            (name.clone(), per_million(more))
        });
        Self {
            kind,
            rows: rows.filter(|(_, more)| *more > 0.0).collect(),
            megabytes: per_million(after.bytes.saturating_sub(before.bytes)) / 1e6,
            log_megabytes: per_million(after.log_bytes.saturating_sub(before.log_bytes)) / 1e6,
        }
    }
}

/// Bytes that the process has caused to be written to disk.
fn written_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/io");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    written_of(&text).with_context(|| format!("{path} is unreadable"))
}

fn written_of(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.trim().parse().ok()
}

fn size_of(path: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(path).with_context(|| format!("no {}", path.display()))?.len())
}

fn print(args: &CostArgs, costs: &[Cost]) {
    let store = match args.store {
        Store::Sqlite => "SQLite",
        Store::Postgres => "PostgreSQL",
    };
    println!(
        "for a million orders on {store}, from {} of each kind of {} partners, made through the gateway",
        args.orders, args.partners
    );
    let rows: Vec<Vec<String>> = costs
        .iter()
        .map(|cost| {
            let rows: Vec<String> =
                cost.rows.iter().map(|(name, count)| format!("{:.2} {name}", count / MILLION)).collect();
            vec![
                cost.kind.to_owned(),
                format!("{:.2}", cost.rows.values().sum::<f64>() / MILLION),
                format!("{:.0}", cost.megabytes),
                format!("{:.0}", cost.log_megabytes),
                rows.join(", "),
            ]
        })
        .collect();
    let log = match args.store {
        Store::Sqlite => "written, MB",
        Store::Postgres => "WAL, MB",
    };
    print!("{}", table(&["orders", "million rows", "on disk, MB", log, "rows of an order"], &rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_differences_for_a_million() {
        let stock = |orders, tasks, bytes, log_bytes| Stock {
            rows: [("orders".to_owned(), orders), ("tasks".to_owned(), tasks)].into(),
            bytes,
            log_bytes,
        };
        let cost = Cost::between("paid", &stock(5, 7, 1000, 0), &stock(15, 7, 11_000, 30_000), 10);
        assert_eq!(cost.rows, [("orders".to_owned(), 1e6)].into());
        assert_eq!((cost.megabytes, cost.log_megabytes), (1000.0, 3000.0));
    }

    #[test]
    fn what_a_process_has_written() {
        assert_eq!(written_of("read_bytes: 1\nwrite_bytes: 42\ncancelled_write_bytes: 0\n"), Some(42));
        assert_eq!(written_of(""), None);
    }
}
