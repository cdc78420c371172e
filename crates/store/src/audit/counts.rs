//! The roll-ups of lists before the audit: they add up to the rows.
//!
//! Each row adds a mark that depends on the partner and stretch it is counted in; each count takes off as
//! many marks of its own. What is left over tells a partner whose counts are wrong, in memory that grows
//! with the partners only, and in whatever order rows and counts are shown.

use std::hash::{DefaultHasher, Hash, Hasher};

use tradewind_domain::{Order, PartnerId, Redemption};

use super::Audit;
use crate::counts::{Grain, Key, ORDERS, REDEMPTIONS};

/// What rows and counts differ by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    rows: i64,
    counted: i64,
    marks: u128,
}

impl Audit {
    /// Notes a stored count.
    pub fn counted(&mut self, key: Key<'_>, n: i64) {
        if n <= 0 {
            let Key { partner, grain, stretch, .. } = key;
            let (what, by) = (grain.counted(), grain.by());
            self.find(format!("{n} {what} of {partner} are counted in stretch {stretch} by {by}"));
        }
        let tally = self.tallies.entry((key.partner, key.grain)).or_default();
        tally.counted = tally.counted.saturating_add(n);
        // Wrapping arithmetic: below zero goes the other way round.
        tally.marks = tally.marks.wrapping_sub(mark(&key).wrapping_mul(i128::from(n).cast_unsigned()));
    }

    pub(super) fn tally_order(&mut self, order: &Order) {
        self.tally(order.partner, "", ORDERS, order.id.get());
    }

    pub(super) fn tally_redemption(&mut self, redemption: &Redemption) {
        self.tally(redemption.by, &redemption.device, REDEMPTIONS, redemption.id.get());
    }

    fn tally(&mut self, partner: PartnerId, place: &str, grains: [Grain; 3], id: i64) {
        for grain in grains {
            let key = Key { partner, grain, place, stretch: grain.stretch_of(id) };
            let tally = self.tallies.entry((partner, grain)).or_default();
            tally.rows = tally.rows.saturating_add(1);
            tally.marks = tally.marks.wrapping_add(mark(&key));
        }
    }

    pub(super) fn judge_tallies(&mut self) {
        for ((partner, grain), tally) in std::mem::take(&mut self.tallies) {
            let (what, by, Tally { rows, counted, marks }) = (grain.counted(), grain.by(), tally);
            if rows != counted {
                self.find(format!("{counted} {what} of {partner} are counted by {by}, {rows} are there"));
            } else if marks != 0 {
                self.find(format!("the {what} of {partner} are counted in the wrong {by}"));
            }
        }
    }
}

/// Two keys with the same mark are not met by chance.
fn mark(key: &Key<'_>) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        (salt, key).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::samples;
    use crate::counts::{IDS, deltas};
    use tradewind_domain::WriteSet;

    type Counts<'a> = Vec<(Key<'a>, i64)>;

    fn orders() -> Vec<Order> {
        [1, 2, IDS[0], IDS[2] + 7]
            .into_iter()
            .flat_map(|id| [samples::order(1, id, "one"), samples::order(2, id, "other")])
            .collect()
    }

    fn findings(damage: impl Fn(&mut Counts<'_>)) -> Vec<String> {
        let set = WriteSet { orders_new: orders(), ..WriteSet::default() };
        let mut counts: Vec<_> = deltas(&set).into_iter().collect();
        damage(&mut counts);
        let mut audit = Audit::default();
        for (key, n) in counts {
            audit.counted(key, n);
        }
        for order in orders() {
            audit.tally_order(&order);
        }
        audit.judge_tallies();
        audit.finish().findings
    }

    #[test]
    fn what_is_counted_is_there() {
        let check = |damage: &dyn Fn(&mut Counts<'_>), expected: &[&str]| {
            let found = findings(damage);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found}");
            }
        };
        check(&|_| (), &[]);
        check(&|counts| counts[0].1 += 1, &["5 orders of par_1 are counted by seconds, 4 are there"]);
        check(
            &|counts| counts.truncate(counts.len() - 1),
            &["3 orders of par_2 are counted by hours, 4 are there"],
        );
        check(&|counts| counts[0].0.stretch = 99, &["the orders of par_1 are counted in the wrong seconds"]);
        check(
            &|counts| counts[0].0.partner = PartnerId::from_i64(3),
            &["2 orders of par_1 are counted", "2 orders of par_3 are counted by seconds, 0 are there"],
        );
        check(
            &|counts| {
                let key = Key { stretch: 50, ..counts[0].0 };
                counts.push((key, 0));
            },
            &["0 orders of par_1 are counted in stretch 50"],
        );
    }
}
