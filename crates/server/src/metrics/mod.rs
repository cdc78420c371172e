//! What the process tells a Prometheus server.
//!
//! Nothing is counted twice: the application and the worker count for themselves, requests are counted
//! in plain atomics, and all of it is read when somebody asks. [`METRICS`] is the one list of names;
//! `docs/metrics.md` is compared with it.

mod histogram;
mod process;
mod traffic;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tradewind_app::App;
use tradewind_worker::Worker;

use crate::http1::Connections;

pub(crate) use traffic::{CallResult, OperationStats, Place, Totals, Traffic};

/// One metric as a Prometheus server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDoc {
    /// Its name, `_total` of counters included.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels, separated by commas; empty for none.
    pub labels: &'static str,
    /// What it says, with its unit.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($id:ident $kind:literal $name:literal $labels:literal $help:literal;)*) => {
        $(const $id: MetricDoc = MetricDoc { name: $name, kind: $kind, labels: $labels, help: $help };)*

        /// All metrics, in the order in which they are told.
        pub const METRICS: &[MetricDoc] = &[$($id),*];
    };
}

metrics! {
    REQUESTS "counter" "tradewind_requests_total" "dialect,operation,result"
        "Requests of partners answered, by how they ended";
    REQUEST_SECONDS "histogram" "tradewind_request_seconds" "dialect,operation"
        "Time from the head of a partner's request to its answer, in seconds";
    IN_FLIGHT "gauge" "tradewind_requests_in_flight" ""
        "Requests of partners and payers in work";
    WAITING "gauge" "tradewind_waiting_calls" ""
        "Calls of partners that wait for a payer, among those in work";
    PANICS "counter" "tradewind_panics_total" ""
        "Requests that ended in a panic; each is a fault of the gateway";
    CONNECTIONS "gauge" "tradewind_connections" ""
        "Connections open on the main listener";
    QUEUE "gauge" "tradewind_queue_commands" ""
        "Commands that wait to be decided";
    COMMANDS "counter" "tradewind_commands_total" ""
        "Commands decided; by tradewind_batches_total it is the mean size of a batch";
    REFUSALS "counter" "tradewind_commands_refused_total" ""
        "Commands refused, among those decided";
    BATCHES "counter" "tradewind_batches_total" ""
        "Batches committed, each with one sync";
    COMMIT_SECONDS "counter" "tradewind_commit_seconds_total" ""
        "Time spent in commits, in seconds";
    COMMIT_FAILURES "counter" "tradewind_commit_failures_total" ""
        "Commits that failed";
    TASKS "gauge" "tradewind_tasks_in_flight" ""
        "Tasks of the outgoing work that are under way";
    DELIVERIES "counter" "tradewind_deliveries_total" "result"
        "Attempts to tell a partner something, by whether they were acknowledged (ok, failed)";
    CHANNEL_CALLS "counter" "tradewind_channel_calls_total" ""
        "Calls to payment channels";
    MEMORY "gauge" "process_resident_memory_bytes" ""
        "Memory of the process that is in RAM, in bytes";
}

/// Everything that is told, with where to look it up.
pub(crate) struct Sources {
    pub(crate) traffic: Traffic,
    pub(crate) connections: Connections,
    pub(crate) app: Arc<App>,
    pub(crate) worker: Arc<Worker>,
}

/// Renders all metrics as text.
pub(crate) struct Exporter(Registry);

impl Exporter {
    pub(crate) fn new(sources: Arc<Sources>) -> Exporter {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Sampler(sources)));
        Exporter(registry)
    }

    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

/// The `content-type` of the rendered text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct Sampler(Arc<Sources>);

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sampler")
    }
}

impl Collector for Sampler {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Sources { traffic, connections, app, worker } = self.0.as_ref();
        let mut out = Out(encoder);
        out.requests(traffic)?;
        out.request_seconds(traffic)?;
        out.gauge(IN_FLIGHT, traffic.totals().in_flight())?;
        out.gauge(WAITING, app.waiting_calls())?;
        out.counter(PANICS, traffic.totals().panics())?;
        out.gauge(CONNECTIONS, connections.open())?;
        out.gauge(QUEUE, app.queue_depth())?;
        let lanes = app.counters();
        out.counter(COMMANDS, lanes.commands())?;
        out.counter(REFUSALS, lanes.refusals())?;
        out.counter(BATCHES, lanes.batches())?;
        out.counter(COMMIT_SECONDS, lanes.commit_time().as_secs_f64())?;
        out.counter(COMMIT_FAILURES, lanes.commit_failures())?;
        out.gauge(TASKS, worker.in_flight())?;
        let outgoing = worker.counters();
        out.deliveries([("ok", outgoing.delivered()), ("failed", outgoing.not_delivered())])?;
        out.counter(CHANNEL_CALLS, outgoing.channel_calls())?;
        match process::resident_bytes() {
            Some(bytes) => out.gauge(MEMORY, bytes),
            None => Ok(()),
        }
    }
}

