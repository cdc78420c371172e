//! Event streams: no number is missing from where the stream begins to where it stands.
//!
//! A stream begins at 1, or where the facts say that it was cut off ([`KeptFrom`]); nothing that lies
//! behind the cut is missed. After it, a missing number is found whatever its age.

use tradewind_domain::{Fact, KeptFrom, PartnerId, PastLimit, Span, Timestamp};

use super::Audit;

/// What is stored of a partner's event stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamFacts {
    /// Whose.
    pub partner: PartnerId,
    /// The position that the stream says it has; `None` when there is no stream.
    pub last: Option<i64>,
    /// How many events there are.
    pub events: i64,
    /// The lowest number among them.
    pub lowest: Option<i64>,
    /// The highest number among them.
    pub highest: Option<i64>,
}

/// Ids may run so much ahead of the clock, and some things are dated by their id.
const IDS_AHEAD_MAX: Span = Span::from_mins(1);

impl Audit {
    /// Shows a fact. All facts are to be shown before anything else.
    pub fn remembered(&mut self, fact: &Fact) {
        match KeptFrom::of(fact) {
            Some((partner, kept)) => {
                self.kept_from.insert(partner, kept);
            }
            None if fact.name.starts_with(KeptFrom::FACT_PREFIX) => {
                self.find(format!("the fact {:?} cannot be understood", fact.name));
            }
            None => {}
        }
        match PastLimit::of(fact) {
            Some(past) => self.past_limit(past),
            None if fact.name.starts_with(PastLimit::FACT_PREFIX) => {
                self.find(format!("the fact {:?} cannot be understood", fact.name));
            }
            None => {}
        }
    }

    /// Judges an event stream.
    pub fn stream(&mut self, facts: StreamFacts) {
        self.count("streams", 1);
        let StreamFacts { partner, last, events, lowest, highest } = facts;
        let first = self.kept_from.get(&partner).map_or(1, |kept| kept.number);
        // Before the first one, when there is none.
        let highest = highest.unwrap_or(first.saturating_sub(1));
        if lowest.is_some_and(|lowest| lowest != first)
            || highest.saturating_sub(first.saturating_sub(1)) != events
        {
            self.find(format!("the events of {partner} have gaps: {events} of them end at {highest}"));
        }
        if last != Some(highest) {
            let last = last.map_or("nothing".to_owned(), |last| last.to_string());
            self.find(format!("the event stream of {partner} stands at {last}, its events end at {highest}"));
        }
    }

    /// Whether an event of `at` may have been forgotten.
    pub(super) fn may_be_forgotten(&self, partner: PartnerId, at: Option<Timestamp>) -> bool {
        let kept = self.kept_from.get(&partner);
        kept.zip(at).is_some_and(|(kept, at)| at < kept.before + IDS_AHEAD_MAX)
    }
}
