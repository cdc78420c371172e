//! `chaos`: several processes on one PostgreSQL, while processes are killed and paused and the primary
//! fails over to its synchronous standby; and the proof that nothing acknowledged is lost or doubled.
//!
//! Threads call as many partners on all processes at once, and now and then send the same new order to
//! two processes at the same moment. The books are those of the kill test: an operation counts as
//! acknowledged only when its answer was received in full and said SUCCESS. What was sent and not
//! answered is asked for at the end, when nothing is under way any more.

mod balance;
mod probe;
mod shoppers;
mod weather;
mod wire;

use crate::clock::{wait_until, wall_ms};
use crate::engine::Engine;
use crate::gateway::{Gateway, Setup, Workspace, items};
use crate::http::Call;
use crate::kill::check::{Resolved, look_up};
use crate::kill::mixed::{Mixed, Stock, Sums};
use crate::kill::plan::Plan;
use crate::kill::{settle, start_receiver};
use crate::postgres::cluster::{self, SETTINGS};
use crate::random::Random;
use crate::receiver::{SharedBook, open_book};
use crate::sosopay::{Merchant, Partner};
use anyhow::{Context, ensure};
use probe::{Sample, Verdict};
use shoppers::{Losses, Market, Silence};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use weather::{Fleet, forecast};

/// What is under way when the load ends is over after this.
const QUIET_LIMIT: Duration = Duration::from_secs(60);
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Connections of the questions at the end.
const QUESTIONERS: usize = 8;
/// Violations that are printed.
const SHOWN: usize = 40;

#[derive(clap::Args)]
pub(crate) struct ChaosArgs {
    /// Gateway processes on the one database.
    #[arg(long, default_value_t = 3)]
    processes: usize,
    /// Seconds of load and trouble.
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// Seed of the load and of the troubles; the time of day when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Half a minute with short leases, for every change.
    #[arg(long)]
    short: bool,
    /// Partners who call, each with a key of its own.
    #[arg(long, default_value_t = 24)]
    partners: usize,
    /// Threads that call each process.
    #[arg(long, default_value_t = 6)]
    callers: usize,
    /// Requests per second at most, over all threads.
    #[arg(long, default_value_t = 300)]
    rate: u64,
    /// Seconds of a task's lease; a process is paused for longer.
    #[arg(long, default_value_t = 15)]
    lease: u64,
    /// The gateway to start.
    #[arg(long, env = "TRADEWIND_BIN", default_value = "target/release/tradewind")]
    binary: PathBuf,
    /// Folder for data folders and logs.
    #[arg(long, default_value = "target/bench-data")]
    data_root: PathBuf,
    /// Seconds in which everything must have come to rest afterwards.
    #[arg(long, default_value_t = 150)]
    settle: u64,
    /// Keep the logs; they are always kept when a promise was broken.
    #[arg(long)]
    keep: bool,
}

/// What the checks found: one passes when it has nothing to say.
#[derive(Default)]
pub(crate) struct Findings {
    pub passed: usize,
    pub failed: usize,
    pub texts: Vec<String>,
}

impl Findings {
    pub(crate) fn check(&mut self, what: &str, violations: Vec<String>) {
        if violations.is_empty() {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.texts.extend(violations.into_iter().map(|text| format!("{what}: {text}")));
        }
    }
}

