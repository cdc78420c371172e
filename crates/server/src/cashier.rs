//! What is behind the links to the cashier page and to the ticket page.

use std::sync::Arc;

use tradewind_channels::{Channels, LinkKey};
use tradewind_console::{CashierLinks, TicketLinks};
use tradewind_domain::{ChannelReport, OrderId, PartnerId, Payment};

/// Lets the cashier page open links and report choices, without knowing a channel.
pub(crate) struct ChannelLinks(pub(crate) Arc<Channels>);

impl CashierLinks for ChannelLinks {
    fn open(&self, token: &str) -> Option<(PartnerId, OrderId)> {
        self.0.cashier()?.open_token(token)
    }

    fn paid(&self, payment: &Payment) -> ChannelReport {
        match self.0.cashier() {
            Some(channel) => channel.paid(payment),
            None => no_cashier(),
        }
    }

    fn refused(&self, _payment: &Payment) -> ChannelReport {
        match self.0.cashier() {
            Some(channel) => channel.refused(),
            None => no_cashier(),
        }
    }
}

/// Opens the links that messages to travellers carry.
pub(crate) struct TicketPages(pub(crate) LinkKey);

impl TicketLinks for TicketPages {
    fn open(&self, token: &str) -> Option<(PartnerId, OrderId)> {
        self.0.open(token)
    }
}

/// Without a channel no link opens, so nobody can choose; should it happen, nothing is decided.
fn no_cashier() -> ChannelReport {
    ChannelReport::NoAnswer { reason: "there is no channel behind the cashier page".into() }
}
