//! What the keys mean to the crates that do the work.

use std::time::Duration;

use tradewind_app::{AppConfig, Rate};
use tradewind_domain::Span;
use tradewind_server::{MetricsAt, SandboxStart, ServerConfig, TlsConfig};
use tradewind_store_postgres::PostgresConfig;
use tradewind_store_sqlite::SqliteConfig;
use tradewind_worker::WorkerConfig;

use super::{Config, Metrics};

impl Config {
    /// The settings of the process.
    pub(crate) fn server(&self) -> ServerConfig {
        let limits = &self.limits;
        let tls = self.tls.cert.clone().zip(self.tls.key.clone());
        ServerConfig {
            listen: self.listen,
            ops_listen: self.ops.listen,
            public_url: self.public_url.clone(),
            tls: tls.map(|(cert_pem, key_pem)| TlsConfig { cert_pem, key_pem }),
            body_bytes_max: limits.body_bytes_max,
            bodies_bytes_max: limits.bodies_bytes_max,
            body_timeout: Duration::from_millis(limits.body_timeout_ms),
            requests_in_flight_max: limits.requests_in_flight_max,
            connections_max: limits.connections_max,
            header_timeout: Duration::from_millis(limits.header_timeout_ms),
            write_timeout: Duration::from_millis(limits.write_timeout_ms),
            shut_down_timeout: Duration::from_millis(limits.stop_timeout_ms),
            allow_private_addresses: self.delivery.allow_private_addresses,
            outbox: Some(self.data.join("messages.jsonl")),
            metrics: match self.metrics {
                Metrics::Main => MetricsAt::Main,
                Metrics::Ops => MetricsAt::Ops,
                Metrics::Off => MetricsAt::Off,
            },
            signature_age_max: Span::from_secs(i64::from(self.dialects.signature_age_max_s)),
            app: self.app(),
            worker: self.worker(),
            sandbox: self.sandbox.enabled.then_some(SandboxStart { clock: self.sandbox.clock }),
        }
    }

    /// The settings of a database in a file.
    pub(crate) fn sqlite(&self) -> SqliteConfig {
        SqliteConfig {
            cache_mb_writer: self.store.cache_writer_mib,
            cache_mb_reader: self.store.cache_reader_mib,
            readers: self.store.readers,
            list_readers: self.store.list_readers,
            lists_waiting_max: self.store.lists_waiting_max,
            migrate: self.store.migrate_at_start,
            ..SqliteConfig::default()
        }
    }

    /// The settings of a database on a server.
    pub(crate) fn postgres(&self, url: &str) -> PostgresConfig {
        let store = &self.store;
        PostgresConfig {
            lanes: store.lanes,
            readers: store.connections,
            list_readers: store.list_readers,
            lists_waiting_max: store.lists_waiting_max,
            connect_wait_max: Duration::from_millis(store.connect_timeout_ms),
            statement_wait_max: Duration::from_millis(store.statement_timeout_ms),
            lock_wait_max: Duration::from_millis(store.lock_timeout_ms),
            commit_wait_max: Duration::from_millis(store.commit_timeout_ms),
            node_lease: Duration::from_secs(store.node_lease_s),
            migrate: store.migrate_at_start,
            ..PostgresConfig::new(url)
        }
    }

    fn app(&self) -> AppConfig {
        AppConfig {
            queue_commands_max: self.limits.queue_commands_max,
            batch_commands_max: self.limits.batch_commands_max,
            refund_window: Span::from_days(i64::from(self.payments.refund_window_days)),
            hold_for: Span::from_mins(i64::from(self.catalogue.hold_minutes)),
            day_offset: Span::from_mins(i64::from(self.catalogue.utc_offset_minutes)),
            late_refund: Span::from_days(i64::from(self.catalogue.late_refund_days)),
            payer_code_deadline: Span::from_secs(i64::from(self.payments.payer_code_deadline_s)),
            waiting_calls_max: self.limits.waiting_calls_max,
            waiting_calls_per_partner_max: self.limits.waiting_calls_per_partner_max,
            sign_in_permits: self.limits.sign_in_parallel_max,
            sign_in_waiting_max: self.limits.sign_in_waiting_max,
            rate_per_partner: self.rate_per_partner(),
            rate_sign_in: self.rate_sign_in(),
            rate_sign_in_failures: self.rate_sign_in_failures(),
            ..AppConfig::default()
        }
    }

    fn worker(&self) -> WorkerConfig {
        WorkerConfig {
            in_flight_max: self.delivery.in_flight_max,
            in_flight_per_partner_max: self.delivery.per_partner_max,
            per_endpoint_max: self.delivery.per_endpoint_max,
            delivery_timeout: Duration::from_millis(self.delivery.timeout_ms),
            lease_for: Duration::from_secs(u64::from(self.delivery.lease_s)),
        }
    }

    /// What one partner may call; `None` for no limit.
    pub(super) fn rate_per_partner(&self) -> Option<Rate> {
        let count = self.limits.rate_per_partner_per_second;
        let rate = Rate { count, per: Span::from_secs(1), burst: self.limits.rate_per_partner_burst };
        (count > 0).then_some(rate)
    }

    /// How often one login may be tried.
    pub(super) fn rate_sign_in(&self) -> Rate {
        let limits = &self.limits;
        Rate { count: limits.sign_in_per_minute, per: Span::from_mins(1), burst: limits.sign_in_burst }
    }

    /// How many sign-ins may fail.
    pub(super) fn rate_sign_in_failures(&self) -> Rate {
        let (count, burst) = (self.limits.sign_in_failures_per_minute, self.limits.sign_in_failures_burst);
        Rate { count, per: Span::from_mins(1), burst }
    }
}
