//! Roll-ups: how many rows of a list lie in each stretch of time, so that a list tells how many there
//! are, and finds its thousandth page, without walking past what it does not show.
//!
//! Ids carry the moment at which they were made, so a stretch of time is a range of ids. Stretches have
//! three lengths, each made of whole ones of the next shorter. To tell a total, [`parts`] covers a span
//! with long stretches, with shorter ones where a long one would reach too far, and with rows counted one
//! by one at its two ends, where not even a short one fits. To find a page, the parts are walked from the
//! newest until the stretch that its first row lies in, and then the shorter ones in that; only within a
//! short one are rows skipped.
//!
//! [`deltas`] is the one place that says how a commit changes the counts; stores write them in the same
//! transaction as the rows.

use std::collections::BTreeMap;

use tradewind_domain::{OrderId, PartnerId, Span, Timestamp, WriteSet};

/// What lists by page that have to look at each row go through at most, from the newest.
pub const LOOKED_AT_MAX: i64 = 20_000;

/// Ids in a short stretch, a middle one and a long one: a second, two minutes and four hours, so that a
/// day of any time zone of whole hours in China's consists of whole ones. On disk in every installation,
/// with the numbers of the stretches: never to be changed without counting anew.
pub const IDS: [i64; 3] = [ids(Span::from_secs(1)), ids(Span::from_secs(120)), ids(Span::from_secs(14_400))];

const fn ids(span: Span) -> i64 {
    OrderId::first_at(Timestamp::from_ms(span.ms())).get()
}

/// What is counted, in stretches of which length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grain {
    list: List,
    /// The place of the length in [`IDS`].
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum List {
    Orders,
    Redemptions,
}

/// Orders, in stretches of each length.
pub const ORDERS: [Grain; 3] = grains(List::Orders);

/// Redemptions by who redeemed and at which device, in stretches of each length.
pub const REDEMPTIONS: [Grain; 3] = grains(List::Redemptions);

const fn grains(list: List) -> [Grain; 3] {
    [Grain { list, length: 0 }, Grain { list, length: 1 }, Grain { list, length: 2 }]
}

impl Grain {
    /// The number on disk.
    pub const fn code(self) -> i16 {
        let list = match self.list {
            List::Orders => 0,
            List::Redemptions => 3,
        };
        // There are three.
        list + self.length as i16
    }

    /// The inverse of [`Grain::code`].
    pub fn from_code(code: i16) -> Option<Grain> {
        ORDERS.into_iter().chain(REDEMPTIONS).find(|grain| grain.code() == code)
    }

    /// The number of the stretch that an id lies in.
    pub const fn stretch_of(self, id: i64) -> i64 {
        id.div_euclid(IDS[self.length])
    }

    /// What is counted, for people.
    pub const fn counted(self) -> &'static str {
        match self.list {
            List::Orders => "orders",
            List::Redemptions => "redemptions",
        }
    }

    /// In stretches of which length, for people.
    pub const fn by(self) -> &'static str {
        ["seconds", "minutes", "hours"][self.length]
    }
}

/// Where something is counted. Keys are in the order in which stores write them, which is the same
/// everywhere: two batches wait for each other in one direction only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a> {
    /// Whose list.
    pub partner: PartnerId,
    /// What, in which stretches.
    pub grain: Grain,
    /// The device of a redemption; empty for orders.
    pub place: &'a str,
    /// The number of the stretch.
    pub stretch: i64,
}

/// By how much a commit changes the counts: one entry for each stretch, however many rows it has.
pub fn deltas(set: &WriteSet) -> BTreeMap<Key<'_>, i64> {
    let mut deltas = BTreeMap::new();
    let mut add = |partner, place, grains: [Grain; 3], id: i64, n: i64| {
        for grain in grains {
            let key = Key { partner, grain, place, stretch: grain.stretch_of(id) };
            *deltas.entry(key).or_insert(0) += n;
        }
    };
    for order in &set.orders_new {
        add(order.partner, "", ORDERS, order.id.get(), 1);
    }
    for order in &set.orders_removed {
        add(order.partner, "", ORDERS, order.id.get(), -1);
    }
    for redemption in &set.redemptions {
        add(redemption.by, &redemption.device, REDEMPTIONS, redemption.id.get(), 1);
    }
    deltas.retain(|_, n| *n != 0);
    deltas
}

/// A part of a span of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub from: i64,
    /// Before which id it ends.
    pub until: i64,
    /// In whole stretches of which length, as a place in [`IDS`]; `None` for rows to be counted one by one.
    pub length: Option<usize>,
}

/// The parts of a span of ids, the newest first; there are no empty ones.
pub fn parts(from: i64, until: i64) -> Vec<Part> {
    let mut parts = Vec::new();
    // No id is made before 1970; so nothing here can overflow.
    cut(from.max(0), until, IDS.len(), &mut parts);
    parts
}

/// Cuts a span into stretches of at most the length before `length`.
fn cut(from: i64, until: i64, length: usize, parts: &mut Vec<Part>) {
    if from >= until {
        return;
    }
    let Some((length, ids)) = length.checked_sub(1).and_then(|length| Some((length, *IDS.get(length)?)))
    else {
        return parts.push(Part { from, until, length: None });
    };
    let whole_from = from.saturating_add(ids - 1) / ids * ids;
    let whole_until = until / ids * ids;
    if whole_from >= whole_until {
        return cut(from, until, length, parts);
    }
    cut(whole_until, until, length, parts);
    parts.push(Part { from: whole_from, until: whole_until, length: Some(length) });
    cut(from, whole_from, length, parts);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_seconds_minutes_and_hours_of_ids() {
        assert_eq!(IDS, [10_000_000, 1_200_000_000, 144_000_000_000]);
        assert!(IDS.windows(2).all(|pair| pair[1] % pair[0] == 0));
        let codes: Vec<i16> = ORDERS.into_iter().chain(REDEMPTIONS).map(Grain::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
        for code in codes {
            assert_eq!(Grain::from_code(code).map(Grain::code), Some(code));
        }
        assert_eq!(Grain::from_code(6), None);
    }

    #[test]
    fn parts_cover_a_span_without_gaps_and_overlaps() {
        let mut edges = vec![0, i64::MAX - IDS[0], i64::MAX];
        for ids in IDS {
            edges.extend([ids - 1, ids, ids + 1, 2 * ids, 5 * ids + 7, ids + IDS[0]]);
        }
        for &from in &edges {
            for &until in &edges {
                let parts = parts(from, until);
                let mut end = until;
                for part in &parts {
                    assert_eq!(part.until, end, "{parts:?}");
                    assert!(part.from < part.until, "{parts:?}");
                    let longer = match part.length {
                        None => IDS[0] * 2,
                        Some(length) => {
                            let whole = part.from % IDS[length] == 0 && part.until % IDS[length] == 0;
                            assert!(whole, "{parts:?}");
                            IDS.get(length + 1).map_or(i64::MAX, |ids| ids * 2)
                        }
                    };
                    assert!(part.until - part.from < longer, "{parts:?}");
                    end = part.from;
                }
                assert_eq!(end, from.min(until), "{parts:?}");
                assert!(parts.len() <= 7, "{parts:?}");
            }
        }
    }
}
