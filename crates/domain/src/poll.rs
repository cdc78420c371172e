//! How often an outside party is asked again while the outcome is open.

use crate::Span;

/// The wait before the next question, by the age of what is asked about: quick while a person
/// stands at the counter, then slower, never more than a quarter of an hour apart.
pub fn poll_delay(age: Span) -> Span {
    match age.ms() {
        ..10_000 => Span::from_secs(1),
        10_000..120_000 => Span::from_secs(3),
        120_000..3_600_000 => Span::from_secs(30),
        _ => Span::from_mins(15),
    }
}
