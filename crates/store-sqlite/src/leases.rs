//! Leases on due tasks. They live in memory, because only one process can use the file, and end with
//! it.
//!
//! One thread scans for due tasks, so two scans never meet. What a scan can meet is a commit. The
//! scan reads a snapshot; while it does, a task of that snapshot may be changed by a commit, which
//! also ends its lease, and the scan would then find a task that looks due and is not leased although
//! it was just done. Therefore:
//!
//! 1. a scan announces itself *before* its snapshot begins ([`Leases::begin_scan`]);
//! 2. a commit, *after* it is on disk, ends the leases of the tasks it changed or removed and, while
//!    a scan is announced, notes their keys as settled ([`Leases::settle`]), both under one lock;
//! 3. a scan leases, under that lock, only tasks that are neither leased nor noted.
//!
//! A commit that was on disk before the snapshot is seen by the snapshot. One that was not settles
//! after the announcement, so either its keys are noted when the scan comes to lease them, or it has
//! not settled yet and the old lease still stands. Either way no stale task is leased. A commit that
//! falls between announcement and snapshot is noted although the snapshot has seen it; the scan then
//! leaves out a task that it might have leased, and says that there is more.
//!
//! A task that nobody held may still be leased a moment before the commit that removes it settles.
//! That is the same as leasing it a moment before the commit, which nothing can forbid.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tradewind_domain::{About, PartnerId, Task, TaskId, TaskKey, Timestamp};
use tradewind_store::{LeaseRequest, Leased};

use crate::load::select;
use crate::rows;

/// The tasks that workers hold.
#[derive(Default)]
pub(crate) struct Leases {
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    held: HashMap<PartnerId, HashSet<(About, TaskId)>>,
    /// Keys settled since the scan under way was announced; `None` while there is no scan.
    settled: Option<HashSet<TaskKey>>,
    /// The partner that was served last; the next scan begins behind it.
    served: Option<PartnerId>,
}

impl Leases {
    /// Ends the leases of tasks that a commit has changed or removed; to be called when it is on disk.
    pub(crate) fn settle<'a>(&self, keys: impl Iterator<Item = &'a TaskKey>) {
        let mut book = self.lock();
        for key in keys {
            book.drop_lease(key);
            if let Some(settled) = &mut book.settled {
                settled.insert(*key);
            }
        }
    }

    /// Ends leases of tasks that nobody has changed.
    pub(crate) fn release(&self, keys: &[TaskKey]) {
        let mut book = self.lock();
        keys.iter().for_each(|key| book.drop_lease(key));
    }

    /// Announces a scan; the snapshot must begin after this.
    pub(crate) fn begin_scan(&self) -> Scan<'_> {
        let mut book = self.lock();
        book.settled = Some(HashSet::new());
        Scan { leases: self, served: book.served }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn drop_lease(&mut self, key: &TaskKey) {
        if let Some(held) = self.held.get_mut(&key.partner) {
            held.remove(&(key.about, key.id));
            if held.is_empty() {
                self.held.remove(&key.partner);
            }
        }
    }

    fn held(&self, partner: PartnerId) -> usize {
        self.held.get(&partner).map_or(0, HashSet::len)
    }
}

/// Leased tasks on their way to whoever asked. When nobody takes them, they are given back.
pub(crate) struct Granted {
    leases: Arc<Leases>,
    leased: Option<Leased>,
}

impl Granted {
    pub(crate) fn new(leases: &Arc<Leases>, leased: Leased) -> Granted {
        Granted { leases: Arc::clone(leases), leased: Some(leased) }
    }

    /// Takes the tasks.
    pub(crate) fn keep(mut self) -> Leased {
        self.leased.take().unwrap_or_default()
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if let Some(leased) = self.leased.take() {
            let keys: Vec<TaskKey> = leased.tasks.iter().map(|task| task.key).collect();
            self.leases.release(&keys);
        }
    }
}

/// A scan under way.
pub(crate) struct Scan<'a> {
    leases: &'a Leases,
    served: Option<PartnerId>,
}

impl Drop for Scan<'_> {
    fn drop(&mut self) {
        self.leases.lock().settled = None;
    }
}

/// Index tasks_due.
pub(crate) const NEXT_PARTNER: &str =
    "SELECT partner FROM tasks WHERE state = 0 AND partner > ?1 ORDER BY partner LIMIT 1";
/// Index tasks_due.
pub(crate) const DUE: &str = select!(
    task_columns,
    "FROM tasks WHERE state = 0 AND partner = ?1 AND due_at <= ?2 ORDER BY due_at, order_id, id LIMIT ?3"
);
/// Index tasks_due.
pub(crate) const NEXT_DUE: &str =
    "SELECT due_at FROM tasks WHERE state = 0 AND partner = ?1 AND due_at > ?2 ORDER BY due_at LIMIT 1";

