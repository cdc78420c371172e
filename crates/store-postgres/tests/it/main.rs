//! Tests of the PostgreSQL store, on a private server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests are tests")]

mod contract;
mod failover;
mod faults;
mod migrations;
mod moving;
mod nodes;
mod purchases;
mod races;
mod schema;
mod support;
mod tls;
