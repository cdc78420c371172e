//! The client against the wire's own vectors, against servers that lie, and against a whole gateway.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not take for tests"
)]

mod answers;
mod example;
mod interfaces;
mod notifications;
mod outcomes;
mod requests;
#[path = "../../examples/sosopay_shop.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod sosopay_shop;
mod support;
mod write_off;
