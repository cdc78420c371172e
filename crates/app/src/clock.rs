//! The engine's clock: the system's, or a virtual one that can be stopped and moved forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::Notify;
use tradewind_domain::{Fact, Timestamp};

/// The name of the fact under which a virtual clock is remembered across restarts.
pub const CLOCK_FACT: &str = "clock";

const RUNNING: i64 = i64::MIN;

/// A clock. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_virtual: bool,
    /// Added to the system's time while running.
    offset_ms: AtomicI64,
    /// Where a stopped clock stands, or `RUNNING`.
    stopped_at_ms: AtomicI64,
    moved: Notify,
}

/// How a clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockState {
    /// The time it shows.
    pub now: Timestamp,
    /// Whether it can be stopped and moved.
    pub is_virtual: bool,
    /// Whether it stands still.
    pub is_frozen: bool,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock::new(false, RUNNING)
    }

    /// A virtual clock that starts with the system's time, running.
    pub fn virtual_now() -> Clock {
        Clock::new(true, RUNNING)
    }

    /// A virtual clock that stands still at `at`.
    pub fn frozen_at(at: Timestamp) -> Clock {
        Clock::new(true, at.ms())
    }

    fn new(is_virtual: bool, stopped_at_ms: i64) -> Clock {
        Clock(Arc::new(Inner {
            is_virtual,
            offset_ms: AtomicI64::new(0),
            stopped_at_ms: AtomicI64::new(stopped_at_ms),
            moved: Notify::new(),
        }))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self.0.stopped_at_ms.load(Ordering::Acquire) {
            RUNNING => {
                Timestamp::from_ms(system_ms().saturating_add(self.0.offset_ms.load(Ordering::Acquire)))
            }
            stopped => Timestamp::from_ms(stopped),
        }
    }

    /// How it stands.
    pub fn state(&self) -> ClockState {
        ClockState { now: self.now(), is_virtual: self.0.is_virtual, is_frozen: self.is_frozen() }
    }

    /// Whether it can be stopped and moved.
    pub fn is_virtual(&self) -> bool {
        self.0.is_virtual
    }

    /// Whether it stands still.
    pub fn is_frozen(&self) -> bool {
        self.0.stopped_at_ms.load(Ordering::Acquire) != RUNNING
    }

    /// Moves a virtual clock to `at`; it never goes backwards. A system clock stays as it is.
    pub fn advance_to(&self, at: Timestamp) {
        if !self.0.is_virtual || at <= self.now() {
            return;
        }
        if self.is_frozen() {
            self.0.stopped_at_ms.store(at.ms(), Ordering::Release);
        } else {
            self.0.offset_ms.store(at.ms().saturating_sub(system_ms()), Ordering::Release);
        }
        self.0.moved.notify_waiters();
    }

    /// Stops a virtual clock where it stands.
    pub fn freeze(&self) {
        if self.0.is_virtual && !self.is_frozen() {
            self.0.stopped_at_ms.store(self.now().ms(), Ordering::Release);
            self.0.moved.notify_waiters();
        }
    }

    /// Lets a stopped clock run on from where it stands.
    pub fn resume(&self) {
        if self.is_frozen() {
            let at = self.now();
            self.0.offset_ms.store(at.ms().saturating_sub(system_ms()), Ordering::Release);
            self.0.stopped_at_ms.store(RUNNING, Ordering::Release);
            self.0.moved.notify_waiters();
        }
    }

    /// Waits until the clock shows `until`, or is moved, stopped or started, whichever comes first.
    pub async fn wait_until(&self, until: Option<Timestamp>) {
        let moved = self.0.moved.notified();
        match until {
            Some(until) if !self.is_frozen() => {
                let left = (until - self.now()).ms().max(0).unsigned_abs();
                tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep(Duration::from_millis(left)) => {}
                }
            }
            Some(until) if until <= self.now() => {}
            Some(_) | None => moved.await,
        }
    }

    /// The fact that remembers how a virtual clock stands.
    pub fn fact(&self) -> Fact {
        let offset = self.0.offset_ms.load(Ordering::Acquire);
        let stopped = self.0.stopped_at_ms.load(Ordering::Acquire);
        let value =
            if stopped == RUNNING { format!("running {offset}") } else { format!("stopped {stopped}") };
        Fact { name: CLOCK_FACT.into(), value }
    }

    /// Takes up a remembered virtual clock, unless this one is already later. `None` when the fact
    /// cannot be read.
    pub(crate) fn restore(&self, fact: Option<Fact>) -> Option<()> {
        let Some(fact) = fact.filter(|_| self.0.is_virtual) else { return Some(()) };
        let (kind, number) = fact.value.split_once(' ')?;
        let number: i64 = number.parse().ok()?;
        let remembered = match kind {
            "running" => Timestamp::from_ms(system_ms().saturating_add(number)),
            "stopped" => Timestamp::from_ms(number),
            _ => return None,
        };
        if remembered > self.now() || (kind == "stopped" && !self.is_frozen()) {
            match kind {
                "stopped" => self.0.stopped_at_ms.store(number, Ordering::Release),
                _ => self.advance_to(remembered),
            }
        }
        Some(())
    }
}

/// The one place that asks the system for the time.
#[allow(clippy::disallowed_methods)]
fn system_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tradewind_domain::Span;

    #[test]
    fn a_virtual_clock_moves_forward_only() {
        let clock = Clock::frozen_at(Timestamp::from_ms(1_000));
        clock.advance_to(Timestamp::from_ms(5_000));
        assert_eq!(clock.now().ms(), 5_000);
        clock.advance_to(Timestamp::from_ms(2_000));
        assert_eq!(clock.now().ms(), 5_000);
        clock.resume();
        assert!(!clock.is_frozen() && clock.now().ms() >= 5_000 && clock.now().ms() < 65_000);
        clock.advance_to(Timestamp::from_ms(100_000));
        clock.freeze();
        assert!(clock.now().ms() >= 100_000);
    }

    #[test]
    fn a_system_clock_cannot_be_moved() {
        let clock = Clock::system();
        clock.advance_to(Timestamp::from_ms(i64::MAX));
        clock.freeze();
        assert!(!clock.is_frozen() && clock.now().ms() < i64::MAX / 2);
    }

    #[test]
    fn a_virtual_clock_is_taken_up_where_it_stood() {
        let before = Clock::frozen_at(Timestamp::from_ms(7_000));
        let after = Clock::virtual_now();
        after.restore(Some(before.fact())).unwrap();
        assert_eq!(
            after.state(),
            ClockState { now: Timestamp::from_ms(7_000), is_virtual: true, is_frozen: true }
        );
        let ahead = Clock::virtual_now();
        ahead.advance_to(ahead.now() + Span::from_days(3));
        let again = Clock::virtual_now();
        again.restore(Some(ahead.fact())).unwrap();
        assert!((again.now() - ahead.now()).ms().abs() < 1_000);
        assert_eq!(again.restore(Some(Fact { name: CLOCK_FACT.into(), value: "odd".into() })), None);
    }
}
