//! `load`: one scenario against one server, measured by the client.
//!
//! The loop is closed: each connection sends its next request when the answer has arrived, so
//! the rate is what the server sustains for that many patient callers. A warm-up with numbers of
//! its own comes first and is not counted.

use crate::clock::{wait_until, wall_ms};
use crate::engine::{AfterLoss, Answer, Ended, Engine, Workload};
use crate::gateway::Operator;
use crate::histogram::{Histogram, Sparse};
use crate::http::address;
use crate::process::cpu_seconds;
use crate::receiver::{self, Stats};
use crate::scenarios::{Requests, Scenario, Verdict};
use crate::sosopay::{self, Merchant, Partner};
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Answers that are still due when a phase ends are waited for this long.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// A load that loses this many connections is talking to nobody.
const LOST_MAX: u64 = 1000;
/// The silent phase of `deliver` stays below the five seconds after which an attempt times out.
const HOLD_SECONDS_MAX: f64 = 3.0;
/// Between two looks at the receiver's figures while the last notifications arrive.
const NOTIFIED_PAUSE: Duration = Duration::from_millis(20);

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct LoadArgs {
    /// What to send.
    #[arg(long, value_enum)]
    pub scenario: Scenario,
    /// The server, as http://ADDRESS:PORT.
    #[arg(long)]
    pub url: String,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Seconds to send for.
    #[arg(long, default_value_t = 5.0, conflicts_with = "count")]
    pub duration: f64,
    /// Requests to send, instead of a duration.
    #[arg(long)]
    pub count: Option<u64>,
    /// Seconds of warm-up before it, not counted.
    #[arg(long, default_value_t = 0.5)]
    pub warmup: f64,
    /// The merchant who calls.
    #[arg(long, default_value = sosopay::BUSI_ID)]
    pub busi_id: String,
    /// The merchant's key.
    #[arg(long, default_value = sosopay::KEY)]
    pub key: String,
    /// Call as this many partners in turn, those that `run` has added, instead of as one.
    #[arg(long, default_value_t = 0, conflicts_with_all = ["busi_id", "key"])]
    pub partners: usize,
    /// The receiver of notifications, as http://ADDRESS:PORT (pay-notify, deliver).
    #[arg(long)]
    pub receiver: Option<String>,
    /// Seconds to wait for the last notification after the last request.
    #[arg(long, default_value_t = 60.0)]
    pub settle: f64,
    /// The operator listener: after notifications, also wait until the gateway has recorded them.
    #[arg(long, requires = "ops_token_file")]
    pub ops: Option<SocketAddr>,
    /// File with the operator's token.
    #[arg(long, requires = "ops")]
    pub ops_token_file: Option<PathBuf>,
    /// Query: look up numbers with this prefix (as reported by an earlier load) ...
    #[arg(long, requires = "pool")]
    pub pool_prefix: Option<String>,
    /// ... and counters below this. Without it, 2000 orders are made first.
    #[arg(long)]
    pub pool: Option<u64>,
    /// Also report the processor time of this process (the server) for the measured phase.
    #[arg(long)]
    pub server_pid: Option<u32>,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

impl LoadArgs {
    fn merchants(&self, server: SocketAddr) -> Vec<Merchant> {
        match self.partners {
            0 => vec![Merchant::new(&self.busi_id, &self.key, server)],
            count => (0..count).map(|index| Merchant::of(&Partner::added(index), server)).collect(),
        }
    }
}

/// The figures of one load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub scenario: Scenario,
    pub connections: usize,
    /// From the first request to the last answer, or to the last acknowledgement of a notification.
    pub seconds: f64,
    /// Answered requests, or delivered notifications for `deliver`.
    pub done: u64,
    pub per_second: f64,
    /// Answers with success.
    pub success: u64,
    /// Every other answer, by code.
    pub other: BTreeMap<String, u64>,
    /// Requests whose connection broke, and requests never answered.
    pub lost: u64,
    pub unanswered: u64,
    pub p50_us: u64,
    pub p95_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
    /// Processor seconds of this process for the measured phase.
    pub cpu_seconds: f64,
    /// Processor seconds of the server from the first request to the last answer or notification.
    pub server_cpu_seconds: Option<f64>,
    /// Prefix of the numbers given out; counters run from 0.
    pub prefix: String,
    pub notified: Option<Notified>,
    pub histogram: Sparse,
}

