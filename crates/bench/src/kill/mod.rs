//! `kill`: crashes under load, and the proof that nothing acknowledged is lost or doubled.
//!
//! A round starts the gateway, loads it from many connections, kills it with SIGKILL at a moment
//! chosen by the seed, starts it again, and asks about everything that round had sent. The second
//! life of a round ends by turns with another SIGKILL and with a graceful stop. Load begins the
//! moment the gateway is ready, so early kills hit its recovery as well.
//!
//! A killed process loses what it had in memory; what it wrote stays with the kernel. So this
//! proves the order of commit, answer and delivery, and the recovery. A loss of power, which also
//! tests the sync itself, is another test.

pub(crate) mod check;
pub(crate) mod mixed;
pub(crate) mod plan;
mod reply;
pub(crate) mod settle;

use crate::book::{Book, Care};
use crate::clock::wall_ms;
use crate::engine::{Ended, Engine};
use crate::gateway::{Gateway, Workspace};
use crate::random::Random;
use crate::receiver::{Receiver, SharedBook};
use crate::report::median;
use crate::sosopay::{BUSI_ID, Merchant, Partner};
use anyhow::{Context, anyhow, bail};
use check::{Resolved, look_up};
use mixed::{Mixed, Stock};
use plan::{Plan, Standing};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The kill comes this many milliseconds after readiness, at the earliest and at the latest.
const KILL_AFTER_MS: std::ops::RangeInclusive<u64> = 50..=1500;
/// After the kill every connection ends; the kernel needs no longer than this.
const HANGUP_LIMIT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct KillArgs {
    /// How many times the gateway is killed under load. Five take less than a minute.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Seed of the load and of the moments of the kills; the time of day when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Connections of the load.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// The gateway to start and kill.
    #[arg(long, env = "TRADEWIND_BIN", default_value = "target/release/tradewind")]
    binary: PathBuf,
    /// Folder for the database.
    #[arg(long, default_value = "target/bench-data")]
    data_root: PathBuf,
    /// Seconds in which everything must have come to rest after the last round.
    #[arg(long, default_value_t = 150)]
    settle: u64,
    /// Keep the database; it is always kept when a promise was broken.
    #[arg(long)]
    keep: bool,
}

/// Runs the rounds and prints a summary; fails when a promise was broken.
pub(crate) fn command(args: &KillArgs) -> anyhow::Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(wall_ms);
    println!("seed {seed}, {} rounds, {} connections", args.rounds, args.connections);
    let mut workspace = Workspace::fresh(&args.data_root, "kill", args.keep)?;
    let (receiver, book) = start_receiver(&[Partner::sandbox()])?;
    let mut test = Test {
        args,
        data: workspace.folder("data"),
        plan: Plan::new(BUSI_ID, &format!("K{seed:x}n"), &format!("http://{receiver}/n?_type=json")),
        stock: Stock::default(),
        random: Random::new(seed),
        starts_ms: Vec::new(),
        in_flight: 0,
        resolved: Resolved::default(),
        broken_rounds: 0,
    };

    let outcome = test.rounds(&book);
    // What was found before an error is the more telling part of it.
    let violations = &test.plan.violations;
    for text in &violations.first {
        println!("VIOLATION  {text}");
    }
    if violations.count > violations.first.len() {
        println!("... and {} more", violations.count - violations.first.len());
    }
    if outcome.is_err() || violations.count > 0 {
        println!(
            "the database and its log are kept in {}; repeat with --seed {seed}",
            workspace.keep().display()
        );
    }
    let sums = outcome?;
    let starts = &test.starts_ms;
    println!(
        "\n{} kills under load, {} requests in flight at a kill: {} were there afterwards, {} were not, {} sent again",
        args.rounds, test.in_flight, test.resolved.found, test.resolved.absent, test.resolved.resent
    );
    println!(
        "{} orders and {} refunds checked, {} orders paid; {} notified, {} deliveries repeated; {} events without a gap",
        sums.orders, sums.refunds, sums.paid, sums.told, sums.told_again, sums.events
    );
    println!(
        "started {} times, median {:.0} ms, longest {:.0} ms; at rest {:.1} s after the last round",
        starts.len(),
        median(starts),
        starts.iter().copied().fold(0.0, f64::max),
        sums.settled_in.as_secs_f64()
    );
    println!("{}  violations: {}", if violations.count == 0 { "PASS" } else { "FAIL" }, violations.count);
    // What only shows at the end is no round's own and counts as one more failure.
    let at_the_end = usize::from(violations.count > 0 && test.broken_rounds == 0);
    println!("{} passed, {} failed", args.rounds - test.broken_rounds, test.broken_rounds + at_the_end);
    Ok(if violations.count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Test<'a> {
    args: &'a KillArgs,
    data: PathBuf,
    plan: Plan,
    stock: Stock,
    random: Random,
    starts_ms: Vec<f64>,
    /// Requests without an answer, over all rounds.
    in_flight: usize,
    resolved: Resolved,
    /// Rounds after which a promise was found broken.
    broken_rounds: usize,
}

