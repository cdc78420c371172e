//! `/ops/v1/retention`: what is old and settled, page by page, and making it go.
//!
//! The caller looks at a page, keeps what is in it somewhere if it wants to, and has the same page
//! forgotten. The page's mark tells whether it is still the same.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::{Command, Forgetting, Timestamp};
use tradewind_store::retention::{Going, OrdersPage, Page, Place, Windows, orders_page, page};

use super::error::OpsError;
use super::extract::{self, Body};
use super::{Answer, Ops, wire};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    events_before_ms: Option<i64>,
    tasks_before_ms: Option<i64>,
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forget {
    events_before_ms: Option<i64>,
    tasks_before_ms: Option<i64>,
    after: Option<String>,
    limit: Option<u32>,
    mark: String,
}

pub(super) async fn show(State(ops): State<Ops>, Body(asked): Body<Asked>) -> Answer<Json<Value>> {
    let found = find(&ops, &asked).await?;
    Ok(Json(json!({
        "partner": found.partner.map(|partner| partner.to_string()),
        "events": found.events.iter().map(wire::event).collect::<Vec<_>>(),
        "tasks": found.tasks.iter().map(wire::task).collect::<Vec<_>>(),
        "held_by": found.held_by.as_ref().map(wire::task),
        "mark": found.mark(),
        "next": found.next.map(|place| place.to_string()),
    })))
}

pub(super) async fn forget(State(ops): State<Ops>, Body(forget): Body<Forget>) -> Answer<Json<Value>> {
    let Forget { events_before_ms, tasks_before_ms, after, limit, mark } = forget;
    let found = find(&ops, &Asked { events_before_ms, tasks_before_ms, after, limit }).await?;
    if found.mark() != mark {
        return Err(OpsError::changed("the page is not what it was; look at it again"));
    }
    let (events, tasks) = (found.events.len(), found.tasks.len());
    if let Some(forgetting) = found.forgetting {
        ops.app.submit_patiently(Command::Forget(Box::new(forgetting))).await?;
    }
    Ok(Json(json!({ "events": events, "tasks": tasks })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedOrders {
    before_ms: i64,
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgetOrders {
    before_ms: i64,
    after: Option<String>,
    limit: Option<u32>,
    mark: String,
}

pub(super) async fn show_orders(
    State(ops): State<Ops>,
    Body(asked): Body<AskedOrders>,
) -> Answer<Json<Value>> {
    let found = find_orders(&ops, &asked).await?;
    Ok(Json(json!({
        "partner": found.partner.map(|partner| partner.to_string()),
        "orders": found.going.iter().map(|going| going_shown(&ops, going)).collect::<Vec<_>>(),
        "kept": found.kept.iter().map(|(order, reason)| json!({
            "order": order.to_string(), "reason": reason.name(),
        })).collect::<Vec<_>>(),
        "mark": found.mark(),
        "next": found.next.map(|place| place.to_string()),
    })))
}

pub(super) async fn forget_orders(
    State(ops): State<Ops>,
    Body(forget): Body<ForgetOrders>,
) -> Answer<Json<Value>> {
    let ForgetOrders { before_ms, after, limit, mark } = forget;
    let found = find_orders(&ops, &AskedOrders { before_ms, after, limit }).await?;
    if found.mark() != mark {
        return Err(OpsError::changed("the page is not what it was; look at it again"));
    }
    let orders = found.going.len();
    if let Some(forgetting) = found.forgetting {
        ops.app.submit_patiently(Command::Forget(Box::new(forgetting))).await?;
    }
    Ok(Json(json!({ "orders": orders })))
}

async fn find_orders(ops: &Ops, asked: &AskedOrders) -> Answer<OrdersPage> {
    let now = ops.app.clock().now();
    let before = Timestamp::from_ms(asked.before_ms);
    if now - before < Forgetting::REST_MIN {
        return Err(OpsError::invalid("before_ms: orders go only after a day at rest"));
    }
    let rules = ops.app.config().rules();
    let (place, limit) = (place(asked.after.as_deref())?, extract::limit(asked.limit)?);
    Ok(orders_page(ops.app.store().as_ref(), before, (now, &rules), place, limit).await?)
}

/// Everything that goes with an order; also what is shown nowhere else, because it will be nowhere else.
fn going_shown(ops: &Ops, going: &Going) -> Value {
    let Going { order, payments, refunds, tasks } = going;
    let standing = order.standing(ops.app.clock().now(), ops.app.config().refund_window);
    let with = |mut shown: Value, more: Value| {
        if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
            shown.extend(more);
        }
        shown
    };
    let shown = wire::order(order, ops.dialects.serial(order), standing);
    json!({
        "order": with(shown, json!({ "fingerprint": order.fingerprint, "details": order.details })),
        "payments": payments.iter().map(|payment| {
            with(wire::payment(payment), json!({ "payer_code": payment.payer_code }))
        }).collect::<Vec<_>>(),
        "refunds": refunds.iter().map(|refund| {
            let more = json!({ "fingerprint": refund.fingerprint, "hold": refund.hold.to_string() });
            with(wire::refund(refund), more)
        }).collect::<Vec<_>>(),
        "tasks": tasks.iter().map(wire::task).collect::<Vec<_>>(),
    })
}

fn place(text: Option<&str>) -> Answer<Option<Place>> {
    let place =
        text.map(|text| text.parse().map_err(|_| OpsError::invalid("after: `next` of the page before")));
    place.transpose()
}

async fn find(ops: &Ops, asked: &Asked) -> Answer<Page> {
    let now = ops.app.clock().now();
    let instant = |name: &str, ms: Option<i64>| match ms.map(Timestamp::from_ms) {
        Some(before) if before > now => Err(OpsError::invalid(format!("{name}: lies in the future"))),
        before => Ok(before),
    };
    let windows = Windows {
        events_before: instant("events_before_ms", asked.events_before_ms)?,
        tasks_before: instant("tasks_before_ms", asked.tasks_before_ms)?,
    };
    let (place, limit) = (place(asked.after.as_deref())?, extract::limit(asked.limit)?);
    Ok(page(ops.app.store().as_ref(), windows, place, limit).await?)
}
