//! Lists of tasks: which, from where on, and a page of them.
//!
//! A store walks an index, a bounded number of entries for each page. Where the filter asks for more than
//! the index knows, a page may be short, or even empty, and still have a next one.

use std::fmt;
use std::str::FromStr;

use tradewind_domain::{PartnerId, Task, TaskId, TaskState, Timestamp};

use crate::about_number;

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only this partner's.
    pub partner: Option<PartnerId>,
    /// Only in this state.
    pub state: Option<TaskState>,
    /// Only of this kind, by name.
    pub kind: Option<String>,
    /// After this one.
    pub after: Option<TaskPlace>,
    /// How many at most.
    pub limit: u32,
}

/// A place in a list of tasks: all that the lists of the several states are ordered by. As text,
/// `par_1:1763780000000:17637800000000000:tsk_2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskPlace {
    /// Whose task.
    pub partner: PartnerId,
    /// When it was due.
    pub due_at: Timestamp,
    /// What it is about; see [`about_number`].
    pub about: i64,
    /// Its id.
    pub id: TaskId,
}

/// A page of tasks.
#[derive(Clone, Debug, Default)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where the next page begins; `None` when all were looked at.
    pub next: Option<TaskPlace>,
}

/// How many entries are looked at for each task that is asked for, and at least.
const LOOKED_AT: (u32, u32) = (4, 100);

impl TaskFilter {
    /// How many entries of an index to read for a page. The index of what has failed or was called off,
    /// and that of what waits, are of their states alone; of all others the filter passes some.
    pub fn entries(&self) -> u32 {
        let chosen = match self.state {
            Some(TaskState::Pending | TaskState::Failed | TaskState::Cancelled) | None => self.kind.is_some(),
            Some(TaskState::Done) => true,
        };
        let (each, least) = LOOKED_AT;
        if chosen { self.limit.saturating_mul(each).max(least) } else { self.limit }
    }

    /// Makes a page of what an index gave, which was asked for [`TaskFilter::entries`].
    pub fn page(&self, found: Vec<Task>) -> TaskPage {
        let mut more = found.len() >= self.entries() as usize;
        let mut page = TaskPage::default();
        for task in found {
            if page.tasks.len() >= self.limit as usize {
                more = true;
                break;
            }
            page.next = Some(TaskPlace::of(&task));
            if self.passes(&task) {
                page.tasks.push(task);
            }
        }
        page.next = page.next.filter(|_| more);
        page
    }

    fn passes(&self, task: &Task) -> bool {
        self.partner.is_none_or(|partner| task.key.partner == partner)
            && self.state.is_none_or(|state| task.state == state)
            && self.kind.as_ref().is_none_or(|kind| task.kind.name() == kind)
    }
}

impl TaskPlace {
    /// The place of a task.
    pub fn of(task: &Task) -> TaskPlace {
        TaskPlace {
            partner: task.key.partner,
            due_at: task.due_at,
            about: about_number(task.key.about),
            id: task.key.id,
        }
    }

    /// The place before all tasks of a partner.
    pub fn before(partner: PartnerId) -> TaskPlace {
        TaskPlace {
            partner,
            due_at: Timestamp::from_ms(i64::MIN),
            about: i64::MIN,
            id: TaskId::from_i64(i64::MIN),
        }
    }
}

impl fmt::Display for TaskPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.partner, self.due_at.ms(), self.about, self.id)
    }
}

/// A text that is no [`TaskPlace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the tasks")]
pub struct NoTaskPlace;

impl FromStr for TaskPlace {
    type Err = NoTaskPlace;

    fn from_str(text: &str) -> Result<TaskPlace, NoTaskPlace> {
        let parts: Vec<&str> = text.split(':').collect();
        let [partner, due_at, about, id] = parts.as_slice() else { return Err(NoTaskPlace) };
        Ok(TaskPlace {
            partner: partner.parse().map_err(|_| NoTaskPlace)?,
            due_at: Timestamp::from_ms(due_at.parse().map_err(|_| NoTaskPlace)?),
            about: about.parse().map_err(|_| NoTaskPlace)?,
            id: id.parse().map_err(|_| NoTaskPlace)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::samples;

    #[test]
    fn places_are_read_as_they_were_written() {
        let place = TaskPlace::of(&samples::task(1, 2, 3, 4));
        assert_eq!(place.to_string(), "par_1:1763780000004:2:tsk_3");
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "par_1", "par_1:1:2", "par_1:1:2:tsk_3:4", "tsk_3:1:2:par_1", "par_1:x:2:tsk_3"] {
            assert_eq!(text.parse::<TaskPlace>(), Err(NoTaskPlace), "{text}");
        }
    }

    #[test]
    fn a_page_goes_on_until_everything_was_looked_at() {
        let found = |ids: std::ops::RangeInclusive<i64>| ids.map(|id| samples::task(1, 1, id, 0)).collect();
        let check = |filter: &TaskFilter, ids, tasks: usize, next: Option<i64>| {
            let page = filter.page(found(ids));
            let next_found = page.next.map(|place| place.id.get());
            assert_eq!((page.tasks.len(), next_found), (tasks, next), "{filter:?}");
        };
        let all = TaskFilter { limit: 3, ..TaskFilter::default() };
        check(&all, 1..=3, 3, Some(3));
        check(&all, 1..=2, 2, None);
        let done = TaskFilter { limit: 3, state: Some(TaskState::Done), ..TaskFilter::default() };
        assert_eq!(done.entries(), 100);
        check(&done, 1..=100, 0, Some(100));
        check(&done, 1..=99, 0, None);
        let deliveries = TaskFilter { limit: 3, kind: Some("deliver".into()), ..TaskFilter::default() };
        check(&deliveries, 1..=4, 3, Some(3));
        check(&deliveries, 1..=3, 3, None);
    }
}
