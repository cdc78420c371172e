//! Decisions on refunds: requesting them, and what channels report of them.

use super::order::check_is_no_purchase;
use super::payment::NOT_KNOWN;
use super::{Desk, Next};
use crate::order::OrderStage;
use crate::{
    Decided, EventKind, FundBill, Money, NewRefund, Order, OrderId, OrderRef, PartnerId, Payment, Refund,
    RefundId, RefundKind, RefundReport, RefundState, Refusal, Span, TaskKind, TransferId, poll_delay,
};

/// The wait before a refused return of a late success is sent again.
const RETURN_AGAIN_AFTER: Span = Span::from_mins(15);

impl Desk<'_> {
    pub(super) fn request_refund(&mut self, new: NewRefund) -> Result<Decided, Refusal> {
        // A repeat is told as such even when its order has gone.
        if let Some(number) = &new.number
            && let Some(taken) = self.view.past_refund(new.partner, number)
        {
            return Err(Refusal::NumberTaken { same: taken.fingerprint == new.fingerprint });
        }
        let mut order = self.find_order(new.partner, &new.order)?;
        check_is_no_purchase(&order)?;
        if let Some(number) = &new.number
            && let Some(taken) = self.view.refund_by_number(new.partner, number)
        {
            return Err(Refusal::NumberTaken { same: taken.fingerprint == new.fingerprint });
        }
        if new.number.as_deref().is_some_and(is_reserved) {
            let problem = "numbers of this form are given by the gateway".into();
            return Err(Refusal::Field { field: "refund number".into(), problem });
        }
        self.check_refundable(&order, new.amount)?;
        let payment = self.current_payment(&order)?;
        let refund = Refund {
            id: new.id,
            order: order.id,
            partner: order.partner,
            number: new.number.unwrap_or_else(|| own_number(new.id)),
            fingerprint: new.fingerprint,
            kind: RefundKind::Requested,
            state: RefundState::Unknown,
            amount: new.amount,
            units: 0,
            units_so_far: 0,
            subject: new.subject,
            operator: new.operator,
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up: None,
            hold: TransferId::make(self.ids, self.now),
        };
        let refund = self.begin_refund(&mut order, &payment, refund);
        self.changes.orders.push(order.clone());
        Ok(Decided::Refund(Box::new(order), Box::new(payment), Box::new(refund)))
    }

    fn check_refundable(&self, order: &Order, amount: Money) -> Result<(), Refusal> {
        match order.stage {
            OrderStage::Open => return Err(Refusal::WrongState { problem: "the order is not paid" }),
            OrderStage::Revoked => return Err(Refusal::AlreadyRevoked),
            OrderStage::Closed => return Err(Refusal::WrongState { problem: "the order is closed" }),
            OrderStage::Paid => {}
        }
        if order.revocation_applied {
            return Err(Refusal::WrongState { problem: "a revocation has been applied for" });
        }
        if order.refund_window_over(self.now, self.rules.refund_window) {
            return Err(Refusal::WrongState { problem: "the time for refunds is over" });
        }
        if amount.currency() != order.amount.currency() || !amount.is_positive() {
            return Err(Refusal::Amount {
                problem: "a refund needs a positive amount in the order's currency".into(),
            });
        }
        // An open refund may still be refused and set its amount free, so what can never fit is told
        // at once, and what might fit waits for the outcome.
        let too_much =
            || Refusal::Amount { problem: format!("no more than {} can be refunded", order.refundable()) };
        if amount.micros() > order.amount.micros() - order.refunded.micros() {
            return Err(too_much());
        }
        match self.check_no_refund_in_flight(order) {
            Err(Refusal::RefundInFlight { pending: true, .. })
                if amount.micros() > order.refundable().micros() =>
            {
                Err(too_much())
            }
            other => other,
        }
    }

    /// A refund that the rules themselves ask for.
    pub(super) fn open_refund(
        &mut self,
        order: &mut Order,
        payment: &Payment,
        kind: RefundKind,
        amount: Money,
        subject: &str,
    ) -> Refund {
        let id = RefundId::make(self.ids, self.now);
        let refund = Refund {
            id,
            order: order.id,
            partner: order.partner,
            number: own_number(id),
            fingerprint: 0,
            kind,
            state: RefundState::Unknown,
            amount,
            units: 0,
            units_so_far: 0,
            subject: subject.to_owned(),
            operator: order.terminal.operator.clone(),
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up: None,
            hold: TransferId::make(self.ids, self.now),
        };
        self.begin_refund(order, payment, refund)
    }

    /// Reserves the money and has the refund sent to the channel.
    fn begin_refund(&mut self, order: &mut Order, payment: &Payment, mut refund: Refund) -> Refund {
        refund.follow_up = Some(self.new_task(order, TaskKind::FollowRefund(refund.id), self.now));
        self.hold_refund(order, payment, &refund);
        match refund.kind {
            RefundKind::Requested | RefundKind::Revocation | RefundKind::Units => {
                let refunding = order.refunding.micros().saturating_add(refund.amount.micros());
                order.refunding = Money::from_micros(refunding, order.amount.currency());
            }
            RefundKind::LateSuccess => {}
        }
        self.changes.refunds.push(refund.clone());
        refund
    }

    pub(super) fn report_refund(
        &mut self,
        partner: PartnerId,
        order: OrderId,
        refund: RefundId,
        report: RefundReport,
        attempts: Option<u32>,
    ) -> Result<Decided, Refusal> {
        let order = self.find_order(partner, &OrderRef::Id(order))?;
        let refund = self.view.refund(refund).cloned().ok_or(Refusal::NotFound { what: "refund" })?;
        if refund.order != order.id {
            return Err(Refusal::NotFound { what: "refund" });
        }
        check_is_no_purchase(&order)?;
        let payment = self.current_payment(&order)?;
        if !refund.state.is_open() {
            return Ok(Decided::Refund(Box::new(order), Box::new(payment), Box::new(refund)));
        }
        let (order, refund) = match report {
            RefundReport::Succeeded { channel_number, bills } => {
                self.refund_done(order, &payment, refund, Some(channel_number), bills)?
            }
            RefundReport::Refused { reason } => match refund.kind {
                RefundKind::Requested | RefundKind::Revocation | RefundKind::Units => {
                    self.refund_refused(order, &payment, refund, reason)
                }
                RefundKind::LateSuccess => self.return_again(order, refund, reason),
            },
            RefundReport::Pending => {
                self.refund_open(order, refund, RefundState::Pending, attempts.map(|n| n + 1), "pending")
            }
            RefundReport::NotFound => {
                let restarted = attempts.map(|_| 0);
                self.refund_open(order, refund, RefundState::Unknown, restarted, NOT_KNOWN)
            }
            RefundReport::NoAnswer { reason } => {
                let state = refund.state;
                self.refund_open(order, refund, state, attempts.map(|n| n + 1), &reason)
            }
        };
        Ok(Decided::Refund(Box::new(order), Box::new(payment), Box::new(refund)))
    }

    /// Money has gone back.
    pub(super) fn refund_done(
        &mut self,
        mut order: Order,
        payment: &Payment,
        mut refund: Refund,
        channel_number: Option<String>,
        bills: Vec<FundBill>,
    ) -> Result<(Order, Refund), Refusal> {
        self.end_task(&order, refund.follow_up.take());
        refund.state = RefundState::Succeeded;
        refund.channel_number = channel_number;
        refund.bills = bills;
        refund.reason = None;
        refund.settled_at = Some(self.now);
        self.post_refund(&order, payment, &refund)?;
        match refund.kind {
            RefundKind::Requested | RefundKind::Units => {
                move_to_refunded(&mut order, refund.amount);
                order.refund_failed = false;
            }
            RefundKind::Revocation => {
                move_to_refunded(&mut order, refund.amount);
                order.stage = OrderStage::Revoked;
                order.ended_at = Some(self.now);
            }
            RefundKind::LateSuccess => {}
        }
        match refund.kind {
            RefundKind::Requested | RefundKind::Units => {
                self.raise(EventKind::RefundSucceeded, &order, Some(&refund))
            }
            RefundKind::Revocation => self.raise(EventKind::OrderRevoked, &order, Some(&refund)),
            // The partner was told that the order had ended; that stays true.
            RefundKind::LateSuccess => {}
        }
        self.changes.orders.push(order.clone());
        self.changes.refunds.push(refund.clone());
        Ok((order, refund))
    }

    /// No money goes back.
    pub(super) fn refund_refused(
        &mut self,
        mut order: Order,
        payment: &Payment,
        mut refund: Refund,
        reason: String,
    ) -> (Order, Refund) {
        self.end_task(&order, refund.follow_up.take());
        refund.state = RefundState::Refused;
        refund.reason = Some(reason);
        refund.settled_at = Some(self.now);
        self.void_refund(&order, payment, &refund);
        let refunding = order.refunding.micros().saturating_sub(refund.amount.micros());
        order.refunding = Money::from_micros(refunding, order.amount.currency());
        order.refund_failed = true;
        self.changes.orders.push(order.clone());
        self.raise(EventKind::RefundFailed, &order, Some(&refund));
        self.changes.refunds.push(refund.clone());
        (order, refund)
    }

    /// Nobody has a right to keep the money of a late success, so a refusal does not end its return:
    /// it is sent again later, and the reason is shown until it is done.
    fn return_again(&mut self, order: Order, mut refund: Refund, reason: String) -> (Order, Refund) {
        refund.state = RefundState::Unknown;
        refund.reason = Some(reason.clone());
        self.changes.refunds.push(refund.clone());
        if let Some(follow_up) = refund.follow_up {
            let next = Next { due_at: self.now + RETURN_AGAIN_AFTER, attempts: 0, result: Some(reason) };
            self.reschedule(&order, follow_up, TaskKind::FollowRefund(refund.id), next);
        }
        (order, refund)
    }

    fn refund_open(
        &mut self,
        order: Order,
        mut refund: Refund,
        state: RefundState,
        attempts: Option<u32>,
        result: &str,
    ) -> (Order, Refund) {
        if refund.state != state {
            refund.state = state;
            self.changes.refunds.push(refund.clone());
        }
        if let (Some(attempts), Some(follow_up)) = (attempts, refund.follow_up) {
            let due_at = self.now + poll_delay(self.now - refund.created_at());
            let next = Next { due_at, attempts, result: Some(result.to_owned()) };
            self.reschedule(&order, follow_up, TaskKind::FollowRefund(refund.id), next);
        }
        (order, refund)
    }
}

/// The number of a refund for which the partner gave none: the text form of its id.
fn own_number(id: RefundId) -> String {
    id.to_string()
}

/// Whether a number could become that of a refund for which the partner gave none. A partner that
/// took it first would stand in the way of money going back.
pub(super) fn is_reserved(number: &str) -> bool {
    number.parse::<RefundId>().is_ok()
}

fn move_to_refunded(order: &mut Order, amount: Money) {
    let currency = order.amount.currency();
    order.refunding = Money::from_micros(order.refunding.micros().saturating_sub(amount.micros()), currency);
    order.refunded = Money::from_micros(order.refunded.micros().saturating_add(amount.micros()), currency);
}
