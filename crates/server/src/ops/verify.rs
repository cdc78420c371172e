//! `/ops/v1/verify`: the proof that what is stored agrees with itself.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::extract::{Body, Nothing};
use super::{Answer, Ops};

pub(super) async fn run(State(ops): State<Ops>, Body(Nothing {}): Body<Nothing>) -> Answer<Json<Value>> {
    let verification = ops.app.store().verify().await?;
    let checked = verification.checked.into_iter().map(|(what, count)| (what.to_owned(), count.into()));
    Ok(Json(json!({
        "clean": verification.findings.is_empty(),
        "checked": checked.collect::<Map<String, Value>>(),
        "findings": verification.findings,
    })))
}
