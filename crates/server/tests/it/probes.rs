//! Health, readiness and metrics.

use http::Method;
use serde_json::Value;
use tradewind_server::{METRICS, MetricsAt, ServerConfig};

use crate::client::{content_type, get, send, text};
use crate::gateway::{Gateway, config};

#[tokio::test]
async fn a_gateway_that_runs_is_alive_and_ready() {
    let gateway = Gateway::start().await;
    for (path, expected) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let response = get(&gateway.url(path)).await;
        assert_eq!((response.status, text(&response).as_str()), (200, expected), "{path}");
    }
    let status = gateway.ops(Method::GET, "status", Value::Null).await;
    assert_eq!(status["ready"], true);
    assert_eq!(status["clock_ms"], crate::gateway::NOW.ms());
    assert_eq!((&status["queue_commands"], &status["tasks_in_flight"]), (&0.into(), &0.into()));
    gateway.stop().await;
}

#[tokio::test]
async fn metrics_are_those_of_the_list_and_count() {
    let gateway = Gateway::start().await;
    for _ in 0..3 {
        send(Method::POST, &gateway.url("/parrot/methods/a"), &[], "").await;
    }
    let response = get(&format!("http://{}/metrics", gateway.running.ops)).await;
    assert_eq!(content_type(&response), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let metrics = text(&response);
    let told: Vec<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let listed: Vec<&str> =
        METRICS.iter().map(|metric| metric.name.strip_suffix("_total").unwrap_or(metric.name)).collect();
    assert_eq!(told, listed);
    for line in [
        "tradewind_requests_total{dialect=\"parrot\",operation=\"methods\",result=\"ok\"} 3",
        "tradewind_request_seconds_count{dialect=\"parrot\",operation=\"methods\"} 3",
        "tradewind_request_seconds_bucket{le=\"+Inf\",dialect=\"parrot\",operation=\"methods\"} 3",
        "tradewind_requests_in_flight 0",
        "tradewind_panics_total 0",
        "tradewind_deliveries_total{result=\"ok\"} 0",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line}: {metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    gateway.stop().await;
}

#[tokio::test]
async fn metrics_are_where_they_are_said_to_be() {
    let check = async |metrics: MetricsAt, main: u16, ops: u16| {
        let gateway = Gateway::with(ServerConfig { metrics, ..config() }).await;
        let ops_url = format!("http://{}/metrics", gateway.running.ops);
        assert_eq!(get(&gateway.url("/metrics")).await.status, main, "{metrics:?}");
        assert_eq!(get(&ops_url).await.status, ops, "{metrics:?}");
        // The token guards all else, this path included when it is not asked for metrics.
        assert_eq!(send(Method::POST, &ops_url, &[], "").await.status, 401, "{metrics:?}");
        assert_eq!(get(&format!("{ops_url}/more")).await.status, 401, "{metrics:?}");
        gateway.stop().await;
    };
    check(MetricsAt::Main, 200, 401).await;
    check(MetricsAt::Ops, 404, 200).await;
    check(MetricsAt::Off, 404, 401).await;
    assert_eq!(ServerConfig::default().metrics, MetricsAt::Ops);
}
