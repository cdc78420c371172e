//! Forgetting: what is settled and old goes, and the stream remembers where it begins now.

use crate::{
    Decided, Forgetting, ForgottenOrders, KeptFrom, Money, Need, Order, OrderRef, PartnerId, PastOrder,
    PastRefund, PaymentState, RefundKind, RefundState, Refusal, TaskState,
};

use super::{Desk, ledger};

/// Every row that goes is looked at once more: a person may have run a delivery again.
pub(super) fn needs(forgetting: &Forgetting) -> Vec<Need> {
    let partner = forgetting.partner;
    let tasks = forgetting.tasks.iter().map(|key| Need::Task(*key));
    let events = forgetting.events.iter().filter(|_| is_bounded(forgetting));
    let events = events.flat_map(|events| events.first..=events.last);
    let events = events.map(|number| Need::Event(partner, number));
    let orders = forgetting.orders.iter().filter(|_| is_bounded(forgetting)).flat_map(|orders| &orders.ids);
    let orders = orders.flat_map(|id| [Need::Order(partner, *id), Need::TasksOf(partner, *id)]);
    tasks.chain(events).chain(orders).collect()
}

impl Desk<'_> {
    pub(super) fn forget(&mut self, forgetting: Forgetting) -> Result<Decided, Refusal> {
        if !is_bounded(&forgetting) {
            return Err(Refusal::WrongState { problem: "too much to forget at once" });
        }
        let partner = forgetting.partner;
        for key in forgetting.tasks {
            let task = self.view.task(key).filter(|_| key.partner == partner);
            let task = task.ok_or(Refusal::NotFound { what: "task" })?;
            match task.state {
                TaskState::Done | TaskState::Cancelled => self.changes.tasks_removed.push(key),
                TaskState::Pending | TaskState::Failed => {
                    return Err(Refusal::WrongState { problem: "a task is not settled" });
                }
            }
        }
        if let Some(events) = forgetting.events {
            for number in events.first..=events.last {
                self.view.event(partner, number).ok_or(Refusal::NotFound { what: "event" })?;
                self.changes.events_removed.push((partner, number));
            }
            let kept = KeptFrom { number: events.last.saturating_add(1), before: events.before };
            self.changes.facts.push(kept.fact(partner));
        }
        if let Some(orders) = forgetting.orders {
            self.forget_orders(partner, &orders)?;
        }
        Ok(Decided::Done)
    }

    fn forget_orders(&mut self, partner: PartnerId, orders: &ForgottenOrders) -> Result<(), Refusal> {
        if self.now - orders.before < Forgetting::REST_MIN {
            return Err(Refusal::WrongState { problem: "orders go only after a day at rest" });
        }
        for id in &orders.ids {
            let order = self.find_order(partner, &OrderRef::Id(*id))?;
            let whole = self.view.whole(&order);
            if whole.kept_by(self.now, self.rules.refund_window, orders.before).is_some() {
                return Err(Refusal::WrongState { problem: "an order is not at rest" });
            }
            if self.changes.orders_removed.iter().any(|gone| gone.id == *id) {
                return Err(Refusal::WrongState { problem: "an order is named twice" });
            }
            self.changes.tasks_removed.extend(whole.tasks.iter().map(|task| task.key));
            let past = self.past_order(&order)?;
            self.changes.past_orders.push(past);
            let refunds = self.view.refunds(order.id).map(|refund| PastRefund {
                partner,
                order: order.id,
                number: refund.number.clone(),
                fingerprint: refund.fingerprint,
                hold: refund.hold,
            });
            self.changes.past_refunds.extend(refunds);
            self.changes.orders_removed.push(order);
        }
        Ok(())
    }

    /// What an order that goes came to.
    fn past_order(&self, order: &Order) -> Result<PastOrder, Refusal> {
        let nothing = Money::zero(order.amount.currency());
        let paid = self.view.payments(order.id).filter(|payment| payment.state == PaymentState::Paid);
        let given_back =
            || self.view.refunds(order.id).filter(|refund| refund.state == RefundState::Succeeded);
        let undone = given_back().any(|refund| refund.kind == RefundKind::Revocation);
        Ok(PastOrder {
            partner: order.partner,
            order: order.id,
            number: order.number.clone(),
            fingerprint: order.fingerprint,
            collected: total(nothing, paid.map(|payment| payment.amount))?,
            returned: total(nothing, given_back().map(|refund| refund.amount))?,
            fee: if order.paid_at.is_some() && !undone { ledger::fee(order)? } else { nothing },
            gone_at: self.now,
        })
    }
}

fn total(nothing: Money, mut amounts: impl Iterator<Item = Money>) -> Result<Money, Refusal> {
    amounts.try_fold(nothing, Money::plus).map_err(|_| Refusal::Internal)
}

fn is_bounded(forgetting: &Forgetting) -> bool {
    let most = Forgetting::ROWS_MAX;
    let events =
        forgetting.events.map_or(0, |events| events.last.saturating_sub(events.first).saturating_add(1));
    let orders = forgetting.orders.as_ref().map_or(0, |orders| orders.ids.len());
    forgetting.tasks.len() <= most
        && orders <= Forgetting::ORDERS_MAX
        && usize::try_from(events).is_ok_and(|events| events <= most)
}
