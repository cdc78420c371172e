//! The load: threads that call as many partners on all gateways, and believe only what was answered.

use super::wire::Wire;
use crate::engine::{Answer, Workload};
use crate::kill::mixed::Mixed;
use crate::random::Random;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A client gives up after this long; a paused process keeps it waiting until then.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
const REST_AFTER_LOSS: Duration = Duration::from_millis(50);
/// Of a hundred requests, those that are one new order sent to two processes at the same moment.
const DUELS_PERCENT: u64 = 4;

/// What the threads share.
pub(crate) struct Market<'a> {
    /// One for each partner.
    pub partners: Vec<Mutex<Mixed<'a>>>,
    pub gateways: Vec<SocketAddr>,
    /// Between two requests of a thread.
    pub pace: Duration,
    pub over: AtomicBool,
    /// Milliseconds since the begin at which an answer with a body came last.
    pub begun_at: Instant,
    pub silence: Silence,
    pub losses: Losses,
}

/// Why answers did not come, in the words of the errors, and how often.
#[derive(Default)]
pub(crate) struct Losses(Mutex<BTreeMap<String, u64>>);

impl Losses {
    /// Different words that are told apart; addresses and times are not among them.
    const KINDS_MAX: usize = 20;

    fn note(&self, error: &anyhow::Error) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = format!("{error:#}");
        if counts.len() >= Self::KINDS_MAX && !counts.contains_key(&words) {
            words = "something else".to_owned();
        }
        *counts.entry(words).or_default() += 1;
    }

    /// The commonest first.
    pub(crate) fn words(&self) -> Vec<String> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        counts.into_iter().map(|(words, count)| format!("{count} times: {words}")).collect()
    }
}

/// The longest time in which nobody was answered with success.
#[derive(Default)]
pub(crate) struct Silence {
    last_ms: AtomicU64,
    longest_ms: AtomicU64,
}

impl Silence {
    fn broken_at(&self, now_ms: u64) {
        let before = self.last_ms.fetch_max(now_ms, Ordering::Relaxed);
        self.longest_ms.fetch_max(now_ms.saturating_sub(before), Ordering::Relaxed);
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::Relaxed))
    }
}

/// Calls until the market is over. `slot` is the thread's own number in all books.
pub(crate) fn shop(market: &Market<'_>, slot: usize, seed: u64) {
    let mut random = Random::new(seed.wrapping_add(slot as u64 * 7919));
    let home = slot % market.gateways.len();
    let mut wire = Wire::to(market.gateways[home]);
    let mut next_at = Instant::now();
    while !market.over.load(Ordering::Relaxed) {
        let Some(partner) = random.index(market.partners.len()) else { return };
        let partner = &market.partners[partner];
        let fine = if random.below(100) < DUELS_PERCENT {
            let other =
                (home + 1 + random.index(market.gateways.len() - 1).unwrap_or(0)) % market.gateways.len();
            duel(market, partner, &mut wire, market.gateways[other]);
            true
        } else {
            call(market, partner, &mut wire, slot)
        };
        if !fine {
            std::thread::park_timeout(REST_AFTER_LOSS);
        }
        next_at = (next_at + market.pace).max(Instant::now());
        std::thread::park_timeout(next_at.saturating_duration_since(Instant::now()));
    }
}

/// One request; `false` when its answer did not come.
fn call(market: &Market<'_>, partner: &Mutex<Mixed<'_>>, wire: &mut Wire, slot: usize) -> bool {
    let mut request = Vec::new();
    let begun_at = Instant::now();
    open(partner).next(slot, begun_at, &mut request);
    let answer = wire.exchange(&request, ANSWER_LIMIT);
    let mut mixed = open(partner);
    match answer {
        Ok((status, body)) => {
            let acknowledged = mixed.sums.orders + mixed.sums.refunds;
            mixed.answered(slot, Answer { status, body: &body }, begun_at.elapsed());
            if mixed.sums.orders + mixed.sums.refunds > acknowledged {
                let now_ms = u64::try_from(market.begun_at.elapsed().as_millis()).unwrap_or(u64::MAX);
                market.silence.broken_at(now_ms);
            }
            true
        }
        Err(error) => {
            market.losses.note(&error);
            mixed.lost(slot);
            false
        }
    }
}

/// Sends the same new order to two processes at the same moment.
fn duel(market: &Market<'_>, partner: &Mutex<Mixed<'_>>, here: &mut Wire, there: SocketAddr) {
    let mut request = Vec::new();
    let order = open(partner).duel(&mut request);
    let mut there = Wire::to(there);
    // Both are under way before the first is waited for.
    let [here_sent, there_sent] = [here.send(&request), there.send(&request)];
    let heard = |answer: anyhow::Result<_>| answer.inspect_err(|error| market.losses.note(error)).ok();
    let here = heard(here_sent.and_then(|()| here.receive(ANSWER_LIMIT)));
    let there = heard(there_sent.and_then(|()| there.receive(ANSWER_LIMIT)));
    let answers =
        [&here, &there].map(|answer| answer.as_ref().map(|(status, body)| Answer { status: *status, body }));
    open(partner).dueled(order, answers);
}

/// A thread that panicked has broken nothing that others could not go on with.
fn open<'m, 'a>(partner: &'m Mutex<Mixed<'a>>) -> MutexGuard<'m, Mixed<'a>> {
    partner.lock().unwrap_or_else(PoisonError::into_inner)
}
