//! Events: immutable facts told to a partner, numbered per partner without gaps.

use crate::{About, PartnerId, RedemptionId, RefundId, Timestamp};

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
    /// Uses of a voucher were redeemed.
    VoucherRedeemed,
    /// A product was changed.
    ProductChanged,
    /// A product went on sale.
    ProductListed,
    /// A product went off sale.
    ProductDelisted,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [EventKind; 9] = [
        EventKind::OrderPaid,
        EventKind::OrderRevoked,
        EventKind::OrderClosed,
        EventKind::RefundSucceeded,
        EventKind::RefundFailed,
        EventKind::VoucherRedeemed,
        EventKind::ProductChanged,
        EventKind::ProductListed,
        EventKind::ProductDelisted,
    ];

    /// Its name, for instance `order.paid`.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::OrderPaid => "order.paid",
            EventKind::OrderRevoked => "order.revoked",
            EventKind::OrderClosed => "order.closed",
            EventKind::RefundSucceeded => "refund.succeeded",
            EventKind::RefundFailed => "refund.failed",
            EventKind::VoucherRedeemed => "voucher.redeemed",
            EventKind::ProductChanged => "product.changed",
            EventKind::ProductListed => "product.listed",
            EventKind::ProductDelisted => "product.delisted",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether an address named in the order or voucher itself is told of it.
    pub fn is_told_to_own_url(self) -> bool {
        match self {
            EventKind::OrderPaid | EventKind::VoucherRedeemed => true,
            EventKind::OrderRevoked
            | EventKind::OrderClosed
            | EventKind::RefundSucceeded
            | EventKind::RefundFailed
            | EventKind::ProductChanged
            | EventKind::ProductListed
            | EventKind::ProductDelisted => false,
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
    /// What it happened to.
    pub about: About,
    /// The refund it happened to, if one.
    pub refund: Option<RefundId>,
    /// The redemption that it tells, if one.
    pub redemption: Option<RedemptionId>,
    /// When.
    pub at: Timestamp,
}
