//! What is counted of partners' requests: plain atomics, found once when a route is mounted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tradewind_domain::Refusal;

use super::histogram::Histogram;

/// Counters of all operations, and of what concerns all requests.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    operations: Vec<Arc<OperationStats>>,
    totals: Arc<Totals>,
}

/// What concerns all requests.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    in_flight: AtomicUsize,
    panics: AtomicU64,
}

impl Traffic {
    /// The counters of an operation, the same for all its paths.
    pub(crate) fn operation(
        &mut self,
        dialect: &'static str,
        operation: &'static str,
    ) -> Arc<OperationStats> {
        let known =
            self.operations.iter().find(|stats| stats.dialect == dialect && stats.operation == operation);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let stats = Arc::new(OperationStats::new(dialect, operation));
        self.operations.push(Arc::clone(&stats));
        stats
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &OperationStats> {
        self.operations.iter().map(Arc::as_ref)
    }

    pub(crate) fn totals(&self) -> &Arc<Totals> {
        &self.totals
    }
}

impl Totals {
    /// A place among at most `max` requests in work; given back when dropped.
    pub(crate) fn enter(self: &Arc<Self>, max: usize) -> Option<Place> {
        // The guard gives back what the addition took, also when it was one too many.
        let place = Place(Arc::clone(self));
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// A place among the requests in work.
#[derive(Debug)]
pub(crate) struct Place(Arc<Totals>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counters of one operation of one dialect.
#[derive(Debug)]
pub(crate) struct OperationStats {
    pub(crate) dialect: &'static str,
    pub(crate) operation: &'static str,
    results: [AtomicU64; CallResult::ALL.len()],
    seconds: Histogram,
}

impl OperationStats {
    fn new(dialect: &'static str, operation: &'static str) -> OperationStats {
        let results = std::array::from_fn(|_| AtomicU64::new(0));
        OperationStats { dialect, operation, results, seconds: Histogram::default() }
    }

    pub(crate) fn record(&self, result: CallResult, took: Duration) {
        self.results[result as usize].fetch_add(1, Ordering::Relaxed);
        self.seconds.observe(took);
    }

    /// The results that occurred, with how often.
    pub(crate) fn results(&self) -> impl Iterator<Item = (CallResult, u64)> {
        let counts = CallResult::ALL.into_iter().zip(&self.results);
        counts.map(|(result, count)| (result, count.load(Ordering::Relaxed))).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn seconds(&self) -> &Histogram {
        &self.seconds
    }
}

macro_rules! results {
    ($($name:ident $label:literal,)*) => {
        /// How a request ended, as a metrics label.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CallResult { $($name,)* }

        impl CallResult {
            pub(crate) const ALL: [CallResult; [$($label),*].len()] = [$(CallResult::$name),*];

            pub(crate) fn label(self) -> &'static str {
                match self { $(CallResult::$name => $label,)* }
            }
        }
    };
}

results! {
    Ok "ok",
    TooLarge "too_large",
    BadBody "bad_body",
    Overloaded "overloaded",
    Gone "gone",
    Panic "panic",
    UnknownPartner "unknown_partner",
    PartnerSuspended "partner_suspended",
    MethodNotEnabled "method_not_enabled",
    MethodUnrecognised "method_unrecognised",
    Field "field",
    Unreadable "unreadable",
    Signature "signature",
    Amount "amount",
    NumberTaken "number_taken",
    OrderNotFound "order_not_found",
    NotFound "not_found",
    Exists "exists",
    AlreadyRevoked "already_revoked",
    WrongState "wrong_state",
    RefundInFlight "refund_in_flight",
    Purchase "purchase",
    NotRefundable "not_refundable",
    BalanceTooLow "balance_too_low",
    SignIn "sign_in",
    RateLimited "rate_limited",
    Busy "busy",
    Storage "storage",
    ChannelDeclined "channel_declined",
    Internal "internal",
}

impl From<&Refusal> for CallResult {
    fn from(refusal: &Refusal) -> CallResult {
        match refusal {
            Refusal::UnknownPartner => CallResult::UnknownPartner,
            Refusal::PartnerSuspended => CallResult::PartnerSuspended,
            Refusal::MethodNotEnabled => CallResult::MethodNotEnabled,
            Refusal::MethodUnrecognised => CallResult::MethodUnrecognised,
            Refusal::Field { .. } => CallResult::Field,
            Refusal::Unreadable { .. } => CallResult::Unreadable,
            Refusal::Signature { .. } => CallResult::Signature,
            Refusal::Amount { .. } => CallResult::Amount,
            Refusal::NumberTaken { .. } => CallResult::NumberTaken,
            Refusal::OrderNotFound => CallResult::OrderNotFound,
            Refusal::NotFound { .. } => CallResult::NotFound,
            Refusal::Exists { .. } => CallResult::Exists,
            Refusal::AlreadyRevoked => CallResult::AlreadyRevoked,
            Refusal::WrongState { .. } => CallResult::WrongState,
            Refusal::RefundInFlight { .. } => CallResult::RefundInFlight,
            Refusal::SignIn => CallResult::SignIn,
            Refusal::RateLimited => CallResult::RateLimited,
            Refusal::Busy => CallResult::Busy,
            Refusal::Storage => CallResult::Storage,
            Refusal::ChannelDeclined { .. } => CallResult::ChannelDeclined,
            Refusal::Purchase(_) => CallResult::Purchase,
            Refusal::NotRefundable { .. } => CallResult::NotRefundable,
            Refusal::BalanceTooLow => CallResult::BalanceTooLow,
            Refusal::Internal => CallResult::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tradewind_domain::Refusal;

    use super::{CallResult, Totals, Traffic};

    #[test]
    fn places_are_bounded_and_given_back() {
        let totals = Arc::new(Totals::default());
        let first = totals.enter(2);
        let second = totals.enter(2);
        assert!(first.is_some() && second.is_some());
        assert!(totals.enter(2).is_none(), "the third is one too many");
        drop(first);
        let again = totals.enter(2);
        assert!(again.is_some());
        drop((second, again));
        assert_eq!(totals.in_flight(), 0);
    }

    #[test]
    fn an_operation_has_one_set_of_counters() {
        let mut traffic = Traffic::default();
        traffic.operation("north", "pay").record(CallResult::Ok, Duration::from_millis(3));
        traffic.operation("north", "pay").record(CallResult::Busy, Duration::ZERO);
        traffic.operation("south", "pay").record(CallResult::Ok, Duration::ZERO);
        let counts: Vec<_> = traffic.operations().map(|stats| stats.results().collect::<Vec<_>>()).collect();
        assert_eq!(counts, [vec![(CallResult::Ok, 1), (CallResult::Busy, 1)], vec![(CallResult::Ok, 1)]]);
        assert_eq!(traffic.operations().map(|stats| stats.seconds().count()).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn labels_are_distinct() {
        let mut labels: Vec<_> = CallResult::ALL.iter().map(|result| result.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), CallResult::ALL.len());
    }

    #[test]
    fn refusals_are_labelled_by_their_names() {
        let check = |refusal: Refusal| assert_eq!(CallResult::from(&refusal).label(), refusal.name());
        check(Refusal::UnknownPartner);
        check(Refusal::Field { field: "a".into(), problem: "b".into() });
        check(Refusal::NumberTaken { same: true });
        check(Refusal::NotFound { what: "task" });
        check(Refusal::WrongState { problem: "a" });
        check(Refusal::Busy);
        check(Refusal::Internal);
    }
}