/// Runs the trouble and prints a summary; fails when a promise was broken.
pub(crate) fn command(args: &ChaosArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.processes > 1, "--processes must be at least 2");
    ensure!(args.partners > 0 && args.callers > 0 && args.rate > 0, "nobody would call");
    let seed = args.seed.unwrap_or_else(wall_ms);
    let (seconds, lease) = if args.short { (30, 5) } else { (args.seconds, args.lease) };
    println!("seed {seed}, {} processes, {} partners, {seconds} seconds", args.processes, args.partners);
    let mut workspace = Workspace::fresh(&args.data_root, "chaos", args.keep)?;
    let mut findings = Findings::default();
    let outcome = run(args, seed, seconds, lease, &workspace, &mut findings);
    for text in findings.texts.iter().take(SHOWN) {
        println!("VIOLATION  {text}");
    }
    if findings.texts.len() > SHOWN {
        println!("... and {} more", findings.texts.len() - SHOWN);
    }
    if outcome.is_err() || findings.failed > 0 {
        println!("the logs are kept in {}; repeat with --seed {seed}", workspace.keep().display());
    }
    outcome?;
    println!("{} passed, {} failed", findings.passed, findings.failed);
    Ok(if findings.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(
    args: &ChaosArgs,
    seed: u64,
    seconds: u64,
    lease_s: u64,
    workspace: &Workspace,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let partners: Vec<Partner> = (0..args.partners).map(Partner::added).collect();
    let (receiver, book) = start_receiver(&partners)?;
    let mut fleet = launch(args, lease_s, workspace, &partners)?;
    let duration = Duration::from_secs(seconds);
    let lease = Duration::from_secs(lease_s);
    let mut random = Random::new(seed);
    let acts = forecast(args.processes, duration, lease, &mut random, !args.short);

    let mut plans: Vec<Plan> = (0..args.partners)
        .map(|index| {
            // Of one width, so that no prefix begins another.
            let prefix = format!("C{seed:x}p{index:03}n");
            Plan::new(&partners[index].busi_id, &prefix, &format!("http://{receiver}/n?_type=json"))
        })
        .collect();
    let Loaded { sums, silence, losses, samples } =
        load(args, seed, &mut fleet, &acts, duration, &mut plans, &partners)?;
    println!(
        "acknowledged {} orders, {} refunds, {} queries, {} repetitions, {} numbers sent to two processes at once; \
         {} answers did not come or told of trouble",
        sums.orders, sums.refunds, sums.questions, sums.repetitions, sums.duels, sums.unknown
    );
    for words in losses.words() {
        println!("no answer, {words}");
    }

    let verdict = probe::judge(&fleet.history, &samples, args.processes);
    tell(&fleet, &verdict, silence.longest());
    findings.check("readiness", verdict.violations);
    findings.check("processes", std::mem::take(&mut fleet.deserters));
    settle_all(args, &mut fleet, &mut plans, &partners, &book, findings)?;
    for gateway in fleet.gateways.drain(..).flatten() {
        gateway.stop()?;
    }
    Ok(())
}

/// Starts cluster, standby and processes, and adds the partners.
fn launch(
    args: &ChaosArgs,
    lease_s: u64,
    workspace: &Workspace,
    partners: &[Partner],
) -> anyhow::Result<Fleet> {
    let primary = cluster::start(SETTINGS);
    cluster::database(&primary, balance::DATABASE);
    let standby = primary.add_synchronous_standby();
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{}?target_session_attrs=read-write",
        primary.port(),
        standby.port(),
        balance::DATABASE
    );
    let mut fleet = Fleet {
        setups: Vec::new(),
        gateways: Vec::new(),
        primary,
        standby,
        history: Vec::new(),
        deserters: Vec::new(),
        starts: Vec::new(),
    };
    let folder = |index: usize| workspace.folder(&format!("process-{index}"));
    for index in 0..args.processes {
        let mut setup = Setup::new(&args.binary, &folder(index))
            .set("store.url", &url)
            .set("delivery.timeout_ms", "2000")
            .set("delivery.lease_s", &lease_s.to_string());
        if index > 0 {
            setup = setup.with_key_of(&folder(0))?;
        }
        let gateway = Gateway::start_with(&setup)?;
        // From now on it comes back where it was.
        setup.listen = gateway.listen;
        setup.ops_listen = gateway.operator.address;
        fleet.setups.push(setup);
        fleet.gateways.push(Some(gateway));
    }
    let first = fleet.gateways.iter().flatten().next().context("no process was started")?;
    for partner in partners {
        first.operator.add_partner(partner)?;
    }
    Ok(fleet)
}

/// What came of the load.
struct Loaded {
    sums: Sums,
    silence: Silence,
    losses: Losses,
    samples: Vec<Sample>,
}

