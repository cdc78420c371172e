//! Where an order stands in the eyes of its payer.

use tradewind_domain::{Flow, Money, Order, OrderStage, Payment, PaymentState, Span, Timestamp};

/// Where an order stands in the eyes of its payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Can be paid or refused for this long.
    Payable(Span),
    /// The gateway is finding out; nothing to do but look again.
    Settling,
    /// The shop wants to take it back and that is under review.
    UnderReview,
    /// Paid; with what has gone back to the payer.
    Paid {
        /// What has gone back.
        refunded: Money,
    },
    /// The time to pay is over.
    Expired,
    /// The payer, or the payer's bank, refused.
    Declined,
    /// The shop took it back.
    Revoked,
    /// The money came after the order had ended and goes back.
    PaidTooLate,
}

impl Standing {
    pub(super) fn of(order: &Order, payment: &Payment, now: Timestamp) -> Standing {
        match order.stage {
            OrderStage::Open if order.revocation_applied => Standing::UnderReview,
            OrderStage::Open if now >= order.expires_at => Standing::Expired,
            OrderStage::Open => match payment.state {
                PaymentState::Unknown | PaymentState::Waiting if payer_decides(payment.flow) => {
                    Standing::Payable(order.expires_at - now)
                }
                _ => Standing::Settling,
            },
            OrderStage::Paid => Standing::Paid { refunded: order.refunded },
            OrderStage::Revoked => Standing::Revoked,
            OrderStage::Closed => match payment.state {
                PaymentState::Declined => Standing::Declined,
                PaymentState::Paid => Standing::PaidTooLate,
                PaymentState::Unknown
                | PaymentState::Waiting
                | PaymentState::Cancelling
                | PaymentState::Cancelled => Standing::Expired,
            },
        }
    }

    pub(super) fn is_payable(&self) -> bool {
        matches!(self, Standing::Payable(_))
    }
}

/// Whether the payer decides on this page; a code that the shop has scanned was decided at the counter.
fn payer_decides(flow: Flow) -> bool {
    match flow {
        Flow::PayerScans | Flow::InWallet | Flow::InApp => true,
        Flow::PayerCode | Flow::FromBalance => false,
    }
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{
        Currency, Flow, Method, Money, Order, OrderId, OrderStage, PartnerId, Payment, PaymentId,
        PaymentState, Span, Terminal, Timestamp,
    };

    use super::Standing;

    const EXPIRES: Timestamp = Timestamp::from_ms(100_000);
    const BEFORE: Timestamp = Timestamp::from_ms(40_000);

    fn order(stage: OrderStage) -> Order {
        let (id, partner) = (OrderId::from_i64(1), PartnerId::from_i64(2));
        let none = Money::zero(Currency::CNY);
        Order {
            id,
            partner,
            dialect: "test".into(),
            number: "A-1".into(),
            fingerprint: 0,
            amount: Money::from_micros(158_000_000, Currency::CNY),
            subject: "Tea".into(),
            stage,
            revocation_applied: false,
            refunded: none,
            refunding: none,
            refund_failed: false,
            fee_ppm: 0,
            payment: PaymentId::from_i64(3),
            paid_at: None,
            ended_at: None,
            expires_at: EXPIRES,
            terminal: Terminal::default(),
            notify_url: None,
            details: None,
            line: None,
        }
    }

    fn payment(flow: Flow, state: PaymentState) -> Payment {
        Payment {
            id: PaymentId::from_i64(3),
            order: OrderId::from_i64(1),
            partner: PartnerId::from_i64(2),
            channel: "test".into(),
            method: Method::ALIPAY,
            flow,
            state,
            amount: Money::from_micros(158_000_000, Currency::CNY),
            payer_code: None,
            payer: None,
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up: None,
        }
    }

    #[test]
    fn standings() {
        let check = |stage, flow, state, now, expected: Standing| {
            let found = Standing::of(&order(stage), &payment(flow, state), now);
            assert_eq!(found, expected, "{stage:?} {flow:?} {state:?} {now}");
        };
        let left = Standing::Payable(Span::from_secs(60));
        use Flow::{InApp, InWallet, PayerCode, PayerScans};
        use PaymentState::{Cancelled, Cancelling, Declined, Paid, Unknown, Waiting};
        check(OrderStage::Open, PayerScans, Waiting, BEFORE, left.clone());
        check(OrderStage::Open, PayerScans, Unknown, BEFORE, left.clone());
        check(OrderStage::Open, InWallet, Waiting, BEFORE, left.clone());
        check(OrderStage::Open, InApp, Waiting, BEFORE, left);
        check(OrderStage::Open, PayerCode, Waiting, BEFORE, Standing::Settling);
        check(OrderStage::Open, PayerScans, Cancelling, BEFORE, Standing::Settling);
        check(OrderStage::Open, PayerScans, Waiting, EXPIRES, Standing::Expired);
        check(OrderStage::Closed, PayerScans, Cancelling, EXPIRES, Standing::Expired);
        check(OrderStage::Closed, PayerScans, Cancelled, EXPIRES, Standing::Expired);
        check(OrderStage::Closed, PayerScans, Declined, BEFORE, Standing::Declined);
        check(OrderStage::Closed, PayerScans, Paid, EXPIRES, Standing::PaidTooLate);
        check(OrderStage::Revoked, PayerScans, Cancelled, BEFORE, Standing::Revoked);
        let refunded = Money::zero(Currency::CNY);
        check(OrderStage::Paid, PayerScans, Paid, EXPIRES, Standing::Paid { refunded });
    }

    #[test]
    fn an_order_under_review_cannot_be_paid() {
        let mut order = order(OrderStage::Open);
        order.revocation_applied = true;
        let payment = payment(Flow::PayerScans, PaymentState::Waiting);
        assert_eq!(Standing::of(&order, &payment, BEFORE), Standing::UnderReview);
    }
}
