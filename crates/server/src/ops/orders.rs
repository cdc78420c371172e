//! `/ops/v1/orders`: the whole story of an order, and decisions on revocations.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_store::Story;

use super::extract::{Body, Nothing, Params};
use super::{Answer, Ops, wire};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderParams {
    /// Whose order it is; without it all partners are looked through.
    partner: Option<String>,
}

pub(super) async fn show(
    State(ops): State<Ops>,
    Path(order): Path<String>,
    Params(params): Params<OrderParams>,
) -> Answer<Json<Value>> {
    let story = find(&ops, &order, &params).await?;
    let list = |rows: Vec<Value>| Value::Array(rows);
    Ok(Json(json!({
        "order": order_shown(&ops, &story),
        "payments": list(story.payments.iter().map(wire::payment).collect()),
        "refunds": list(story.refunds.iter().map(wire::refund).collect()),
        "transfers": list(story.transfers.iter().map(wire::transfer).collect()),
        "events": list(story.events.iter().map(wire::event).collect()),
        "tasks": list(story.tasks.iter().map(wire::task).collect()),
    })))
}

pub(super) async fn approve(
    State(ops): State<Ops>,
    Path(order): Path<String>,
    Params(params): Params<OrderParams>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    review(&ops, &order, &params, true).await
}

pub(super) async fn reject(
    State(ops): State<Ops>,
    Path(order): Path<String>,
    Params(params): Params<OrderParams>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    review(&ops, &order, &params, false).await
}

async fn review(ops: &Ops, order: &str, params: &OrderParams, approve: bool) -> Answer<Json<Value>> {
    let mut story = find(ops, order, params).await?;
    story.order = ops.app.review_revocation(story.order.partner, story.order.id, approve).await?;
    Ok(Json(json!({ "order": order_shown(ops, &story) })))
}

async fn find(ops: &Ops, order: &str, params: &OrderParams) -> Answer<Story> {
    let partner = match &params.partner {
        None => None,
        Some(partner) => Some(ops.partner_id(partner).await?),
    };
    let of_serial = |serial: &str| ops.dialects.order_of_serial(serial);
    Ok(ops.app.resolve_order(order, partner, &of_serial).await?)
}

fn order_shown(ops: &Ops, story: &Story) -> Value {
    let standing = story.order.standing(ops.app.clock().now(), ops.app.config().refund_window);
    wire::order(&story.order, ops.dialects.serial(&story.order), standing)
}
