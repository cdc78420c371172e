//! Refunds: money going back to the payer.

use crate::{FundBill, Money, OrderId, PartnerId, RefundId, TaskId, Timestamp, TransferId};

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundKind {
    /// The partner asked for it.
    Requested,
    /// The whole order is taken back.
    Revocation,
    /// The payer's success arrived after the order had ended.
    LateSuccess,
    /// The partner applied to give units of its line back; pending while under review, and paid back to
    /// the partner's balance.
    Units,
}

/// What is known of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// The intent is on disk; the channel has not answered.
    Unknown,
    /// The channel has accepted it and will answer later.
    Pending,
    /// Done.
    Succeeded,
    /// The channel refused.
    Refused,
    /// Withdrawn before it was sent.
    Cancelled,
}

impl RefundState {
    /// All states.
    pub const ALL: [RefundState; 5] = [
        RefundState::Unknown,
        RefundState::Pending,
        RefundState::Succeeded,
        RefundState::Refused,
        RefundState::Cancelled,
    ];

    /// Its name, for instance `pending`.
    pub fn name(self) -> &'static str {
        match self {
            RefundState::Unknown => "unknown",
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Refused => "refused",
            RefundState::Cancelled => "cancelled",
        }
    }

    /// Whether the outcome is still open.
    pub fn is_open(self) -> bool {
        match self {
            RefundState::Unknown | RefundState::Pending => true,
            RefundState::Succeeded | RefundState::Refused | RefundState::Cancelled => false,
        }
    }
}

/// Money going back for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The order it belongs to.
    pub order: OrderId,
    /// Whose order it is.
    pub partner: PartnerId,
    /// The partner's own refund number, or one made here; unique per partner for ever.
    pub number: String,
    /// Fingerprint of the content that the number is bound to.
    pub fingerprint: i64,
    /// Why.
    pub kind: RefundKind,
    /// What is known.
    pub state: RefundState,
    /// How much.
    pub amount: Money,
    /// How many units of the line go back; 0 where only money does.
    pub units: u32,
    /// How many units of the order had been given back with it; 0 until it is done.
    pub units_so_far: u32,
    /// The reason in the partner's words.
    pub subject: String,
    /// Who asked, where; for units, who has reviewed the application.
    pub operator: String,
    /// The channel's own number.
    pub channel_number: Option<String>,
    /// Where the money goes back to; sums to the amount once done.
    pub bills: Vec<FundBill>,
    /// Why the channel refused, in words.
    pub reason: Option<String>,
    /// When it reached a state it does not leave.
    pub settled_at: Option<Timestamp>,
    /// The task that looks after it while it is open; for units, the one that approves it by itself,
    /// where one will.
    pub follow_up: Option<TaskId>,
    /// The pending transfer that reserves the money.
    pub hold: TransferId,
}

impl Refund {
    /// The moment it was accepted.
    pub fn created_at(&self) -> Timestamp {
        self.id.made_at()
    }
}

/// What a channel says about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundReport {
    /// Done.
    Succeeded {
        /// The channel's own number.
        channel_number: String,
        /// Where the money went.
        bills: Vec<FundBill>,
    },
    /// Refused for good.
    Refused {
        /// Why, in words.
        reason: String,
    },
    /// Accepted; the outcome comes later.
    Pending,
    /// The channel does not know of it: the call never arrived.
    NotFound,
    /// No answer, or one that says nothing: still unknown.
    NoAnswer {
        /// What went wrong, in words.
        reason: String,
    },
}
