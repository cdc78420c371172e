//! Latencies in a fixed log-linear array: recording is two shifts and an increment.
//!
//! Values below 128 ns are exact; above, each power of two is divided into 64 steps, so a
//! quantile is at most 1.6 % above the truth. Histograms of several slices merge exactly,
//! which is how `run` computes one p99 over all its rounds.

use serde::{Deserialize, Serialize};
use std::time::Duration;

const STEP_BITS: u32 = 6;
const STEPS: usize = 1 << STEP_BITS;
/// The highest slot is that of `u64::MAX`: 64 exact values and 58 powers of two in steps.
const SLOTS: usize = STEPS * (64 - STEP_BITS as usize + 1);

/// Counts of durations in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    slots: Vec<u64>,
    count: u64,
    max_ns: u64,
}

/// A histogram on its way through JSON: only the slots in use.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sparse {
    slots: Vec<(usize, u64)>,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { slots: vec![0; SLOTS], count: 0, max_ns: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, value: Duration) {
        let value_ns = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.add(slot_of(value_ns), 1);
        self.max_ns = self.max_ns.max(value_ns);
    }

    pub(crate) fn merge(&mut self, other: &Sparse) {
        for &(slot, count) in &other.slots {
            self.add(slot, count);
        }
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    pub(crate) fn sparse(&self) -> Sparse {
        let used = self.slots.iter().enumerate().filter(|&(_, &count)| count > 0);
        Sparse { slots: used.map(|(slot, &count)| (slot, count)).collect(), max_ns: self.max_ns }
    }

    /// The value that `per_mille` thousandths of all records do not exceed; zero when empty.
    pub(crate) fn quantile(&self, per_mille: u64) -> Duration {
        let rank = (self.count * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (slot, count) in self.slots.iter().enumerate() {
            seen += count;
            if seen >= rank {
                // A slot stands for a range; the largest value seen bounds the last one.
                return Duration::from_nanos(top_of(slot).min(self.max_ns));
            }
        }
        Duration::ZERO
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    fn add(&mut self, slot: usize, count: u64) {
        if let Some(cell) = self.slots.get_mut(slot) {
            *cell += count;
            self.count += count;
        }
    }
}

fn slot_of(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEP_BITS + 1);
    shift as usize * STEPS + (value >> shift) as usize
}

/// The largest value that falls into `slot`.
fn top_of(slot: usize) -> u64 {
    if slot < 2 * STEPS {
        return slot as u64;
    }
    let shift = slot / STEPS - 1;
    let step = (slot - shift * STEPS) as u64;
    (step << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_the_slot_that_covers_it() {
        let edges = (0..64).flat_map(|bit| {
            let power = 1u64 << bit;
            [power - 1, power, power + 1, power + power / 3]
        });
        for value in edges.chain([u64::MAX, 1_000_000, 49_999_999]) {
            let slot = slot_of(value);
            assert!(slot < SLOTS, "{value} has slot {slot}");
            assert!(top_of(slot) >= value, "{value} is above its slot's top {}", top_of(slot));
            assert!(slot == 0 || top_of(slot - 1) < value, "{value} belongs below slot {slot}");
            assert!(top_of(slot) - value <= value / 64, "{value} is blurred to {}", top_of(slot));
        }
    }

    #[test]
    fn quantiles_of_a_known_series_survive_a_merge() {
        let mut low = Histogram::default();
        let mut high = Histogram::default();
        for micros in 1..=500 {
            low.record(Duration::from_micros(micros));
            high.record(Duration::from_micros(micros + 500));
        }
        let mut both = Histogram::default();
        both.merge(&low.sparse());
        both.merge(&high.sparse());
        let check = |per_mille: u64, expected_us: u64| {
            let got = both.quantile(per_mille).as_nanos() as u64;
            let expected = expected_us * 1000;
            assert!(got >= expected && got <= expected + expected / 60, "{per_mille}: {got}");
        };
        check(500, 500);
        check(990, 990);
        assert_eq!(both.quantile(1000), Duration::from_micros(1000));
        assert_eq!(both.max(), Duration::from_micros(1000));
        assert_eq!(Histogram::default().quantile(990), Duration::ZERO);
    }
}