impl Test<'_> {
    fn rounds(&mut self, book: &SharedBook) -> anyhow::Result<settle::Sums> {
        for round in 0..self.args.rounds {
            self.round(round).with_context(|| format!("round {}", round + 1))?;
        }
        let gateway = self.start()?;
        let limit = Duration::from_secs(self.args.settle);
        let sums = settle::settle(&mut self.plan, &gateway, book, self.args.connections, limit)?;
        gateway.stop()?;
        Ok(sums)
    }

    fn round(&mut self, round: usize) -> anyhow::Result<()> {
        let orders_before = self.plan.orders.len();
        let refunds_before = self.plan.refunds.len();
        let violations_before = self.plan.violations.count;
        let span = KILL_AFTER_MS.end() - KILL_AFTER_MS.start() + 1;
        let kill_after = Duration::from_millis(KILL_AFTER_MS.start() + self.random.below(span));

        let gateway = self.start()?;
        let sums = self.load_and_kill(gateway, kill_after)?;
        self.in_flight += sums.unknown;

        let gateway = self.start()?;
        let refunds: Vec<usize> = (refunds_before..self.plan.refunds.len()).collect();
        // Refunds of this round may be of older orders, whose state they changed.
        let mut orders: BTreeSet<usize> = (orders_before..self.plan.orders.len()).collect();
        orders.extend(refunds.iter().map(|&refund| self.plan.refunds[refund].order));
        let merchant = Merchant::sandbox(gateway.listen);
        let mut engine = Engine::connect(gateway.listen, self.args.connections)?;
        let resolved = look_up(&mut self.plan, &mut engine, &merchant, orders, refunds, false)?;
        self.resolved += resolved;
        if let Err(error) = gateway.operator.verify() {
            self.plan.violations.add(format!("after round {}, {error:#}", round + 1));
        }
        let unresolved = self.plan.orders[orders_before..]
            .iter()
            .map(|order| order.standing)
            .chain(self.plan.refunds[refunds_before..].iter().map(|refund| refund.standing))
            .filter(|standing| matches!(standing, Standing::InFlight | Standing::Unknown));
        if unresolved.count() > 0 {
            self.plan
                .violations
                .add(format!("after round {}, some requests could not be resolved", round + 1));
        }
        let broken = self.plan.violations.count - violations_before;
        self.broken_rounds += usize::from(broken > 0);
        println!(
            "round {}: killed after {} ms; acknowledged {} orders, {} refunds, {} queries, {} repetitions{}; {} in \
             flight ({} there, {} not); again ready in {:.0} ms; {} violations",
            round + 1,
            kill_after.as_millis(),
            sums.orders,
            sums.refunds,
            sums.questions,
            sums.repetitions,
            if sums.busy > 0 { format!(", {} refused as busy", sums.busy) } else { String::new() },
            sums.unknown,
            resolved.found,
            resolved.absent,
            gateway.started_in.as_secs_f64() * 1000.0,
            broken,
        );
        if round.is_multiple_of(2) { gateway.kill() } else { gateway.stop() }
    }

    fn start(&mut self) -> anyhow::Result<Gateway> {
        let gateway = Gateway::start(&self.args.binary, &self.data)?;
        self.starts_ms.push(gateway.started_in.as_secs_f64() * 1000.0);
        Ok(gateway)
    }

    /// Loads the gateway until it is killed and every connection has noticed.
    ///
    /// The killer is a thread of its own, so that the kill does not wait for a pause in the load.
    fn load_and_kill(&mut self, gateway: Gateway, kill_after: Duration) -> anyhow::Result<mixed::Sums> {
        let merchant = Merchant::sandbox(gateway.listen);
        let server = gateway.listen;
        let (load_ended, load_end) = mpsc::channel::<()>();
        let killer = std::thread::spawn(move || match load_end.recv_timeout(kill_after) {
            Err(RecvTimeoutError::Timeout) => gateway.kill(),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                gateway.kill()?;
                bail!("every connection broke before the gateway was killed")
            }
        });
        let connections = self.args.connections;
        let mut mixed = Mixed::new(&mut self.plan, &mut self.stock, &mut self.random, merchant, connections);
        let ended = Engine::connect(server, connections)
            .and_then(|mut engine| engine.run(&mut mixed, kill_after + HANGUP_LIMIT))
            .context("the load failed");
        let sums = mixed.sums;
        drop(load_ended);
        let killed = killer.join().map_err(|_| anyhow!("the killer panicked"))?;
        // The kill can hit while connections are still being opened; then nothing was sent.
        match (ended, killed) {
            (_, Err(error)) => Err(error),
            (Err(error), Ok(())) => Err(error),
            (Ok(Ended::Unanswered(count)), Ok(())) => bail!("{count} connections outlived the gateway"),
            (Ok(Ended::Idle), Ok(())) => Ok(sums),
        }
    }
}

/// A receiver in a thread of this process, which lives as long as the process does.
pub(crate) fn start_receiver(partners: &[Partner]) -> anyhow::Result<(SocketAddr, SharedBook)> {
    let book = Book::of(Care { check_every: 1, identities: true }, partners);
    let book = Arc::new(Mutex::new(book));
    let mut receiver = Receiver::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::clone(&book))?;
    let address = receiver.address()?;
    std::thread::spawn(move || {
        if let Err(error) = receiver.serve() {
            eprintln!("the receiver ended: {error:#}");
        }
    });
    Ok((address, book))
}
