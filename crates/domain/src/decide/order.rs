//! Decisions on orders: placing, lapsing, revoking, reviewing.

use super::Desk;
use crate::order::OrderStage;
use crate::{
    Decided, EventKind, Flow, Money, NewOrder, Order, OrderId, OrderRef, PartnerId, PartnerState, Payment,
    PaymentState, RefundKind, RefundState, Refusal, RevokeMode, StockKey, TaskId, TaskKind,
};

impl Desk<'_> {
    pub(super) fn place_order(&mut self, new: NewOrder) -> Result<Decided, Refusal> {
        let NewOrder { mut order, mut payment, follow_up_at } = new;
        let partner = self.view.partner(order.partner).ok_or(Refusal::UnknownPartner)?;
        if partner.state == PartnerState::Suspended {
            return Err(Refusal::PartnerSuspended);
        }
        if !partner.methods.contains(&payment.method) {
            return Err(Refusal::MethodNotEnabled);
        }
        if !order.amount.is_positive() {
            return Err(Refusal::Amount { problem: "an order needs a positive amount".into() });
        }
        if order.amount.micros() > Order::AMOUNT_MICROS_MAX {
            return Err(Refusal::Amount { problem: "the amount is too large".into() });
        }
        if !belong_together(&order, &payment) {
            return Err(Refusal::Internal);
        }
        if let Some(taken) = self.view.order(order.partner, &OrderRef::Number(order.number.clone())) {
            return Err(Refusal::NumberTaken { same: taken.fingerprint == order.fingerprint });
        }
        if let Some(taken) = self.view.past_order(order.partner, &order.number) {
            return Err(Refusal::NumberTaken { same: taken.fingerprint == order.fingerprint });
        }
        order.fee_ppm = partner.fee_ppm;
        let follow_up = self.new_task(&order, TaskKind::FollowPayment(payment.id), follow_up_at);
        payment.follow_up = Some(follow_up);
        self.changes.orders.push(order.clone());
        self.changes.payments.push(payment.clone());
        Ok(Decided::Order(Box::new(order), Box::new(payment)))
    }

    /// Ends an open order whose time is over: a scanned payment is taken back, because nobody at the
    /// counter waits any longer; an order that waited for its payer is closed.
    pub(super) fn lapse_order(
        &mut self,
        partner: PartnerId,
        id: OrderId,
        stock: Option<StockKey>,
    ) -> Result<Decided, Refusal> {
        let mut order = self.find_order(partner, &OrderRef::Id(id))?;
        let payment = self.current_payment(&order)?;
        let due = self.now >= order.expires_at && !order.revocation_applied;
        if order.stage != OrderStage::Open || !due {
            return Err(Refusal::WrongState { problem: "the order has not lapsed" });
        }
        if let Some(line) = &order.line {
            return if stock == Some(line.stock()) {
                self.close_purchase(order, payment)
            } else {
                Err(Refusal::Internal)
            };
        }
        order.stage = match payment.flow {
            Flow::PayerCode => OrderStage::Revoked,
            Flow::PayerScans | Flow::InWallet | Flow::InApp | Flow::FromBalance => OrderStage::Closed,
        };
        Ok(self.end_unpaid(order, payment))
    }

    pub(super) fn revoke(
        &mut self,
        partner: PartnerId,
        by: &OrderRef,
        mode: RevokeMode,
    ) -> Result<Decided, Refusal> {
        let mut order = self.find_order(partner, by)?;
        self.check_revocable(&order)?;
        match mode {
            RevokeMode::Application => {
                order.revocation_applied = true;
                let payment = self.current_payment(&order)?;
                self.changes.orders.push(order.clone());
                Ok(Decided::Order(Box::new(order), Box::new(payment)))
            }
            RevokeMode::Now => self.revoke_now(order),
        }
    }

    pub(super) fn review_revocation(
        &mut self,
        partner: PartnerId,
        id: OrderId,
        approve: bool,
    ) -> Result<Decided, Refusal> {
        let mut order = self.find_order(partner, &OrderRef::Id(id))?;
        if !order.revocation_applied {
            return Err(Refusal::WrongState { problem: "no revocation was applied for" });
        }
        order.revocation_applied = false;
        if approve {
            return self.revoke_now(order);
        }
        let mut payment = self.current_payment(&order)?;
        // The channel ended the payment while the review was open; now that counts.
        if order.stage == OrderStage::Open && !payment.state.is_open() {
            order.stage = OrderStage::Closed;
            return Ok(self.end_unpaid(order, payment));
        }
        // Its time ran out during the review, and the follow-up may not look for a while.
        if order.stage == OrderStage::Open && self.now >= order.expires_at {
            self.follow_payment_now(&order, &mut payment);
            self.changes.payments.push(payment.clone());
        }
        self.changes.orders.push(order.clone());
        Ok(Decided::Order(Box::new(order), Box::new(payment)))
    }

    fn check_revocable(&self, order: &Order) -> Result<(), Refusal> {
        check_is_no_purchase(order)?;
        match order.stage {
            OrderStage::Revoked => return Err(Refusal::AlreadyRevoked),
            OrderStage::Closed => return Err(Refusal::WrongState { problem: "the order is closed" }),
            OrderStage::Open | OrderStage::Paid => {}
        }
        if order.revocation_applied {
            return Err(Refusal::WrongState { problem: "a revocation has been applied for already" });
        }
        if !order.refunded.is_zero() || !order.refunding.is_zero() || order.refund_failed {
            return Err(Refusal::WrongState { problem: "the order has refunds" });
        }
        if order.refund_window_over(self.now, self.rules.refund_window) {
            return Err(Refusal::WrongState { problem: "the time for refunds is over" });
        }
        Ok(())
    }

    /// Takes an order back whose standing allows it. What was paid goes back first; the order counts
    /// as revoked when the channel has confirmed that.
    fn revoke_now(&mut self, mut order: Order) -> Result<Decided, Refusal> {
        let payment = self.current_payment(&order)?;
        if order.stage == OrderStage::Open {
            order.stage = OrderStage::Revoked;
            return Ok(self.end_unpaid(order, payment));
        }
        let amount = order.amount;
        let refund = self.open_refund(&mut order, &payment, RefundKind::Revocation, amount, "revocation");
        self.changes.orders.push(order.clone());
        Ok(Decided::Refund(Box::new(order), Box::new(payment), Box::new(refund)))
    }

    /// Writes down that an unpaid order has ended, and has its payment ended at the channel.
    pub(super) fn end_unpaid(&mut self, mut order: Order, mut payment: Payment) -> Decided {
        order.ended_at = Some(self.now);
        order.revocation_applied = false;
        match payment.state {
            PaymentState::Unknown | PaymentState::Waiting => {
                payment.state = PaymentState::Cancelling;
                self.follow_payment_now(&order, &mut payment);
                self.changes.payments.push(payment.clone());
            }
            PaymentState::Paid
            | PaymentState::Declined
            | PaymentState::Cancelling
            | PaymentState::Cancelled => {}
        }
        let event =
            if order.stage == OrderStage::Revoked { EventKind::OrderRevoked } else { EventKind::OrderClosed };
        self.changes.orders.push(order.clone());
        self.raise(event, &order, None);
        Decided::Order(Box::new(order), Box::new(payment))
    }

    /// Has the payment looked after at once: moves its follow-up, or makes one.
    pub(super) fn follow_payment_now(&mut self, order: &Order, payment: &mut Payment) {
        let kind = TaskKind::FollowPayment(payment.id);
        self.end_task(order, payment.follow_up);
        let id: TaskId = self.new_task(order, kind, self.now);
        payment.follow_up = Some(id);
    }

    pub(super) fn current_payment(&self, order: &Order) -> Result<Payment, Refusal> {
        self.view.payment(order.payment).cloned().ok_or(Refusal::Internal)
    }

    /// Whether a refund of `order` is open, and which.
    pub(super) fn check_no_refund_in_flight(&self, order: &Order) -> Result<(), Refusal> {
        match self.view.refunds(order.id).find(|refund| refund.state.is_open()) {
            None => Ok(()),
            Some(open) => {
                Err(Refusal::RefundInFlight { refund: open.id, pending: open.state == RefundState::Pending })
            }
        }
    }
}

/// What an order has bought from the catalogue is paid for and given back by its units, and in no other
/// way.
pub(super) fn check_is_no_purchase(order: &Order) -> Result<(), Refusal> {
    match order.line {
        None => Ok(()),
        Some(_) => Err(Refusal::WrongState { problem: "the order is one of units of the catalogue" }),
    }
}

/// Whether a new order and its first payment are one business. What the books say rests on it.
fn belong_together(order: &Order, payment: &Payment) -> bool {
    order.payment == payment.id
        && payment.order == order.id
        && payment.partner == order.partner
        && payment.amount == order.amount
        && matches!(payment.state, PaymentState::Unknown | PaymentState::Waiting)
        && payment.flow != Flow::FromBalance
        && order.line.is_none()
        && order.stage == OrderStage::Open
        && order.refunded == Money::zero(order.amount.currency())
        && order.refunding == Money::zero(order.amount.currency())
}
