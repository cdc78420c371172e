//! `orderStatus` and `reStatus` (sections 6.2, 6.3 and 7): their numbers, and the facts they follow from.
//! The specification had to reconstruct both tables, so the numbers stand here and nowhere else.

use tradewind_domain::{Line, Order, OrderStage, PaymentState, Purchase, RefundKind, RefundState};

/// `orderStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// There is no such order.
    Unknown,
    /// Being created. Reserved, and never told by us.
    Creating,
    /// Created, not paid.
    Created,
    /// The creation failed.
    CreationFailed,
    /// Paid, and all of it can be used.
    Paid,
    /// The payment failed.
    PaymentFailed,
    /// Ended without payment, all refunded, or an application for a refund was accepted.
    Refunded,
    /// A refund failed or was refused.
    RefundFailed,
    /// Nothing is left, and some of it was used.
    Used,
    /// Some of it was used, and something is left.
    PartlyUsed,
}

impl OrderStatus {
    /// All of them, in the order of their numbers.
    pub const ALL: [OrderStatus; 10] = [
        OrderStatus::Unknown,
        OrderStatus::Creating,
        OrderStatus::Created,
        OrderStatus::CreationFailed,
        OrderStatus::Paid,
        OrderStatus::PaymentFailed,
        OrderStatus::Refunded,
        OrderStatus::RefundFailed,
        OrderStatus::Used,
        OrderStatus::PartlyUsed,
    ];

    /// The number on the wire.
    pub fn number(self) -> i64 {
        match self {
            OrderStatus::Unknown => 0,
            OrderStatus::Creating => 1,
            OrderStatus::Created => 2,
            OrderStatus::CreationFailed => 3,
            OrderStatus::Paid => 4,
            OrderStatus::PaymentFailed => 5,
            OrderStatus::Refunded => 6,
            OrderStatus::RefundFailed => 7,
            OrderStatus::Used => 8,
            OrderStatus::PartlyUsed => 9,
        }
    }

    /// The status of a number.
    pub fn of_number(number: i64) -> Option<OrderStatus> {
        OrderStatus::ALL.into_iter().find(|status| status.number() == number)
    }

    /// How far an order has come, use and refunds left aside: what the operations that create and pay tell.
    pub fn of_stage(order: &Order) -> OrderStatus {
        match order.stage {
            OrderStage::Open => OrderStatus::Created,
            OrderStage::Paid => OrderStatus::Paid,
            OrderStage::Revoked | OrderStage::Closed => OrderStatus::Refunded,
        }
    }

    /// Where a purchase stands, as a query tells it.
    pub fn of(purchase: &Purchase) -> OrderStatus {
        match (purchase.order.stage, purchase.payment.state, &purchase.order.line) {
            (OrderStage::Open, PaymentState::Declined, _) => OrderStatus::PaymentFailed,
            (OrderStage::Open, _, _) => OrderStatus::Created,
            (OrderStage::Paid, _, Some(line)) => OrderStatus::of_units(line),
            (OrderStage::Paid, _, None) => OrderStatus::Paid,
            (OrderStage::Revoked | OrderStage::Closed, _, _) => OrderStatus::Refunded,
        }
    }

    /// What is locked by a review is left: it may become usable again, and "all used" is final.
    fn of_units(line: &Line) -> OrderStatus {
        match (line.left(), line.used) {
            (0, 0) => OrderStatus::Refunded,
            (0, _) => OrderStatus::Used,
            (_, 0) => OrderStatus::Paid,
            (_, _) => OrderStatus::PartlyUsed,
        }
    }

    /// What a redemption led to, of which `left` were left then.
    pub fn after_use(left: u32) -> OrderStatus {
        if left == 0 { OrderStatus::Used } else { OrderStatus::PartlyUsed }
    }
}

/// `reStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReStatus {
    /// There is no application.
    None,
    /// Under review.
    UnderReview,
    /// Refused by the check of its validity.
    Refused,
    /// Refunded.
    Refunded,
    /// Rejected in the review.
    Rejected,
}

impl ReStatus {
    /// All of them, in the order of their numbers.
    pub const ALL: [ReStatus; 5] =
        [ReStatus::None, ReStatus::UnderReview, ReStatus::Refused, ReStatus::Refunded, ReStatus::Rejected];

    /// The number on the wire.
    pub fn number(self) -> i64 {
        match self {
            ReStatus::None => 0,
            ReStatus::UnderReview => 1,
            ReStatus::Refused => 2,
            ReStatus::Refunded => 3,
            ReStatus::Rejected => 4,
        }
    }

    /// The status of a number.
    pub fn of_number(number: i64) -> Option<ReStatus> {
        ReStatus::ALL.into_iter().find(|status| status.number() == number)
    }

    /// How the latest application of a purchase stands. Those that were refused at once are not kept.
    pub fn of(purchase: &Purchase) -> ReStatus {
        let latest = purchase.refunds.iter().rfind(|refund| refund.kind == RefundKind::Units);
        match latest.map(|refund| refund.state) {
            None => ReStatus::None,
            Some(RefundState::Unknown | RefundState::Pending) => ReStatus::UnderReview,
            Some(RefundState::Succeeded) => ReStatus::Refunded,
            Some(RefundState::Refused | RefundState::Cancelled) => ReStatus::Rejected,
        }
    }
}
