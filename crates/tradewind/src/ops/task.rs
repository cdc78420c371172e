//! `task`: due work, and what became of it.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::answer::{instant, list, more, print, text};
use super::client::{Ops, Path};
use crate::cli::{Task, TaskName};
use crate::output::table;
use crate::when::Zone;

/// Runs a `task` command.
pub(crate) async fn task(ops: &Ops, json: bool, command: Task) -> anyhow::Result<ExitCode> {
    match command {
        Task::List { state, kind, partner, page, times } => {
            let path = Path::of(&["tasks"])
                .with("state", Some(state.name()))
                .with("kind", kind.map(|kind| kind.name()))
                .with("partner", partner)
                .page(&page);
            let answer = ops.get(&path).await?;
            Ok(print(json, &answer, |answer| show(answer, times.zone())))
        }
        Task::Retry { task: Some(task), partner, reason, .. } => {
            let name = TaskName { task, partner: partner.unwrap_or_default(), reason };
            command_task(ops, json, name, "retry", "starts anew").await
        }
        Task::Retry { task: None, kind, partner, .. } => {
            let mut filter = json!({ "state": "failed" });
            if let Some(kind) = kind {
                filter["kind"] = kind.name().into();
            }
            if let Some(partner) = partner {
                filter["partner"] = partner.into();
            }
            let answer = ops.post_long(&Path::of(&["tasks", "retry"]), &filter).await?;
            Ok(print(json, &answer, |answer| format!("{} tasks start anew", text(answer, "retried"))))
        }
        Task::Cancel(name) => command_task(ops, json, name, "cancel", "is called off").await,
        Task::Settle(name) => command_task(ops, json, name, "settle", "counts as done").await,
    }
}

async fn command_task(
    ops: &Ops,
    json: bool,
    name: TaskName,
    command: &str,
    done: &str,
) -> anyhow::Result<ExitCode> {
    let TaskName { task, partner, reason } = name;
    let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    let answer = ops.post(&Path::of(&["partners", &partner, "tasks", &task, command]), &body).await?;
    Ok(print(json, &answer, |_| format!("{task} {done}")))
}

/// The order that a task belongs to, or the voucher.
fn about(task: &Value) -> String {
    text(task, if task["order"].is_null() { "voucher" } else { "order" })
}

fn show(answer: &Value, zone: Zone) -> String {
    let tasks = list(answer, "tasks");
    let rows = tasks.iter().map(|task| {
        [
            text(task, "id"),
            text(task, "kind"),
            text(task, "state"),
            text(task, "attempts"),
            instant(task, "due_at_ms", zone),
            text(task, "partner"),
            about(task),
            text(task, "last_result"),
        ]
    });
    let head = ["task", "kind", "state", "attempts", "due", "partner", "about", "last result"];
    table(head, rows) + &more(answer)
}
