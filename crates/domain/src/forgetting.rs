//! What may be forgotten: deliveries that are settled, and events that have all been delivered.
//!
//! Orders, payments, refunds, vouchers and transfers are the books, and stay.

use crate::{Fact, PartnerId, TaskKey, Timestamp};

/// Rows of a partner that are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgetting {
    /// Whose.
    pub partner: PartnerId,
    /// The events that go.
    pub events: Option<ForgottenEvents>,
    /// The tasks that go: done or called off, all that are about the events among them.
    pub tasks: Vec<TaskKey>,
}

/// The oldest events of a partner's stream, without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgottenEvents {
    /// The number of the first one.
    pub first: i64,
    /// The number of the last one.
    pub last: i64,
    /// All events that ever went happened before this instant.
    pub before: Timestamp,
}

impl Forgetting {
    /// At most so many events, and so many tasks, go at once.
    pub const ROWS_MAX: usize = 1000;
}

/// Where the kept part of a partner's event stream begins, when some have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptFrom {
    /// The number of the first event that is kept, or would be.
    pub number: i64,
    /// Those that went happened before this instant.
    pub before: Timestamp,
}

impl KeptFrom {
    /// Facts of this kind are called this and the partner's number.
    pub const FACT_PREFIX: &'static str = "events_kept_from:";

    /// The name of the fact about `partner`.
    pub fn fact_name(partner: PartnerId) -> String {
        format!("{}{}", KeptFrom::FACT_PREFIX, partner.get())
    }

    /// As a fact about `partner`.
    pub fn fact(self, partner: PartnerId) -> Fact {
        let value = format!("{} {}", self.number, self.before.ms());
        Fact { name: KeptFrom::fact_name(partner), value }
    }

    /// The inverse of [`KeptFrom::fact`]; `None` for other facts.
    pub fn of(fact: &Fact) -> Option<(PartnerId, KeptFrom)> {
        let partner = fact.name.strip_prefix(KeptFrom::FACT_PREFIX)?.parse().ok()?;
        let (number, before) = fact.value.split_once(' ')?;
        let before = Timestamp::from_ms(before.parse().ok()?);
        Some((PartnerId::from_i64(partner), KeptFrom { number: number.parse().ok()?, before }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_as_they_were_written() {
        let partner = PartnerId::from_i64(17);
        let kept = KeptFrom { number: 1001, before: Timestamp::from_ms(1_763_780_000_000) };
        assert_eq!(KeptFrom::of(&kept.fact(partner)), Some((partner, kept)));
        for (name, value) in [("clock", "1 2"), ("events_kept_from:x", "1 2"), ("events_kept_from:1", "1")] {
            assert_eq!(
                KeptFrom::of(&Fact { name: name.into(), value: value.into() }),
                None,
                "{name} {value}"
            );
        }
    }
}
