//! Deliveries that go one after the other: a dialect may say that news of one thing are told in order.

use tradewind_dialect::Dialect;
use tradewind_domain::{DeliveryResult, EndpointId, Need, Span, Task, TaskKind, TaskState, Timestamp, View};
use tradewind_store::StoreError;

use crate::Worker;

/// For how long a delivery makes room for an earlier one that somebody else has in hand.
const LOOK_AGAIN_AFTER: Span = Span::from_secs(1);

/// Whether it is a delivery's turn.
pub(crate) enum Turn {
    /// It is.
    Now,
    /// An earlier one has to be told first.
    Later(DeliveryResult),
    /// That could not be found out.
    NotKnown,
}

impl Worker {
    /// Whether nothing earlier of the same group waits to be told to the same address. An earlier one that
    /// is due is on its way, so it is waited for; one that is tried again later is not overtaken.
    pub(crate) async fn turn(
        &self,
        dialect: &dyn Dialect,
        task: &Task,
        event: i64,
        endpoint: Option<EndpointId>,
        view: &View,
    ) -> Turn {
        let partner = task.key.partner;
        let Some(group) = view.event(partner, event).and_then(|event| dialect.ordered_by(event.kind)) else {
            return Turn::Now;
        };
        // What waits must still have time to be sent before somebody else may take it up.
        let attempt = self.patience(dialect);
        let wait = attempt.min(self.config.lease_for.saturating_sub(attempt) / 2);
        let patience = tokio::time::Instant::now() + wait;
        loop {
            // Registered before the look, so that no end of a task is missed in between.
            let progress = self.progress.notified();
            let due_at = match self.earlier(dialect, task, event, endpoint, group).await {
                Ok(None) => return Turn::Now,
                Ok(Some(due_at)) => due_at,
                Err(error) => {
                    tracing::error!(task = %task.key.id, %error, "could not see what has to be told first");
                    return Turn::NotKnown;
                }
            };
            let now = self.app.clock().now();
            if due_at > now {
                return Turn::Later(DeliveryResult::Postponed { until: due_at });
            }
            if tokio::time::timeout_at(patience, progress).await.is_err() {
                return Turn::Later(DeliveryResult::Postponed { until: now + LOOK_AGAIN_AFTER });
            }
        }
    }

    /// When the latest of the earlier deliveries of a group is due that still waits.
    async fn earlier(
        &self,
        dialect: &dyn Dialect,
        task: &Task,
        event: i64,
        endpoint: Option<EndpointId>,
        group: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (partner, store) = (task.key.partner, self.app.store());
        let about = store.tasks_about(partner, vec![task.key.about]).await?;
        let waiting: Vec<(i64, Timestamp)> = about
            .iter()
            .filter(|other| other.state == TaskState::Pending)
            .filter_map(|other| match other.kind {
                TaskKind::Deliver { event: number, endpoint: to } if number < event && to == endpoint => {
                    Some((number, other.due_at))
                }
                _ => None,
            })
            .collect();
        if waiting.is_empty() {
            return Ok(None);
        }
        let needs: Vec<Need> = waiting.iter().map(|(number, _)| Need::Event(partner, *number)).collect();
        let mut view = View::default();
        view.fill(needs.clone(), store.read(needs).await?);
        let in_group = |number: i64| {
            view.event(partner, number).is_some_and(|event| dialect.ordered_by(event.kind) == Some(group))
        };
        Ok(waiting.into_iter().filter(|(number, _)| in_group(*number)).map(|(_, due_at)| due_at).max())
    }
}
