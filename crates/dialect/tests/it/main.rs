//! Tests of the shared codecs and of the means to prove a call.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod dates;
mod forms;
mod fuzz;
mod messages;
mod proofs;
mod writer;
