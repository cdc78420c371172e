//! `run --store postgres`: the gateway, pgbench and bare array inserts on one private cluster, in one run.
//!
//! As in the run on the embedded store, each round measures everything once, rounds alternate their
//! direction, and a ratio is formed within a round. The cluster, the gateway and the load share the
//! processors of the machine.

use super::bare;
use super::big::{self, Big};
use super::cluster::{self, SETTINGS};
use super::pgbench::{self, Protocol};
use crate::gateway::{Gateway, Setup, Workspace};
use crate::report::{Bar, Figure, Slice, median, table};
use crate::run::{LoadCommand, RunArgs, Target, load_average, processors, write_figures};
use crate::scenarios::Scenario;
use crate::sosopay::Partner;
use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use tradewind_testkit::postgres::Cluster;

const SCENARIOS: [Scenario; 3] = [Scenario::Order, Scenario::Pay, Scenario::Query];
const BATCHES: [usize; 2] = [50, 200];

/// One thing that a round measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Pgbench(Protocol),
    Bare(usize),
    Gateway(Scenario),
}

/// Rates of the bare database, of each round.
#[derive(Debug, Default, Serialize)]
struct Ceilings {
    pgbench_simple: Vec<f64>,
    pgbench_prepared: Vec<f64>,
    /// Requests per second, four rows each.
    bare_50: Vec<f64>,
    bare_200: Vec<f64>,
}

