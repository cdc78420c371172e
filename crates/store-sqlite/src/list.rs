//! Lists that go on after a place, for people, and the story of one order. Those with page numbers are in
//! `pages`.

pub(crate) mod catalogue;
pub(crate) mod purchases;

use rusqlite::{Connection, OptionalExtension, Params, Row, named_params, params};
use tradewind_domain::{
    About, Event, Fact, Need, OrderId, PartnerId, Rows, SkuId, Task, TaskId, TaskState, User,
};
use tradewind_store::{Result, StoreError, Story, TaskFilter, TaskPage, TaskPlace, about_number};

use crate::codes::Code;
use crate::error::store_error;
use crate::load::{load, select};
use crate::rows;

use purchases::REDEMPTIONS_OF_ORDER;

/// Primary key of transfers.
pub(crate) const TRANSFERS: &str =
    select!(transfer_columns, "FROM transfers WHERE order_id = ?2 AND partner = ?1 ORDER BY id");
/// Index events_order, which ends with the number. It is named in the query, because the planner
/// would rather walk all events of the partner in the order of their numbers.
pub(crate) const EVENTS_OF_ORDER: &str = select!(
    event_columns,
    "FROM events INDEXED BY events_order WHERE order_id = ?2 AND partner = ?1 ORDER BY number"
);
/// Primary key of tasks.
pub(crate) const TASKS_OF_ORDER: &str =
    select!(task_columns, "FROM tasks WHERE order_id = ?2 AND partner = ?1 ORDER BY id");

/// Everything about one order.
pub(crate) fn story(connection: &Connection, partner: PartnerId, order: OrderId) -> Result<Option<Story>> {
    let found =
        load(connection, &[Need::Partner(partner), Need::VouchersOf(partner, order)]).map_err(store_error)?;
    let Some(order) = found.orders.into_iter().next() else { return Ok(None) };
    let Some(partner) = found.partners.into_iter().next() else {
        return Err(StoreError::Corrupt(format!("{} belongs to {partner}, which is not there", order.id)));
    };
    let key = (partner.id.get(), order.id.get());
    Ok(Some(Story {
        transfers: all(connection, TRANSFERS, key, rows::transfer).map_err(store_error)?,
        events: all(connection, EVENTS_OF_ORDER, key, rows::event).map_err(store_error)?,
        tasks: all(connection, TASKS_OF_ORDER, key, rows::task).map_err(store_error)?,
        vouchers: found.vouchers,
        redemptions: all(connection, REDEMPTIONS_OF_ORDER, key, rows::redemption).map_err(store_error)?,
        payments: found.payments,
        refunds: found.refunds,
        endpoints: found.endpoints,
        order,
        partner,
    }))
}

/// Primary key of partners.
pub(crate) const PARTNERS: &str =
    select!(partner_columns, "FROM partners WHERE id > ?1 ORDER BY id LIMIT ?2");

/// Partners with their credentials, by id, after `after`.
pub(crate) fn list_partners(
    connection: &Connection,
    after: Option<PartnerId>,
    limit: u32,
) -> rusqlite::Result<Rows> {
    let after = after.map_or(i64::MIN, PartnerId::get);
    let partners = all(connection, PARTNERS, params![after, limit], rows::partner)?;
    let needs: Vec<Need> = partners.iter().map(|partner| Need::Credentials(partner.id)).collect();
    let credentials = load(connection, &needs)?.credentials;
    Ok(Rows { partners, credentials, ..Rows::default() })
}

/// Primary key of users.
pub(crate) const USERS: &str =
    select!(user_columns, "FROM users WHERE partner = ?1 AND login > ?2 ORDER BY login LIMIT ?3");

