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
}

impl Schedule {
    /// When attempt `done + 1` is due after `done` attempts have failed, or `None` when the schedule
    /// is used up. Never before `now`: a late attempt does not cause a burst of catching up.
    pub fn next(&self, start: Timestamp, done: u32, now: Timestamp) -> Option<Timestamp> {
        match *self {
            Schedule::Every { every, attempts } => {
                (done < attempts).then(|| (start + every.times(i64::from(done))).max(now))
            }
        }
    }
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
        let late = Timestamp::from_ms(60_000);
        assert_eq!(schedule.next(start, 1, late), Some(late), "a missed attempt is due at once");
    }
}
