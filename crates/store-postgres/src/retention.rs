//! What retention reads and deletes: which orders are old, tasks by what they are about, and events that
//! go.

use tokio_postgres::Row;
use tradewind_domain::{About, OrderId, PartnerId, Task, WriteSet};
use tradewind_store::{Result, about_number};

use crate::error::unreadable;
use crate::load::select;
use crate::pool::Readers;
use crate::rows::{self, get};
use crate::session::{Step, Value};

/// Primary key of tasks; what is found is sorted.
pub(crate) const TASKS_ABOUT: &str = select!(
    task_columns,
    "FROM tasks t WHERE t.partner = $1 AND t.order_id = ANY ($2::bigint[]) ORDER BY t.id"
);

/// All tasks of a partner that are about any of these, in the order of their ids.
pub(crate) async fn tasks_about(
    readers: &Readers,
    partner: PartnerId,
    about: Vec<About>,
) -> Result<Vec<Task>> {
    let numbers: Vec<i64> = about.into_iter().map(about_number).collect();
    let values = || -> Vec<Value<'static>> { vec![Box::new(partner.get()), Box::new(numbers.clone())] };
    let answers = readers.fly(|| vec![Step::query(TASKS_ABOUT, values())]).await?;
    let found = answers.first().map_or(&[][..], Vec::as_slice);
    found.iter().map(|row: &Row| rows::task(row).map_err(unreadable)).collect()
}

/// Primary key of orders, alone.
pub(crate) const ORDERS_BETWEEN: &str = "SELECT o.id FROM orders o WHERE o.partner = $1 AND o.id > $2 AND o.id < $3 ORDER BY o.partner, o.id LIMIT $4";

/// The ids of a partner's orders between two others, oldest first.
pub(crate) async fn orders_between(
    readers: &Readers,
    partner: PartnerId,
    after: OrderId,
    before: OrderId,
    limit: u32,
) -> Result<Vec<OrderId>> {
    let values = || -> Vec<Value<'static>> {
        let (after, before) = (after.get(), before.get());
        vec![Box::new(partner.get()), Box::new(after), Box::new(before), Box::new(i64::from(limit))]
    };
    let answers = readers.fly(|| vec![Step::query(ORDERS_BETWEEN, values())]).await?;
    let found = answers.first().map_or(&[][..], Vec::as_slice);
    found.iter().map(|row: &Row| get(row, 0).map(OrderId::from_i64).map_err(unreadable)).collect()
}

const DELETE_EVENTS: &str = "DELETE FROM events e USING unnest($1::bigint[], $2::bigint[]) AS k (partner, number) \
     WHERE e.partner = k.partner AND e.number = k.number";

/// Adds the statement that deletes the events of `set` that go.
pub(crate) fn events_gone<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    if set.events_removed.is_empty() {
        return;
    }
    let mut gone = set.events_removed.clone();
    gone.sort_unstable();
    let (partners, numbers): (Vec<i64>, Vec<i64>) =
        gone.into_iter().map(|(partner, number)| (partner.get(), number)).unzip();
    steps.push(Step::query(DELETE_EVENTS, vec![Box::new(partners), Box::new(numbers)]));
}
