//! `/ops/v1/partners/{partner}/events`: what a partner is told, in order.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{self, Params};
use super::{Answer, Ops, wire};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Params(params): Params<ListParams>,
) -> Answer<Json<Value>> {
    let limit = extract::limit(params.limit)?;
    let partner = ops.partner_id(&partner).await?;
    let events = ops.app.store().list_events(partner, params.after, limit).await?;
    let next = wire::next(&events, limit, |event| event.number.to_string());
    Ok(Json(json!({ "events": events.iter().map(wire::event).collect::<Vec<_>>(), "next": next })))
}
