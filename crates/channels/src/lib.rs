//! Outside parties that the gateway calls for money and for messages to people, sans-IO like the dialects: a channel says which
//! request to send and what an answer means, and somebody else does the sending.
//!
//! The one channel for money so far is the [`sandbox`], which needs no outside party at all.

mod link;
mod message;
pub mod sandbox;

use std::collections::HashMap;
use std::sync::Arc;

use tradewind_dialect::{RawRequest, RawResponse};
use tradewind_domain::{ChannelReport, Method, Order, PayerAction, Payment, Refund, RefundReport, Timestamp};

pub use link::LinkKey;
pub use message::{Message, MessageChannel, MessageStep, OutboxChannel};

/// An outside party that moves money.
pub trait Channel: Send + Sync + 'static {
    /// Its name, as stored with every payment that goes through it.
    fn name(&self) -> &'static str;

    /// Whether it serves this payment method.
    fn serves(&self, method: &Method) -> bool;

    /// What the payer has to do for a payment that the payer starts, as far as it can be told without
    /// a call; and when to look after the payment for the first time.
    fn prepare(&self, order: &Order, payment: &Payment, now: Timestamp) -> Preparation;

    /// Collect. The payment's id is the number by which the channel knows it; when the channel has said
    /// that it does not know the number, the same call is made again, and a channel that hears of it twice
    /// must collect once.
    fn submit(&self, order: &Order, payment: &Payment, now: Timestamp) -> Step<ChannelReport>;

    /// Ask what became of a payment.
    fn query(&self, order: &Order, payment: &Payment, now: Timestamp) -> Step<ChannelReport>;

    /// End a payment that has not been made.
    fn cancel(&self, order: &Order, payment: &Payment, now: Timestamp) -> Step<ChannelReport>;

    /// Give money back. The refund's id is the number by which the channel knows it, as with
    /// [`Channel::submit`].
    fn refund(&self, order: &Order, payment: &Payment, refund: &Refund, now: Timestamp)
    -> Step<RefundReport>;

    /// Ask what became of a refund.
    fn refund_query(
        &self,
        order: &Order,
        payment: &Payment,
        refund: &Refund,
        now: Timestamp,
    ) -> Step<RefundReport>;

    /// What an answer to [`Channel::submit`], [`Channel::query`] or [`Channel::cancel`] means.
    fn read_payment(&self, payment: &Payment, response: &RawResponse) -> ChannelReport;

    /// What an answer to [`Channel::refund`] or [`Channel::refund_query`] means.
    fn read_refund(&self, refund: &Refund, response: &RawResponse) -> RefundReport;
}

/// What a call to a channel takes.
#[derive(Clone, Debug)]
pub enum Step<Report> {
    /// This request has to be sent to this absolute address; the answer goes to `read_payment` or
    /// `read_refund`.
    Send {
        /// Where to, http or https.
        url: String,
        /// What.
        request: RawRequest,
    },
    /// The channel knows without a call.
    Known(Report),
}

/// What a payer-started payment needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// What the payer has to do.
    pub action: Option<PayerAction>,
    /// When to look after the payment for the first time.
    pub follow_up_at: Timestamp,
}

/// The channels of this gateway by name.
pub struct Channels {
    by_name: HashMap<&'static str, Arc<dyn Channel>>,
    sandbox: Option<Arc<sandbox::Sandbox>>,
}

impl Channels {
    /// Only the sandbox.
    pub fn sandbox(config: sandbox::SandboxConfig) -> Channels {
        let sandbox = Arc::new(sandbox::Sandbox::new(config));
        let channel = Arc::clone(&sandbox) as Arc<dyn Channel>;
        Channels { by_name: HashMap::from([(channel.name(), channel)]), sandbox: Some(sandbox) }
    }

    /// No channel: nothing can be paid.
    pub fn none() -> Channels {
        Channels { by_name: HashMap::new(), sandbox: None }
    }

    /// A channel by name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Channel>> {
        self.by_name.get(name)
    }

    /// The channel that serves a method.
    pub fn serving(&self, method: &Method) -> Option<&Arc<dyn Channel>> {
        self.by_name.values().find(|channel| channel.serves(method))
    }

    /// The sandbox, for the cashier page, when this gateway has one.
    pub fn cashier(&self) -> Option<&sandbox::Sandbox> {
        self.sandbox.as_deref()
    }
}