/// The users of a partner, by login, after `after`.
pub(crate) fn list_users(
    connection: &Connection,
    partner: PartnerId,
    after: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<User>> {
    // No login is empty.
    all(connection, USERS, params![partner.get(), after.unwrap_or(""), limit], rows::user)
}

/// Index users_login, which ends with the partner.
pub(crate) const USERS_BY_LOGIN: &str =
    select!(user_columns, "FROM users WHERE login = ?1 ORDER BY partner LIMIT ?2");

/// Users by login, whoever's they are.
pub(crate) fn find_users(connection: &Connection, login: &str, limit: u32) -> rusqlite::Result<Vec<User>> {
    all(connection, USERS_BY_LOGIN, params![login, limit], rows::user)
}

/// Primary key of events.
pub(crate) const EVENTS_AFTER: &str =
    select!(event_columns, "FROM events WHERE partner = ?1 AND number > ?2 ORDER BY number LIMIT ?3");

/// Events of a partner after a number, in order.
pub(crate) fn list_events(
    connection: &Connection,
    partner: PartnerId,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    all(connection, EVENTS_AFTER, params![partner.get(), after, limit], rows::event)
}

/// Index tasks_due, in order.
pub(crate) const TASKS_PENDING: &str = select!(
    task_columns,
    "FROM tasks WHERE state = 0 AND (partner, due_at, order_id, id) > (:partner, :due_at, :about, :id) \
     AND partner <= :last_partner ORDER BY partner, due_at, order_id, id LIMIT :entries"
);
/// Index tasks_ended, in order.
pub(crate) const TASKS_ENDED: &str = select!(
    task_columns,
    "FROM tasks WHERE state >= 2 AND state = :state AND (partner, id) > (:partner, :id) \
     AND partner <= :last_partner ORDER BY partner, id LIMIT :entries"
);
/// Primary key of tasks, in order.
pub(crate) const TASKS: &str = select!(
    task_columns,
    "FROM tasks WHERE (order_id, id) > (:about, :id) ORDER BY order_id, id LIMIT :entries"
);

macro_rules! tasks_of_partner {
    ($abouts:literal) => {
        concat!(
            "SELECT t.partner, t.order_id, t.id, t.kind, t.subject, t.endpoint, t.state, t.started_at, t.due_at,",
            " t.attempts, t.last_result FROM ",
            $abouts,
            " CROSS JOIN tasks t WHERE t.partner = :partner AND (t.order_id > :about OR t.id > :id)",
        )
    };
}

/// Index vouchers_partner in order, the newest first, and the primary key of tasks for each voucher.
pub(crate) const TASKS_OF_VOUCHERS: &str = concat!(
    tasks_of_partner!("vouchers v"),
    " AND v.partner = :partner AND v.id <= -:about AND v.id > -:until AND t.order_id = -v.id",
    " ORDER BY v.id DESC, t.id LIMIT :entries"
);
/// Index orders_partner in order, and the primary key of tasks for each order.
pub(crate) const TASKS_OF_ORDERS: &str = concat!(
    tasks_of_partner!("orders o"),
    " AND o.partner = :partner AND o.id >= :about AND o.id < :until AND t.order_id = o.id",
    " ORDER BY o.id, t.id LIMIT :entries"
);
/// Primary keys of skus, whoever sells them, and of tasks.
pub(crate) const TASKS_OF_SKUS: &str = concat!(
    tasks_of_partner!("skus s"),
    " AND s.id >= :about - 4611686018427387904 AND s.id < :until - 4611686018427387904",
    " AND t.order_id = s.id + 4611686018427387904 ORDER BY s.id, t.id LIMIT :entries"
);
/// Index vouchers_partner alone.
pub(crate) const VOUCHER_BEYOND: &str = "SELECT -v.id FROM vouchers v WHERE v.partner = :partner \
     AND v.id <= -:about ORDER BY v.id DESC LIMIT 1 OFFSET :looked";
/// Index orders_partner alone.
pub(crate) const ORDER_BEYOND: &str = "SELECT o.id FROM orders o WHERE o.partner = :partner AND o.id >= :about \
     ORDER BY o.id LIMIT 1 OFFSET :looked";
/// Primary key of skus. Whoever listens is told about all of them.
pub(crate) const SKU_BEYOND: &str = "SELECT s.id + 4611686018427387904 FROM skus s WHERE :partner IS NOT NULL \
     AND s.id >= :about - 4611686018427387904 ORDER BY s.id LIMIT 1 OFFSET :looked";

/// How many orders, vouchers or skus are looked at for a page of their tasks: many have none.
const LOOKED_AT_MAX: u32 = 1_000;

/// A page of tasks by filter. Those that wait go by when they are due, those that ended without success
/// by id, all others by what they are about.
pub(crate) fn list_tasks(connection: &Connection, filter: &TaskFilter) -> rusqlite::Result<TaskPage> {
    let before = TaskPlace::before(filter.partner.unwrap_or(PartnerId::from_i64(i64::MIN)));
    // A place in the list of another partner is before or after all of this one.
    let after = match (filter.after, filter.partner) {
        (Some(after), Some(partner)) if after.partner < partner => before,
        (Some(after), Some(partner)) if after.partner > partner => return Ok(TaskPage::default()),
        (after, _) => after.unwrap_or(before),
    };
    let last_partner = filter.partner.map_or(i64::MAX, PartnerId::get);
    let entries = filter.entries();
    let (partner, due_at, about, id) = (after.partner.get(), after.due_at.ms(), after.about, after.id.get());
    let found = match (filter.state, filter.partner) {
        (Some(TaskState::Pending), _) => {
            let place = named_params! {
                ":partner": partner, ":due_at": due_at, ":about": about, ":id": id,
                ":last_partner": last_partner, ":entries": entries,
            };
            all(connection, TASKS_PENDING, place, rows::task)?
        }
        (Some(state @ (TaskState::Failed | TaskState::Cancelled)), _) => {
            let place = named_params! {
                ":state": state.code(), ":partner": partner, ":id": id, ":last_partner": last_partner,
                ":entries": entries,
            };
            all(connection, TASKS_ENDED, place, rows::task)?
        }
        (Some(TaskState::Done) | None, None) => {
            let place = named_params! { ":about": about, ":id": id, ":entries": entries };
            all(connection, TASKS, place, rows::task)?
        }
        (Some(TaskState::Done) | None, Some(_)) => return tasks_of_partner(connection, filter, after),
    };
    Ok(filter.page(found))
}

/// Those of a partner's vouchers, whose numbers are below zero, then those of its orders, and then those
/// about skus, whose numbers are above.
fn tasks_of_partner(
    connection: &Connection,
    filter: &TaskFilter,
    after: TaskPlace,
) -> rusqlite::Result<TaskPage> {
    let mut found = Vec::new();
    // So that what is below zero can be turned round.
    let mut after = TaskPlace { about: after.about.max(-i64::MAX), ..after };
    let skus_from = about_number(About::Sku(SkuId::from_i64(0)));
    for (sql, beyond_sql, end) in [
        (TASKS_OF_VOUCHERS, VOUCHER_BEYOND, 0),
        (TASKS_OF_ORDERS, ORDER_BEYOND, skus_from),
        (TASKS_OF_SKUS, SKU_BEYOND, i64::MAX),
    ] {
        if after.about >= end {
            continue;
        }
        let (partner, about, id) = (after.partner.get(), after.about, after.id.get());
        let owners = named_params! { ":partner": partner, ":about": about, ":looked": LOOKED_AT_MAX };
        let beyond: Option<i64> =
            connection.prepare_cached(beyond_sql)?.query_row(owners, |row| row.get(0)).optional()?;
        let rest = i64::from(filter.entries()) - i64::try_from(found.len()).unwrap_or(i64::MAX);
        let place = named_params! {
            ":partner": partner, ":about": about, ":id": id, ":until": beyond.unwrap_or(end), ":entries": rest,
        };
        found.extend(all(connection, sql, place, rows::task)?);
        if found.len() >= filter.entries() as usize {
            break;
        }
        // Before all tasks of what is beyond; no task has the number nought.
        after = TaskPlace { about: beyond.unwrap_or(end), id: TaskId::from_i64(0), ..after };
        if beyond.is_some() {
            let mut page = filter.page(found);
            page.next = page.next.or(Some(after));
            return Ok(page);
        }
    }
    Ok(filter.page(found))
}

/// Index tasks_ended.
pub(crate) const ENDED_TASK: &str =
    select!(task_columns, "FROM tasks WHERE state >= 2 AND partner = ?1 AND id = ?2");
/// Index tasks_due alone, in which all that waits of the partner is passed, then the primary key.
pub(crate) const PENDING_TASK: &str = select!(
    task_columns,
    "FROM tasks WHERE id = ?2 AND order_id = \
     (SELECT order_id FROM tasks WHERE state = 0 AND partner = ?1 AND id = ?2)"
);

/// The task of an id that waits or has ended without success.
pub(crate) fn find_task(
    connection: &Connection,
    partner: PartnerId,
    id: TaskId,
) -> rusqlite::Result<Option<Task>> {
    let key = (partner.get(), id.get());
    let mut found = all(connection, ENDED_TASK, key, rows::task)?;
    if found.is_empty() {
        found = all(connection, PENDING_TASK, key, rows::task)?;
    }
    Ok(found.into_iter().next())
}

/// All tasks of a partner that are about any of these, in the order of their ids.
pub(crate) fn tasks_about(
    connection: &Connection,
    partner: PartnerId,
    about: &[About],
) -> rusqlite::Result<Vec<Task>> {
    let mut numbers: Vec<i64> = about.iter().map(|about| about_number(*about)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut found = Vec::new();
    for number in numbers {
        found.extend(all(connection, TASKS_OF_ORDER, (partner.get(), number), rows::task)?);
    }
    found.sort_unstable_by_key(|task: &Task| task.key.id);
    Ok(found)
}

/// Primary key of facts.
const FACT: &str = "SELECT name, value FROM facts WHERE name = ?1";

/// The fact of this name.
pub(crate) fn fact(connection: &Connection, name: &str) -> rusqlite::Result<Option<Fact>> {
    connection.prepare_cached(FACT)?.query_row([name], read_fact).optional()
}

/// Primary key of facts; no name has a character above the last there is.
pub(crate) const FACTS: &str =
    "SELECT name, value FROM facts WHERE name >= ?1 AND name < ?1 || char(0x10FFFF) ORDER BY name";

/// The facts whose names begin with `prefix`.
pub(crate) fn facts(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<Fact>> {
    all(connection, FACTS, [prefix], read_fact)
}

fn read_fact(row: &Row<'_>) -> rusqlite::Result<Fact> {
    Ok(Fact { name: row.get(0)?, value: row.get(1)? })
}

/// Reads all rows of a statement.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(parameters, read)?.collect()
}
