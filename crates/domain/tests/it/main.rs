//! The rules seen from outside: tables, ledger, invariants, and what a batch writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod batch;
mod catalogue;
mod conservation;
mod document;
mod forgetting;
mod giving_back;
mod invariants;
mod looks;
mod market;
mod paths;
mod properties;
mod purchase_problems;
mod purchases;
mod rules;
mod shop;
mod store;
mod tables;
mod vouchers;
mod world;
