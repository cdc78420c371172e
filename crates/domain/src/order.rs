//! Orders: what a partner wants, and how far it has come.
//!
//! An order keeps few orthogonal facts: a stage, whether a revocation is under review, what has been
//! and is being refunded, and whether the last refund failed. Every status number of a dialect is a
//! function of these.

use crate::{Line, Money, OrderId, PartnerId, PaymentId, Span, Timestamp};

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderStage {
    /// Waiting for payment.
    Open,
    /// Paid; refunds are told by the amounts.
    Paid,
    /// Taken back; whatever was paid has been returned.
    Revoked,
    /// Ended without payment: expired, or the channel declined.
    Closed,
}

impl OrderStage {
    /// All stages, in the order of a life.
    pub const ALL: [OrderStage; 4] =
        [OrderStage::Open, OrderStage::Paid, OrderStage::Revoked, OrderStage::Closed];
}

/// Where an order was taken: labels inside the partner, echoed and filtered by, never authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// The person at the counter.
    pub operator: String,
    /// The cash register.
    pub device: String,
    /// The shop.
    pub store: Option<String>,
}

/// What a partner or buyer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id; also the moment it was accepted.
    pub id: OrderId,
    /// Who placed it.
    pub partner: PartnerId,
    /// The dialect it was placed in.
    pub dialect: String,
    /// The partner's own number, unique per partner for ever.
    pub number: String,
    /// Fingerprint of the content that the number is bound to.
    pub fingerprint: i64,
    /// What is to be paid.
    pub amount: Money,
    /// What it is for, in the partner's words.
    pub subject: String,
    /// How far it has come.
    pub stage: OrderStage,
    /// A revocation was applied for and waits for review.
    pub revocation_applied: bool,
    /// What has gone back to the payer.
    pub refunded: Money,
    /// What is on its way back.
    pub refunding: Money,
    /// The latest refund was refused by the channel.
    pub refund_failed: bool,
    /// What the operator keeps of it, in millionths, as agreed when it was placed.
    pub fee_ppm: u32,
    /// The current payment attempt.
    pub payment: PaymentId,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When it reached a stage it does not leave.
    pub ended_at: Option<Timestamp>,
    /// When it lapses if it is not paid.
    pub expires_at: Timestamp,
    /// Where it was taken.
    pub terminal: Terminal,
    /// Where this order's news go; partners may name an address per order.
    pub notify_url: Option<String>,
    /// What the dialect wants to find again, in its own form. Opaque here.
    pub details: Option<String>,
    /// What it buys from the catalogue; `None` when it only collects money.
    pub line: Option<Box<Line>>,
}

impl Order {
    /// The largest amount of one order, in millionths: a thousand million of the currency's main unit.
    /// It leaves the sums of an account room for thousands of the largest orders.
    pub const AMOUNT_MICROS_MAX: i64 = 1_000_000_000_000_000;

    /// The moment it was accepted.
    pub fn created_at(&self) -> Timestamp {
        self.id.made_at()
    }

    /// What can still be given back: the amount less what went and is going back.
    pub fn refundable(&self) -> Money {
        let back = self.refunded.micros().saturating_add(self.refunding.micros());
        Money::from_micros(self.amount.micros().saturating_sub(back).max(0), self.amount.currency())
    }

    /// Whether the time in which it may be refunded is over, for an order that was paid and for which
    /// no refund was ever tried.
    pub fn refund_window_over(&self, now: Timestamp, window: Span) -> bool {
        self.stage == OrderStage::Paid
            && self.refunded.is_zero()
            && self.refunding.is_zero()
            && !self.refund_failed
            && self.paid_at.is_some_and(|paid| now - paid > window)
    }
}
