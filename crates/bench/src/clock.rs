//! Time as the tools need it: wall time for signatures, and bounded waits on conditions.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds, as signatures carry it and as separate processes compare it.
#[expect(
    clippy::disallowed_methods,
    reason = "a signature carries real time and these tools stand outside the gateway's clock"
)]
pub(crate) fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| {
        // Milliseconds since 1970 fit 64 bits for the next half billion years.
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Asks `look` until it yields a value, at most for `limit`, with `pause` between two looks.
///
/// `Ok(None)` means that the limit passed. The first look happens at once.
pub(crate) fn wait_until<T>(
    limit: Duration,
    pause: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let give_up_at = Instant::now() + limit;
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        let left = give_up_at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::park_timeout(pause.min(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_condition_with_the_limit_or_with_an_error() {
        let mut looks = 0;
        let found = wait_until(Duration::from_secs(5), Duration::from_micros(1), || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(found.unwrap(), Some(3));

        let never = wait_until(Duration::ZERO, Duration::from_micros(1), || Ok(None::<()>));
        assert_eq!(never.unwrap(), None);

        let failed = wait_until(Duration::from_secs(5), Duration::from_micros(1), || {
            Err::<Option<()>, _>(anyhow::anyhow!("the process ended"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the process ended");
    }
}
