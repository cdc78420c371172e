//! `run --store postgres --orders N`: the same figures with weeks of orders in the tables, and the lists.

use super::sql::Sql;
use super::{cluster, fill, measure, plans};
use crate::clock::wall_ms;
use crate::gateway::{Gateway, Workspace};
use crate::lists::{self, Asker, Times};
use crate::report::{Bar, median, table};
use crate::run::RunArgs;
use crate::scenarios::Scenario;
use crate::sosopay::{Merchant, Partner};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::time::Instant;
use tradewind_testkit::postgres::Cluster;

const PAIRS: usize = 4;
const SCENARIOS: [Scenario; 2] = [Scenario::Order, Scenario::Pay];
/// With the orders present, figures may be this much lower than on an empty database.
const SLOWER_PERCENT_MAX: f64 = 25.0;

/// Rates of a scenario, of each pair: on the empty and on the full database.
type Pairs = (Scenario, Vec<(f64, f64)>);

/// The figures of a big database.
pub(crate) struct Big {
    orders: u64,
    partners: usize,
    fill_seconds: f64,
    database_bytes: i64,
    verify_seconds: f64,
    pairs: Vec<Pairs>,
    lists: Vec<Times>,
}

/// Fills a database, compares it with an empty one, times the lists, and adds the bars.
pub(crate) fn measure(
    args: &RunArgs,
    orders: u64,
    server: &Cluster,
    workspace: &Workspace,
    bars: &mut Vec<Bar>,
) -> anyhow::Result<Big> {
    ensure!(orders > 0, "--orders must be at least 1");
    let url = cluster::database(server, "big");
    let data = workspace.folder("big");
    // The gateway makes the tables and the partners; the rows are made while it is away.
    measure::start(&args.binary, &data, &url, args.partners)?.stop()?;
    let fill_seconds = fill::fill(&url, args.partners, orders, wall_ms())?.as_secs_f64();
    let database_bytes = Sql::connect(&url)?.number("SELECT pg_database_size(current_database())")?;

    let full = measure::start(&args.binary, &data, &url, 0)?;
    eprintln!("verifying {orders} orders");
    let verify_begun_at = Instant::now();
    full.operator.verify().context("the full database")?;
    let verify_seconds = verify_begun_at.elapsed().as_secs_f64();
    let partner = Partner::added(0);
    let merchant = Merchant::of(&partner, full.listen);
    let asker = Asker { gateway: &full, merchant: &merchant, busi_id: &partner.busi_id };
    let (lists, measured) = lists::measure(&asker, bars)?;
    plans::save(args, server, &measured, &url, &data)?;
    let pairs = pairs(args, server, &full, workspace)?;
    full.operator.verify().context("the full database after the load")?;
    full.stop()?;

    for (scenario, pairs) in &pairs {
        let slower = slower_percent(pairs);
        let what = format!("{}/s slower than empty by", scenario.name());
        bars.push(Bar::below(&what, slower, SLOWER_PERCENT_MAX, " %"));
    }
    let partners = args.partners;
    Ok(Big { orders, partners, fill_seconds, database_bytes, verify_seconds, pairs, lists })
}

fn pairs(
    args: &RunArgs,
    server: &Cluster,
    full: &Gateway,
    workspace: &Workspace,
) -> anyhow::Result<Vec<Pairs>> {
    let mut found = SCENARIOS.map(|scenario| (scenario, Vec::new()));
    for pair in 0..PAIRS {
        eprintln!("comparing with an empty database: pair {} of {PAIRS}", pair + 1);
        let name = format!("empty_{pair}");
        let url = cluster::database(server, &name);
        let empty = measure::start(&args.binary, &workspace.folder(&name), &url, args.partners)?;
        for (scenario, rates) in &mut found {
            let rate = |gateway: &Gateway| -> anyhow::Result<f64> {
                let mut command = measure::load(args, *scenario, gateway);
                command.option("--duration", args.seconds);
                command.option("--warmup", 1);
                let report = command.run()?;
                ensure!(report.is_clean(), "not every request succeeded: {:?}", report.other);
                Ok(report.per_second)
            };
            rates.push(if pair % 2 == 0 {
                let empty_rate = rate(&empty)?;
                (empty_rate, rate(full)?)
            } else {
                let full_rate = rate(full)?;
                (rate(&empty)?, full_rate)
            });
        }
        empty.stop()?;
    }
    Ok(found.into())
}

fn slower_percent(pairs: &[(f64, f64)]) -> f64 {
    let ratios: Vec<f64> = pairs.iter().map(|(empty, full)| full / empty).collect();
    (1.0 - median(&ratios)) * 100.0
}

impl Big {
    pub(crate) fn print(&self) {
        println!(
            "\n{} orders of {} partners written in {:.0} s; {:.0} bytes per order on disk; verified in {:.1} s",
            self.orders,
            self.partners,
            self.fill_seconds,
            self.database_bytes as f64 / self.orders as f64,
            self.verify_seconds,
        );
        let list =
            |rates: Vec<f64>| rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(" ");
        let rows: Vec<Vec<String>> = self
            .pairs
            .iter()
            .map(|(scenario, pairs)| {
                let (empty, full): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
                let slower = format!("{:.1}", slower_percent(pairs));
                vec![scenario.name().to_owned(), list(empty), list(full), slower]
            })
            .collect();
        print!("{}", table(&["scenario", "empty, per second", "full, per second", "slower by, %"], &rows));
        println!("measured in pairs in alternating order; the bar is on the median of the pairs' ratios");
        lists::print(&self.lists);
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "orders": self.orders, "partners": self.partners, "fill_seconds": self.fill_seconds,
            "database_bytes": self.database_bytes, "verify_seconds": self.verify_seconds,
            "pairs": self.pairs, "lists": self.lists,
        })
    }
}
