//! What the types of the configuration cannot say: ranges, and keys that must fit each other.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::Config;
use super::layers::{Origins, Problem};

/// Everything that is wrong with `config`; empty when it can be used.
pub(crate) fn check(config: &Config, origins: &Origins) -> Vec<Problem> {
    let mut checks = Checks { origins, problems: Vec::new() };
    checks.ranges(config);
    checks.addresses(config);
    checks.tls(config);
    checks.together(config);
    checks.names(config);
    checks.problems
}

struct Checks<'a> {
    origins: &'a Origins,
    problems: Vec<Problem>,
}

impl Checks<'_> {
    fn ranges(&mut self, config: &Config) {
        let (limits, delivery, payments) = (&config.limits, &config.delivery, &config.payments);
        self.range("threads", config.threads, 1..=256);
        self.range("store.cache_writer_mib", config.store.cache_writer_mib, 1..=65_536);
        self.range("store.cache_reader_mib", config.store.cache_reader_mib, 1..=65_536);
        let store = &config.store;
        self.range("store.readers", store.readers, 1..=64);
        self.range("store.list_readers", store.list_readers, 1..=64);
        self.range("store.lists_waiting_max", store.lists_waiting_max, 1..=10_000);
        self.range("store.lanes", store.lanes, 1..=64);
        self.range("store.connections", store.connections, 1..=1000);
        self.range("store.connect_timeout_ms", store.connect_timeout_ms, 100..=60_000);
        self.range("store.statement_timeout_ms", store.statement_timeout_ms, 100..=600_000);
        self.range("store.lock_timeout_ms", store.lock_timeout_ms, 10..=60_000);
        self.range("store.commit_timeout_ms", store.commit_timeout_ms, 1000..=600_000);
        self.range("store.node_lease_s", store.node_lease_s, 5..=600);
        self.range("limits.body_bytes_max", limits.body_bytes_max, 1024..=16 * 1024 * 1024);
        self.range("limits.bodies_bytes_max", limits.bodies_bytes_max, 1024..=usize::MAX);
        self.range("limits.requests_in_flight_max", limits.requests_in_flight_max, 1..=1_000_000);
        self.range("limits.waiting_calls_max", limits.waiting_calls_max, 1..=1_000_000);
        let waiting_per_partner = limits.waiting_calls_per_partner_max;
        self.range("limits.waiting_calls_per_partner_max", waiting_per_partner, 1..=1_000_000);
        self.range("limits.connections_max", limits.connections_max, 1..=1_000_000);
        self.range("limits.header_timeout_ms", limits.header_timeout_ms, 1000..=600_000);
        self.range("limits.body_timeout_ms", limits.body_timeout_ms, 1000..=600_000);
        self.range("limits.write_timeout_ms", limits.write_timeout_ms, 1000..=600_000);
        self.range("limits.stop_timeout_ms", limits.stop_timeout_ms, 0..=600_000);
        self.range("limits.queue_commands_max", limits.queue_commands_max, 1..=1_000_000);
        self.range("limits.batch_commands_max", limits.batch_commands_max, 1..=10_000);
        self.range("limits.rate_per_partner_per_second", limits.rate_per_partner_per_second, 0..=1_000_000);
        self.range("limits.rate_per_partner_burst", limits.rate_per_partner_burst, 1..=1_000_000);
        self.range("limits.sign_in_per_minute", limits.sign_in_per_minute, 1..=1_000_000);
        self.range("limits.sign_in_burst", limits.sign_in_burst, 1..=1_000_000);
        let failures = limits.sign_in_failures_per_minute;
        self.range("limits.sign_in_failures_per_minute", failures, 1..=1_000_000);
        self.range("limits.sign_in_failures_burst", limits.sign_in_failures_burst, 1..=1_000_000);
        self.range("limits.sign_in_parallel_max", limits.sign_in_parallel_max, 1..=256);
        self.range("limits.sign_in_waiting_max", limits.sign_in_waiting_max, 0..=100_000);
        self.range("delivery.in_flight_max", delivery.in_flight_max, 1..=100_000);
        self.range("delivery.per_partner_max", delivery.per_partner_max, 1..=100_000);
        self.range("delivery.per_endpoint_max", delivery.per_endpoint_max, 1..=100_000);
        self.range("delivery.timeout_ms", delivery.timeout_ms, 100..=60_000);
        self.range("delivery.lease_s", delivery.lease_s, 2..=3600);
        self.range("payments.payer_code_deadline_s", payments.payer_code_deadline_s, 10..=600);
        self.range("payments.refund_window_days", payments.refund_window_days, 1..=3650);
        let catalogue = &config.catalogue;
        self.range("catalogue.hold_minutes", catalogue.hold_minutes, 1..=10_080);
        self.range("catalogue.utc_offset_minutes", catalogue.utc_offset_minutes, -720..=840);
        self.range("catalogue.late_refund_days", catalogue.late_refund_days, 0..=3650);
        let age = config.dialects.signature_age_max_s;
        self.range("dialects.signature_age_max_s", age, 0..=86_400);
    }

    fn addresses(&mut self, config: &Config) {
        if config.listen.port() != 0 && config.listen == config.ops.listen {
            self.problem("ops.listen", format!("{} is taken by `listen`", config.listen));
        }
        if let Some(url) = &config.public_url {
            let plain = tradewind_egress::parse_url(url).map_err(|error| error.to_string()).and_then(|uri| {
                let bare = uri.query().is_none() && !url.ends_with('/') && !url.contains('#');
                bare.then_some(())
                    .ok_or_else(|| "must have no `/` at its end, no query and no `#`".to_owned())
            });
            if let Err(message) = plain {
                self.problem("public_url", format!("{url:?}: {message}"));
            }
        }
    }

    fn tls(&mut self, config: &Config) {
        let missing = match (&config.tls.cert, &config.tls.key) {
            (Some(_), None) => "key",
            (None, Some(_)) => "cert",
            (Some(_), Some(_)) | (None, None) => return,
        };
        self.problem(&format!("tls.{missing}"), "`tls.cert` and `tls.key` are needed together".to_owned());
    }

    fn together(&mut self, config: &Config) {
        let (limits, delivery) = (&config.limits, &config.delivery);
        self.at_most(
            ("limits.batch_commands_max", limits.batch_commands_max),
            ("limits.queue_commands_max", limits.queue_commands_max),
        );
        self.at_most(
            ("limits.body_bytes_max", limits.body_bytes_max),
            ("limits.bodies_bytes_max", limits.bodies_bytes_max),
        );
        self.at_most(
            ("limits.waiting_calls_max", limits.waiting_calls_max),
            ("limits.requests_in_flight_max", limits.requests_in_flight_max),
        );
        self.at_most(
            ("limits.waiting_calls_per_partner_max", limits.waiting_calls_per_partner_max),
            ("limits.waiting_calls_max", limits.waiting_calls_max),
        );
        self.at_most(
            ("delivery.per_partner_max", delivery.per_partner_max),
            ("delivery.in_flight_max", delivery.in_flight_max),
        );
        self.at_most(
            ("delivery.per_endpoint_max", delivery.per_endpoint_max),
            ("delivery.per_partner_max", delivery.per_partner_max),
        );
        if u64::from(delivery.lease_s) * 1000 <= delivery.timeout_ms {
            let message = format!(
                "{} s are not longer than `delivery.timeout_ms`, which is {}",
                delivery.lease_s, delivery.timeout_ms
            );
            self.problem("delivery.lease_s", message);
        }
        if config.sandbox.clock.is_some() && !config.sandbox.enabled {
            let message = "only a sandbox has a clock that can be set (`sandbox.enabled`, `--sandbox`)";
            self.problem("sandbox.clock", message.to_owned());
        }
    }

    fn names(&mut self, config: &Config) {
        if let Err(error) = crate::logging::filter(&config.log.level) {
            self.problem("log.level", format!("{:?}: {error}", config.log.level));
        }
    }

    fn range<T: PartialOrd + Display>(&mut self, key: &str, value: T, range: RangeInclusive<T>) {
        if !range.contains(&value) {
            self.problem(key, format!("{value} is not between {} and {}", range.start(), range.end()));
        }
    }

    fn at_most(&mut self, (key, value): (&str, usize), (other, most): (&str, usize)) {
        if value > most {
            self.problem(key, format!("{value} is more than `{other}`, which is {most}"));
        }
    }

    fn problem(&mut self, key: &str, message: String) {
        self.problems.push(Problem { key: key.to_owned(), origin: self.origins.of(key), message });
    }
}
