//! `run`: the gateway beside the bare echo, in one run on one machine, with bars.
//!
//! Absolute figures on a shared machine are weather; ratios within a round are climate. So each
//! round measures every scenario once, rounds alternate their direction so that no scenario
//! always comes first or last, and the figure of a scenario is the median over the rounds.

use crate::gateway::{Gateway, Workspace};
use crate::load::Report;
use crate::million::{self, Fill, Million};
use crate::process::{Helper, Memory, memory};
use crate::report::{Bar, Figure, Slice, figures_table};
use crate::scenarios::Scenario;
use anyhow::{Context, ensure};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const SCENARIOS: [Scenario; 6] =
    [Scenario::Echo, Scenario::Order, Scenario::Pay, Scenario::Query, Scenario::PayNotify, Scenario::Deliver];

#[derive(clap::Args)]
pub(crate) struct RunArgs {
    /// Where the gateway keeps its books.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub store: Store,
    /// With PostgreSQL: partners who call in turn.
    #[arg(long, default_value_t = 32)]
    pub partners: usize,
    /// The gateway to start.
    #[arg(long, env = "TRADEWIND_BIN", default_value = "target/release/tradewind")]
    pub binary: PathBuf,
    /// Seconds per scenario and round.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Rounds; an even number lets each scenario come early and late equally often.
    #[arg(long, default_value_t = 4)]
    pub rounds: usize,
    /// Connections of the load generator [default: 64; with PostgreSQL 192, because several lanes share what
    /// waits, and a batch should be as full there].
    #[arg(long)]
    pub connections: Option<usize>,
    /// Then fill a database with this many orders and compare it with an empty one.
    #[arg(long)]
    pub orders: Option<u64>,
    /// What to fill it with.
    #[arg(long, value_enum, default_value = "both")]
    pub fill: Fill,
    /// Where the figures are written as JSON; target/bench.json or target/bench-postgres.json if absent.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder for the databases. It should be on a real disk: on a memory disk a sync costs nothing.
    #[arg(long, default_value = "target/bench-data")]
    pub data_root: PathBuf,
    /// Keep the databases.
    #[arg(long)]
    pub keep: bool,
    /// Succeed even when a bar is missed.
    #[arg(long)]
    pub report_only: bool,
}

impl RunArgs {
    /// Connections of the load generator.
    pub(crate) fn connections(&self) -> usize {
        self.connections.unwrap_or(match self.store {
            Store::Sqlite => 64,
            Store::Postgres => 192,
        })
    }
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    /// One file in the data folder.
    Sqlite,
    /// A private cluster, started for the run.
    Postgres,
}

