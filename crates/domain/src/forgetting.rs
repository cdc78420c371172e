//! What may be forgotten: deliveries that are settled, events that have all been delivered, and orders
//! that nothing can happen to any more.
//!
//! Of an order that goes, with its payments and refunds, the numbers and the sums are kept
//! ([`crate::PastOrder`]). Vouchers and transfers stay as they are.

use crate::order::OrderStage;
use crate::{Fact, Order, OrderId, PartnerId, Payment, Refund, Span, Task, TaskKey, TaskState, Timestamp};

/// Rows of a partner that are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgetting {
    /// Whose.
    pub partner: PartnerId,
    /// The events that go.
    pub events: Option<ForgottenEvents>,
    /// The tasks that go: done or called off, all that are about the events among them.
    pub tasks: Vec<TaskKey>,
    /// The orders that go, with their payments, refunds and all tasks that are about them.
    pub orders: Option<ForgottenOrders>,
}

/// Orders that are old and at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgottenOrders {
    /// Their ids.
    pub ids: Vec<OrderId>,
    /// Nothing has happened to any of them since this instant.
    pub before: Timestamp,
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
    /// At most so many orders go at once.
    pub const ORDERS_MAX: usize = 200;
    /// An order has been at rest for at least so long. A decision that has been begun is never as old, so
    /// none that still takes a number for free can outlive the order that has it.
    pub const REST_MIN: Span = Span::from_days(1);
}

/// An order with what stands and falls with it.
#[derive(Clone, Debug)]
pub struct Whole<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its payments, oldest first.
    pub payments: Vec<&'a Payment>,
    /// Its refunds, oldest first.
    pub refunds: Vec<&'a Refund>,
    /// The tasks about it, oldest first.
    pub tasks: Vec<&'a Task>,
}

/// What keeps an order from going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// It waits for its payment.
    Open,
    /// A revocation of it waits for review.
    Review,
    /// Whether it was paid is not known for good.
    Payment,
    /// Whether money has gone back is not known for good.
    Refund,
    /// What was paid may still be given back.
    Refundable,
    /// It has bought from the catalogue, and those who hold its vouchers go by it.
    Purchase,
    /// A task about it is pending, or has failed and may be run again.
    Task,
    /// Something has happened to it lately.
    Recent,
}

impl Kept {
    /// All reasons.
    pub const ALL: [Kept; 8] = [
        Kept::Open,
        Kept::Review,
        Kept::Payment,
        Kept::Refund,
        Kept::Refundable,
        Kept::Purchase,
        Kept::Task,
        Kept::Recent,
    ];

    /// Its name, for instance `refundable`.
    pub fn name(self) -> &'static str {
        match self {
            Kept::Open => "open",
            Kept::Review => "review",
            Kept::Payment => "payment",
            Kept::Refund => "refund",
            Kept::Refundable => "refundable",
            Kept::Purchase => "purchase",
            Kept::Task => "task",
            Kept::Recent => "recent",
        }
    }
}

impl Whole<'_> {
    /// What keeps the order from going at `now`, when those that have been at rest since `before` may go.
    /// A paid order of which something can still be given back stays: the time for refunds is over only
    /// for orders that none was ever tried of.
    pub fn kept_by(&self, now: Timestamp, refund_window: Span, before: Timestamp) -> Option<Kept> {
        let order = self.order;
        let refundable = order.stage == OrderStage::Paid
            && order.refundable().is_positive()
            && !order.refund_window_over(now, refund_window);
        let task_waits = |task: &&Task| match task.state {
            TaskState::Pending | TaskState::Failed => true,
            TaskState::Done | TaskState::Cancelled => false,
        };
        let reasons = [
            (order.stage == OrderStage::Open, Kept::Open),
            (order.revocation_applied, Kept::Review),
            (self.payments.iter().any(|payment| payment.state.is_open()), Kept::Payment),
            (
                !order.refunding.is_zero() || self.refunds.iter().any(|refund| refund.state.is_open()),
                Kept::Refund,
            ),
            (refundable, Kept::Refundable),
            (order.line.is_some(), Kept::Purchase),
            (self.tasks.iter().any(task_waits), Kept::Task),
            (self.at_rest_since() >= before, Kept::Recent),
        ];
        reasons.into_iter().find_map(|(applies, reason)| applies.then_some(reason))
    }

    /// When something last happened to it.
    pub fn at_rest_since(&self) -> Timestamp {
        let order = self.order;
        let payments = self.payments.iter().filter_map(|payment| payment.settled_at);
        let refunds = self.refunds.iter().filter_map(|refund| refund.settled_at);
        let told = self.tasks.iter().map(|task| task.started_at);
        let happened = payments.chain(refunds).chain(told).chain(order.paid_at).chain(order.ended_at);
        happened.fold(order.created_at(), Timestamp::max)
    }
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
