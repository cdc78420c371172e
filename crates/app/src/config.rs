//! What the operator can set about the application.

use std::time::Duration;

use tradewind_domain::{Rules, Span};

/// Settings of the application. `Default` gives those for production.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Commands that may wait in each lane; one more is answered "busy".
    pub queue_commands_max: usize,
    /// Commands decided and committed together at most. Beyond some two hundred the rate gains little
    /// and the slowest wait grows.
    pub batch_commands_max: usize,
    /// For how long after payment an order may be refunded.
    pub refund_window: Span,
    /// For how long a purchase that is not paid holds its units.
    pub hold_for: Span,
    /// How far the clocks of the operator's calendar are ahead of UTC.
    pub day_offset: Span,
    /// For how long after the end of their validity units may still be given back.
    pub late_refund: Span,
    /// Dialects whose deliveries leave on a grid of looks, and its distance; set by whoever knows them.
    pub polls: Vec<(String, Span)>,
    /// How long a payment by the payer's code may take.
    pub payer_code_deadline: Span,
    /// How long a caller waits for a channel's first answer to a refund, in real time.
    pub refund_wait: Duration,
    /// Calls that wait for a payer to confirm, at a time; one more is answered "busy".
    pub waiting_calls_max: usize,
    /// The same of one partner.
    pub waiting_calls_per_partner_max: usize,
    /// Password checks at a time; each takes 19 MiB and a core.
    pub sign_in_permits: usize,
    /// Sign-ins that wait for a password check; one more is answered "rate limited".
    pub sign_in_waiting_max: usize,
    /// Calls of one partner; `None` for no limit.
    pub rate_per_partner: Option<Rate>,
    /// Sign-ins with one login at one merchant.
    pub rate_sign_in: Rate,
    /// Sign-ins that fail, of all logins together, in real time. Beyond it only users who have signed in
    /// before are checked.
    pub rate_sign_in_failures: Rate,
}

/// A steady rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many in how long.
    pub count: u32,
    /// The time for `count`.
    pub per: Span,
    /// How many may come at once.
    pub burst: u32,
}

impl Default for AppConfig {
    fn default() -> AppConfig {
        AppConfig {
            queue_commands_max: 4096,
            batch_commands_max: 256,
            refund_window: Span::from_days(365),
            hold_for: Span::from_mins(30),
            day_offset: Span::from_mins(8 * 60),
            late_refund: Span::from_days(5),
            polls: Vec::new(),
            payer_code_deadline: Span::from_secs(80),
            refund_wait: Duration::from_secs(10),
            waiting_calls_max: 1536,
            waiting_calls_per_partner_max: 512,
            sign_in_permits: 2,
            sign_in_waiting_max: 64,
            rate_per_partner: None,
            rate_sign_in: Rate { count: 10, per: Span::from_mins(1), burst: 10 },
            rate_sign_in_failures: Rate { count: 600, per: Span::from_mins(1), burst: 100 },
        }
    }
}

impl AppConfig {
    /// What it lays down for all decisions.
    pub fn rules(&self) -> Rules {
        Rules {
            refund_window: self.refund_window,
            hold_for: self.hold_for,
            day_offset: self.day_offset,
            late_refund: self.late_refund,
            polls: self.polls.clone(),
        }
    }
}
