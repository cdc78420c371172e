//! What is old and settled, page by page: the reading half of retention.
//!
//! Vouchers and their redemptions, deposits and the ledger stay for ever: they are the books. So does the
//! catalogue. What grows, and is of no use once it is settled, are deliveries and the events that they
//! tell, and in the end the orders themselves. A delivery may go when it is done or was called off; an
//! event may go when all its deliveries may, and all events before it have gone. An order may go, with
//! its payments, refunds and deliveries, when nothing can happen to it any more; its numbers and its sums
//! are kept, because a number that was used must be known for ever, and the ledger has to agree with
//! something. An order that bought something stays with its vouchers, which refer to it.
//!
//! Nothing is removed here: a [`Page`] holds what a [`Forgetting`] would remove, for a preview or an
//! archive; the command that removes it looks once more.

mod orders;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use tradewind_domain::{
    Event, Forgetting, ForgottenEvents, KeptFrom, PartnerId, Task, TaskKind, TaskState, Timestamp,
};

use crate::{Result, Store};

pub use orders::{Going, OrdersPage, orders_page};

/// What is old enough to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// Events that happened before, with their deliveries.
    pub events_before: Option<Timestamp>,
    /// Deliveries that were last due before, whatever becomes of their event.
    pub tasks_before: Option<Timestamp>,
}

/// Where a page begins. As text, it is `partner:number` with a `+` in front of the number while events
/// may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In whose stream.
    pub partner: PartnerId,
    /// After the event of this number, or the order.
    pub after: i64,
    /// Every event before has gone or is to go, so that the next one may too.
    pub unbroken: bool,
}

/// What of a stretch of a partner's events is to go.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Whose events were looked at; `None` when there are no partners.
    pub partner: Option<PartnerId>,
    /// What removes it; `None` when nothing is to go.
    pub forgetting: Option<Forgetting>,
    /// The events that go.
    pub events: Vec<Event>,
    /// The tasks that go.
    pub tasks: Vec<Task>,
    /// The task that keeps an event which is old enough, and with it all later ones.
    pub held_by: Option<Task>,
    /// Where the next page begins; `None` when everything has been looked at.
    pub next: Option<Place>,
}

/// The page that begins at `place`, or the first one. Looks at no more than `limit` events.
pub async fn page(store: &dyn Store, windows: Windows, place: Option<Place>, limit: u32) -> Result<Page> {
    let place = match place {
        Some(place) => place,
        None => match partner_after(store, None).await? {
            Some(first) => first,
            None => return Ok(Page::default()),
        },
    };
    let partner = place.partner;
    let limit = limit.clamp(1, EVENTS_MAX);
    let events = store.list_events(partner, place.after, limit).await?;
    let full = events.len() >= limit as usize;
    let newest = windows.events_before.max(windows.tasks_before);
    let old: Vec<Event> = events.into_iter().take_while(|event| Some(event.at) < newest).collect();
    let more = full && old.len() >= limit as usize;
    let mut tasks: HashMap<i64, Vec<Task>> = HashMap::new();
    for task in store.tasks_about(partner, old.iter().map(|event| event.about).collect()).await? {
        if let TaskKind::Deliver { event, .. } = task.kind {
            tasks.entry(event).or_default().push(task);
        }
    }
    let mut page = Page { partner: Some(partner), ..Page::default() };
    let mut at = place;
    let mut looked_at_all = true;
    for event in old {
        let tasks = tasks.remove(&event.number).unwrap_or_default();
        if page.tasks.len() + tasks.len() > Forgetting::ROWS_MAX && at != place {
            looked_at_all = false;
            break;
        }
        at.after = event.number;
        page.judge(windows, &mut at, event, tasks);
    }
    let first = page.events.first().map(|event| event.number);
    let last = page.events.last().map(|event| event.number);
    let mut forgotten = None;
    if let (Some((first, last)), Some(before)) = (first.zip(last), windows.events_before) {
        let known = store.fact(KeptFrom::fact_name(partner)).await?;
        let known = known.as_ref().and_then(KeptFrom::of).map(|(_, kept)| kept.before);
        forgotten = Some(ForgottenEvents { first, last, before: known.max(Some(before)).unwrap_or(before) });
    }
    let keys: Vec<_> = page.tasks.iter().map(|task| task.key).collect();
    if forgotten.is_some() || !keys.is_empty() {
        page.forgetting = Some(Forgetting { partner, events: forgotten, tasks: keys, orders: None });
    }
    page.next = match more || !looked_at_all {
        true => Some(at),
        false => partner_after(store, Some(partner)).await?,
    };
    Ok(page)
}

/// A page stays small, so that what removes it holds nobody up.
const EVENTS_MAX: u32 = 500;

impl Page {
    /// Differs when anything else is to go. Not a secret.
    pub fn mark(&self) -> String {
        let events = self.events.iter().map(|event| event.number);
        let tasks = self.tasks.iter().map(|task| task.key.id.get());
        mark([self.events.len() as i64].into_iter().chain(events).chain(tasks))
    }

    fn judge(&mut self, windows: Windows, at: &mut Place, event: Event, tasks: Vec<Task>) {
        let settled = |task: &Task| matches!(task.state, TaskState::Done | TaskState::Cancelled);
        let old_enough = windows.events_before.is_some_and(|before| event.at < before);
        at.unbroken &= old_enough && tasks.len() <= Forgetting::ROWS_MAX;
        if at.unbroken {
            match tasks.iter().find(|task| !settled(task)) {
                None => {
                    self.events.push(event);
                    self.tasks.extend(tasks);
                    return;
                }
                Some(open) => {
                    self.held_by = Some(open.clone());
                    at.unbroken = false;
                }
            }
        }
        let old = |task: &Task| {
            windows.tasks_before.is_some_and(|before| task.due_at.max(task.started_at) < before)
        };
        self.tasks.extend(tasks.into_iter().filter(|task| settled(task) && old(task)));
    }
}

/// FNV-1a over 64 bits: it only has to notice a change between two looks.
fn mark(numbers: impl Iterator<Item = i64>) -> String {
    let hash = numbers.flat_map(i64::to_le_bytes).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

async fn partner_after(store: &dyn Store, partner: Option<PartnerId>) -> Result<Option<Place>> {
    let next = store.list_partners(partner, 1).await?.partners.into_iter().next();
    Ok(next.map(|partner| Place { partner: partner.id, after: 0, unbroken: true }))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unbroken { "+" } else { "" };
        write!(f, "{}:{sign}{}", self.partner.get(), self.after)
    }
}

/// A text that is no [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the events")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> std::result::Result<Place, NoPlace> {
        let (partner, after) = text.split_once(':').ok_or(NoPlace)?;
        Ok(Place {
            partner: PartnerId::from_i64(partner.parse().map_err(|_| NoPlace)?),
            after: after.parse().map_err(|_| NoPlace)?,
            unbroken: after.starts_with('+'),
        })
    }
}
