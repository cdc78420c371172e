//! Events: immutable facts told to a partner, numbered per partner without gaps.

use crate::{OrderId, PartnerId, RefundId, Timestamp};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The order was paid.
    OrderPaid,
    /// The order was taken back.
    OrderRevoked,
    /// The order ended without payment.
    OrderClosed,
    /// A refund is done.
    RefundSucceeded,
    /// A refund was refused.
    RefundFailed,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [EventKind; 5] = [
        EventKind::OrderPaid,
        EventKind::OrderRevoked,
        EventKind::OrderClosed,
        EventKind::RefundSucceeded,
        EventKind::RefundFailed,
    ];

    /// Its name, for instance `order.paid`.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::OrderPaid => "order.paid",
            EventKind::OrderRevoked => "order.revoked",
            EventKind::OrderClosed => "order.closed",
            EventKind::RefundSucceeded => "refund.succeeded",
            EventKind::RefundFailed => "refund.failed",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether an address named in the order itself is told of it.
    pub fn is_told_to_order_url(self) -> bool {
        match self {
            EventKind::OrderPaid => true,
            EventKind::OrderRevoked
            | EventKind::OrderClosed
            | EventKind::RefundSucceeded
            | EventKind::RefundFailed => false,
        }
    }
}

/// A fact. The number is its identity: a repeated delivery carries the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whom it concerns.
    pub partner: PartnerId,
    /// 1, 2, 3, ... per partner.
    pub number: i64,
    /// What happened.
    pub kind: EventKind,
    /// The order it happened to.
    pub order: OrderId,
    /// The refund it happened to, if one.
    pub refund: Option<RefundId>,
    /// When.
    pub at: Timestamp,
}
