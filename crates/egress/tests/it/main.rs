//! Tests of the egress crate against servers on the loopback interface.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod exchange;
mod failures;
mod server;
mod tls;
