//! Decisions on deliveries and on what people do to tasks.

use super::Desk;
use crate::{Decided, DeliveryResult, Refusal, Task, TaskCommand, TaskKey, TaskKind, TaskState};

impl Desk<'_> {
    /// A result counts once, and only for the attempt that was due: one that was called off, run
    /// again or overtaken by another process meanwhile is left alone.
    pub(super) fn record_delivery(
        &mut self,
        key: TaskKey,
        attempt: u32,
        result: DeliveryResult,
    ) -> Result<Decided, Refusal> {
        let mut task = self.find_task(key)?;
        // What asks an outside party for an outcome ends with the outcome and in no other way.
        if !matches!(task.kind, TaskKind::Deliver { .. }) {
            return Err(Refusal::WrongState { problem: "the task delivers nothing" });
        }
        if task.state != TaskState::Pending || task.attempts + 1 != attempt {
            return Ok(Decided::Task(Box::new(task)));
        }
        match result {
            DeliveryResult::Postponed { until } => task.due_at = until,
            DeliveryResult::Acknowledged => {
                task.attempts = attempt;
                task.state = TaskState::Done;
                task.last_result = None;
            }
            DeliveryResult::Failed { reason, next } => {
                task.attempts = attempt;
                task.last_result = Some(reason);
                match next {
                    Some(due_at) => task.due_at = due_at,
                    None => task.state = TaskState::Failed,
                }
            }
        }
        self.changes.tasks_changed.push(task.clone());
        Ok(Decided::Task(Box::new(task)))
    }

    pub(super) fn command_task(&mut self, key: TaskKey, command: TaskCommand) -> Result<Decided, Refusal> {
        let mut task = self.find_task(key)?;
        match command {
            TaskCommand::Retry => {
                task.due_at = self.now;
                // A delivery starts its schedule anew. A question to a channel is only asked at once: its
                // attempts tell that the call has been made, which must not be forgotten.
                if matches!(task.kind, TaskKind::Deliver { .. }) {
                    task.state = TaskState::Pending;
                    task.started_at = self.now;
                    task.attempts = 0;
                }
            }
            TaskCommand::Cancel => {
                // What asks an outside party for an outcome must not stop before it knows.
                if !matches!(task.kind, TaskKind::Deliver { .. }) {
                    return Err(Refusal::WrongState { problem: "only deliveries can be called off" });
                }
                if task.state == TaskState::Done {
                    return Err(Refusal::WrongState { problem: "the task is done" });
                }
                task.state = TaskState::Cancelled;
            }
        }
        self.changes.tasks_changed.push(task.clone());
        Ok(Decided::Task(Box::new(task)))
    }

    fn find_task(&self, key: TaskKey) -> Result<Task, Refusal> {
        self.view.task(key).cloned().ok_or(Refusal::NotFound { what: "task" })
    }
}
