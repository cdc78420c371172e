//! Retry schedules: when the next attempt of a delivery is due.

use crate::{Span, Timestamp};

/// The times of the attempts of one delivery, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// `attempts` attempts, attempt n at `start + every * (n - 1)`.
    Every {
        /// Distance between two attempts.
        every: Span,
        /// How many attempts in all.
        attempts: u32,
    },
    /// A job looks every `poll`, on the grid that begins in 1970, and sends what is due: first after the
    /// start, then `first_wait`, twice that, four times that, ... after each failure.
    Polled {
        /// Distance between two looks.
        poll: Span,
        /// The wait after the first failure.
        first_wait: Span,
        /// How many attempts in all.
        attempts: u32,
    },
}

impl Schedule {
    /// When attempt `done + 1` is due after `done` attempts have failed, or `None` when the schedule
    /// is used up. A little late, it is due at once and the grid is kept; after an outage the attempts go
    /// on at their distance from now, for a burst of catching up would use the schedule up in vain.
    pub fn next(&self, start: Timestamp, done: u32, now: Timestamp) -> Option<Timestamp> {
        match *self {
            Schedule::Every { every, attempts } => {
                let planned = start + every.times(i64::from(done));
                let due = if now - planned < every { planned.max(now) } else { now + every };
                (done < attempts).then_some(due)
            }
            Schedule::Polled { poll, first_wait, attempts } => {
                let wait = match done {
                    0 => Span::from_ms(0),
                    done => first_wait.times(2_i64.checked_pow(done - 1).unwrap_or(i64::MAX)),
                };
                (done < attempts).then(|| next_look(now.max(start) + wait, poll))
            }
        }
    }
}

/// The first look at or after `at`.
pub(crate) fn next_look(at: Timestamp, poll: Span) -> Timestamp {
    let every = poll.ms().max(1);
    let late = at.ms().rem_euclid(every);
    if late == 0 { at } else { at + Span::from_ms(every - late) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_attempts_five_seconds_apart() {
        let schedule = Schedule::Every { every: Span::from_secs(5), attempts: 30 };
        let start = Timestamp::from_ms(1_000);
        for done in 0..30 {
            let due = Timestamp::from_ms(1_000 + 5_000 * i64::from(done));
            assert_eq!(schedule.next(start, done, start), Some(due));
        }
        assert_eq!(schedule.next(start, 30, start), None);
        let late = |ms: i64| Timestamp::from_ms(1_000 + ms);
        assert_eq!(schedule.next(start, 1, late(9_999)), Some(late(9_999)), "a little late is due at once");
        assert_eq!(
            schedule.next(start, 1, late(10_000)),
            Some(late(15_000)),
            "after an outage there is no burst"
        );
        assert_eq!(schedule.next(start, 29, late(600_000)), Some(late(605_000)));
    }
}