/// Load and trouble at once, until both are over and nothing is under way.
fn load(
    args: &ChaosArgs,
    seed: u64,
    fleet: &mut Fleet,
    acts: &[(Duration, weather::Act)],
    duration: Duration,
    plans: &mut [Plan],
    partners: &[Partner],
) -> anyhow::Result<Loaded> {
    let threads = args.processes * args.callers;
    let addresses: Vec<_> = fleet.setups.iter().map(|setup| setup.listen).collect();
    let mut stocks: Vec<Stock> = plans.iter().map(|_| Stock::default()).collect();
    let mut randoms: Vec<Random> =
        (0..plans.len() as u64).map(|index| Random::new(seed ^ (index << 32))).collect();
    let mut mixed = Vec::new();
    for (((plan, stock), random), partner) in
        plans.iter_mut().zip(&mut stocks).zip(&mut randoms).zip(partners)
    {
        // All processes stand behind one name, as they would behind a balancer.
        let merchant = Merchant::of(partner, addresses[0]);
        mixed.push(Mutex::new(Mixed::new(plan, stock, random, merchant, threads).troubled()));
    }
    let market = Market {
        partners: mixed,
        gateways: addresses.clone(),
        pace: Duration::from_secs_f64(threads as f64 / args.rate as f64),
        over: AtomicBool::new(false),
        begun_at: Instant::now(),
        silence: Silence::default(),
        losses: Losses::default(),
    };
    let unwatched = AtomicBool::new(false);
    let (outcome, samples) = std::thread::scope(|scope| {
        let market = &market;
        let unwatched = &unwatched;
        let shoppers: Vec<_> =
            (0..threads).map(|slot| scope.spawn(move || shoppers::shop(market, slot, seed))).collect();
        let watchers: Vec<_> = addresses
            .iter()
            .enumerate()
            .map(|(index, &address)| scope.spawn(move || probe::watch(index, address, unwatched)))
            .collect();
        let outcome = fleet.weather(acts, duration);
        market.over.store(true, Ordering::Relaxed);
        shoppers.into_iter().for_each(|shopper| drop(shopper.join()));
        let outcome = outcome.and_then(|()| await_quiet(fleet));
        unwatched.store(true, Ordering::Relaxed);
        let samples: Vec<Sample> =
            watchers.into_iter().flat_map(|watcher| watcher.join().unwrap_or_default()).collect();
        (outcome, samples)
    });
    outcome?;
    let mut sums = Sums::default();
    for mixed in market.partners {
        sums += mixed.into_inner().unwrap_or_else(PoisonError::into_inner).sums;
    }
    Ok(Loaded { sums, silence: market.silence, losses: market.losses, samples })
}

/// Waits until every process is ready and has no request in work: what was sent has then been done or
/// will never be.
fn await_quiet(fleet: &Fleet) -> anyhow::Result<()> {
    for gateway in fleet.gateways.iter().flatten() {
        let mut last = Ok(());
        wait_until(QUIET_LIMIT, LOOK_PAUSE, || {
            last = is_quiet(gateway);
            Ok(last.is_ok().then_some(()))
        })?;
        last.with_context(|| format!("{} did not become ready and quiet", gateway.listen))?;
    }
    Ok(())
}

/// Fails with what is in the way. Readiness is told to everyone, numbers to operators.
fn is_quiet(gateway: &Gateway) -> anyhow::Result<()> {
    let ask = |path: &str, address| -> anyhow::Result<String> {
        let (status, body) = Call::get(path).send(address)?;
        ensure!(status == 200, "{path} of {address} answered {status}");
        Ok(String::from_utf8_lossy(&body).into_owned())
    };
    ask("/readyz", gateway.listen)?;
    let metrics = ask("/metrics", gateway.operator.address)?;
    for name in ["tradewind_requests_in_flight", "tradewind_queue_commands"] {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
        ensure!(line == Some(&format!("{name} 0")), "{name} is not 0: {line:?}");
    }
    Ok(())
}

