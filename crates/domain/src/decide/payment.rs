//! Decisions on what channels report of payments.

use super::order::check_is_no_purchase;
use super::{Desk, Next};
use crate::order::OrderStage;
use crate::{
    ChannelReport, Decided, EventKind, FundBill, Order, OrderId, OrderRef, PartnerId, Payment, PaymentId,
    PaymentState, RefundKind, Refusal, Span, TaskKind, poll_delay,
};

/// What a follow-up notes when the channel has never heard of what it asks about.
pub(super) const NOT_KNOWN: &str = "not known at the channel";

/// A call to a channel that was under way when an order ended has arrived, or never will, after this
/// time. Only then does "not known" prove that no money will move.
const CALL_ARRIVES_WITHIN: Span = Span::from_secs(60);

impl Desk<'_> {
    pub(super) fn report_payment(
        &mut self,
        partner: PartnerId,
        order: OrderId,
        payment: PaymentId,
        report: ChannelReport,
        attempts: Option<u32>,
    ) -> Result<Decided, Refusal> {
        let order = self.find_order(partner, &OrderRef::Id(order))?;
        let payment = self.view.payment(payment).cloned().ok_or(Refusal::NotFound { what: "payment" })?;
        if payment.order != order.id {
            return Err(Refusal::NotFound { what: "payment" });
        }
        check_is_no_purchase(&order)?;
        match payment.state {
            PaymentState::Unknown | PaymentState::Waiting => {
                self.report_open(order, payment, report, attempts)
            }
            PaymentState::Cancelling => self.report_cancelling(order, payment, report, attempts),
            PaymentState::Declined | PaymentState::Cancelled => self.report_ended(order, payment, report),
            // The first report of success decided; a repeated one changes nothing.
            PaymentState::Paid => Ok(Decided::Order(Box::new(order), Box::new(payment))),
        }
    }

    fn report_open(
        &mut self,
        order: Order,
        payment: Payment,
        report: ChannelReport,
        attempts: Option<u32>,
    ) -> Result<Decided, Refusal> {
        match report {
            ChannelReport::Paid { channel_number, payer, bills } => {
                self.collected(order, payment, channel_number, payer, bills)
            }
            ChannelReport::Declined { reason } => {
                Ok(self.ended_at_channel(order, payment, PaymentState::Declined, Some(reason)))
            }
            ChannelReport::Cancelled => {
                Ok(self.ended_at_channel(order, payment, PaymentState::Cancelled, None))
            }
            ChannelReport::Waiting => {
                let attempts = attempts.map(|n| n + 1);
                Ok(self.still_open(order, payment, PaymentState::Waiting, attempts, "waiting"))
            }
            // The call never arrived, so the follow-up makes it again: it starts counting anew.
            ChannelReport::NotFound => {
                let restarted = attempts.map(|_| 0);
                Ok(self.still_open(order, payment, PaymentState::Unknown, restarted, NOT_KNOWN))
            }
            ChannelReport::NoAnswer { reason } => {
                let state = payment.state;
                Ok(self.still_open(order, payment, state, attempts.map(|n| n + 1), &reason))
            }
        }
    }

    fn report_cancelling(
        &mut self,
        order: Order,
        payment: Payment,
        report: ChannelReport,
        attempts: Option<u32>,
    ) -> Result<Decided, Refusal> {
        match report {
            ChannelReport::Paid { channel_number, payer, bills } => {
                Ok(self.paid_late(order, payment, channel_number, payer, bills))
            }
            ChannelReport::NotFound if self.may_yet_arrive(&payment) => {
                let attempts = attempts.map(|n| n + 1);
                Ok(self.still_open(order, payment, PaymentState::Cancelling, attempts, NOT_KNOWN))
            }
            ChannelReport::Cancelled | ChannelReport::Declined { .. } | ChannelReport::NotFound => {
                let mut payment = payment;
                self.end_task(&order, payment.follow_up.take());
                payment.state = PaymentState::Cancelled;
                payment.settled_at = Some(self.now);
                self.changes.payments.push(payment.clone());
                Ok(Decided::Order(Box::new(order), Box::new(payment)))
            }
            ChannelReport::Waiting => Ok(self.still_open(
                order,
                payment,
                PaymentState::Cancelling,
                attempts.map(|n| n + 1),
                "waiting",
            )),
            ChannelReport::NoAnswer { reason } => Ok(self.still_open(
                order,
                payment,
                PaymentState::Cancelling,
                attempts.map(|n| n + 1),
                &reason,
            )),
        }
    }

    /// Whether a call to collect may still be on its way, so that the channel will know of the payment
    /// in a moment. The cancelling began with its follow-up, and nothing was submitted after that.
    fn may_yet_arrive(&self, payment: &Payment) -> bool {
        payment.follow_up.is_some_and(|follow_up| self.now - follow_up.made_at() < CALL_ARRIVES_WITHIN)
    }

    /// A payment that has ended: only news of money still count. They are late unless the order still
    /// waits for the review of its revocation.
    fn report_ended(
        &mut self,
        order: Order,
        payment: Payment,
        report: ChannelReport,
    ) -> Result<Decided, Refusal> {
        match report {
            ChannelReport::Paid { channel_number, payer, bills } => match order.stage {
                OrderStage::Open => self.collected(order, payment, channel_number, payer, bills),
                OrderStage::Paid | OrderStage::Revoked | OrderStage::Closed => {
                    Ok(self.paid_late(order, payment, channel_number, payer, bills))
                }
            },
            ChannelReport::Declined { .. }
            | ChannelReport::Waiting
            | ChannelReport::Cancelled
            | ChannelReport::NotFound
            | ChannelReport::NoAnswer { .. } => Ok(Decided::Order(Box::new(order), Box::new(payment))),
        }
    }

    fn collected(
        &mut self,
        mut order: Order,
        mut payment: Payment,
        channel_number: String,
        payer: Option<String>,
        bills: Vec<FundBill>,
    ) -> Result<Decided, Refusal> {
        self.settle(&order, &mut payment, channel_number, payer, bills);
        order.stage = OrderStage::Paid;
        order.paid_at = Some(self.now);
        self.post_payment(&order, &payment)?;
        self.changes.orders.push(order.clone());
        self.changes.payments.push(payment.clone());
        self.raise(EventKind::OrderPaid, &order, None);
        Ok(Decided::Order(Box::new(order), Box::new(payment)))
    }

    /// Money for an order that has ended goes straight back to the payer; the order stays as it is.
    fn paid_late(
        &mut self,
        mut order: Order,
        mut payment: Payment,
        channel_number: String,
        payer: Option<String>,
        bills: Vec<FundBill>,
    ) -> Decided {
        self.settle(&order, &mut payment, channel_number, payer, bills);
        self.post_late_payment(&order, &payment);
        let amount = payment.amount;
        self.open_refund(
            &mut order,
            &payment,
            RefundKind::LateSuccess,
            amount,
            "paid after the order had ended",
        );
        self.changes.payments.push(payment.clone());
        Decided::Order(Box::new(order), Box::new(payment))
    }

    fn settle(
        &mut self,
        order: &Order,
        payment: &mut Payment,
        channel_number: String,
        payer: Option<String>,
        bills: Vec<FundBill>,
    ) {
        self.end_task(order, payment.follow_up.take());
        payment.state = PaymentState::Paid;
        payment.channel_number = Some(channel_number);
        payment.payer = payer;
        payment.bills = bills;
        payment.reason = None;
        payment.settled_at = Some(self.now);
    }

    /// Closes the order, unless its revocation is under review: that order waits for the review, which
    /// then closes or revokes it.
    fn ended_at_channel(
        &mut self,
        mut order: Order,
        mut payment: Payment,
        state: PaymentState,
        reason: Option<String>,
    ) -> Decided {
        self.end_task(&order, payment.follow_up.take());
        payment.state = state;
        payment.reason = reason;
        payment.settled_at = Some(self.now);
        self.changes.payments.push(payment.clone());
        if order.revocation_applied {
            return Decided::Order(Box::new(order), Box::new(payment));
        }
        order.stage = OrderStage::Closed;
        self.end_unpaid(order, payment)
    }

    /// Nothing final: the follow-up asks again, and for an open order at its last moment at the latest.
    fn still_open(
        &mut self,
        order: Order,
        mut payment: Payment,
        state: PaymentState,
        attempts: Option<u32>,
        result: &str,
    ) -> Decided {
        if payment.state != state {
            payment.state = state;
            self.changes.payments.push(payment.clone());
        }
        if let (Some(attempts), Some(follow_up)) = (attempts, payment.follow_up) {
            let poll = self.now + poll_delay(self.now - follow_up.made_at());
            let lapses_then =
                order.stage == OrderStage::Open && !order.revocation_applied && order.expires_at > self.now;
            let due_at = if lapses_then { poll.min(order.expires_at) } else { poll };
            let next = Next { due_at, attempts, result: Some(result.to_owned()) };
            self.reschedule(&order, follow_up, TaskKind::FollowPayment(payment.id), next);
        }
        Decided::Order(Box::new(order), Box::new(payment))
    }
}
