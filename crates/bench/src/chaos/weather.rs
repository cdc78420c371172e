//! What goes wrong and when, by the seed: kills, pauses, and the fate of the primary.

use super::probe::{Happened, History};
use crate::gateway::{Gateway, Setup};
use crate::random::Random;
use anyhow::Context;
use std::time::{Duration, Instant};
use tradewind_testkit::postgres::{Cluster, Standby};

/// For how long the database is away, so that everybody has to notice.
const AWAY: Duration = Duration::from_secs(6);
/// Kills keep this far from the database's troubles: a process cannot start without it.
const CLEAR: Duration = Duration::from_secs(2);
/// Between the return of one victim and the next.
const REST_MS: std::ops::Range<u64> = 300..1500;
const DOWN_MS: std::ops::Range<u64> = 100..1500;
/// The first thing happens after this.
const CALM: Duration = Duration::from_secs(1);

/// One thing to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Kill(usize),
    Start(usize),
    Pause(usize),
    Resume(usize),
    /// The primary ends like in a crash ...
    CrashPrimary,
    /// ... and recovers ...
    RecoverPrimary,
    /// ... or never comes back, and the standby takes its place.
    Promote,
}

/// The acts of a run, in the order of their times since its begin.
pub(crate) fn forecast(
    gateways: usize,
    duration: Duration,
    lease: Duration,
    random: &mut Random,
    recovery: bool,
) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let failover = duration.mul_f64(0.45);
    acts.push((failover, Act::CrashPrimary));
    acts.push((failover + AWAY, Act::Promote));
    let mut troubles = vec![failover];
    if recovery {
        let crash = duration.mul_f64(0.15);
        acts.push((crash, Act::CrashPrimary));
        acts.push((crash + AWAY, Act::RecoverPrimary));
        troubles.push(crash);
    }
    let mut between = |range: &std::ops::Range<u64>| {
        Duration::from_millis(range.start + random.below(range.end - range.start))
    };
    // Pauses come one after the other, whatever the database does meanwhile, ...
    let asleep = lease.mul_f64(1.3);
    let mut pauses = Vec::new();
    let mut at = CALM + between(&REST_MS);
    while at + asleep < duration {
        pauses.push((at, at + asleep));
        at += asleep + between(&REST_MS);
    }
    // ... kills wherever the database is there.
    let mut kills = Vec::new();
    let mut at = CALM + between(&REST_MS);
    while at + Duration::from_millis(DOWN_MS.end) < duration {
        let until = at + between(&DOWN_MS);
        match troubles.iter().find(|&&trouble| at < trouble + AWAY + CLEAR && until + CLEAR > trouble) {
            Some(&trouble) => at = trouble + AWAY + CLEAR + between(&REST_MS),
            None => {
                kills.push((at, until));
                // A start takes a while itself.
                at = until + Duration::from_secs(1) + between(&REST_MS);
            }
        }
    }
    let offset = random.index(gateways).unwrap_or(0);
    for (count, &(at, until)) in pauses.iter().enumerate() {
        let gateway = (offset + count) % gateways;
        acts.push((at, Act::Pause(gateway)));
        acts.push((until, Act::Resume(gateway)));
    }
    for &(at, until) in &kills {
        // Not one that sleeps, nor is about to: it would be woken up before its time.
        let sleeps = |gateway: usize| {
            let mut naps =
                pauses.iter().enumerate().filter(|(count, _)| (offset + count) % gateways == gateway);
            naps.any(|(_, &(from, to))| from < until + CLEAR && to > at)
        };
        let awake: Vec<usize> = (0..gateways).filter(|&gateway| !sleeps(gateway)).collect();
        if let Some(index) = random.index(awake.len()) {
            acts.push((at, Act::Kill(awake[index])));
            acts.push((until, Act::Start(awake[index])));
        }
    }
    acts.sort_by_key(|(at, _)| *at);
    acts
}

/// The processes and the servers, and what has happened to them.
pub(crate) struct Fleet {
    pub setups: Vec<Setup>,
    pub gateways: Vec<Option<Gateway>>,
    pub primary: Cluster,
    pub standby: Standby,
    pub history: History,
    /// Processes that ended without being asked.
    pub deserters: Vec<String>,
    /// How long starts took until readiness.
    pub starts: Vec<Duration>,
}