fn tell(fleet: &Fleet, verdict: &Verdict, silence: Duration) {
    let mut starts: Vec<f64> = fleet.starts.iter().map(Duration::as_secs_f64).collect();
    starts.sort_by(f64::total_cmp);
    println!(
        "{} starts after a kill, the longest {:.2} s; {} times ready, {} times not ready; ready again {:.2} s after the \
         database at the latest; nobody was served for {:.1} s at most",
        starts.len(),
        starts.last().copied().unwrap_or(0.0),
        verdict.ready,
        verdict.not_ready,
        verdict.recovered_in.as_secs_f64(),
        silence.as_secs_f64()
    );
}

fn connect(gateway: &Gateway, partner: &Partner) -> anyhow::Result<(Engine, Merchant)> {
    Ok((Engine::connect(gateway.listen, QUESTIONERS)?, Merchant::of(partner, gateway.listen)))
}

/// Lets everything come to rest and compares all records with each other.
fn settle_all(
    args: &ChaosArgs,
    fleet: &mut Fleet,
    plans: &mut [Plan],
    partners: &[Partner],
    book: &SharedBook,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let begun_at = Instant::now();
    let limit = Duration::from_secs(args.settle);
    let gateways: Vec<&Gateway> = fleet.gateways.iter().flatten().collect();
    let mut resolved = Resolved::default();
    let mut sums = settle::Sums::default();
    // What was not answered is found or absent from here on. All are asked first, so that what is sent
    // again comes to rest for all at the same time.
    for (index, plan) in plans.iter_mut().enumerate() {
        let (mut engine, merchant) = connect(gateways[index % gateways.len()], &partners[index])?;
        let (orders, refunds) = (0..plan.orders.len(), 0..plan.refunds.len());
        resolved += look_up(plan, &mut engine, &merchant, orders, refunds, false)?;
    }
    for (index, plan) in plans.iter_mut().enumerate() {
        let (mut engine, merchant) = connect(gateways[index % gateways.len()], &partners[index])?;
        let left = limit.saturating_sub(begun_at.elapsed());
        resolved += settle::come_to_rest(plan, &mut engine, &merchant, left)?;
    }
    for (index, plan) in plans.iter_mut().enumerate() {
        // What one process says, another has to say as well.
        let gateway = gateways[(index + 1) % gateways.len()];
        let (mut engine, merchant) = connect(gateway, &partners[index])?;
        look_up(plan, &mut engine, &merchant, 0..plan.orders.len(), 0..plan.refunds.len(), true)?;
        let left = limit.saturating_sub(begun_at.elapsed());
        sums += settle::compare(plan, &gateway.operator, book, left)?;
    }
    for (plan, partner) in plans.iter_mut().zip(partners) {
        let violations = std::mem::take(&mut plan.violations);
        let more = violations.count - violations.first.len();
        let mut texts = violations.first;
        if more > 0 {
            texts.push(format!("{more} more"));
        }
        findings.check(&format!("partner {}", partner.busi_id), texts);
    }
    findings.check("receiver", settle::compare_receiver(plans, book));
    findings.check("ledger", balance::compare(&cluster::at(&fleet.standby.url(), balance::DATABASE), plans)?);
    for (index, gateway) in gateways.iter().enumerate() {
        let failed = gateway.operator.get("/ops/v1/tasks?state=failed&limit=10")?;
        let failed =
            items(&failed, "tasks")?.iter().map(|task| format!("a task has failed for good: {task}"));
        let verified = gateway.operator.verify().err().map(|error| format!("{error:#}"));
        findings.check(&format!("process {index}"), failed.chain(verified).collect());
    }
    println!(
        "{} requests were there afterwards, {} were not, {} sent again; {} orders and {} refunds checked, {} orders \
         paid, {} notified, {} deliveries repeated; {} events without a gap; at rest and compared in {:.1} s",
        resolved.found,
        resolved.absent,
        resolved.resent,
        sums.orders,
        sums.refunds,
        sums.paid,
        sums.told,
        open_book(book).totals().duplicates,
        sums.events,
        begun_at.elapsed().as_secs_f64()
    );
    Ok(())
}
