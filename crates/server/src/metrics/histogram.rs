//! A histogram of durations that is cheap to add to: two relaxed additions, no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds; a last one holds all the rest. The lower ones tell a
/// request that was only looked at from one that waited for the disk, the upper ones are those of
/// callers that wait for a payer.
const BOUNDS_MICROS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    20_000_000, 90_000_000,
];

/// Durations by how long they were.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_nanos: AtomicU64,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn sum_seconds(&self) -> f64 {
        Duration::from_nanos(self.sum_nanos.load(Ordering::Relaxed)).as_secs_f64()
    }

    /// Upper bounds in seconds with how many were in that bucket alone.
    pub(crate) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_MICROS.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64());
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        bounds.chain([f64::INFINITY]).zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Histogram;

    #[test]
    fn durations_fall_into_the_bucket_that_bounds_them() {
        let check = |micros: u64, bucket: usize| {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_micros(micros));
            let filled: Vec<usize> = histogram
                .buckets()
                .iter()
                .enumerate()
                .filter(|(_, (_, count))| *count > 0)
                .map(|(i, _)| i)
                .collect();
            assert_eq!(filled, [bucket], "{micros} us");
            assert_eq!(histogram.count(), 1);
        };
        check(0, 0);
        check(250, 0);
        check(251, 1);
        check(1_000, 2);
        check(90_000_000, 13);
        check(90_000_001, 14);
        check(u64::MAX, 14);
    }

    #[test]
    fn sums_are_in_seconds() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(1_500));
        histogram.observe(Duration::from_millis(500));
        assert_eq!(histogram.sum_seconds().to_string(), "2");
    }
}
