//! Rate limits by the generic cell rate algorithm: one number per key, no background work.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tradewind_domain::Timestamp;

use crate::Rate;

/// Keys remembered at most; beyond that, those that are at rest are forgotten.
const KEYS_MAX: usize = 10_000;

/// A limit per key.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: Option<Rate>,
    /// When each key would be at rest again, in microseconds.
    busy_until: Mutex<HashMap<String, i64>>,
}

impl Limiter {
    pub(crate) fn new(rate: Option<Rate>) -> Limiter {
        Limiter { rate, busy_until: Mutex::new(HashMap::new()) }
    }

    /// Whether one more call of `key` would be within the limit; counts nothing.
    pub(crate) fn has_room(&self, key: &str, now: Timestamp) -> bool {
        let Some(rate) = self.rate else { return true };
        let now_us = now.ms().saturating_mul(1000);
        let busy_until = self.lock().get(key).copied().unwrap_or(now_us);
        admit(rate, busy_until, now_us).is_some()
    }

    /// Whether one more call of `key` is within the limit; counts it if so.
    pub(crate) fn allows(&self, key: &str, now: Timestamp) -> bool {
        let Some(rate) = self.rate else { return true };
        let now_us = now.ms().saturating_mul(1000);
        let mut keys = self.lock();
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, busy_until| *busy_until > now_us);
        }
        let before = keys.get(key).copied().unwrap_or(now_us);
        match admit(rate, before, now_us) {
            Some(after) => {
                keys.insert(key.to_owned(), after);
                true
            }
            None => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.busy_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The new theoretical arrival time in microseconds, or `None` when the burst is used up.
fn admit(rate: Rate, busy_until_us: i64, now_us: i64) -> Option<i64> {
    let interval_us = rate.per.ms().saturating_mul(1000) / i64::from(rate.count.max(1));
    let tolerance_us = interval_us.saturating_mul(i64::from(rate.burst.max(1)) - 1);
    let start = busy_until_us.max(now_us);
    (start - now_us <= tolerance_us).then_some(start + interval_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tradewind_domain::Span;

    #[test]
    fn bursts_then_the_steady_rate() {
        let limiter = Limiter::new(Some(Rate { count: 2, per: Span::from_secs(1), burst: 3 }));
        let at = |ms: i64| Timestamp::from_ms(1_000_000 + ms);
        let calls: Vec<bool> = [0, 0, 0, 0, 499, 500, 500, 1_000, 10_000, 10_000, 10_000, 10_000]
            .iter()
            .map(|ms| limiter.allows("key", at(*ms)))
            .collect();
        let expected = [true, true, true, false, false, true, false, true, true, true, true, false];
        assert_eq!(calls, expected);
        assert!(limiter.allows("other", at(0)), "keys do not share");
    }

    #[test]
    fn asking_for_room_takes_none() {
        let limiter = Limiter::new(Some(Rate { count: 1, per: Span::from_secs(1), burst: 1 }));
        let now = Timestamp::from_ms(1_000_000);
        assert!(limiter.has_room("key", now) && limiter.has_room("key", now));
        assert!(limiter.allows("key", now));
        assert!(!limiter.has_room("key", now));
        assert!(limiter.has_room("key", now + Span::from_secs(1)));
    }
}
