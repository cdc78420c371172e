//! Tests of the dialect through its public face, written from the protocol's specification.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod answers;
mod calls;
mod checks;
mod client;
mod dictionaries;
mod fuzz;
mod golden;
mod notify;
mod partners;
mod support;
mod tamper;
mod vectors;
