//! The client against the wire's own vectors, against servers that lie, and against a whole gateway.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not take for tests"
)]
#![allow(clippy::duplicate_mod, reason = "the examples are programs of their own that share a file")]

mod answers;
mod example;
mod interfaces;
mod lianhe;
#[path = "../../examples/lianhe_distributor.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod lianhe_distributor;
mod notifications;
mod outcomes;
mod requests;
#[path = "../../examples/sosopay_shop.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod sosopay_shop;
mod support;
mod write_off;
