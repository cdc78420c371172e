//! What tests of whole gateways are made of.
//!
//! * [`TestGateway`] is a complete sandbox gateway inside the test: real listeners on free ports, a real
//!   database in a folder of its own, and a clock that stands still until the test moves it.
//! * [`Ops`] calls its operator API.
//! * [`Receiver`] is a partner's web server that does what it is told: accepts, refuses, hangs, hangs
//!   up, redirects, says too much. It remembers what it was sent.
//! * [`postgres`] starts private PostgreSQL clusters.
//! * [`Random`] makes numbers from a seed and prints the seed.
//!
//! Everything here fails a test by panicking with what went wrong. Waiting is always for a condition,
//! and always bounded.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a kit for tests fails the test at the place of the trouble, and prints what repeats it"
)]

mod folder;
mod gateway;
mod ops;
pub mod postgres;
mod random;
mod receiver;

use std::time::Duration;

pub use folder::Folder;
pub use gateway::{DISTRIBUTOR, Distributor, Options, SHOP, START, Shop, TestGateway};
pub use ops::{Ops, OpsError};
pub use random::Random;
pub use receiver::{Behaviour, Received, Receiver, nowhere};

/// The bound on every wait: far longer than anything takes on a busy machine.
pub const AMPLE: Duration = Duration::from_secs(60);