/// What became of the notifications of a load.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Notified {
    pub expected: u64,
    pub distinct: u64,
    /// Extra deliveries during this load, which at-least-once allows.
    pub duplicates: u64,
    pub signatures_checked: u64,
    pub bad_signatures: u64,
    /// Seconds from the last answer to the last acknowledgement.
    pub tail_seconds: f64,
    /// Seconds from the last answer until no delivery was pending at the gateway.
    pub settled_seconds: Option<f64>,
}

impl Report {
    /// Whether every request was answered with success and every notification came, well signed.
    pub(crate) fn is_clean(&self) -> bool {
        self.other.is_empty()
            && self.lost == 0
            && self.unanswered == 0
            && self.success > 0
            && self.notified.as_ref().is_none_or(|it| it.distinct == it.expected && it.bad_signatures == 0)
    }
}

/// Runs the load and prints its report; fails when anything but success was seen.
pub(crate) fn command(args: &LoadArgs) -> anyhow::Result<ExitCode> {
    let report = measure(args)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the load in this process.
pub(crate) fn measure(args: &LoadArgs) -> anyhow::Result<Report> {
    ensure!(args.connections > 0, "--connections must be at least 1");
    let server = address(&args.url)?;
    let receiver = args.receiver.as_deref().map(address).transpose()?;
    let receiver = match (args.scenario.notifies(), receiver) {
        (true, None) => bail!("{} needs --receiver", args.scenario.name()),
        (true, some) => some,
        (false, _) => None,
    };
    let operator = match (args.ops, &args.ops_token_file) {
        (Some(ops), Some(file)) => Some(Operator::from_token_file(ops, file)?),
        _ => None,
    };
    let engine = Engine::connect(server, args.connections)
        .with_context(|| format!("could not connect {} times to {server}", args.connections))?;
    let mut load = Load {
        engine,
        args,
        merchants: args.merchants(server),
        run: format!("B{:x}p{:x}", wall_ms(), std::process::id()),
        receiver,
        operator,
        pool: (String::new(), 0),
    };
    load.fill_pool()?;
    load.warm_up()?;
    load.measure()
}

struct Load<'a> {
    engine: Engine,
    args: &'a LoadArgs,
    merchants: Vec<Merchant>,
    /// Prefix of every number of this process; a letter for the phase follows it.
    run: String,
    receiver: Option<SocketAddr>,
    operator: Option<Operator>,
    pool: (String, u64),
}

/// When a phase stops sending.
#[derive(Clone, Copy)]
enum Until {
    Passed(Duration),
    Sent(u64),
}

