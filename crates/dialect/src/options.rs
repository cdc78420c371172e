//! What the operator lays down for all dialects.

use tradewind_domain::Span;

/// What the operator lays down for all dialects. Each takes from it what its protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectOptions {
    /// How far the time in a signature may lie from now, in either direction; zero switches the check
    /// off.
    pub signature_age_max: Span,
    /// For how long after payment an order may be refunded; the rules of the engine must say the same.
    pub refund_window: Span,
}

impl Default for DialectOptions {
    fn default() -> DialectOptions {
        DialectOptions { signature_age_max: Span::from_mins(15), refund_window: Span::from_days(365) }
    }
}
