//! `/ops/v1/tickets`: looking at a code that somebody shows, and redeeming it.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_app::Ticket;
use tradewind_domain::{Need, RedeemCall, Redemption, Refusal, Timestamp, Voucher, VoucherCode};

use super::error::OpsError;
use super::extract::{self, Body};
use super::{Answer, Ops, wire};

const DEVICE_CHARS_MAX: usize = 64;

pub(super) async fn show(State(ops): State<Ops>, Path(code): Path<String>) -> Answer<Json<Value>> {
    let ticket = ops.app.ticket(read(&code)?).await?;
    Ok(Json(shown(&ops, &ticket).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redeeming {
    /// Who redeems; the seller unless somebody else is named.
    by: Option<String>,
    #[serde(default)]
    device: String,
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

pub(super) async fn redeem(
    State(ops): State<Ops>,
    Path(code): Path<String>,
    Body(redeeming): Body<Redeeming>,
) -> Answer<Json<Value>> {
    let code = read(&code)?;
    let Redeeming { by, device, count } = redeeming;
    let device = if device.is_empty() { device } else { extract::text("device", device, DEVICE_CHARS_MAX)? };
    let ticket = ops.app.ticket(code).await?;
    let by = match &by {
        Some(by) => ops.partner_id(by).await?,
        None => ticket.voucher.seller.unwrap_or(ticket.voucher.partner),
    };
    match ops.app.redeem(by, RedeemCall { code, device, count, confirm: true }).await {
        Ok((redeemed, redemption)) => {
            let now = ops.app.clock().now();
            let redemption = redemptions(&ops, &[redemption]).await?;
            Ok(Json(json!({ "voucher": voucher(&redeemed, now), "redemption": redemption[0] })))
        }
        // Whoever shows a code twice is told when it was used, and where.
        Err(refusal @ (Refusal::WrongState { .. } | Refusal::AlreadyRevoked)) => {
            let ticket = ops.app.ticket(code).await?;
            let told = json!({ "redemptions": redemptions(&ops, &ticket.redemptions).await? });
            let error = OpsError::from(refusal);
            let code = error.code;
            Err(error.with(code, told))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A code as people type it or a scanner reads it.
fn read(text: &str) -> Answer<VoucherCode> {
    text.parse().map_err(|error| OpsError::invalid(format!("the code {error}")))
}

async fn shown(ops: &Ops, ticket: &Ticket) -> Answer<Value> {
    let now = ops.app.clock().now();
    let standing = |order: &tradewind_domain::Order| order.standing(now, ops.app.config().refund_window);
    let order = ticket.order.as_ref();
    Ok(json!({
        "voucher": voucher(&ticket.voucher, now),
        "redemptions": redemptions(ops, &ticket.redemptions).await?,
        "order": order.map(|order| wire::order(order, ops.dialects.serial(order), standing(order))),
        "link": order.map(|order| ops.ticket_link(order)),
    }))
}

/// Vouchers as operators see them.
pub(super) fn voucher(voucher: &Voucher, now: Timestamp) -> Value {
    json!({
        "id": voucher.id.to_string(),
        "code": voucher.code.to_string(),
        "subject": voucher.subject,
        "partner": voucher.partner.to_string(),
        "order": voucher.order.map(|order| order.to_string()),
        "seller": voucher.seller.map(|seller| seller.to_string()),
        "ordered": voucher.ordered,
        "used": voucher.used,
        "refunded": voucher.refunded,
        "locked": voucher.locked,
        "usable": voucher.usable(now),
        "standing": voucher.standing(now).name(),
        "valid_from_ms": voucher.valid_from.map(|at| at.ms()),
        "valid_until_ms": voucher.valid_until.map(|at| at.ms()),
    })
}

/// Redemptions with the names of those who made them.
pub(super) async fn redemptions(ops: &Ops, redemptions: &[Redemption]) -> Answer<Vec<Value>> {
    let view = ops.app.view(redemptions.iter().map(|made| Need::Partner(made.by)).collect()).await?;
    let shown = redemptions.iter().map(|made| {
        json!({
            "id": made.id.to_string(),
            "voucher": made.voucher.to_string(),
            "at_ms": made.at().ms(),
            "by": made.by.to_string(),
            "by_name": view.partner(made.by).map(|partner| partner.name.clone()),
            "device": made.device,
            "count": made.count,
        })
    });
    Ok(shown.collect())
}
