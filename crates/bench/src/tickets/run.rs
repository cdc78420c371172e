//! `tickets`: how many orders a second one hot item takes, paid from prepaid balances and durable.
//!
//! One item is one sku, one day, one row of stock. Two are measured: with one code for a whole order,
//! and with a code for each ticket. Each round measures both and the bare echo of the same requests, each
//! second round in reverse order; figures are medians of the rounds, ratios are formed within a round.

use super::load::{QUANTITY_MAX, Sold};
use super::office::{self, COST_CENTS, Item, Terms};
use crate::clock::wall_ms;
use crate::gateway::{Gateway, Operator, Setup, Workspace};
use crate::histogram::Histogram;
use crate::http::Call;
use crate::lianhe::{Distributor, day_of};
use crate::postgres::cluster::{self, SETTINGS};
use crate::process::Helper;
use crate::report::{Bar, median, table};
use crate::run::{Store, load_average, processors, write};
use anyhow::{Context, ensure};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Every distributor's prepaid balance: more than it can spend in a run.
const DEPOSIT: &str = "900000000.00";
const DEPOSIT_CENTS: i64 = 90_000_000_000;
/// More than can be sold in a run.
const TOTAL: u64 = 50_000_000;
const DAYS_AHEAD: u64 = 10;

#[derive(clap::Args)]
pub(crate) struct TicketsArgs {
    /// Where the gateway keeps its books.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: Store,
    /// The gateway to start.
    #[arg(long, env = "TRADEWIND_BIN", default_value = "target/release/tradewind")]
    binary: PathBuf,
    /// Seconds per item and round.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// Keep-alive connections of the load generator, each with one request in flight.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Buyers who take turns.
    #[arg(long, default_value_t = 400)]
    buyers: usize,
    /// Distributors with prepaid balances through whom they buy.
    #[arg(long, default_value_t = 40)]
    distributors: usize,
    /// Seed of the quantities; the time of day when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Where the figures are written as JSON; target/bench-tickets.json or -tickets-postgres.json if absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder for the databases. It should be on a real disk: on a memory disk a sync costs nothing.
    #[arg(long, default_value = "target/bench-data")]
    data_root: PathBuf,
    /// Keep the databases.
    #[arg(long)]
    keep: bool,
    /// Succeed even when a bar is missed.
    #[arg(long)]
    report_only: bool,
}

/// What a slice of a round measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Echo,
    PerOrder,
    PerTicket,
}

const STEPS: [Step; 3] = [Step::Echo, Step::PerOrder, Step::PerTicket];

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::PerOrder => "one code per order",
            Self::PerTicket => "one code per ticket",
        }
    }
}

/// One measured slice.
struct Slice {
    step: Step,
    sold: Sold,
    commits: Commits,
}

/// Counters of the gateway's `/metrics`.
#[derive(Debug, Clone, Copy, Default)]
struct Commits {
    commands: f64,
    batches: f64,
    seconds: f64,
}

