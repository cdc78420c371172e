//! What the application has to know of channels before an order is written down.

use tradewind_domain::{Method, Order, PayerAction, Payment, Timestamp};

/// Knows the channels. Implemented where channels are known.
pub trait Cashier: Send + Sync + 'static {
    /// The name of the channel that serves a payment method, if one does.
    fn channel_of(&self, method: &Method) -> Option<String>;

    /// What a payment needs that is about to be written down.
    fn prepare(&self, order: &Order, payment: &Payment, now: Timestamp) -> Preparation;
}

/// What a payment needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// What the payer has to do, if it can be told without asking the channel.
    pub action: Option<PayerAction>,
    /// When to look after the payment for the first time.
    pub follow_up_at: Timestamp,
}
