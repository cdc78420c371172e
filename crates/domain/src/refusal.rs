//! Why a command is refused. Each has a name; dialects translate it into their own words.

use crate::{PurchaseProblem, RefundId, RefundProblem};

/// A refusal: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody is known by the name the caller gave.
    #[error("the caller is not known")]
    UnknownPartner,
    /// The partner is suspended.
    #[error("the partner is suspended")]
    PartnerSuspended,
    /// The payment method is not part of the partner's contract, or nobody serves it.
    #[error("the payment method is not enabled")]
    MethodNotEnabled,
    /// The payment method cannot be told from what was given.
    #[error("the payment method cannot be recognised")]
    MethodUnrecognised,
    /// A field is missing or ill-formed.
    #[error("{field}: {problem}")]
    Field {
        /// The field in the words of the caller.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The message cannot be read at all.
    #[error("the message cannot be read: {problem}")]
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
    /// The signature is missing, stale or wrong.
    #[error("the signature is not valid: {problem}")]
    Signature {
        /// What is wrong with it.
        problem: String,
    },
    /// An amount is not positive, not exact, or more than is allowed.
    #[error("{problem}")]
    Amount {
        /// What is wrong with it.
        problem: String,
    },
    /// The number was used before. `same` tells whether the content was the same.
    #[error("the number is taken")]
    NumberTaken {
        /// The content was the same.
        same: bool,
    },
    /// No such order.
    #[error("there is no such order")]
    OrderNotFound,
    /// No such refund, task, user or other thing.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// A thing of this name exists.
    #[error("this {what} exists already")]
    Exists {
        /// What was to be added.
        what: &'static str,
    },
    /// The order or voucher has been taken back.
    #[error("it has been revoked")]
    AlreadyRevoked,
    /// The order's state does not allow it.
    #[error("{problem}")]
    WrongState {
        /// What stands in the way.
        problem: &'static str,
    },
    /// Another refund of the order is under way.
    #[error("another refund is under way")]
    RefundInFlight {
        /// That refund.
        refund: RefundId,
        /// Its channel has answered that the outcome comes later; otherwise the answer is a moment
        /// away and worth waiting for.
        pending: bool,
    },
    /// The purchase does not fit the catalogue.
    #[error("{0}")]
    Purchase(PurchaseProblem),
    /// The units are not given back.
    #[error("{why}")]
    NotRefundable {
        /// Why.
        why: RefundProblem,
        /// How many units can be given back.
        refundable: u32,
    },
    /// The prepaid balance does not suffice.
    #[error("the balance is too low")]
    BalanceTooLow,
    /// Login or password is wrong, or the user may not sign in. One refusal for all, so that nothing
    /// is told about which logins exist.
    #[error("account or password is wrong")]
    SignIn,
    /// More calls than agreed.
    #[error("too many calls")]
    RateLimited,
    /// The gateway has more to do than it has agreed to hold.
    #[error("busy, try again")]
    Busy,
    /// The database did not take the change, or it is not known whether it did.
    #[error("the database is not available")]
    Storage,
    /// The outside party did not do its part.
    #[error("the channel refused: {reason}")]
    ChannelDeclined {
        /// Why, in words.
        reason: String,
    },
    /// Something that must not happen.
    #[error("internal error")]
    Internal,
}

impl Refusal {
    /// Its name, for instance `wrong_state`; for metrics and documents.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::UnknownPartner => "unknown_partner",
            Refusal::PartnerSuspended => "partner_suspended",
            Refusal::MethodNotEnabled => "method_not_enabled",
            Refusal::MethodUnrecognised => "method_unrecognised",
            Refusal::Field { .. } => "field",
            Refusal::Unreadable { .. } => "unreadable",
            Refusal::Signature { .. } => "signature",
            Refusal::Amount { .. } => "amount",
            Refusal::NumberTaken { .. } => "number_taken",
            Refusal::OrderNotFound => "order_not_found",
            Refusal::NotFound { .. } => "not_found",
            Refusal::Exists { .. } => "exists",
            Refusal::AlreadyRevoked => "already_revoked",
            Refusal::WrongState { .. } => "wrong_state",
            Refusal::RefundInFlight { .. } => "refund_in_flight",
            Refusal::Purchase(_) => "purchase",
            Refusal::NotRefundable { .. } => "not_refundable",
            Refusal::BalanceTooLow => "balance_too_low",
            Refusal::SignIn => "sign_in",
            Refusal::RateLimited => "rate_limited",
            Refusal::Busy => "busy",
            Refusal::Storage => "storage",
            Refusal::ChannelDeclined { .. } => "channel_declined",
            Refusal::Internal => "internal",
        }
    }
}
