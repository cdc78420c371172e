//! Tests of the dialect through its public face, written from the protocol's specification.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod answers;
mod calls;
mod checks;
mod dictionaries;
mod fuzz;
mod golden;
mod lists;
mod notify;
mod partners;
mod support;
mod tamper;
mod vectors;
mod write_off;