/// Writes metrics one after the other.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn counter<N>(&mut self, doc: MetricDoc, value: N) -> fmt::Result
    where
        ConstCounter<N>: EncodeMetric,
    {
        let encoder = self.0.encode_descriptor(base_name(doc), doc.help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(encoder)
    }

    fn gauge(&mut self, doc: MetricDoc, value: usize) -> fmt::Result {
        let encoder = self.0.encode_descriptor(base_name(doc), doc.help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)
    }

    fn deliveries(&mut self, counts: [(&'static str, u64); 2]) -> fmt::Result {
        let mut encoder =
            self.0.encode_descriptor(base_name(DELIVERIES), DELIVERIES.help, None, MetricType::Counter)?;
        for (result, count) in counts {
            ConstCounter::new(count).encode(encoder.encode_family(&[("result", result)])?)?;
        }
        Ok(())
    }

    fn requests(&mut self, traffic: &Traffic) -> fmt::Result {
        let mut encoder =
            self.0.encode_descriptor(base_name(REQUESTS), REQUESTS.help, None, MetricType::Counter)?;
        for stats in traffic.operations() {
            for (result, count) in stats.results() {
                let [dialect, operation] = labels(stats);
                let labels = [dialect, operation, ("result", result.label())];
                ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn request_seconds(&mut self, traffic: &Traffic) -> fmt::Result {
        let doc = REQUEST_SECONDS;
        let mut encoder = self.0.encode_descriptor(base_name(doc), doc.help, None, MetricType::Histogram)?;
        for stats in traffic.operations() {
            let histogram = stats.seconds();
            let (sum, count) = (histogram.sum_seconds(), histogram.count());
            if count == 0 {
                continue;
            }
            let labels = labels(stats);
            let mut encoder = encoder.encode_family(&labels)?;
            encoder.encode_histogram::<NoLabelSet>(sum, count, &histogram.buckets(), None)?;
        }
        Ok(())
    }
}

fn labels(stats: &OperationStats) -> [(&'static str, &'static str); 2] {
    [("dialect", stats.dialect), ("operation", stats.operation)]
}

/// The name without the suffix that the encoder adds to counters.
fn base_name(doc: MetricDoc) -> &'static str {
    doc.name.strip_suffix("_total").unwrap_or(doc.name)
}

#[cfg(test)]
mod tests {
    use super::{CallResult, METRICS};

    const DOCUMENT: &str = include_str!("../../../../docs/metrics.md");

    /// The rows of the document's tables: first that of the metrics, then that of the results.
    fn rows() -> (Vec<&'static str>, Vec<&'static str>) {
        let (metrics, results) = DOCUMENT.split_once("## Labels").unwrap();
        let rows = |part: &'static str| part.lines().filter(|line| line.starts_with("| `")).collect();
        (rows(metrics), rows(results))
    }

    #[test]
    fn the_document_lists_the_same_metrics() {
        let expected: Vec<String> = METRICS
            .iter()
            .map(|metric| {
                let labels = metric.labels.replace(',', ", ");
                format!("| `{}` | {} | {labels} | {} |", metric.name, metric.kind, metric.help)
                    .replace("|  |", "| |")
            })
            .collect();
        assert_eq!(rows().0, expected);
    }

    #[test]
    fn the_document_explains_every_result() {
        let documented: Vec<&str> = rows().1.iter().filter_map(|row| row.split('`').nth(1)).collect();
        let expected: Vec<&str> = CallResult::ALL.iter().map(|result| result.label()).collect();
        assert_eq!(documented, expected);
    }

    #[test]
    fn names_follow_the_conventions() {
        for metric in METRICS {
            assert_eq!(metric.kind == "counter", metric.name.ends_with("_total"), "{}", metric.name);
            assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", metric.name);
        }
    }
}
