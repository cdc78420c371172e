//! Tests of the signing crate through its public API.

mod digests;
mod secrets;
mod triple_des;
mod vault;
