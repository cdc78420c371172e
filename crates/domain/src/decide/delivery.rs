//! Decisions on deliveries and on what people do to tasks.

use super::Desk;
use crate::{
    About, Decided, DeliveryResult, Need, OrderRef, Refusal, Task, TaskCommand, TaskKey, TaskKind, TaskState,
    Timestamp,
};

/// A delivery that is run again leaves at the next look of its dialect, which its endpoint tells, or the
/// order or voucher that names the address.
pub(super) fn task_needs(key: TaskKey, command: TaskCommand) -> Vec<Need> {
    let mut needs = vec![Need::Task(key)];
    match command {
        TaskCommand::Retry => {
            needs.push(Need::Partner(key.partner));
            needs.extend(match key.about {
                About::Order(order) => Some(Need::Order(key.partner, order)),
                About::Voucher(voucher) => Some(Need::Voucher(key.partner, voucher)),
                About::Sku(_) => None,
            });
        }
        TaskCommand::Cancel | TaskCommand::Settle => {}
    }
    needs
}

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
        if !leaves(task.kind) {
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

    pub(super) fn command_task(
        &mut self,
        key: TaskKey,
        command: TaskCommand,
        reason: Option<String>,
    ) -> Result<Decided, Refusal> {
        let mut task = self.find_task(key)?;
        match command {
            TaskCommand::Retry => self.run_again(&mut task)?,
            TaskCommand::Cancel => {
                check_leaves(task.kind, "only deliveries can be called off")?;
                if task.state == TaskState::Done {
                    return Err(Refusal::WrongState { problem: "the task is done" });
                }
                task.state = TaskState::Cancelled;
            }
            TaskCommand::Settle => {
                check_leaves(task.kind, "only deliveries can be settled by hand")?;
                task.state = TaskState::Done;
            }
        }
        task.last_result = reason.or(task.last_result);
        self.changes.tasks_changed.push(task.clone());
        Ok(Decided::Task(Box::new(task)))
    }

    fn run_again(&self, task: &mut Task) -> Result<(), Refusal> {
        match task.kind {
            // A delivery starts its schedule anew.
            TaskKind::Deliver { .. } | TaskKind::SendCodes => {
                task.due_at = self.first_look_of(task);
                task.state = TaskState::Pending;
                task.started_at = self.now;
                task.attempts = 0;
            }
            // A question to a channel is only asked at once: its attempts tell that the call has been
            // made, which must not be forgotten.
            TaskKind::FollowPayment(_) | TaskKind::FollowRefund(_) => task.due_at = self.now,
            TaskKind::LapseOrder | TaskKind::ApproveRefund(_) => {
                if task.due_at > self.now {
                    return Err(Refusal::WrongState { problem: "the task waits for its time" });
                }
            }
        }
        Ok(())
    }

    fn first_look_of(&self, task: &Task) -> Timestamp {
        let TaskKey { partner, about, .. } = task.key;
        let dialect = match task.kind {
            TaskKind::Deliver { endpoint: Some(id), .. } => {
                let endpoint = self.view.endpoints(partner).iter().find(|endpoint| endpoint.id == id);
                endpoint.map(|endpoint| endpoint.dialect.as_str())
            }
            TaskKind::Deliver { endpoint: None, .. } => match about {
                About::Order(id) => {
                    self.view.order(partner, &OrderRef::Id(id)).map(|order| order.dialect.as_str())
                }
                About::Voucher(id) => self.view.voucher(partner, id).map(|voucher| voucher.dialect.as_str()),
                About::Sku(_) => None,
            },
            TaskKind::SendCodes
            | TaskKind::FollowPayment(_)
            | TaskKind::FollowRefund(_)
            | TaskKind::LapseOrder
            | TaskKind::ApproveRefund(_) => None,
        };
        dialect.map_or(self.now, |dialect| self.rules.first_look(dialect, self.now))
    }

    fn find_task(&self, key: TaskKey) -> Result<Task, Refusal> {
        self.view.task(key).cloned().ok_or(Refusal::NotFound { what: "task" })
    }
}

/// Whether a task tells somebody something. What asks an outside party for an outcome, or waits for its
/// time, must not stop before it knows.
fn leaves(kind: TaskKind) -> bool {
    match kind {
        TaskKind::Deliver { .. } | TaskKind::SendCodes => true,
        TaskKind::FollowPayment(_)
        | TaskKind::FollowRefund(_)
        | TaskKind::LapseOrder
        | TaskKind::ApproveRefund(_) => false,
    }
}

fn check_leaves(kind: TaskKind, problem: &'static str) -> Result<(), Refusal> {
    if leaves(kind) { Ok(()) } else { Err(Refusal::WrongState { problem }) }
}
