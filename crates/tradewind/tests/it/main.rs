//! The binary from outside: what it prints, what it asks of a gateway, and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which clippy does not take for tests"
)]

mod commands;
mod fake;
mod offline;
mod run;
mod serve;
