//! The processes that sell, the connections of the buyers to them, and the one who kills.

use super::Shared;
use super::market::{Doing, Sums};
use crate::engine::{AfterLoss, Answer, Engine, Workload};
use crate::gateway::{Gateway, Operator, Setup};
use crate::random::Random;
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longer than a life of a process can be.
const LIFE_LIMIT: Duration = Duration::from_secs(600);
/// After these many answers the next kill comes; a load that gets no further has failed.
const ANSWERS_LIMIT: Duration = Duration::from_secs(120);
const LOOK_PAUSE: Duration = Duration::from_millis(1);
/// Between the answer that decides on a kill and the kill.
const AIM_US: u64 = 20_000;
/// How far the clock is moved after a kill: less than a signature may be old, so that nothing in flight is
/// refused for its age.
const ADVANCE: Duration = Duration::from_secs(12 * 60);

/// The processes on one database.
pub(crate) struct Fleet {
    setups: Vec<Setup>,
    pub gateways: Vec<Option<Gateway>>,
    pub addresses: Addresses,
    pub starts_ms: Vec<f64>,
}

/// Where those processes are that run, for buyers and watchers.
pub(crate) type Addresses = Arc<Mutex<Vec<Option<Address>>>>;

pub(crate) fn look_into(addresses: &Addresses) -> MutexGuard<'_, Vec<Option<Address>>> {
    addresses.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a process can be reached in its current life.
#[derive(Clone)]
pub(crate) struct Address {
    pub listen: SocketAddr,
    pub operator: Operator,
}

impl Fleet {
    /// Starts them one after the other; all take the key that the first one makes.
    pub(crate) fn start(setups: Vec<Setup>) -> anyhow::Result<Self> {
        let count = setups.len();
        let mut fleet = Self {
            setups: Vec::new(),
            gateways: (0..count).map(|_| None).collect(),
            addresses: Arc::new(Mutex::new(vec![None; count])),
            starts_ms: Vec::new(),
        };
        for (index, setup) in setups.into_iter().enumerate() {
            let setup = match fleet.setups.first() {
                Some(first) => setup.with_key_of(&first.data)?,
                None => setup,
            };
            fleet.setups.push(setup);
            fleet.start_one(index)?;
            fleet.publish(index)?;
        }
        Ok(fleet)
    }

    pub(crate) fn operator(&self) -> anyhow::Result<&Operator> {
        Ok(&self.gateways.iter().flatten().next().context("no process runs")?.operator)
    }

    fn start_one(&mut self, index: usize) -> anyhow::Result<()> {
        let gateway = Gateway::start_with(&self.setups[index])?;
        self.starts_ms.push(gateway.started_in.as_secs_f64() * 1000.0);
        self.gateways[index] = Some(gateway);
        Ok(())
    }

    /// Lets buyers and watchers in.
    fn publish(&mut self, index: usize) -> anyhow::Result<()> {
        let gateway = self.gateways[index].as_ref().context("it is not running")?;
        let address = Address { listen: gateway.listen, operator: gateway.operator.clone() };
        look_into(&self.addresses)[index] = Some(address);
        Ok(())
    }

    /// Stops all but the first, so that one clock counts from now on.
    pub(crate) fn reduce(&mut self) -> anyhow::Result<()> {
        for index in 1..self.gateways.len() {
            look_into(&self.addresses)[index] = None;
            if let Some(gateway) = self.gateways[index].take() {
                gateway.stop()?;
            }
        }
        Ok(())
    }

    /// Kills a process and starts it again. A process that is alone is checked before it sells again, and
    /// its clock is moved, so that what was forgotten runs out under load.
    fn kill_and_start(&mut self, index: usize, market: &Shared) -> anyhow::Result<Sums> {
        let gateway = self.gateways[index].take().context("it is not running")?;
        gateway.kill()?;
        let sums = market.open().sums;
        look_into(&self.addresses)[index] = None;
        self.start_one(index)?;
        let alone = self.gateways.len() == 1;
        if alone {
            let verified = self.operator()?.verify();
            if let Err(error) = verified {
                market.open().violations.add(format!("after a kill, {error:#}"));
            }
        }
        self.publish(index)?;
        if alone {
            advance(self.operator()?, market, ADVANCE)?;
        }
        Ok(sums)
    }
}