impl Fleet {
    /// Does everything at its time.
    pub(crate) fn weather(&mut self, acts: &[(Duration, Act)], duration: Duration) -> anyhow::Result<()> {
        let begun_at = Instant::now();
        for &(at, act) in acts {
            std::thread::park_timeout(at.saturating_sub(begun_at.elapsed()));
            self.look_after()?;
            eprintln!("{:6.1} s  {act:?}", begun_at.elapsed().as_secs_f64());
            self.act(act).with_context(|| format!("{act:?}"))?;
        }
        std::thread::park_timeout(duration.saturating_sub(begun_at.elapsed()));
        self.look_after()
    }

    fn act(&mut self, act: Act) -> anyhow::Result<()> {
        match act {
            Act::Kill(index) => {
                self.note(Happened::Went(index));
                if let Some(gateway) = self.gateways[index].take() {
                    gateway.kill()?;
                }
            }
            Act::Start(index) => {
                let gateway = Gateway::start_with(&self.setups[index])?;
                self.starts.push(gateway.started_in);
                self.gateways[index] = Some(gateway);
                self.note(Happened::Came(index));
            }
            Act::Pause(index) => {
                self.note(Happened::Went(index));
                self.gateways[index].as_ref().context("it is not running")?.pause()?;
            }
            Act::Resume(index) => {
                self.gateways[index].as_ref().context("it is not running")?.resume()?;
                self.note(Happened::Came(index));
            }
            Act::CrashPrimary => {
                self.note(Happened::DatabaseWent);
                self.primary.crash();
            }
            Act::RecoverPrimary => {
                self.note(Happened::DatabaseComing);
                self.primary.start_again();
                self.note(Happened::DatabaseCame);
            }
            Act::Promote => {
                self.note(Happened::DatabaseComing);
                self.standby.promote();
                self.note(Happened::DatabaseCame);
            }
        }
        Ok(())
    }

    /// Notes processes that ended by themselves, and starts them again.
    fn look_after(&mut self) -> anyhow::Result<()> {
        for index in 0..self.gateways.len() {
            let Some(gateway) = &mut self.gateways[index] else { continue };
            if let Some(words) = gateway.ended()? {
                self.deserters.push(format!("process {index} ended by itself: {words}"));
                self.gateways[index] = None;
                self.note(Happened::Went(index));
                self.act(Act::Start(index))?;
            }
        }
        Ok(())
    }

    fn note(&mut self, what: Happened) {
        self.history.push((Instant::now(), what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forecast_keeps_its_promises() {
        for seed in 0..200 {
            let lease = Duration::from_secs(5);
            let duration = Duration::from_secs(30 + seed);
            let acts = forecast(3, duration, lease, &mut Random::new(seed), seed % 2 == 0);
            let count = |wanted: fn(&Act) -> bool| acts.iter().filter(|(_, act)| wanted(act)).count();
            assert_eq!(count(|act| *act == Act::Promote), 1, "seed {seed}");
            assert!(count(|act| matches!(act, Act::Kill(_))) >= 3, "seed {seed}");
            assert!(count(|act| matches!(act, Act::Pause(_))) >= 2, "seed {seed}");
            assert_eq!(count(|act| matches!(act, Act::Kill(_))), count(|act| matches!(act, Act::Start(_))));
            // Nobody is killed while paused, or paused while down, and nothing starts without a database.
            let (mut asleep, mut down, mut away) = ([None; 3], [false; 3], false);
            for &(at, act) in &acts {
                assert!(at <= duration + AWAY, "seed {seed}");
                match act {
                    Act::Kill(index) => {
                        assert!(asleep[index].is_none() && !down[index] && !away, "seed {seed} {acts:?}");
                        down[index] = true;
                    }
                    Act::Start(index) => {
                        assert!(down[index] && !away, "seed {seed}");
                        down[index] = false;
                    }
                    Act::Pause(index) => {
                        assert!(asleep[index].is_none() && !down[index], "seed {seed} {acts:?}");
                        asleep[index] = Some(at);
                    }
                    Act::Resume(index) => {
                        assert!(asleep[index].take().is_some_and(|since| at - since > lease), "seed {seed}");
                    }
                    Act::CrashPrimary => away = true,
                    Act::RecoverPrimary | Act::Promote => away = false,
                }
            }
        }
    }
}
