//! The configuration: its keys, and how file, environment and command line come together.
//!
//! The reference file `config.default.toml` is part of the binary. It is the manual, and it is the
//! only place where a default stands: the keys of [`Config`] have none in code, so that a key missing
//! from the file does not start up, and tests hold the file against the defaults of the crates.
//!
//! An empty text stands for "not set", so that the reference file can show every key with its value.

mod assemble;
mod check;
mod de;
mod layers;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use tradewind_domain::Timestamp;

use crate::store::StoreUrl;

pub(crate) use check::check;
pub(crate) use layers::{Options, Origin, Problem, Problems, Sources, load};

/// The reference file: every key with its default and what it does.
pub(crate) const REFERENCE: &str = include_str!("../../config.default.toml");

/// All that can be configured. What each key means stands in `config.default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    #[serde(deserialize_with = "de::optional_text")]
    pub(crate) public_url: Option<String>,
    #[serde(deserialize_with = "de::path")]
    pub(crate) data: PathBuf,
    #[serde(deserialize_with = "de::optional_path")]
    pub(crate) master_key: Option<PathBuf>,
    pub(crate) threads: usize,
    pub(crate) metrics: Metrics,
    pub(crate) ops: Ops,
    pub(crate) tls: Tls,
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    pub(crate) delivery: Delivery,
    pub(crate) payments: Payments,
    pub(crate) catalogue: Catalogue,
    pub(crate) dialects: Dialects,
    pub(crate) sandbox: Sandbox,
    pub(crate) log: Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Metrics {
    Main,
    Ops,
    Off,
}

impl TryFrom<String> for Metrics {
    type Error = String;

    fn try_from(text: String) -> Result<Metrics, String> {
        match text.as_str() {
            "main" => Ok(Metrics::Main),
            "ops" => Ok(Metrics::Ops),
            "off" => Ok(Metrics::Off),
            _ => Err(format!("{text:?}: \"ops\", \"main\" and \"off\" are known")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ops {
    pub(crate) listen: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    #[serde(deserialize_with = "de::optional_path")]
    pub(crate) cert: Option<PathBuf>,
    #[serde(deserialize_with = "de::optional_path")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) url: StoreUrl,
    pub(crate) migrate_at_start: bool,
    pub(crate) cache_writer_mib: u32,
    pub(crate) cache_reader_mib: u32,
    pub(crate) readers: usize,
    pub(crate) list_readers: usize,
    pub(crate) lists_waiting_max: usize,
    pub(crate) lanes: usize,
    pub(crate) connections: usize,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) statement_timeout_ms: u64,
    pub(crate) lock_timeout_ms: u64,
    pub(crate) commit_timeout_ms: u64,
    pub(crate) node_lease_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) body_bytes_max: usize,
    pub(crate) bodies_bytes_max: usize,
    pub(crate) requests_in_flight_max: usize,
    pub(crate) waiting_calls_max: usize,
    pub(crate) waiting_calls_per_partner_max: usize,
    pub(crate) connections_max: usize,
    pub(crate) header_timeout_ms: u64,
    pub(crate) body_timeout_ms: u64,
    pub(crate) write_timeout_ms: u64,
    pub(crate) stop_timeout_ms: u64,
    pub(crate) queue_commands_max: usize,
    pub(crate) batch_commands_max: usize,
    pub(crate) rate_per_partner_per_second: u32,
    pub(crate) rate_per_partner_burst: u32,
    pub(crate) sign_in_per_minute: u32,
    pub(crate) sign_in_burst: u32,
    pub(crate) sign_in_failures_per_minute: u32,
    pub(crate) sign_in_failures_burst: u32,
    pub(crate) sign_in_parallel_max: usize,
    pub(crate) sign_in_waiting_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    pub(crate) in_flight_max: usize,
    pub(crate) per_partner_max: usize,
    pub(crate) per_endpoint_max: usize,
    pub(crate) timeout_ms: u64,
    pub(crate) lease_s: u32,
    pub(crate) allow_private_addresses: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payments {
    pub(crate) payer_code_deadline_s: u32,
    pub(crate) refund_window_days: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) hold_minutes: u32,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) late_refund_days: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialects {
    pub(crate) signature_age_max_s: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sandbox {
    pub(crate) enabled: bool,
    #[serde(deserialize_with = "de::optional_instant")]
    pub(crate) clock: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[cfg(test)]
mod tests;
