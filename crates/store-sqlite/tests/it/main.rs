//! The store on SQLite: the contract that all stores keep, and what is particular to a file.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod contract;
mod durability;
mod faulty;
mod moving;
mod opening;
mod support;
