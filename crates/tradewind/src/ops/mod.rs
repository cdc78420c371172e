//! Commands that talk to a running gateway over its operator API.
//!
//! With `--json` each prints the API's own answer; otherwise tables for people. The tables read the
//! answer member by member and leave out what is not there, so that a command goes on working with a
//! gateway that is a version ahead or behind.

mod answer;
mod catalogue;
mod client;
mod clock;
mod error;
mod gate;
mod order;
mod partner;
mod retention;
mod story;
mod task;
mod verify;

pub(crate) use catalogue::{product, seller, sku, stock};
pub(crate) use client::Ops;
pub(crate) use clock::clock;
pub(crate) use error::OpsError;
pub(crate) use gate::{deposit, refund, ticket};
pub(crate) use order::order;
pub(crate) use partner::{endpoint, partner, user};
pub(crate) use retention::retention;
pub(crate) use task::task;
pub(crate) use verify::verify;
