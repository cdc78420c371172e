//! The server as a whole: a real listener on a free port, a real database in a folder of its own, and
//! requests as partners, payers, operators and probes send them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests, too")]

mod cashier;
mod client;
mod dialect;
mod edges;
mod gateway;
mod lifecycle;
mod ops_access;
mod ops_orders;
mod ops_partners;
mod panics;
mod probes;
mod tls;
