//! Leases on due tasks. They stand in the rows of the tasks, end by the clock of the database, and
//! are known by a token that no other lease has.
//!
//! Who works on a task holds the only lease on it until it runs out. The lease saves work; it is not
//! what keeps the books right, because a process may be paused for longer than any lease and then go
//! on. What such a process can still do, and why it harms nobody:
//!
//! * it records a delivery: the record names the attempt that it was, and one that was overtaken is no
//!   longer the attempt that is due, so it changes nothing. Was it quicker than the one who took over,
//!   it is the other's record that changes nothing; the partner was told twice, with one event id;
//! * it reports on a payment or a refund: a report is decided against the state under the order's
//!   lock, and a state that is final is not left, whoever reports it how often;
//! * it gives the task back: only the holder of the token can, and it is somebody else's by now;
//! * it asks a channel: that is asked by our own number for the payment, which the channel knows.
//!
//! Whoever changes a task ends the lease, whosever it was (see `write`); the task may then be leased
//! again while the overtaken one still works on it, which is the first case.
//!
//! Partners are served in turn: each look begins behind the partner that was served last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::Row;
use tradewind_domain::{PartnerId, Task, TaskKey, Timestamp, WriteSet};
use tradewind_store::{LeaseRequest, Leased, Result, about_number, about_of_number};

use crate::codes::Unreadable;
use crate::error::unreadable;
use crate::link::random_u64;
use crate::pool::Readers;
use crate::rows::{self, get};
use crate::session::{Step, Value};

/// Partners that are looked at together. A look ends when enough was found.
const PARTNERS_PER_LOOK: usize = 64;

/// Skips from partner to partner through the index tasks_due, however many tasks each has.
pub(crate) const PENDING: &str = "WITH RECURSIVE p (partner) AS ( \
     (SELECT t.partner FROM tasks t WHERE t.state = 0 ORDER BY t.partner LIMIT 1) \
     UNION ALL SELECT (SELECT t.partner FROM tasks t WHERE t.state = 0 AND t.partner > p.partner \
       ORDER BY t.partner LIMIT 1) FROM p WHERE p.partner IS NOT NULL) \
     SELECT p.partner, \
       EXISTS (SELECT FROM tasks t WHERE t.state = 0 AND t.partner = p.partner AND t.due_at <= $1), \
       (SELECT t.due_at FROM tasks t WHERE t.state = 0 AND t.partner = p.partner AND t.due_at > $1 \
         ORDER BY t.due_at LIMIT 1) \
     FROM p WHERE p.partner IS NOT NULL ORDER BY p.partner";
/// Index tasks_due.
pub(crate) const CANDIDATES: &str = "SELECT p.partner, d.order_id, d.id, d.held \
     FROM unnest($1::bigint[]) WITH ORDINALITY AS p (partner, place) CROSS JOIN LATERAL ( \
       SELECT t.order_id, t.id, t.due_at, coalesce(t.lease_until > now(), false) AS held FROM tasks t \
       WHERE t.state = 0 AND t.partner = p.partner AND t.due_at <= $2 \
       ORDER BY t.due_at, t.order_id, t.id LIMIT $3) AS d \
     ORDER BY p.place, d.due_at, d.order_id, d.id";
/// Primary key of tasks; the sum keeps the planner from the index of what is pending, where a key is
/// not one look-up. Who is in the middle of changing a task is not waited for.
pub(crate) const CLAIM: &str = concat!(
    "WITH free AS (SELECT t.partner, t.order_id, t.id \
       FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (partner, order_id, id) \
       JOIN tasks t ON t.partner = k.partner AND t.order_id = k.order_id AND t.id = k.id \
       WHERE t.state + 0 = 0 AND t.due_at <= $4 AND (t.lease_until IS NULL OR t.lease_until <= now()) \
       FOR NO KEY UPDATE OF t SKIP LOCKED) \
     UPDATE tasks t SET lease = $5, lease_until = now() + $6::bigint * interval '1 millisecond' FROM free \
     WHERE t.partner = free.partner AND t.order_id = free.order_id AND t.id = free.id RETURNING ",
    rows::task_columns!()
);
/// Primary key of tasks.
pub(crate) const RELEASE: &str = "UPDATE tasks t SET lease = NULL, lease_until = NULL \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (partner, order_id, id, lease) \
     WHERE t.partner = k.partner AND t.order_id = k.order_id AND t.id = k.id AND t.lease = k.lease";

/// The leases of this process.
#[derive(Default)]
pub(crate) struct Leases {
    book: Mutex<Book>,
    /// One look at a time: two at once would only get into each other's way.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Book {
    held: HashMap<TaskKey, Held>,
    served: Option<i64>,
}

struct Held {
    token: i64,
    until: Instant,
}

impl Leases {
    /// Leases what is due.
    pub(crate) async fn lease(&self, readers: &Readers, request: LeaseRequest) -> Result<Leased> {
        let _one = self.looking.lock().await;
        let now = request.now.ms();
        let pending = readers.fly(|| vec![Step::query(PENDING, vec![Box::new(now)])]).await?;
        let mut leased = Leased::default();
        let mut due = Vec::new();
        for row in pending.iter().flatten() {
            let (partner, is_due, next) = read_pending(row).map_err(unreadable)?;
            if is_due {
                due.push(partner);
            }
            leased.next_due = earlier(leased.next_due, next.map(Timestamp::from_ms));
        }
        let served = self.lock().served;
        if let Some(served) = served {
            let behind = due.partition_point(|partner| *partner <= served);
            due.rotate_left(behind);
        }
        for (look, partners) in due.chunks(PARTNERS_PER_LOOK).enumerate() {
            if look > 0 && leased.tasks.len() >= request.limit {
                leased.more = true;
                break;
            }
            self.look(readers, &request, partners, &mut leased).await?;
        }
        Ok(leased)
    }

