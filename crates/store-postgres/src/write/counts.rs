//! What a commit changes in the roll-ups that lists count by.

use tradewind_domain::WriteSet;
use tradewind_store::counts::{self, Key};

use super::{column, insert};
use crate::session::Step;

pub(crate) const COUNT: &str = "INSERT INTO counts (partner, grain, place, stretch, n) SELECT * FROM unnest( \
     $1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[]) \
     ON CONFLICT (partner, grain, place, stretch) DO UPDATE SET n = counts.n + excluded.n";

/// A stretch in which nothing is left is forgotten.
const FORGET: &str = "DELETE FROM counts c USING unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[]) \
     AS k (partner, grain, place, stretch) WHERE c.partner = k.partner AND c.grain = k.grain \
     AND c.place = k.place AND c.stretch = k.stretch AND c.n = 0";

/// Adds what is new and takes off what is gone, once for each stretch and in the order of the keys. Like
/// the sums of accounts, the rows are shared by all batches of a partner, so they are locked late.
pub(super) fn write<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let deltas: Vec<(Key<'a>, i64)> = counts::deltas(set).into_iter().collect();
    insert(steps, COUNT, &deltas, |rows| {
        vec![
            column(rows, |(key, _)| key.partner.get()),
            column(rows, |(key, _)| key.grain.code()),
            column(rows, |(key, _)| key.place),
            column(rows, |(key, _)| key.stretch),
            column(rows, |(_, n)| *n),
        ]
    });
    let fewer: Vec<Key<'a>> = deltas.iter().filter(|(_, n)| *n < 0).map(|(key, _)| *key).collect();
    insert(steps, FORGET, &fewer, |rows| {
        vec![
            column(rows, |key| key.partner.get()),
            column(rows, |key| key.grain.code()),
            column(rows, |key| key.place),
            column(rows, |key| key.stretch),
        ]
    });
}
