//! Whether readiness told the truth: `/readyz` of every process, asked all the time and judged afterwards.

use crate::http::Call;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
const ANSWER_LIMIT: Duration = Duration::from_secs(4);
/// So long after the database has gone a process may still say that it is ready.
const NOTICE_MAX: Duration = Duration::from_secs(3);
/// So long after the database is back a process may still say that it is not.
const RECOVERY_MAX: Duration = Duration::from_secs(20);
/// A process that has just started or woken up may still have to find its connections broken.
const WAKING_MAX: Duration = Duration::from_secs(5);

/// What was done to whom, as it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    DatabaseWent,
    /// It was told to come back; from here on it may be there.
    DatabaseComing,
    /// It was there for certain.
    DatabaseCame,
    /// The process was killed or stopped where it stood.
    Went(usize),
    /// The process was ready again, or let go on.
    Came(usize),
}

/// What happened, and when.
pub(crate) type History = Vec<(Instant, Happened)>;

/// One question and its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub gateway: usize,
    pub asked_at: Instant,
    pub answered_at: Instant,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
}

/// Asks one process until `over`.
pub(crate) fn watch(gateway: usize, address: SocketAddr, over: &AtomicBool) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let asked_at = Instant::now();
        let call = Call { limit: ANSWER_LIMIT, ..Call::get("/readyz") };
        let status = call.send(address).ok().map(|(status, _)| status);
        samples.push(Sample { gateway, asked_at, answered_at: Instant::now(), status });
        std::thread::park_timeout(PAUSE);
    }
    samples
}

/// What the samples say about the truth.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub violations: Vec<String>,
    pub ready: usize,
    pub not_ready: usize,
    /// The longest time from the database's return to the first "ready" of a process.
    pub recovered_in: Duration,
}

/// Compares what the processes said with what had happened.
pub(crate) fn judge(history: &History, samples: &[Sample], gateways: usize) -> Verdict {
    let mut verdict = Verdict {
        ready: samples.iter().filter(|sample| sample.status == Some(200)).count(),
        not_ready: samples.iter().filter(|sample| sample.status == Some(503)).count(),
        ..Verdict::default()
    };
    for (went_at, came_at) in spans(history, Happened::DatabaseWent, Happened::DatabaseCame) {
        let coming = history.iter().find(|(at, what)| *what == Happened::DatabaseComing && *at >= went_at);
        let coming_at = coming.map_or(came_at, |&(at, _)| at);
        for gateway in 0..gateways {
            let of = || samples.iter().filter(move |sample| sample.gateway == gateway);
            let blind =
                |sample: &&Sample| sample.asked_at > went_at + NOTICE_MAX && sample.answered_at < coming_at;
            let lied = of().filter(blind).filter(|sample| sample.status == Some(200)).count();
            if lied > 0 {
                verdict.violations.push(format!(
                    "process {gateway} said {lied} times that it was ready while the database was away"
                ));
            }
            if absent(history, gateway, went_at, came_at) {
                continue;
            }
            if !of().any(|sample| {
                sample.status == Some(503) && sample.asked_at > went_at && sample.answered_at < came_at
            }) {
                verdict.violations.push(format!(
                    "process {gateway} never said that it was not ready while the database was away"
                ));
            }
            // It has as long as it is let live.
            let gone_at = history.iter().find(|(at, what)| *what == Happened::Went(gateway) && *at > came_at);
            let until = gone_at.map_or(came_at + RECOVERY_MAX, |&(at, _)| at.min(came_at + RECOVERY_MAX));
            let first = of().find(|sample| sample.asked_at > came_at && sample.status == Some(200));
            match first.map(|sample| sample.answered_at - came_at) {
                Some(took) if came_at + took <= until => {
                    verdict.recovered_in = verdict.recovered_in.max(took);
                }
                _ if until < came_at + RECOVERY_MAX => {}
                took => verdict.violations.push(format!(
                    "process {gateway} was not ready within {RECOVERY_MAX:?} of the database's return ({took:?})"
                )),
            }
        }
    }
    for sample in samples.iter().filter(|sample| sample.status == Some(503)) {
        if is_quiet(history, sample) {
            verdict.violations.push(format!(
                "process {} said that it was not ready although it and the database had been there",
                sample.gateway
            ));
        }
    }
    verdict
}