/// Runs everything, prints the table and the bars, and writes the JSON; fails when a bar is missed.
pub(crate) fn command(args: &RunArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.rounds > 0 || args.orders.is_some(), "--rounds 0 without --orders measures nothing");
    if args.store == Store::Postgres {
        return crate::postgres::measure::command(args);
    }
    let machine_before = load_average();
    let mut workspace = Workspace::fresh(&args.data_root, "run", args.keep)?;
    let mut bars = Vec::new();

    let standard = if args.rounds > 0 { Some(standard(args, &workspace, &mut bars)?) } else { None };
    let million = match args.orders {
        Some(orders) => Some(million::measure(args, orders, &workspace, &mut bars)?),
        None => None,
    };

    let machine =
        Machine { processors: processors(), load_before: machine_before, load_after: load_average() };
    print(args, &machine, standard.as_ref(), million.as_ref(), &bars);
    let passed = bars.iter().all(|bar| bar.passed);
    let written = json!({
        "at_ms": crate::clock::wall_ms(),
        "passed": passed,
        "machine": {
            "processors": machine.processors,
            "load_average_before": machine.load_before,
            "load_average_after": machine.load_after,
        },
        "settings": {
            "seconds": args.seconds, "rounds": args.rounds, "connections": args.connections(), "orders": args.orders,
        },
        "figures": standard.as_ref().map(|it| &it.figures),
        "gateway_memory_kib": standard.as_ref().map(|it| json!({
            "rss": it.memory.rss_kib, "peak": it.memory.peak_kib, "anonymous": it.memory.anon_kib,
        })),
        "million": million,
        "bars": bars,
    });
    write_figures(args, &written)?;
    if args.keep {
        println!("databases kept in {}", workspace.keep().display());
    }
    Ok(if passed || args.report_only { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The figures of the standard rounds.
struct Standard {
    figures: Vec<Figure>,
    memory: Memory,
}

struct Machine {
    processors: usize,
    load_before: String,
    load_after: String,
}

fn standard(args: &RunArgs, workspace: &Workspace, bars: &mut Vec<Bar>) -> anyhow::Result<Standard> {
    let echo = Helper::start(&["echo"])?;
    let receiver = Helper::start(&["receiver"])?;
    let gateway = Gateway::start(&args.binary, &workspace.folder("standard"))?;
    let mut slices: Vec<Slice> = Vec::new();
    let mut pool = None;

    for round in 0..args.rounds {
        let mut order = SCENARIOS;
        if round % 2 == 1 {
            order.reverse();
        }
        for scenario in order {
            eprintln!("round {} of {}: {}", round + 1, args.rounds, scenario.name());
            let target =
                if scenario == Scenario::Echo { Target::echo(&echo) } else { Target::gateway(&gateway) };
            let mut command = LoadCommand::new(scenario, target, args.connections());
            command.option("--duration", args.seconds);
            if scenario.notifies() {
                command.option("--receiver", receiver.address);
                command.option("--ops", gateway.operator.address);
                command.option("--ops-token-file", workspace.folder("standard").join("ops-token").display());
            }
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

    let of = |scenario| slices.iter().filter(|slice| slice.report.scenario == scenario).collect::<Vec<_>>();
    let echo_rates: Vec<f64> = of(Scenario::Echo).iter().map(|slice| slice.report.per_second).collect();
    let figures: Vec<Figure> =
        SCENARIOS.iter().map(|&scenario| Figure::of(scenario.name(), &of(scenario), &echo_rates)).collect();
    let memory = memory(gateway.pid())?;
    gateway.operator.verify().context("after the measurement")?;
    gateway.stop()?;
    bars.extend(bars_of(&figures));
    Ok(Standard { figures, memory })
}

fn bars_of(figures: &[Figure]) -> Vec<Bar> {
    let of = |scenario: Scenario| figures.iter().find(|figure| figure.name == scenario.name());
    let mut bars = Vec::new();
    if let Some(order) = of(Scenario::Order) {
        bars.push(Bar::at_least("order", order.rate, 10_000.0, "/s"));
        bars.push(Bar::at_least("order against echo", order.ratio, 0.2, ""));
    }
    for scenario in [Scenario::Pay, Scenario::PayNotify] {
        if let Some(figure) = of(scenario) {
            bars.push(Bar::at_least(scenario.name(), figure.rate, 6_000.0, "/s"));
        }
    }
    for scenario in [Scenario::Order, Scenario::Pay, Scenario::Query, Scenario::PayNotify] {
        if let Some(figure) = of(scenario) {
            bars.push(Bar::below(&format!("p99 of {}", scenario.name()), figure.p99_ms, 50.0, " ms"));
        }
    }
    let unclean = figures.iter().filter(|figure| !figure.clean).count();
    bars.push(Bar::none_of("scenarios with anything but success", unclean));
    bars
}

/// A server to be loaded.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    address: SocketAddr,
    pid: u32,
}

impl Target {
    fn echo(echo: &Helper) -> Self {
        Self { address: echo.address, pid: echo.pid() }
    }

    pub(crate) fn gateway(gateway: &Gateway) -> Self {
        Self { address: gateway.listen, pid: gateway.pid() }
    }
}

/// The load generator as a process of its own, so that its processor time is its own.
pub(crate) struct LoadCommand(Vec<String>);

impl LoadCommand {
    pub(crate) fn new(scenario: Scenario, target: Target, connections: usize) -> Self {
        let mut command = Self(vec!["load".to_owned(), "--json".to_owned()]);
        command.option("--scenario", scenario.name());
        command.option("--url", format!("http://{}", target.address));
        command.option("--server-pid", target.pid);
        command.option("--connections", connections);
        command
    }

    pub(crate) fn option(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push(name.to_owned());
        self.0.push(value.to_string());
    }

    /// Runs it and reads its figures; answers other than success are in them and are no error.
    pub(crate) fn run(&self) -> anyhow::Result<Report> {
        let output = Command::new(std::env::current_exe()?)
            .args(&self.0)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("could not start the load generator")?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("the load generator ended with {} and without figures", output.status))
    }
}

fn print(
    args: &RunArgs,
    machine: &Machine,
    standard: Option<&Standard>,
    million: Option<&Million>,
    bars: &[Bar],
) {
    println!(
        "{} processors shared by gateway, load generator and receiver; load average {} before, {} after",
        machine.processors, machine.load_before, machine.load_after
    );
    if let Some(standard) = standard {
        println!(
            "\nEach of {} rounds measured every scenario for {} s, each second round in reverse order, with {} \
             connections and one request in flight on each.\n\"per second\" is the median of the rounds; \"of echo\" \
             is the median of each round's rate divided by the echo of the same round;\nlatencies are over all \
             rounds together; \"server us\" and \"load us\" are processor microseconds per request.\npay-notify \
             counts an order when its notification is acknowledged; deliver is the delivery alone, after a silence \
             of the receiver.\n",
            args.rounds,
            args.seconds,
            args.connections()
        );
        print!("{}", figures_table(&standard.figures));
        for figure in &standard.figures {
            figure.troubles.iter().for_each(|trouble| println!("{}: {trouble}", figure.name));
        }
        let gateway = standard.figures.iter().filter(|figure| figure.name != Scenario::Echo.name());
        println!(
            "\ngateway: {:.1} processor seconds while it was measured, {} resident, {} at most, {} of it its own pages",
            gateway.map(|figure| figure.server_cpu_seconds).sum::<f64>(),
            megabytes(standard.memory.rss_kib),
            megabytes(standard.memory.peak_kib),
            megabytes(standard.memory.anon_kib),
        );
    }
    if let Some(million) = million {
        million.print();
    }
    println!();
    bars.iter().for_each(|bar| println!("{}", bar.line()));
}

/// Writes the figures where the arguments say, and says so.
pub(crate) fn write_figures(args: &RunArgs, figures: &serde_json::Value) -> anyhow::Result<()> {
    let usual = match args.store {
        Store::Sqlite => "target/bench.json",
        Store::Postgres => "target/bench-postgres.json",
    };
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(usual));
    write(&path, &serde_json::to_string_pretty(figures)?)?;
    println!("\nfigures written to {}", path.display());
    Ok(())
}

pub(crate) fn megabytes(kib: u64) -> String {
    format!("{:.1} MB", kib as f64 * 1024.0 / 1e6)
}

/// Writes a file, and makes its folder.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

/// The first figure of the load average: how busy the machine was with other things, roughly.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}