impl Load<'_> {
    fn fill_pool(&mut self) -> anyhow::Result<()> {
        if self.args.scenario != Scenario::Query {
            return Ok(());
        }
        self.pool = match (&self.args.pool_prefix, self.args.pool) {
            (Some(prefix), Some(pool)) if pool > 0 => (prefix.clone(), pool),
            (None, None) => {
                let prefix = format!("{}q", self.run);
                let phase = self.phase(Scenario::Order, &prefix, Until::Sent(2000))?;
                ensure!(phase.success == 2000, "orders to look up could not be made: {:?}", phase.other);
                (prefix, 2000)
            }
            _ => bail!("--pool-prefix and --pool belong together, and an empty pool has nothing to look up"),
        };
        Ok(())
    }

    fn warm_up(&mut self) -> anyhow::Result<()> {
        if self.args.warmup <= 0.0 {
            return Ok(());
        }
        let prefix = format!("{}w", self.run);
        let phase = self.phase(self.args.scenario, &prefix, Until::Passed(seconds(self.args.warmup)?))?;
        // What the warm-up paid for must not be delivered on the measured phase's account.
        if let Some(receiver) = self.receiver {
            let stats = self.await_notifications(receiver, &prefix, phase.success)?;
            let (came, expected) = (stats.run.distinct, phase.success);
            ensure!(came >= expected, "only {came} of {expected} notifications of the warm-up came");
            self.await_settled()?;
        }
        Ok(())
    }

    fn measure(&mut self) -> anyhow::Result<Report> {
        let prefix = format!("{}m", self.run);
        let deliver = self.args.scenario == Scenario::Deliver;
        let until = match self.args.count {
            Some(count) => Until::Sent(count),
            None if deliver => Until::Passed(seconds(self.args.duration.min(HOLD_SECONDS_MAX))?),
            None => Until::Passed(seconds(self.args.duration)?),
        };
        let before = self.receiver.map(|receiver| receiver::stats(receiver, &prefix)).transpose()?;
        if let (true, Some(receiver)) = (deliver, self.receiver) {
            receiver::control(receiver, "/hold")?;
        }
        let server_cpu_before = self.args.server_pid.map(cpu_seconds).transpose()?;
        let cpu_before = cpu_seconds(std::process::id())?;
        let mut started_ms = wall_ms();
        let phase = self.phase(self.args.scenario, &prefix, until);
        let cpu = cpu_seconds(std::process::id())? - cpu_before;
        if let (true, Some(receiver)) = (deliver, self.receiver) {
            // Also when the phase failed: a receiver left holding would spoil what comes next.
            started_ms = wall_ms();
            receiver::control(receiver, "/release")?;
        }
        let phase = phase?;

        let mut report = phase.report(self.args, cpu, prefix);
        if let (Some(receiver), Some(before)) = (self.receiver, before) {
            let answered_at = Instant::now();
            let answered_ms = wall_ms();
            let after = self.await_notifications(receiver, &report.prefix, report.success)?;
            let complete = after.run.distinct >= report.success;
            let settled = complete && self.await_settled()?;
            let settled = settled.then(|| answered_at.elapsed().as_secs_f64());
            let last_ms = after.run.last_ms;
            report.seconds = last_ms.saturating_sub(started_ms).max(1) as f64 / 1000.0;
            report.done = after.run.distinct;
            report.per_second = report.done as f64 / report.seconds;
            report.notified = Some(Notified {
                expected: report.success,
                distinct: after.run.distinct,
                duplicates: after.totals.duplicates - before.totals.duplicates,
                signatures_checked: after.totals.checked - before.totals.checked,
                bad_signatures: after.totals.bad_signatures - before.totals.bad_signatures,
                tail_seconds: last_ms.saturating_sub(answered_ms) as f64 / 1000.0,
                settled_seconds: settled,
            });
        }
        let server_cpu_after = self.args.server_pid.map(cpu_seconds).transpose()?;
        report.server_cpu_seconds =
            server_cpu_after.zip(server_cpu_before).map(|(after, before)| after - before);
        Ok(report)
    }

    fn phase(&mut self, scenario: Scenario, prefix: &str, until: Until) -> anyhow::Result<Phase> {
        let notify_url = self.receiver.map(|receiver| format!("http://{receiver}/n?_type=json"));
        let pool = (self.pool.0.as_str(), self.pool.1);
        let requests = Requests::new(scenario, &self.merchants, prefix, notify_url.as_deref(), pool);
        let mut phase = Phase::new(requests, until);
        let limit = match until {
            Until::Passed(duration) => duration + ANSWER_LIMIT,
            // A bound for the lost case only: an hour is beyond every count that is asked for.
            Until::Sent(_) => Duration::from_secs(3600),
        };
        if let Ended::Unanswered(count) = self.engine.run(&mut phase, limit)? {
            phase.unanswered = count as u64;
        }
        ensure!(phase.lost < LOST_MAX, "{} connections broke; is the server gone?", phase.lost);
        Ok(phase)
    }

    /// Waits, bounded, until the receiver has acknowledged `expected` orders of a run.
    fn await_notifications(
        &self,
        receiver: SocketAddr,
        prefix: &str,
        expected: u64,
    ) -> anyhow::Result<Stats> {
        let arrived = wait_until(seconds(self.args.settle)?, NOTIFIED_PAUSE, || {
            let stats = receiver::stats(receiver, prefix)?;
            Ok((stats.run.distinct >= expected).then_some(stats))
        })?;
        // What is missing after the limit is reported, not hidden in an error.
        arrived.map_or_else(|| receiver::stats(receiver, prefix), Ok)
    }

    /// Waits, bounded, until the gateway has no delivery pending; `false` when it cannot be told.
    fn await_settled(&self) -> anyhow::Result<bool> {
        let Some(operator) = &self.operator else { return Ok(false) };
        let settled = wait_until(seconds(self.args.settle)?, NOTIFIED_PAUSE, || {
            let pending = operator.get("/ops/v1/tasks?state=pending&kind=deliver&limit=1")?;
            Ok(crate::gateway::items(&pending, "tasks")?.is_empty().then_some(()))
        })?;
        Ok(settled.is_some())
    }
}

