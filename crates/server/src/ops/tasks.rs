//! `/ops/v1/tasks`: due work, and what a person can do about it.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::{PartnerId, TaskCommand, TaskId, TaskState};
use tradewind_store::TaskFilter;

use super::error::OpsError;
use super::extract::{self, Body, Nothing, Params};
use super::{Answer, Ops, wire};

const KINDS: [&str; 3] = ["deliver", "follow_payment", "follow_refund"];

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
        after: params.after.as_deref().map(|after| place(after, partner)).transpose()?,
        limit: extract::limit(params.limit)?,
    };
    let limit = filter.limit;
    let tasks = ops.app.store().list_tasks(filter).await?;
    let next = wire::next(&tasks, limit, |task| format!("{}:{}", task.key.partner, task.key.id));
    Ok(Json(json!({ "tasks": tasks.iter().map(wire::task).collect::<Vec<_>>(), "next": next })))
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

pub(super) async fn retry(
    State(ops): State<Ops>,
    Path((partner, task)): Path<(String, String)>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    command(&ops, &partner, &task, TaskCommand::Retry).await
}

pub(super) async fn cancel(
    State(ops): State<Ops>,
    Path((partner, task)): Path<(String, String)>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    command(&ops, &partner, &task, TaskCommand::Cancel).await
}

async fn command(ops: &Ops, partner: &str, task: &str, command: TaskCommand) -> Answer<Json<Value>> {
    let partner = ops.partner_id(partner).await?;
    let key = ops.app.find_task(partner, extract::id(task)?).await?;
    let task = ops.app.task(key, command).await?;
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

/// The place after which a page begins: `next` of the page before (`par_..:tsk_..`), or a task's id
/// where the partner is named anyway.
fn place(text: &str, partner: Option<PartnerId>) -> Answer<(PartnerId, TaskId)> {
    match (text.split_once(':'), partner) {
        (Some((partner, task)), _) => Ok((extract::id(partner)?, extract::id(task)?)),
        (None, Some(partner)) => Ok((partner, extract::id(text)?)),
        (None, None) => Err(OpsError::invalid("after: `next` of the page before, or name a partner")),
    }
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{PartnerId, TaskId};

    use super::{kind, place, state};

    #[test]
    fn places_name_partner_and_task() {
        let (seven, eight) = (PartnerId::from_i64(7), TaskId::from_i64(8));
        let check = |text: &str, partner, expected: Option<(PartnerId, TaskId)>| {
            assert_eq!(place(text, partner).ok(), expected, "{text} {partner:?}");
        };
        check("par_7:tsk_8", None, Some((seven, eight)));
        check("tsk_8", Some(seven), Some((seven, eight)));
        check("tsk_8", None, None);
        check("par_7", Some(seven), None);
        check("tsk_8:par_7", None, None);
        check("", Some(seven), None);
    }

    #[test]
    fn filters_are_known_words() {
        assert!(state("failed").is_ok() && kind("deliver".into()).is_ok());
        assert!(state("broken").is_err() && kind("send".into()).is_err());
    }
}
