//! `/ops/v1/tasks`: due work, and what a person can do about it.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::{PartnerId, Refusal, TaskCommand, TaskState};
use tradewind_store::{TaskFilter, TaskPlace, finding};

use super::error::OpsError;
use super::extract::{self, Body, Params};
use super::{Answer, Ops, wire};

const KINDS: [&str; 6] =
    ["deliver", "follow_payment", "follow_refund", "lapse_order", "approve_refund", "send_codes"];
const REASON_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    state: Option<String>,
    kind: Option<String>,
    partner: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(State(ops): State<Ops>, Params(params): Params<ListParams>) -> Answer<Json<Value>> {
    let partner = partner_id(&ops, params.partner.as_deref()).await?;
    let filter = TaskFilter {
        partner,
        state: params.state.as_deref().map(state).transpose()?,
        kind: params.kind.map(kind).transpose()?,
        after: match params.after.as_deref() {
            None => None,
            Some(after) => Some(place(&ops, partner, after).await?),
        },
        limit: extract::limit(params.limit)?,
    };
    let page = ops.app.store().list_tasks(filter).await?;
    let next = page.next.map(|next| next.to_string());
    Ok(Json(json!({ "tasks": page.tasks.iter().map(wire::task).collect::<Vec<_>>(), "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryAll {
    state: String,
    kind: Option<String>,
    partner: Option<String>,
}

pub(super) async fn retry_all(State(ops): State<Ops>, Body(retry): Body<RetryAll>) -> Answer<Json<Value>> {
    let state = state(&retry.state)?;
    if !matches!(state, TaskState::Failed | TaskState::Cancelled) {
        return Err(OpsError::invalid("state: only failed and cancelled tasks can be run again together"));
    }
    let filter = TaskFilter {
        partner: partner_id(&ops, retry.partner.as_deref()).await?,
        state: Some(state),
        kind: retry.kind.map(kind).transpose()?,
        ..TaskFilter::default()
    };
    let retried = ops.app.retry_tasks(filter).await?;
    Ok(Json(json!({ "retried": retried })))
}

/// Why a person does what it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    reason: Option<String>,
}

pub(super) async fn retry(
    State(ops): State<Ops>,
    Path((partner, task)): Path<(String, String)>,
    Body(why): Body<Why>,
) -> Answer<Json<Value>> {
    command(&ops, &partner, &task, TaskCommand::Retry, why).await
}

pub(super) async fn cancel(
    State(ops): State<Ops>,
    Path((partner, task)): Path<(String, String)>,
    Body(why): Body<Why>,
) -> Answer<Json<Value>> {
    command(&ops, &partner, &task, TaskCommand::Cancel, why).await
}

pub(super) async fn settle(
    State(ops): State<Ops>,
    Path((partner, task)): Path<(String, String)>,
    Body(why): Body<Why>,
) -> Answer<Json<Value>> {
    command(&ops, &partner, &task, TaskCommand::Settle, why).await
}

async fn command(
    ops: &Ops,
    partner: &str,
    task: &str,
    command: TaskCommand,
    why: Why,
) -> Answer<Json<Value>> {
    let reason = why.reason.filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| extract::text("reason", reason, REASON_CHARS_MAX)).transpose()?;
    let partner = ops.partner_id(partner).await?;
    let key = ops.app.find_task(partner, extract::id(task)?).await?;
    let task = ops.app.task(key, command, reason).await?;
    Ok(Json(wire::task(&task)))
}

async fn partner_id(ops: &Ops, partner: Option<&str>) -> Answer<Option<PartnerId>> {
    match partner {
        None => Ok(None),
        Some(partner) => ops.partner_id(partner).await.map(Some),
    }
}

fn state(name: &str) -> Answer<TaskState> {
    let known = || TaskState::ALL.map(TaskState::name).join(", ");
    TaskState::from_name(name).ok_or_else(|| OpsError::invalid(format!("state: one of {}", known())))
}

fn kind(name: String) -> Answer<String> {
    if KINDS.contains(&name.as_str()) {
        Ok(name)
    } else {
        Err(OpsError::invalid(format!("kind: one of {}", KINDS.join(", "))))
    }
}

/// The place after which a page begins: `next` of the page before, or a task's id where the partner is
/// named anyway.
async fn place(ops: &Ops, partner: Option<PartnerId>, text: &str) -> Answer<TaskPlace> {
    if let Ok(place) = text.parse() {
        return Ok(place);
    }
    let (Some(partner), Ok(id)) = (partner, extract::id(text)) else {
        return Err(OpsError::invalid("after: `next` of the page before, or a task's id and a partner"));
    };
    let found = finding::task(ops.app.store().as_ref(), partner, id).await?;
    found.as_ref().map(TaskPlace::of).ok_or(Refusal::NotFound { what: "task" }.into())
}

#[cfg(test)]
mod tests {
    use super::{kind, state};

    #[test]
    fn filters_are_known_words() {
        assert!(state("failed").is_ok() && kind("deliver".into()).is_ok());
        assert!(state("broken").is_err() && kind("send".into()).is_err());
    }
}
