//! The application on a real store whose steps fail on purpose.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod faults;
mod identities;
mod processes;
mod rig;
mod vouchers;
mod waiting;