/// Runs everything, prints the table and the bars, and writes the JSON; fails when a bar is missed.
pub(crate) fn command(args: &TicketsArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.rounds > 0 && args.distributors > 0, "--rounds and --distributors must be at least 1");
    let seed = args.seed.unwrap_or_else(wall_ms);
    let load_before = load_average();
    let mut workspace = Workspace::fresh(&args.data_root, "tickets", args.keep)?;
    let mut setup = Setup::new(&args.binary, &workspace.folder("gateway"));
    let cluster = (args.store == Store::Postgres).then(|| cluster::start(SETTINGS));
    if let Some(cluster) = &cluster {
        println!("{}", cluster.sql("SELECT version()").trim());
        println!("settings: {}", cluster::settings_line(SETTINGS));
        setup = setup.set("store.url", &cluster::database(cluster, "gateway"));
    }
    let gateway = Gateway::start_with(&setup)?;
    let echo = Helper::start(&["echo"])?;
    let shop = Shop::open(args, &gateway.operator)?;

    let mut slices: Vec<Slice> = Vec::new();
    for round in 0..args.rounds {
        let mut steps = STEPS;
        if round % 2 == 1 {
            steps.reverse();
        }
        for step in steps {
            eprintln!("round {} of {}: {}", round + 1, args.rounds, step.name());
            let (server, pid) = match step {
                Step::Echo => (echo.address, echo.pid()),
                Step::PerOrder | Step::PerTicket => (gateway.listen, gateway.pid()),
            };
            let before = commits(&gateway.operator)?;
            let slice_seed = seed.wrapping_add(slices.len() as u64);
            let sold = buy(args, step, &shop, server, pid, slice_seed)?;
            slices.push(Slice { step, sold, commits: commits(&gateway.operator)?.since(before) });
        }
    }
    let faults = shop.compare(&gateway.operator, &slices)?;
    gateway.stop()?;

    println!(
        "{} processors shared by {}gateway and load generator; load average {load_before} before, {} after; seed {seed}",
        processors(),
        if cluster.is_some() { "PostgreSQL, " } else { "" },
        load_average()
    );
    println!(
        "\nOne item is one sku on one day: one row of stock. {} buyers ask in turn for 1 to {QUANTITY_MAX} tickets with \
         newOrder, signed with HMAC-SHA1, through {} distributors with prepaid balances, over {} connections with one \
         request in flight on each. The load generator is a process of its own on this machine. smsfrom is 1: the \
         partner sends the short message, so none is sent here. Each of {} rounds took {} s for each line, each second \
         one in reverse order. \"per second\" and \"of echo\" are medians of the rounds; \"server us\" and \"load us\" \
         are processor microseconds per order; a batch is one commit with one sync.\n",
        args.buyers, args.distributors, args.connections, args.rounds, args.seconds
    );
    print!("{}", shown(&slices));
    for (fault, count) in slices.iter().flat_map(|slice| &slice.sold.other) {
        println!("answered {count} x {fault}");
    }
    faults.iter().for_each(|fault| println!("VIOLATION  {fault}"));
    let bars = bars(args.store, &slices, faults.len());
    println!();
    bars.iter().for_each(|bar| println!("{}", bar.line()));
    let passed = bars.iter().all(|bar| bar.passed);
    write_figures(args, seed, &slices, &bars)?;
    if args.keep {
        println!("databases kept in {}", workspace.keep().display());
    }
    Ok(if passed || args.report_only { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is sold, and through whom.
struct Shop {
    per_order: Item,
    per_ticket: Item,
    /// Ids of the distributors.
    partners: Vec<String>,
}

impl Shop {
    fn open(args: &TicketsArgs, operator: &Operator) -> anyhow::Result<Self> {
        let day = day_of(wall_ms() + DAYS_AHEAD * 24 * 3600 * 1000);
        let item = |codes| {
            let terms = Terms { codes, review_after_s: 60, total: TOTAL, day: &day };
            office::lay_down(operator, codes, &terms)
        };
        let partners = (0..args.distributors)
            .map(|index| office::add_distributor(operator, &Distributor::added(index), DEPOSIT, "0.00"));
        Ok(Self {
            partners: partners.collect::<anyhow::Result<_>>()?,
            per_order: item("per_order")?,
            per_ticket: item("per_ticket")?,
        })
    }

    fn item(&self, step: Step) -> &Item {
        if step == Step::PerTicket { &self.per_ticket } else { &self.per_order }
    }

    /// Compares stocks and balances with what the buyers were told.
    fn compare(&self, operator: &Operator, slices: &[Slice]) -> anyhow::Result<Vec<String>> {
        let mut faults = Vec::new();
        for step in [Step::PerOrder, Step::PerTicket] {
            let of = slices.iter().filter(|slice| slice.step == step);
            let told: u64 = of.flat_map(|slice| &slice.sold.bought).sum();
            let stock = office::stock(operator, self.item(step))?;
            faults.extend(stock.fault(TOTAL));
            if (stock.sold, stock.held) != (told, 0) {
                faults.push(format!("{}: {told} tickets were bought, the stock says {stock:?}", step.name()));
            }
        }
        for (index, partner) in self.partners.iter().enumerate() {
            let bought = slices.iter().filter(|slice| slice.step != Step::Echo);
            let bought: u64 = bought.filter_map(|slice| slice.sold.bought.get(index)).sum();
            let expected = DEPOSIT_CENTS - COST_CENTS * i64::try_from(bought)?;
            let available = office::available_cents(operator, partner)?;
            if available != expected {
                faults.push(format!("{partner}: {available} cents are left, expected {expected}"));
            }
        }
        faults.extend(operator.verify().err().map(|error| format!("{error:#}")));
        Ok(faults)
    }
}

/// Starts the buyers as a process of their own.
fn buy(
    args: &TicketsArgs,
    step: Step,
    shop: &Shop,
    server: SocketAddr,
    pid: u32,
    seed: u64,
) -> anyhow::Result<Sold> {
    let deal = &shop.item(step).deal;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("tickets-load");
    for (name, value) in [
        ("--url", format!("http://{server}")),
        ("--connections", args.connections.to_string()),
        ("--duration", args.seconds.to_string()),
        ("--buyers", args.buyers.to_string()),
        ("--distributors", args.distributors.to_string()),
        ("--deal", deal.number.clone()),
        ("--day", deal.day.clone()),
        ("--sell", deal.sell.clone()),
        ("--seed", seed.to_string()),
        ("--server-pid", pid.to_string()),
    ] {
        command.arg(name).arg(value);
    }
    match step {
        Step::Echo => drop(command.arg("--echo")),
        Step::PerTicket => drop(command.arg("--per-ticket")),
        Step::PerOrder => {}
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.context("could not start the buyers")?;
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the buyers ended with {} and without figures", output.status))
}

fn commits(operator: &Operator) -> anyhow::Result<Commits> {
    let (_, text) = Call::get("/metrics").send(operator.address)?;
    let text = String::from_utf8_lossy(&text);
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let line = line.with_context(|| format!("there is no metric {name}"))?;
        line.parse::<f64>().with_context(|| format!("{name} is `{line}`"))
    };
    Ok(Commits {
        commands: value("tradewind_commands_total")?,
        batches: value("tradewind_batches_total")?,
        seconds: value("tradewind_commit_seconds_total")?,
    })
}

impl Commits {
    fn since(self, before: Self) -> Self {
        Self {
            commands: self.commands - before.commands,
            batches: self.batches - before.batches,
            seconds: self.seconds - before.seconds,
        }
    }
}

/// The slices of one step put together.
struct Figure {
    step: Step,
    orders: Vec<f64>,
    tickets: Vec<f64>,
    ratio: f64,
    latency: Histogram,
    server_us: f64,
    load_us: f64,
    commits: Commits,
}

fn figure(slices: &[Slice], step: Step) -> Figure {
    let of: Vec<&Slice> = slices.iter().filter(|slice| slice.step == step).collect();
    let rate = |slice: &Slice| slice.sold.orders as f64 / slice.sold.seconds.max(1e-9);
    let echo = slices.iter().filter(|slice| slice.step == Step::Echo).map(rate);
    let orders: Vec<f64> = of.iter().map(|slice| rate(slice)).collect();
    let ratios: Vec<f64> = orders.iter().zip(echo).map(|(own, ceiling)| own / ceiling).collect();
    let count = of.iter().map(|slice| slice.sold.orders).sum::<u64>().max(1) as f64;
    let mut latency = Histogram::default();
    of.iter().for_each(|slice| latency.merge(&slice.sold.histogram));
    let sum = |part: fn(&Slice) -> f64| of.iter().map(|slice| part(slice)).sum::<f64>();
    Figure {
        step,
        tickets: of.iter().map(|slice| slice.sold.tickets as f64 / slice.sold.seconds.max(1e-9)).collect(),
        orders,
        ratio: median(&ratios),
        latency,
        server_us: sum(|slice| slice.sold.server_cpu_seconds) * 1e6 / count,
        load_us: sum(|slice| slice.sold.cpu_seconds) * 1e6 / count,
        commits: Commits {
            commands: sum(|slice| slice.commits.commands),
            batches: sum(|slice| slice.commits.batches),
            seconds: sum(|slice| slice.commits.seconds),
        },
    }
}

fn shown(slices: &[Slice]) -> String {
    let head = [
        "",
        "orders per second",
        "tickets per second",
        "of echo",
        "p50 ms",
        "p99 ms",
        "server us",
        "load us",
        "in a batch",
        "commit ms",
        "rounds",
    ];
    let rows: Vec<Vec<String>> = STEPS
        .iter()
        .map(|&step| {
            let figure = figure(slices, step);
            let ms = |per_mille| format!("{:.2}", figure.latency.quantile(per_mille).as_secs_f64() * 1000.0);
            let Commits { commands, batches, seconds } = figure.commits;
            let of_gateway = |text: String| if figure.step == Step::Echo { "-".to_owned() } else { text };
            let rounds: Vec<String> = figure.orders.iter().map(|rate| format!("{rate:.0}")).collect();
            vec![
                figure.step.name().to_owned(),
                format!("{:.0}", median(&figure.orders)),
                of_gateway(format!("{:.0}", median(&figure.tickets))),
                format!("{:.3}", figure.ratio),
                ms(500),
                ms(990),
                format!("{:.1}", figure.server_us),
                format!("{:.1}", figure.load_us),
                of_gateway(format!("{:.1}", commands / batches.max(1.0))),
                of_gateway(format!("{:.2}", seconds * 1000.0 / batches.max(1.0))),
                rounds.join(" "),
            ]
        })
        .collect();
    table(&head, &rows)
}

fn bars(store: Store, slices: &[Slice], faults: usize) -> Vec<Bar> {
    let least = match store {
        Store::Sqlite => 6_000.0,
        Store::Postgres => 2_000.0,
    };
    let mut bars: Vec<Bar> = [Step::PerOrder, Step::PerTicket]
        .map(|step| Bar::at_least(step.name(), median(&figure(slices, step).orders), least, "/s"))
        .into();
    let unclean = slices.iter().filter(|slice| !slice.sold.other.is_empty() || slice.sold.lost > 0);
    bars.push(Bar::none_of("slices with anything but success", unclean.count()));
    bars.push(Bar::none_of("differences in stock, balances and books", faults));
    bars
}

fn write_figures(args: &TicketsArgs, seed: u64, slices: &[Slice], bars: &[Bar]) -> anyhow::Result<()> {
    let figures = STEPS.map(|step| {
        let figure = figure(slices, step);
        json!({
            "name": figure.step.name(), "orders_per_second": figure.orders, "tickets_per_second": figure.tickets,
            "of_echo": figure.ratio, "p50_us": figure.latency.quantile(500).as_micros() as u64,
            "p99_us": figure.latency.quantile(990).as_micros() as u64, "server_us": figure.server_us,
            "load_us": figure.load_us, "commands": figure.commits.commands, "batches": figure.commits.batches,
            "commit_seconds": figure.commits.seconds,
        })
    });
    let usual = match args.store {
        Store::Sqlite => "target/bench-tickets.json",
        Store::Postgres => "target/bench-tickets-postgres.json",
    };
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(usual));
    let written = json!({
        "at_ms": wall_ms(),
        "passed": bars.iter().all(|bar| bar.passed),
        "settings": {
            "seed": seed, "seconds": args.seconds, "rounds": args.rounds, "connections": args.connections,
            "buyers": args.buyers, "distributors": args.distributors, "smsfrom": 1,
        },
        "figures": figures,
        "bars": bars,
    });
    write(&path, &serde_json::to_string_pretty(&written)?)?;
    println!("\nfigures written to {}", path.display());
    Ok(())
}
