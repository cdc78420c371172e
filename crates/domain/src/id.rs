//! Typed ids and the source they come from.
//!
//! An id is one `i64` that reads as decimal digits `MMMMMMMMMMMMM NN SS`: milliseconds since 1970,
//! two digits of node, two digits of sequence. Decimal places instead of bit fields cost nothing
//! and let a person read the moment off an id; they also make the part of an order's id that lies
//! within one day fit into twelve digits, which printed serials need.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::Timestamp;

const SEQUENCES: i64 = 100;
const PER_MS: i64 = 10_000;

/// The largest node number: ids have two decimal digits for it.
pub const NODE_MAX: u8 = 99;

/// The number of a gateway process, unique among those that share a database (0 to [`NODE_MAX`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u8);

impl NodeId {
    /// The first of all; the number of a gateway that runs alone.
    pub const FIRST: NodeId = NodeId(0);

    /// `None` when the number does not fit two digits.
    pub fn new(number: u8) -> Option<NodeId> {
        (number <= NODE_MAX).then_some(NodeId(number))
    }

    /// The bare number.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// A text that is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id of the form {prefix}_<digits>")]
pub struct ParseIdError {
    text: String,
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal $slot:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a number that was an id of this kind before, for instance a stored one.
            pub const fn from_i64(number: i64) -> Self {
                Self(number)
            }

            /// The bare number.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The moment at which the id was made, to the millisecond.
            pub const fn made_at(self) -> Timestamp {
                Timestamp::from_ms(self.0 / PER_MS)
            }

            /// The number of the node that made the id.
            pub const fn node(self) -> u8 {
                // Two decimal digits fit.
                (self.0 / SEQUENCES % 100) as u8
            }

            /// The smallest id that can be made at or after `at`; a bound for ranges.
            pub const fn first_at(at: Timestamp) -> Self {
                Self(at.ms().saturating_mul(PER_MS))
            }

            /// A new id from `source`.
            pub fn make(source: &IdSource, now: Timestamp) -> Self {
                Self(source.next($slot, now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError { text: text.to_owned(), prefix: $prefix })
            }
        }
    )*
    const KINDS: usize = [$($slot),*].len();
    };
}

ids! {
    /// Key material of a partner.
    CredentialId "crd" 0,
    /// Money paid in advance, or paid back.
    DepositId "dep" 11,
    /// Where a partner wants to be told.
    EndpointId "end" 1,
    /// What a partner or buyer wants.
    OrderId "ord" 2,
    /// An organisation outside.
    PartnerId "par" 3,
    /// One attempt to collect for an order.
    PaymentId "pay" 4,
    /// What is sold.
    ProductId "prd" 12,
    /// Uses of a voucher that were redeemed.
    RedemptionId "rdm" 9,
    /// Money going back.
    RefundId "ref" 5,
    /// A way in which a product is sold.
    SkuId "sku" 13,
    /// Due work.
    TaskId "tsk" 6,
    /// A movement in the ledger.
    TransferId "trf" 7,
    /// A person or device that acts for a partner.
    UserId "usr" 8,
    /// What a buyer holds.
    VoucherId "vch" 10,
}

/// Makes ids: strictly increasing per kind, also when the clock stands still or steps back.
///
/// A kind that needs more than a hundred ids within one millisecond borrows from the next one, so
/// ids may run ahead of the clock by a few milliseconds. Whoever owns the source stores
/// [`IdSource::latest`] with what it commits, and begins a new source after it.
#[derive(Debug)]
pub struct IdSource {
    node: i64,
    last: [AtomicI64; KINDS],
}

impl IdSource {
    /// A source for `node` none of whose ids is earlier than `floor`.
    pub fn new(node: NodeId, floor: Timestamp) -> IdSource {
        let node = i64::from(node.0);
        // As if the millisecond before the floor had been used up.
        let last = (floor.ms() - 1) * PER_MS + node * SEQUENCES + SEQUENCES - 1;
        IdSource { node, last: std::array::from_fn(|_| AtomicI64::new(last)) }
    }

    /// The latest moment that any id made so far carries.
    pub fn latest(&self) -> Timestamp {
        let highest = self.last.iter().map(|last| last.load(Ordering::Relaxed)).max().unwrap_or(0);
        Timestamp::from_ms(highest / PER_MS)
    }

    fn next(&self, slot: usize, now: Timestamp) -> i64 {
        let fresh = now.ms() * PER_MS + self.node * SEQUENCES;
        let step = |last: i64| {
            let following = if last.rem_euclid(SEQUENCES) == SEQUENCES - 1 {
                last + 1 + PER_MS - SEQUENCES
            } else {
                last + 1
            };
            Some(following.max(fresh))
        };
        let last = &self.last[slot];
        match last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(before) | Err(before) => step(before).unwrap_or(fresh),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(node: u8) -> IdSource {
        IdSource::new(NodeId::new(node).unwrap(), Timestamp::from_ms(0))
    }

    #[test]
    fn ids_read_as_moment_node_and_sequence() {
        let source = source(7);
        let now = Timestamp::from_ms(1_763_780_000_123);
        assert_eq!(OrderId::make(&source, now).get(), 17_637_800_001_230_700);
        assert_eq!(OrderId::make(&source, now).get(), 17_637_800_001_230_701);
        assert_eq!(OrderId::make(&source, now).made_at(), now);
        assert_eq!(TaskId::make(&source, now).get(), 17_637_800_001_230_700, "kinds count apart");
    }

    #[test]
    fn ids_increase_through_bursts_and_backward_clocks() {
        let source = source(99);
        let mut last = OrderId::from_i64(0);
        for (ms, count) in [(1_000, 350), (900, 10), (1_001, 1), (5_000, 101), (0, 1)] {
            for _ in 0..count {
                let id = OrderId::make(&source, Timestamp::from_ms(ms));
                assert!(id > last, "{id} after {last}");
                assert_eq!(id.get() / SEQUENCES % 100, 99, "{id} keeps its node");
                last = id;
            }
        }
    }

    #[test]
    fn a_floor_is_respected() {
        let source = IdSource::new(NodeId::new(3).unwrap(), Timestamp::from_ms(5_000));
        // The clock is behind the floor: the moment is the floor's, the node its own.
        assert_eq!(OrderId::make(&source, Timestamp::from_ms(1)).get(), 50_000_300);
        assert_eq!(OrderId::make(&source, Timestamp::from_ms(1)).get(), 50_000_301);
    }

    #[test]
    fn text_forms_round_trip_and_reject_other_kinds() {
        let id = OrderId::from_i64(17_637_800_001_230_700);
        assert_eq!(id.to_string(), "ord_17637800001230700");
        assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
        for bad in ["pay_1", "ord_", "ord_-1", "ord_+1", "ord_1x", "1", "ord_99999999999999999999"] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad}");
        }
    }
}
