//! What is kept of orders that have gone: their numbers, which stay taken for ever, and what they came to
//! in the books, which stay as they are.

use crate::{Money, OrderId, PartnerId, Timestamp, TransferId};

/// An order that has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastOrder {
    /// Who placed it.
    pub partner: PartnerId,
    /// Its id, by which its transfers are still found.
    pub order: OrderId,
    /// The partner's own number.
    pub number: String,
    /// Fingerprint of the content that the number is bound to.
    pub fingerprint: i64,
    /// What came in for it.
    pub collected: Money,
    /// What went back to the payer.
    pub returned: Money,
    /// What the operator kept of it.
    pub fee: Money,
    /// When it went.
    pub gone_at: Timestamp,
}

/// A refund that has gone with its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRefund {
    /// Whose order it was.
    pub partner: PartnerId,
    /// The order.
    pub order: OrderId,
    /// The partner's own refund number, or the one made here.
    pub number: String,
    /// Fingerprint of the content that the number is bound to.
    pub fingerprint: i64,
    /// The pending transfer that had reserved the money.
    pub hold: TransferId,
}