/// One uninterrupted stretch of load.
struct Phase {
    requests: Requests,
    until: Until,
    started_at: Instant,
    finished_at: Instant,
    sent: u64,
    answered: u64,
    success: u64,
    other: BTreeMap<String, u64>,
    lost: u64,
    unanswered: u64,
    latency: Histogram,
}

impl Phase {
    fn new(requests: Requests, until: Until) -> Self {
        let now = Instant::now();
        Self {
            requests,
            until,
            started_at: now,
            finished_at: now,
            sent: 0,
            answered: 0,
            success: 0,
            other: BTreeMap::new(),
            lost: 0,
            unanswered: 0,
            latency: Histogram::default(),
        }
    }

    fn report(self, args: &LoadArgs, cpu_seconds: f64, prefix: String) -> Report {
        let seconds = (self.finished_at - self.started_at).as_secs_f64().max(f64::EPSILON);
        let micros = |value: Duration| u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        Report {
            scenario: args.scenario,
            connections: args.connections,
            seconds,
            done: self.answered,
            per_second: self.answered as f64 / seconds,
            success: self.success,
            other: self.other,
            lost: self.lost,
            unanswered: self.unanswered,
            p50_us: micros(self.latency.quantile(500)),
            p95_us: micros(self.latency.quantile(950)),
            p99_us: micros(self.latency.quantile(990)),
            max_us: micros(self.latency.max()),
            cpu_seconds,
            server_cpu_seconds: None,
            prefix,
            notified: None,
            histogram: self.latency.sparse(),
        }
    }
}

impl Workload for Phase {
    fn next(&mut self, _: usize, now: Instant, out: &mut Vec<u8>) -> bool {
        let more = match self.until {
            Until::Passed(duration) => now.duration_since(self.started_at) < duration,
            Until::Sent(count) => self.sent < count,
        };
        if more {
            self.requests.write(out, self.sent, wall_ms());
            self.sent += 1;
        }
        more
    }

    fn answered(&mut self, _: usize, answer: Answer<'_>, took: Duration) {
        self.answered += 1;
        self.latency.record(took);
        self.finished_at = Instant::now();
        match self.requests.judge(answer) {
            Verdict::Success => self.success += 1,
            Verdict::Other(code) => *self.other.entry(code).or_default() += 1,
        }
    }

    fn lost(&mut self, _: usize) -> AfterLoss {
        self.lost += 1;
        if self.lost < LOST_MAX { AfterLoss::Reconnect } else { AfterLoss::GiveUp }
    }
}

fn seconds(value: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(value).with_context(|| format!("`{value}` is no number of seconds"))
}

fn print(report: &Report) {
    let millis = |micros: u64| micros as f64 / 1000.0;
    println!(
        "{}: {:.0}/s over {:.2} s with {} connections ({} done, {} success)",
        report.scenario.name(),
        report.per_second,
        report.seconds,
        report.connections,
        report.done,
        report.success,
    );
    println!(
        "latency ms: p50 {:.3}, p95 {:.3}, p99 {:.3}, max {:.3}",
        millis(report.p50_us),
        millis(report.p95_us),
        millis(report.p99_us),
        millis(report.max_us),
    );
    println!(
        "this process: {:.2} processor seconds, {:.1} us per request",
        report.cpu_seconds,
        report.cpu_seconds * 1e6 / (report.success.max(1) as f64),
    );
    if let Some(notified) = &report.notified {
        println!(
            "notifications: {} of {} ({} extra), {} signatures checked, {} bad, last one {:.2} s after the last answer",
            notified.distinct,
            notified.expected,
            notified.duplicates,
            notified.signatures_checked,
            notified.bad_signatures,
            notified.tail_seconds,
        );
    }
    for (code, count) in &report.other {
        println!("answered {code}: {count}");
    }
    if report.lost + report.unanswered > 0 {
        println!("lost: {}, unanswered: {}", report.lost, report.unanswered);
    }
}