/// From each `begin` to the `end` after it.
fn spans(history: &History, begin: Happened, end: Happened) -> Vec<(Instant, Instant)> {
    let begins = history.iter().filter(|(_, what)| *what == begin);
    begins
        .filter_map(|&(from, _)| {
            let end = history.iter().find(|(at, what)| *what == end && *at >= from);
            end.map(|&(until, _)| (from, until))
        })
        .collect()
}

/// Whether the process was away at any time in between.
fn absent(history: &History, gateway: usize, from: Instant, until: Instant) -> bool {
    spans(history, Happened::Went(gateway), Happened::Came(gateway))
        .iter()
        .any(|&(went_at, came_at)| went_at < until && came_at > from)
}

/// Whether nothing had happened for long enough before the question, and nothing until the answer.
fn is_quiet(history: &History, sample: &Sample) -> bool {
    history.iter().all(|&(at, what)| {
        let settles = match what {
            Happened::DatabaseWent | Happened::DatabaseComing | Happened::DatabaseCame => RECOVERY_MAX,
            Happened::Went(gateway) | Happened::Came(gateway) if gateway == sample.gateway => WAKING_MAX,
            Happened::Went(_) | Happened::Came(_) => return true,
        };
        at > sample.answered_at || at + settles < sample.asked_at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One process, a database that is away from second 10 to 20, and one answer per second.
    fn judged(status_at: impl Fn(u64) -> u16, extra: &[(u64, Happened)]) -> (usize, u64) {
        let begin = Instant::now();
        let at = |second: u64| begin + Duration::from_secs(second);
        let mut history = vec![(at(10), Happened::DatabaseWent), (at(20), Happened::DatabaseCame)];
        history.extend(extra.iter().map(|&(second, what)| (at(second), what)));
        history.sort_by_key(|(at, _)| *at);
        let samples: Vec<Sample> = (0..60)
            .map(|second| Sample {
                gateway: 0,
                asked_at: at(second) + Duration::from_millis(1),
                answered_at: at(second) + Duration::from_millis(2),
                status: Some(status_at(second)),
            })
            .collect();
        let verdict = judge(&history, &samples, 1);
        (verdict.violations.len(), verdict.recovered_in.as_secs())
    }

    fn violations(status_at: impl Fn(u64) -> u16, extra: &[(u64, Happened)]) -> usize {
        judged(status_at, extra).0
    }

    #[test]
    fn the_truth_is_no_violation_and_every_lie_is() {
        let away = |second: u64| (11..23).contains(&second);
        assert_eq!(violations(|second| if away(second) { 503 } else { 200 }, &[]), 0);
        // Ready all the time: it lied, and never said the truth.
        assert_eq!(violations(|_| 200, &[]), 2);
        // Not ready for ever.
        assert!(violations(|second| if second < 11 { 200 } else { 503 }, &[]) >= 1);
        // Not ready without a reason.
        assert_eq!(violations(|second| if away(second) || second == 5 { 503 } else { 200 }, &[]), 1);
        // A paused process need not have said anything, but it may not have lied either.
        let paused = [(9, Happened::Went(0)), (25, Happened::Came(0))];
        assert_eq!(violations(|second| if (9..=25).contains(&second) { 0 } else { 200 }, &paused), 0);
        assert_eq!(violations(|_| 200, &paused), 1);
        // One that is killed soon afterwards is judged by what it said until then.
        let killed = [(28, Happened::Went(0)), (29, Happened::Came(0))];
        assert_eq!(judged(|second| if away(second) { 503 } else { 200 }, &killed), (0, 3));
        let silent = |second| if (11..28).contains(&second) { 503 } else { 200 };
        assert_eq!(judged(silent, &killed), (0, 0));
    }
}