/// Moves the clock of a process that is alone, and the buyers' with it.
pub(crate) fn advance(operator: &Operator, market: &Shared, by: Duration) -> anyhow::Result<()> {
    market.open().ahead_ms_max += by.as_millis() as u64;
    operator.advance_clock(by)?;
    let now_ms = operator.now_ms()?;
    let mut market = market.open();
    market.ahead_ms = now_ms.saturating_sub(crate::clock::wall_ms());
    market.ahead_ms_max = market.ahead_ms_max.max(market.ahead_ms);
    Ok(())
}

/// Kills at moments that the seed chooses, counted in answers, and reports each.
pub(crate) fn torment(
    fleet: &mut Fleet,
    market: &Shared,
    kills: usize,
    every: u64,
    random: &mut Random,
) -> anyhow::Result<()> {
    for kill in 0..kills {
        let (before, violations, alarm) = {
            let mut market = market.open();
            let alarm = market.alarm_after(every / 2 + random.below(every));
            (market.sums, market.violations.count, alarm)
        };
        let rung = alarm.recv_timeout(ANSWERS_LIMIT);
        rung.with_context(|| format!("the buyers got too few answers within {ANSWERS_LIMIT:?}"))?;
        std::thread::park_timeout(Duration::from_micros(random.below(AIM_US)));
        let index = random.index(fleet.gateways.len()).unwrap_or(0);
        let after = fleet.kill_and_start(index, market).with_context(|| format!("kill {}", kill + 1))?;
        let count = market.open().violations.count;
        println!(
            "kill {}: process {index} after {} answers, {} of them refusals; {} tickets paid so far; again ready in {:.0} \
             ms; {} violations",
            kill + 1,
            after.answers - before.answers,
            after.refusals - before.refusals,
            after.paid,
            fleet.starts_ms.last().copied().unwrap_or(0.0),
            count - violations,
        );
    }
    Ok(())
}

/// The connections to one process, in all of its lives.
pub(crate) fn serve(
    addresses: &Addresses,
    index: usize,
    connections: usize,
    market: &Shared,
    over: &AtomicBool,
) {
    loop {
        let found = look_into(addresses)[index].clone();
        let over = over.load(Ordering::Acquire);
        // A process can die while connections to it are being opened.
        let engine = found.and_then(|address| {
            Engine::connect(address.listen, connections).ok().map(|engine| (engine, address.listen))
        });
        if let Some((mut engine, server)) = engine {
            let mut counter = Counter { market, server, doing: vec![None; connections] };
            // A connection that cannot be opened again is one to a process that was killed.
            let _ = engine.run(&mut counter, LIFE_LIMIT);
            counter.abandon();
        }
        if over {
            return;
        }
        std::thread::park_timeout(LOOK_PAUSE);
    }
}

/// Serves whoever is ready over the connections to one process.
struct Counter<'a> {
    market: &'a Shared,
    server: SocketAddr,
    doing: Vec<Option<Doing>>,
}

impl Counter<'_> {
    /// Whatever is still in flight will not be answered.
    fn abandon(&mut self) {
        let mut market = self.market.open();
        self.doing.iter_mut().filter_map(Option::take).for_each(|doing| market.unanswered(doing));
    }
}

impl Workload for Counter<'_> {
    fn next(&mut self, slot: usize, _: Instant, out: &mut Vec<u8>) -> bool {
        self.doing[slot] = self.market.open_last().begin(out, self.server);
        self.doing[slot].is_some()
    }

    fn answered(&mut self, slot: usize, answer: Answer<'_>, _: Duration) {
        if let Some(doing) = self.doing[slot].take() {
            self.market.open_last().answered(doing, answer);
        }
    }

    fn lost(&mut self, slot: usize) -> AfterLoss {
        if let Some(doing) = self.doing[slot].take() {
            self.market.open_last().unanswered(doing);
        }
        AfterLoss::GiveUp
    }
}