impl Scan<'_> {
    /// Leases what is due, partner by partner, beginning behind the one that was served last.
    pub(crate) fn lease(&self, connection: &Connection, request: &LeaseRequest) -> rusqlite::Result<Leased> {
        let mut partners = partners_with_pending(connection)?;
        if let Some(served) = self.served {
            let behind = partners.partition_point(|partner| *partner <= served);
            partners.rotate_left(behind);
        }
        let mut due = connection.prepare_cached(DUE)?;
        let mut next_due = connection.prepare_cached(NEXT_DUE)?;
        let mut leased = Leased::default();
        for partner in partners {
            let held = self.leases.lock().held(partner);
            let room = request.limit.saturating_sub(leased.tasks.len());
            let wanted = room.min(request.limit_per_partner.saturating_sub(held));
            // Those held stand among the first; one more tells whether any is left.
            let looked_at = i64::try_from(held.saturating_add(wanted).saturating_add(1)).unwrap_or(i64::MAX);
            let found = due
                .query_map((partner.get(), request.now.ms(), looked_at), rows::task)?
                .collect::<rusqlite::Result<Vec<Task>>>()?;
            self.take(partner, found, wanted, &mut leased);
            let mut later = next_due.query((partner.get(), request.now.ms()))?;
            if let Some(row) = later.next()? {
                let at = Timestamp::from_ms(row.get(0)?);
                leased.next_due = Some(leased.next_due.map_or(at, |earliest| earliest.min(at)));
            }
        }
        Ok(leased)
    }

    fn take(&self, partner: PartnerId, found: Vec<Task>, wanted: usize, leased: &mut Leased) {
        let mut book = self.leases.lock();
        let mut taken = 0;
        for task in found {
            let key = task.key;
            if book.held.get(&partner).is_some_and(|held| held.contains(&(key.about, key.id))) {
                continue;
            }
            if taken == wanted || book.settled.as_ref().is_some_and(|settled| settled.contains(&key)) {
                leased.more = true;
                continue;
            }
            book.held.entry(partner).or_default().insert((key.about, key.id));
            leased.tasks.push(task);
            taken += 1;
        }
        if taken > 0 {
            book.served = Some(partner);
        }
    }
}

/// Skips from partner to partner through the index, however many tasks each has.
fn partners_with_pending(connection: &Connection) -> rusqlite::Result<Vec<PartnerId>> {
    let mut next = connection.prepare_cached(NEXT_PARTNER)?;
    let mut partners = Vec::new();
    let mut last = i64::MIN;
    loop {
        let mut rows = next.query([last])?;
        let Some(row) = rows.next()? else { return Ok(partners) };
        last = row.get(0)?;
        partners.push(PartnerId::from_i64(last));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::params;
    use tradewind_domain::OrderId;

    use super::*;
    use crate::migrate::{MIGRATIONS, migrate};

    const NOW: Timestamp = Timestamp::from_ms(1_000);

    fn key(id: i64) -> TaskKey {
        TaskKey {
            partner: PartnerId::from_i64(1),
            about: About::Order(OrderId::from_i64(5)),
            id: TaskId::from_i64(id),
        }
    }

    fn database(tasks: i64) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        for id in 1..=tasks {
            let sql = "INSERT INTO tasks VALUES (5, ?1, 1, 0, 1, NULL, 0, 0, ?1, 0, NULL)";
            connection.execute(sql, params![id]).unwrap();
        }
        connection
    }

    fn request(limit: usize) -> LeaseRequest {
        LeaseRequest { now: NOW, limit, limit_per_partner: 100, lease_for: Duration::from_secs(1) }
    }

    fn ids(leased: &Leased) -> Vec<i64> {
        leased.tasks.iter().map(|task| task.key.id.get()).collect()
    }

    #[test]
    fn a_task_settled_after_the_snapshot_began_is_not_leased_again() {
        let connection = database(2);
        let leases = Leases::default();
        assert_eq!(ids(&leases.begin_scan().lease(&connection, &request(1)).unwrap()), [1]);
        // The snapshot below still shows task 1 as pending, as it would while the commit that finished
        // it ends between the announcement and the moment of leasing.
        let scan = leases.begin_scan();
        leases.settle([key(1)].iter());
        let leased = scan.lease(&connection, &request(10)).unwrap();
        assert_eq!(ids(&leased), [2]);
        assert!(leased.more, "a task that was left out is worth another look");
        drop(scan);
        let leased = leases.begin_scan().lease(&connection, &request(10)).unwrap();
        assert_eq!(ids(&leased), [1], "a scan that begins later trusts its own snapshot");
    }

    #[test]
    fn a_task_whose_commit_has_not_settled_yet_is_still_held() {
        let connection = database(1);
        let leases = Leases::default();
        assert_eq!(ids(&leases.begin_scan().lease(&connection, &request(1)).unwrap()), [1]);
        let scan = leases.begin_scan();
        assert_eq!(ids(&scan.lease(&connection, &request(1)).unwrap()), [0_i64; 0]);
        leases.settle([key(1)].iter());
        drop(scan);
        assert!(leases.lock().held.is_empty(), "nothing is kept of a lease that has ended");
        assert!(leases.lock().settled.is_none());
    }
}