    async fn look(
        &self,
        readers: &Readers,
        request: &LeaseRequest,
        partners: &[i64],
        leased: &mut Leased,
    ) -> Result<()> {
        let now = request.now.ms();
        // Those held stand among the first; one more tells whether any is left.
        let seen_max = i64::try_from(request.limit_per_partner.saturating_add(1)).unwrap_or(i64::MAX);
        let ask = || {
            vec![Step::query(
                CANDIDATES,
                vec![Box::new(partners.to_vec()) as Value<'_>, Box::new(now), Box::new(seen_max)],
            )]
        };
        let found = readers.fly(ask).await?;
        let room = request.limit.saturating_sub(leased.tasks.len());
        let wanted = choose(found.iter().flatten(), room, request.limit_per_partner, &mut leased.more)
            .map_err(unreadable)?;
        if wanted.is_empty() {
            return Ok(());
        }
        let token = (random_u64() >> 1).cast_signed();
        let length_ms = i64::try_from(request.lease_for.as_millis()).unwrap_or(i64::MAX);
        let claim = || {
            let [partners, orders, ids] = columns(wanted.iter());
            let values: Vec<Value<'_>> =
                vec![partners, orders, ids, Box::new(now), Box::new(token), Box::new(length_ms)];
            vec![Step::query(CLAIM, values)]
        };
        let claimed = readers.fly(claim).await?;
        let mut tasks = claimed
            .iter()
            .flatten()
            .map(rows::task)
            .collect::<std::result::Result<Vec<Task>, Unreadable>>()
            .map_err(unreadable)?;
        let place: HashMap<TaskKey, usize> =
            wanted.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        tasks.sort_unstable_by_key(|task| place.get(&task.key).copied());
        // Somebody else was quicker with the rest, or is about to change it.
        leased.more |= tasks.len() < wanted.len();
        self.note(&tasks, token, request.lease_for);
        leased.tasks.extend(tasks);
        Ok(())
    }

    fn note(&self, tasks: &[Task], token: i64, length: Duration) {
        let now = Instant::now();
        let mut book = self.lock();
        book.held.retain(|_, held| held.until > now);
        for task in tasks {
            book.held.insert(task.key, Held { token, until: now + length });
        }
        if let Some(last) = tasks.last() {
            book.served = Some(last.key.partner.get());
        }
    }

    /// Gives tasks back that this process holds.
    pub(crate) async fn release(&self, readers: &Readers, keys: &[TaskKey]) -> Result<()> {
        let mine: Vec<(TaskKey, i64)> = {
            let mut book = self.lock();
            keys.iter().filter_map(|key| Some((*key, book.held.remove(key)?.token))).collect()
        };
        if mine.is_empty() {
            return Ok(());
        }
        let ask = || {
            let [partners, orders, ids] = columns(mine.iter().map(|(key, _)| key));
            let tokens: Value<'_> = Box::new(mine.iter().map(|(_, token)| *token).collect::<Vec<i64>>());
            vec![Step::query(RELEASE, vec![partners, orders, ids, tokens])]
        };
        readers.fly(ask).await.map(drop)
    }

    /// Gives back all that this process holds.
    pub(crate) async fn release_all(&self, readers: &Readers) -> Result<()> {
        let keys: Vec<TaskKey> = self.lock().held.keys().copied().collect();
        self.release(readers, &keys).await
    }

    /// Forgets the leases that a commit has ended.
    pub(crate) fn settle(&self, set: &WriteSet) {
        let mut book = self.lock();
        if book.held.is_empty() {
            return;
        }
        for key in set.tasks_changed.iter().map(|task| &task.key).chain(&set.tasks_removed) {
            book.held.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to claim of the candidates, which come partner by partner, those that are held among them.
fn choose<'a>(
    candidates: impl Iterator<Item = &'a Row>,
    room: usize,
    limit_per_partner: usize,
    more: &mut bool,
) -> std::result::Result<Vec<TaskKey>, Unreadable> {
    let mut by_partner: Vec<(i64, usize, Vec<TaskKey>)> = Vec::new();
    for row in candidates {
        let partner: i64 = get(row, 0)?;
        if by_partner.last().is_none_or(|(last, ..)| *last != partner) {
            by_partner.push((partner, 0, Vec::new()));
        }
        let Some((_, held, free)) = by_partner.last_mut() else { continue };
        match get::<bool>(row, 3)? {
            true => *held += 1,
            false => free.push(TaskKey {
                partner: PartnerId::from_i64(partner),
                about: about_of_number(get(row, 1)?),
                id: tradewind_domain::TaskId::from_i64(get(row, 2)?),
            }),
        }
    }
    let mut chosen = Vec::new();
    for (_, held, free) in by_partner {
        let wanted = limit_per_partner.saturating_sub(held).min(room.saturating_sub(chosen.len()));
        *more |= free.len() > wanted;
        chosen.extend(free.into_iter().take(wanted));
    }
    Ok(chosen)
}

fn read_pending(row: &Row) -> std::result::Result<(i64, bool, Option<i64>), Unreadable> {
    Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?))
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn columns<'a>(keys: impl Iterator<Item = &'a TaskKey> + Clone) -> [Value<'static>; 3] {
    let column =
        |of: fn(&TaskKey) -> i64| -> Value<'static> { Box::new(keys.clone().map(of).collect::<Vec<i64>>()) };
    [column(|key| key.partner.get()), column(|key| about_number(key.about)), column(|key| key.id.get())]
}
