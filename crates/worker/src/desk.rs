//! What the application asks about channels, answered from the channels of this gateway.

use std::sync::Arc;

use tradewind_app::{Cashier, Preparation};
use tradewind_channels::Channels;
use tradewind_domain::{Method, Order, Payment, Timestamp};

/// The channels, as the application sees them.
pub struct ChannelDesk(Arc<Channels>);

impl ChannelDesk {
    /// The desk of these channels.
    pub fn new(channels: Arc<Channels>) -> ChannelDesk {
        ChannelDesk(channels)
    }
}

impl Cashier for ChannelDesk {
    fn channel_of(&self, method: &Method) -> Option<String> {
        self.0.serving(method).map(|channel| channel.name().to_owned())
    }

    fn prepare(&self, order: &Order, payment: &Payment, now: Timestamp) -> Preparation {
        match self.0.get(&payment.channel) {
            None => Preparation { action: None, follow_up_at: now },
            Some(channel) => {
                let prepared = channel.prepare(order, payment, now);
                Preparation { action: prepared.action, follow_up_at: prepared.follow_up_at }
            }
        }
    }
}
