//! `/ops/v1/retention`: what is old and settled, page by page, and making it go.
//!
//! The caller looks at a page, keeps what is in it somewhere if it wants to, and has the same page
//! forgotten. The page's mark tells whether it is still the same.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::{Command, Timestamp};
use tradewind_store::retention::{Page, Place, Windows, page};

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
    let place: Option<Place> = match &asked.after {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| OpsError::invalid("after: `next` of the page before"))?),
    };
    Ok(page(ops.app.store().as_ref(), windows, place, extract::limit(asked.limit)?).await?)
}
