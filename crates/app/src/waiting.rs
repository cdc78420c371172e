//! Places for calls that wait for a payer.
//!
//! Such a call may take more than a minute, and how many there are is up to people with telephones: they
//! have a bound of their own, so that they cannot take the places of all that is quick, and a bound for
//! each partner, so that one cannot take those of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tradewind_domain::{Flow, PartnerId, Refusal};

/// The places.
#[derive(Debug)]
pub(crate) struct WaitingCalls {
    max: usize,
    per_partner_max: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_partner: HashMap<PartnerId, usize>,
}

/// One place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<Mutex<Taken>>,
    partner: PartnerId,
}

impl WaitingCalls {
    pub(crate) fn new(max: usize, per_partner_max: usize) -> WaitingCalls {
        WaitingCalls { max, per_partner_max, taken: Arc::default() }
    }

    /// A place for a call that collects by `flow`, if it is one that waits. Without room the call is
    /// refused as [`Refusal::Busy`], before anything has been done for it.
    pub(crate) fn enter(&self, partner: PartnerId, flow: Flow) -> Result<Option<Place>, Refusal> {
        if flow != Flow::PayerCode {
            return Ok(None);
        }
        let mut taken = lock(&self.taken);
        let own = taken.by_partner.get(&partner).copied().unwrap_or(0);
        if taken.all >= self.max || own >= self.per_partner_max {
            return Err(Refusal::Busy);
        }
        taken.all += 1;
        taken.by_partner.insert(partner, own + 1);
        Ok(Some(Place { taken: Arc::clone(&self.taken), partner }))
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> usize {
        lock(&self.taken).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all -= 1;
        if let Some(own) = taken.by_partner.get_mut(&self.partner) {
            *own -= 1;
            if *own == 0 {
                taken.by_partner.remove(&self.partner);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{Flow, PartnerId, Refusal};

    use super::{WaitingCalls, lock};

    #[test]
    fn there_is_a_bound_for_all_and_one_for_each() {
        let calls = WaitingCalls::new(3, 2);
        let [one, two] = [1, 2].map(PartnerId::from_i64);
        let enter = |partner| calls.enter(partner, Flow::PayerCode).map(Option::unwrap);
        let (first, second) = (enter(one).unwrap(), enter(one).unwrap());
        assert!(matches!(enter(one), Err(Refusal::Busy)), "its own bound");
        let other = enter(two).unwrap();
        assert!(matches!(enter(two), Err(Refusal::Busy)), "the bound for all");
        assert_eq!(calls.taken(), 3);
        drop(first);
        let third = enter(two).unwrap();
        drop((second, third, other));
        assert_eq!(calls.taken(), 0);
        assert!(lock(&calls.taken).by_partner.is_empty(), "nobody is remembered");
    }

    #[test]
    fn calls_that_do_not_wait_need_no_place() {
        let calls = WaitingCalls::new(0, 0);
        for flow in [Flow::PayerScans, Flow::InWallet, Flow::InApp] {
            assert!(calls.enter(PartnerId::from_i64(1), flow).unwrap().is_none());
        }
    }
}
