//! Forgetting: what is settled and old goes, and the stream remembers where it begins now.

use crate::{Decided, Forgetting, KeptFrom, Need, Refusal, TaskState};

use super::Desk;

/// Every row that goes is looked at once more: a person may have run a delivery again.
pub(super) fn needs(forgetting: &Forgetting) -> Vec<Need> {
    let partner = forgetting.partner;
    let tasks = forgetting.tasks.iter().map(|key| Need::Task(*key));
    let events = forgetting.events.iter().filter(|_| is_bounded(forgetting));
    let events = events.flat_map(|events| events.first..=events.last);
    tasks.chain(events.map(|number| Need::Event(partner, number))).collect()
}

impl Desk<'_> {
    pub(super) fn forget(&mut self, forgetting: Forgetting) -> Result<Decided, Refusal> {
        if !is_bounded(&forgetting) {
            return Err(Refusal::WrongState { problem: "too much to forget at once" });
        }
        let partner = forgetting.partner;
        for key in forgetting.tasks {
            let task = self.view.task(key).filter(|_| key.partner == partner);
            let task = task.ok_or(Refusal::NotFound { what: "task" })?;
            match task.state {
                TaskState::Done | TaskState::Cancelled => self.changes.tasks_removed.push(key),
                TaskState::Pending | TaskState::Failed => {
                    return Err(Refusal::WrongState { problem: "a task is not settled" });
                }
            }
        }
        if let Some(events) = forgetting.events {
            for number in events.first..=events.last {
                self.view.event(partner, number).ok_or(Refusal::NotFound { what: "event" })?;
                self.changes.events_removed.push((partner, number));
            }
            let kept = KeptFrom { number: events.last.saturating_add(1), before: events.before };
            self.changes.facts.push(kept.fact(partner));
        }
        Ok(Decided::Done)
    }
}

fn is_bounded(forgetting: &Forgetting) -> bool {
    let most = Forgetting::ROWS_MAX;
    let events =
        forgetting.events.map_or(0, |events| events.last.saturating_sub(events.first).saturating_add(1));
    forgetting.tasks.len() <= most && usize::try_from(events).is_ok_and(|events| events <= most)
}
