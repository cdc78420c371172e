//! The gateway as a process: listeners, the generic handler of all partner protocols, pages, health,
//! metrics and the operator API, put together and taken down in order.
//!
//! [`start`] assembles everything on a store and answers when the gateway can be used;
//! [`Running::shut_down`] stops accepting, finishes what is under way, and leaves nothing unsynced.
//! Reading files of configuration, keys and tokens is the caller's business.

#![forbid(unsafe_code)]

mod cashier;
mod config;
mod dialects;
mod error;
mod front;
mod gateway;
mod health;
mod http1;
mod metrics;
mod ops;
mod sandbox;
mod sandbox_catalogue;
mod start;

pub use config::{MetricsAt, SandboxStart, ServerConfig, TlsConfig};
pub use error::StartError;
pub use metrics::{METRICS, MetricDoc};
pub use start::{Parts, Running, start, start_with};
