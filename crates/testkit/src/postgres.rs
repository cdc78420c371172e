//! Private, throw-away PostgreSQL clusters from the installed Debian package.
//!
//! * [`Postgres::shared`] is one cluster for everything that runs at the same time on this machine: the
//!   first test process starts it, each holds a lock on a file while it lives, and a small watchman
//!   stops and removes the cluster when the last has gone, however it went. It does not sync, because
//!   nobody pulls its plug. With `TRADEWIND_TEST_POSTGRES` in the environment that server is used.
//! * [`Cluster::start`] is a cluster of one test's own, which may be stopped, crashed and given a
//!   standby. It syncs like in production.
//! * [`Authority`] signs certificates for a cluster that is to be spoken to by TLS.
//!
//! A machine without the programs fails the test and names the package: nothing is skipped.

mod certificates;
mod cluster;
mod programs;
mod shared;
mod watchman;

pub use certificates::{Authority, Certificate};
pub use cluster::{Cluster, Standby};
pub use shared::{Database, Postgres};