/// Runs everything, prints the table and the bars, and writes the JSON; fails when a bar is missed.
pub(crate) fn command(args: &RunArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.partners > 0, "--partners must be at least 1");
    let load_before = load_average();
    let mut workspace = Workspace::fresh(&args.data_root, "postgres", args.keep)?;
    let cluster = cluster::start(SETTINGS);
    let mut bars = Vec::new();
    println!("{}", cluster.sql("SELECT version()").trim());
    println!("settings: {}", cluster::settings_line(SETTINGS));

    let standard = if args.rounds > 0 { Some(standard(args, &cluster, &workspace)?) } else { None };
    if let Some((ceilings, figures)) = &standard {
        bars.extend(bars_of(ceilings, figures));
    }
    let big = match args.orders {
        Some(orders) => Some(big::measure(args, orders, &cluster, &workspace, &mut bars)?),
        None => None,
    };

    println!(
        "{} processors shared by PostgreSQL, gateway and load generator; load average {load_before} before, {} after",
        processors(),
        load_average()
    );
    if let Some((ceilings, figures)) = &standard {
        print(args, ceilings, figures);
    }
    if let Some(big) = &big {
        big.print();
    }
    println!();
    bars.iter().for_each(|bar| println!("{}", bar.line()));
    let passed = bars.iter().all(|bar| bar.passed);
    write_figures(
        args,
        &json!({
            "at_ms": crate::clock::wall_ms(),
            "passed": passed,
            "settings": {
                "seconds": args.seconds, "rounds": args.rounds, "connections": args.connections(),
                "partners": args.partners, "orders": args.orders, "cluster": SETTINGS,
            },
            "ceilings": standard.as_ref().map(|(ceilings, _)| ceilings),
            "figures": standard.as_ref().map(|(_, figures)| figures),
            "big": big.as_ref().map(Big::json),
            "bars": bars,
        }),
    )?;
    if args.keep {
        println!("logs kept in {}", workspace.keep().display());
    }
    Ok(if passed || args.report_only { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn standard(
    args: &RunArgs,
    cluster: &Cluster,
    workspace: &Workspace,
) -> anyhow::Result<(Ceilings, Vec<Figure>)> {
    let pgbench_url = cluster::database(cluster, "pgbench");
    pgbench::prepare(&pgbench_url)?;
    let bare_url = cluster::database(cluster, "bare");
    bare::prepare(&bare_url)?;
    let mut bare_next = 1;
    let url = cluster::database(cluster, "gateway");
    let gateway = start(&args.binary, &workspace.folder("standard"), &url, args.partners)?;

    let mut ceilings = Ceilings::default();
    let mut slices: Vec<Slice> = Vec::new();
    let mut pool = None;
    let mut steps = vec![Step::Pgbench(Protocol::Simple), Step::Pgbench(Protocol::Prepared)];
    steps.extend(BATCHES.map(Step::Bare));
    steps.extend(SCENARIOS.map(Step::Gateway));
    for round in 0..args.rounds {
        for &step in &steps {
            eprintln!("round {} of {}: {}", round + 1, args.rounds, step.name());
            match step {
                Step::Pgbench(protocol) => {
                    let rate = pgbench::simple_update(&pgbench_url, protocol, args.seconds)?;
                    match protocol {
                        Protocol::Simple => ceilings.pgbench_simple.push(rate),
                        Protocol::Prepared => ceilings.pgbench_prepared.push(rate),
                    }
                }
                Step::Bare(batch) => {
                    let (rate, next) = bare::measure(&bare_url, batch, args.seconds, bare_next)?;
                    bare_next = next;
                    let rates = if batch == 50 { &mut ceilings.bare_50 } else { &mut ceilings.bare_200 };
                    rates.push(rate);
                }
                Step::Gateway(scenario) => {
                    let mut command = load(args, scenario, &gateway);
                    command.option("--duration", args.seconds);
                    if let (Scenario::Query, Some((prefix, size))) = (scenario, &pool) {
                        command.option("--pool-prefix", prefix);
                        command.option("--pool", size);
                    }
                    let report = command.run()?;
                    if scenario == Scenario::Order && report.success > 0 && report.success == report.done {
                        pool = Some((report.prefix.clone(), report.done));
                    }
                    slices.push(Slice { round, report });
                }
            }
        }
        steps.reverse();
    }
    gateway.operator.verify().context("after the measurement")?;
    gateway.stop()?;
    let figures = SCENARIOS.map(|scenario| {
        let of: Vec<&Slice> = slices.iter().filter(|slice| slice.report.scenario == scenario).collect();
        Figure::of(scenario.name(), &of, &ceilings.bare_50)
    });
    Ok((ceilings, figures.into()))
}

/// Starts a gateway on a database and adds the partners that the load calls as.
pub(crate) fn start(binary: &Path, data: &Path, url: &str, partners: usize) -> anyhow::Result<Gateway> {
    let gateway = Gateway::start_with(&Setup::new(binary, data).set("store.url", url))?;
    for index in 0..partners {
        gateway.operator.add_partner(&Partner::added(index))?;
    }
    Ok(gateway)
}

/// A load of one scenario as the partners of the run.
pub(crate) fn load(args: &RunArgs, scenario: Scenario, gateway: &Gateway) -> LoadCommand {
    let mut command = LoadCommand::new(scenario, Target::gateway(gateway), args.connections());
    command.option("--partners", args.partners);
    command
}

fn bars_of(ceilings: &Ceilings, figures: &[Figure]) -> Vec<Bar> {
    let mut bars = Vec::new();
    if let Some(order) = figures.iter().find(|figure| figure.name == Scenario::Order.name()) {
        bars.push(Bar::at_least("order", order.rate, 4_000.0, "/s"));
        let ratio = median(&ratios(&order.rates, &ceilings.pgbench()));
        bars.push(Bar::at_least("order against the better pgbench", ratio, 2.0, ""));
    }
    let unclean = figures.iter().filter(|figure| !figure.clean).count();
    bars.push(Bar::none_of("scenarios with anything but success", unclean));
    bars
}

fn ratios(rates: &[f64], ceilings: &[f64]) -> Vec<f64> {
    rates.iter().zip(ceilings).map(|(rate, ceiling)| rate / ceiling).collect()
}

impl Ceilings {
    /// The better of pgbench's two ways, of each round.
    fn pgbench(&self) -> Vec<f64> {
        self.pgbench_simple.iter().zip(&self.pgbench_prepared).map(|(one, other)| one.max(*other)).collect()
    }
}

impl Step {
    fn name(self) -> String {
        match self {
            Self::Pgbench(protocol) => format!("pgbench, {protocol:?} protocol"),
            Self::Bare(batch) => format!("array inserts of {batch}"),
            Self::Gateway(scenario) => scenario.name().to_owned(),
        }
    }
}

fn print(args: &RunArgs, ceilings: &Ceilings, figures: &[Figure]) {
    println!(
        "\nEach of {} rounds measured everything for {} s, each second round in reverse order. The gateway was called \
         by {} partners in turn over {} connections with one request in flight on each; pgbench ran \"simple update\" \
         at scale 10 with 32 clients. A request of the bare inserts is {} small rows, one in each table, in \
         transactions of 50 or 200 requests over one connection. Ratios are medians of the rounds' own.\n",
        args.rounds,
        args.seconds,
        args.partners,
        args.connections(),
        bare::ROWS_PER_REQUEST
    );
    let pgbench = ceilings.pgbench();
    let row = |name: &str, rates: &[f64], latency: Option<(f64, f64)>| {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"));
        vec![
            name.to_owned(),
            format!("{:.0}", median(rates)),
            format!("{:.2}", median(&ratios(rates, &pgbench))),
            format!("{:.2}", median(&ratios(rates, &ceilings.bare_50))),
            ms(latency.map(|it| it.0)),
            ms(latency.map(|it| it.1)),
            rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(" "),
        ]
    };
    let mut rows = vec![
        row("pgbench, simple protocol, tps", &ceilings.pgbench_simple, None),
        row("pgbench, prepared, tps", &ceilings.pgbench_prepared, None),
        row("array inserts of 50, requests", &ceilings.bare_50, None),
        row("array inserts of 200, requests", &ceilings.bare_200, None),
    ];
    for figure in figures {
        rows.push(row(&figure.name, &figure.rates, Some((figure.p50_ms, figure.p99_ms))));
    }
    let head = ["", "per second", "of pgbench", "of inserts", "p50 ms", "p99 ms", "rounds"];
    print!("{}", table(&head, &rows));
    let rows_per_second = |rates: &[f64]| median(rates) * bare::ROWS_PER_REQUEST as f64;
    println!(
        "array inserts: {:.0} rows/s in batches of 50, {:.0} rows/s in batches of 200",
        rows_per_second(&ceilings.bare_50),
        rows_per_second(&ceilings.bare_200)
    );
    for figure in figures {
        figure.troubles.iter().for_each(|trouble| println!("{}: {trouble}", figure.name));
    }
}
