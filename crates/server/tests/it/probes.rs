//! Health, readiness and metrics.

use http::Method;
use serde_json::Value;
use tradewind_server::{METRICS, ServerConfig};

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
    let response = get(&gateway.url("/metrics")).await;
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
async fn metrics_can_be_switched_off() {
    let gateway = Gateway::with(ServerConfig { metrics: false, ..config() }).await;
    assert_eq!(get(&gateway.url("/metrics")).await.status, 404);
    gateway.stop().await;
}
