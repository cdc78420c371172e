//! The rules seen from outside: tables, ledger, invariants, and what a batch writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod batch;
mod document;
mod forgetting;
mod invariants;
mod paths;
mod properties;
mod rules;
mod store;
mod tables;
mod vouchers;
mod world;
