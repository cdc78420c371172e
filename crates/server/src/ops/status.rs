//! `/ops/v1/status`: how the gateway is, in one look.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Ops;

pub(super) async fn show(State(ops): State<Ops>) -> Json<Value> {
    let problem = ops.readiness.check().await.err();
    Json(json!({
        "ready": problem.is_none(),
        "problem": problem,
        "version": env!("CARGO_PKG_VERSION"),
        "node": ops.app.node().number(),
        "clock_ms": ops.app.clock().now().ms(),
        "node": ops.app.node().number(),
        "queue_commands": ops.app.queue_depth(),
        "tasks_in_flight": ops.worker.in_flight(),
    }))
}
