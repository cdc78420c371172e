//! `/ops/v1/orders`: the whole story of an order, and decisions on revocations.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::Line;
use tradewind_store::Story;

use super::extract::{Body, Nothing, Params};
use super::{Answer, Ops, gate, wire};

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
    let now = ops.app.clock().now();
    Ok(Json(json!({
        "order": order_shown(&ops, &story),
        "payments": list(story.payments.iter().map(wire::payment).collect()),
        "refunds": list(story.refunds.iter().map(wire::refund).collect()),
        "transfers": list(story.transfers.iter().map(wire::transfer).collect()),
        "events": list(story.events.iter().map(wire::event).collect()),
        "tasks": list(story.tasks.iter().map(wire::task).collect()),
        "line": story.order.line.as_deref().map(wire_line),
        "vouchers": list(story.vouchers.iter().map(|voucher| gate::voucher(voucher, now)).collect()),
        "redemptions": list(gate::redemptions(&ops, &story.redemptions).await?),
        "link": story.order.line.as_ref().map(|_| ops.ticket_link(&story.order)),
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

pub(super) async fn resend(
    State(ops): State<Ops>,
    Path(order): Path<String>,
    Params(params): Params<OrderParams>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    let mut story = find(&ops, &order, &params).await?;
    story.order = ops.app.resend(&story.order).await?;
    Ok(Json(json!({ "order": order_shown(&ops, &story) })))
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

/// What the order buys. Who travels is nobody's business here but for the number.
fn wire_line(line: &Line) -> Value {
    json!({
        "seller": line.seller.to_string(),
        "product": line.product.to_string(),
        "sku": line.sku.to_string(),
        "name": line.name,
        "day": line.day.map(|day| day.to_string()),
        "quantity": line.quantity,
        "used": line.used,
        "refunded": line.refunded,
        "locked": line.locked,
        "usable": line.usable(),
        "sell": wire::decimal(line.sell),
        "cost": wire::decimal(line.cost),
        "valid_from_ms": line.valid_from.map(|at| at.ms()),
        "valid_until_ms": line.valid_until.map(|at| at.ms()),
        "travellers": line.travellers.len(),
        "send_codes": line.send_codes,
        "resent": line.resent,
    })
}

fn order_shown(ops: &Ops, story: &Story) -> Value {
    let standing = story.order.standing(ops.app.clock().now(), ops.app.config().refund_window);
    wire::order(&story.order, ops.dialects.serial(&story.order), standing)
}
