//! `/ops/v1/refunds`: applications for refunds that wait for somebody's decision.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_app::Verdict;
use tradewind_domain::{Order, PartnerId, RefundId};

use super::error::OpsError;
use super::extract::{self, Body, Params};
use super::{Answer, Ops, wire};

const REASON_CHARS_MAX: usize = 200;
/// Who decides: whoever holds the operators' token.
const REVIEWER: &str = "operator";
const APPROVED: &str = "approved";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(State(ops): State<Ops>, Params(params): Params<ListParams>) -> Answer<Json<Value>> {
    let limit = extract::limit(params.limit)?;
    let after = params.after.as_deref().map(place).transpose()?;
    let waiting = ops.app.store().list_refunds_under_review(after, limit).await?;
    let next = wire::next(&waiting, limit, |(refund, order)| format!("{}:{}", order.partner, refund.id));
    let refunds: Vec<Value> = waiting
        .iter()
        .map(|(refund, order)| json!({ "refund": wire::refund(refund), "order": shown(&ops, order) }))
        .collect();
    Ok(Json(json!({ "refunds": refunds, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    partner: String,
    order: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    reason: Option<String>,
}

impl Why {
    /// A reason; an empty one is none.
    fn given(self) -> Option<String> {
        self.reason.filter(|reason| !reason.is_empty())
    }
}

pub(super) async fn approve(
    State(ops): State<Ops>,
    Path(refund): Path<String>,
    Params(which): Params<Which>,
    Body(why): Body<Why>,
) -> Answer<Json<Value>> {
    review(&ops, &refund, &which, true, why.given().unwrap_or_else(|| APPROVED.into())).await
}

pub(super) async fn reject(
    State(ops): State<Ops>,
    Path(refund): Path<String>,
    Params(which): Params<Which>,
    Body(why): Body<Why>,
) -> Answer<Json<Value>> {
    // The partner is told why, so there has to be something to tell.
    let reason =
        why.given().ok_or_else(|| OpsError::invalid("reason: needed, because the partner is told"))?;
    review(&ops, &refund, &which, false, reason).await
}

async fn review(
    ops: &Ops,
    refund: &str,
    which: &Which,
    approve: bool,
    reason: String,
) -> Answer<Json<Value>> {
    let partner = ops.partner_id(&which.partner).await?;
    let reason = extract::text("reason", reason, REASON_CHARS_MAX)?;
    let verdict = Verdict { approve, reason, reviewer: REVIEWER.into() };
    let (order, refund) = (extract::id(&which.order)?, extract::id(refund)?);
    let (purchase, refund) = ops.app.review_refund(partner, order, refund, verdict).await?;
    Ok(Json(json!({ "order": shown(ops, &purchase.order), "refund": wire::refund(&refund) })))
}

fn shown(ops: &Ops, order: &Order) -> Value {
    let standing = order.standing(ops.app.clock().now(), ops.app.config().refund_window);
    wire::order(order, ops.dialects.serial(order), standing)
}

/// `next` of the page before: `par_..:ref_..`.
fn place(text: &str) -> Answer<(PartnerId, RefundId)> {
    let (partner, refund) =
        text.split_once(':').ok_or_else(|| OpsError::invalid("after: `next` of the page before"))?;
    Ok((extract::id(partner)?, extract::id(refund)?))
}
