//! Finding a task by its id alone.
//!
//! What waits or waits for a person is in indexes. What is done is in none by id: an index would cost
//! every order. But only deliveries are kept when they are done, and a delivery's id carries the moment of
//! the event that it tells; events are numbered in the order of their moments, so a search by halves finds
//! the events of that moment.

use tradewind_domain::{PartnerId, Span, Task, TaskId, Timestamp};

use crate::{Result, Store};

/// Clocks of several processes differ, and an id is never earlier than the ones before.
const APART_MAX: Span = Span::from_secs(60);
/// How many events of that time are looked at.
const EVENTS_MAX: u32 = 2_000;
/// Events whose tasks are read in one go.
const EVENTS_PER_READ: u32 = 200;

/// The task of an id, whatever its state.
pub async fn task(store: &dyn Store, partner: PartnerId, id: TaskId) -> Result<Option<Task>> {
    if let Some(task) = store.find_task(partner, id).await? {
        return Ok(Some(task));
    }
    let mut after = last_before(store, partner, id.made_at() - APART_MAX).await?;
    for _ in 0..EVENTS_MAX / EVENTS_PER_READ {
        let mut events = store.list_events(partner, after, EVENTS_PER_READ).await?;
        let full = events.len() >= EVENTS_PER_READ as usize;
        events.retain(|event| event.at <= id.made_at() + APART_MAX);
        let Some(last) = events.last().map(|event| event.number) else { return Ok(None) };
        let about = events.iter().map(|event| event.about).collect();
        let tasks = store.tasks_about(partner, about).await?;
        if let Some(found) = tasks.into_iter().find(|task| task.key.id == id) {
            return Ok(Some(found));
        }
        if !full {
            return Ok(None);
        }
        after = last;
    }
    Ok(None)
}

/// The number of the last event before a moment, or of one near it; 0 when there is none.
async fn last_before(store: &dyn Store, partner: PartnerId, at: Timestamp) -> Result<i64> {
    let is_before = async |number: i64| -> Result<bool> {
        // Early events may be forgotten; then the first one that is there tells.
        let found = store.list_events(partner, number.saturating_sub(1), 1).await?;
        Ok(found.first().is_some_and(|event| event.at < at))
    };
    let mut beyond = 1_i64;
    while beyond < i64::MAX / 2 && is_before(beyond).await? {
        beyond *= 2;
    }
    let mut before = beyond / 2;
    while beyond - before > 1 {
        let middle = before + (beyond - before) / 2;
        match is_before(middle).await? {
            true => before = middle,
            false => beyond = middle,
        }
    }
    Ok(before)
}
