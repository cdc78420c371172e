//! Lists for partners and people, and the story of one order.

use rusqlite::{Connection, OptionalExtension, Params, Row, named_params, params};
use tradewind_domain::{
    About, Event, Fact, Need, OrderId, OrderPage, PartnerId, RedemptionId, RedemptionPage, Rows, Task,
    TaskState, User, VoucherCode,
};
use tradewind_store::{OrderQuery, RedemptionQuery, Result, StoreError, Story, TaskFilter, about_number};

use crate::codes::{Code, standing, task_kind_code};
use crate::error::store_error;
use crate::load::{load, select};
use crate::rows::{self, ORDER_COLUMNS, REDEMPTION_COLUMNS};

/// Index orders_partner, whose entries end with the id, alone.
pub(crate) const COUNT_RANGE: &str =
    "SELECT count(*) FROM orders o WHERE o.partner = :partner AND o.id >= :from AND o.id < :until";

macro_rules! order_page {
    ($from:expr) => {
        concat!(
            "SELECT ",
            crate::rows::order_columns!(),
            ", ",
            crate::rows::payment_columns!(),
            " FROM (SELECT o.id AS page_id ",
            $from,
            " ORDER BY o.id DESC LIMIT :limit OFFSET :skipped)",
            " JOIN orders o ON o.id = page_id",
            " JOIN payments p ON p.order_id = o.id AND p.id = o.payment AND p.partner = o.partner",
            " ORDER BY o.id DESC",
        )
    };
}

/// Index orders_partner, from the newest. Skipped pages are passed in the index alone.
pub(crate) const PAGE_RANGE: &str =
    order_page!("FROM orders o WHERE o.partner = :partner AND o.id >= :from AND o.id < :until");

macro_rules! filtered {
    () => {
        concat!(
            "FROM orders o WHERE o.partner = :partner AND o.id >= :from AND o.id < :until",
            " AND (:standings = 0 OR (:standings >> (",
            standing!(),
            ")) & 1)",
            " AND (:operator IS NULL OR o.operator = :operator)",
            " AND (:method IS NULL OR EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id",
            " AND p.id = o.payment AND p.method = :method))",
        )
    };
}

macro_rules! numbered {
    () => {
        concat!(filtered!(), " AND o.number = :number")
    };
}

/// Index orders_partner, and a look at each order in the range.
pub(crate) const COUNT_FILTERED: &str = concat!("SELECT count(*) ", filtered!());
/// Index orders_partner, from the newest.
pub(crate) const PAGE_FILTERED: &str = order_page!(filtered!());
/// Index orders_number: one order at most.
pub(crate) const COUNT_NUMBERED: &str = concat!("SELECT count(*) ", numbered!());
/// Index orders_number: one order at most.
pub(crate) const PAGE_NUMBERED: &str = order_page!(numbered!());

/// A page of a partner's orders, newest first, and how many there are.
pub(crate) fn list_orders(connection: &Connection, query: &OrderQuery) -> rusqlite::Result<OrderPage> {
    let list = &query.list;
    let partner = query.partner.get();
    let from = OrderId::first_at(list.from).get();
    let until = OrderId::first_at(list.until).get();
    let limit = i64::from(list.page_size);
    let skipped = i64::from(list.page.saturating_sub(1)) * limit;
    let plain = list.standings.is_empty()
        && list.method.is_none()
        && list.operator.is_none()
        && list.number.is_none();
    if plain {
        return page(
            connection,
            (COUNT_RANGE, named_params! { ":partner": partner, ":from": from, ":until": until }),
            (
                PAGE_RANGE,
                named_params! {
                    ":partner": partner, ":from": from, ":until": until, ":limit": limit, ":skipped": skipped,
                },
            ),
        );
    }
    let standings = list.standings.iter().fold(0_i64, |set, standing| set | 1 << standing.code());
    let method = list.method.as_ref().map(|method| method.name());
    let now = query.now.ms();
    let window = query.refund_window.ms();
    let operator = &list.operator;
    let number = &list.number;
    let filter = named_params! {
        ":partner": partner, ":from": from, ":until": until, ":standings": standings, ":now": now,
        ":window": window, ":operator": operator, ":method": method,
    };
    let slice = named_params! { ":limit": limit, ":skipped": skipped };
    if number.is_some() {
        let by_number = [filter, named_params! { ":number": number }].concat();
        let paged = [&by_number[..], slice].concat();
        return page(connection, (COUNT_NUMBERED, &by_number[..]), (PAGE_NUMBERED, &paged[..]));
    }
    page(connection, (COUNT_FILTERED, filter), (PAGE_FILTERED, &[filter, slice].concat()[..]))
}

fn page(
    connection: &Connection,
    (count_sql, count): (&str, impl Params),
    (page_sql, slice): (&str, impl Params),
) -> rusqlite::Result<OrderPage> {
    let total: i64 = connection.prepare_cached(count_sql)?.query_row(count, |row| row.get(0))?;
    let entry = |row: &Row<'_>| Ok((rows::order(row)?, rows::payment_from(row, ORDER_COLUMNS)?));
    let entries = all(connection, page_sql, slice, entry)?;
    Ok(OrderPage { entries, total: total.unsigned_abs() })
}

macro_rules! redeemed {
    () => {
        "FROM redemptions r WHERE r.by_partner = :by AND r.device = :device AND r.id >= :from AND r.id < :until \
         AND (:id IS NULL OR r.id = :id) \
         AND (:code IS NULL OR r.voucher = (SELECT v.id FROM vouchers v WHERE v.code = :code))"
    };
}

/// Index redemptions_by alone.
pub(crate) const COUNT_REDEMPTIONS: &str = concat!("SELECT count(*) ", redeemed!());
/// Index redemptions_by, from the newest. Skipped pages are passed in the index alone.
pub(crate) const PAGE_REDEMPTIONS: &str = concat!(
    "SELECT ",
    crate::rows::redemption_columns!(),
    ", ",
    crate::rows::voucher_columns!(),
    " FROM (SELECT r.voucher AS page_voucher, r.id AS page_id ",
    redeemed!(),
    " ORDER BY r.id DESC LIMIT :limit OFFSET :skipped)",
    " JOIN redemptions r ON r.voucher = page_voucher AND r.id = page_id",
    " JOIN vouchers v ON v.id = page_voucher",
    " ORDER BY r.id DESC",
);

/// A page of what a partner has redeemed, newest first, and how much there is.
pub(crate) fn list_redemptions(
    connection: &Connection,
    query: &RedemptionQuery,
) -> rusqlite::Result<RedemptionPage> {
    let list = &query.list;
    let limit = i64::from(list.page_size);
    let filter = named_params! {
        ":by": query.by.get(),
        ":device": list.device,
        ":from": RedemptionId::first_at(list.from).get(),
        ":until": RedemptionId::first_at(list.until).get(),
        ":id": list.id.map(RedemptionId::get),
        ":code": list.code.map(VoucherCode::get),
    };
    let total: i64 = connection.prepare_cached(COUNT_REDEMPTIONS)?.query_row(filter, |row| row.get(0))?;
    let slice = named_params! { ":limit": limit, ":skipped": i64::from(list.page.saturating_sub(1)) * limit };
    let entry = |row: &Row<'_>| Ok((rows::redemption(row)?, rows::voucher_from(row, REDEMPTION_COLUMNS)?));
    let entries = all(connection, PAGE_REDEMPTIONS, &[filter, slice].concat()[..], entry)?;
    Ok(RedemptionPage { entries, total: total.unsigned_abs() })
}

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
        load(connection, &[Need::Partner(partner), Need::Order(partner, order)]).map_err(store_error)?;
    let Some(order) = found.orders.into_iter().next() else { return Ok(None) };
    let Some(partner) = found.partners.into_iter().next() else {
        return Err(StoreError::Corrupt(format!("{} belongs to {partner}, which is not there", order.id)));
    };
    let key = (partner.id.get(), order.id.get());
    Ok(Some(Story {
        transfers: all(connection, TRANSFERS, key, rows::transfer).map_err(store_error)?,
        events: all(connection, EVENTS_OF_ORDER, key, rows::event).map_err(store_error)?,
        tasks: all(connection, TASKS_OF_ORDER, key, rows::task).map_err(store_error)?,
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
pub(crate) const USERS: &str = select!(user_columns, "FROM users WHERE partner = ?1 ORDER BY login");

/// The users of a partner, by login.
pub(crate) fn list_users(connection: &Connection, partner: PartnerId) -> rusqlite::Result<Vec<User>> {
    all(connection, USERS, [partner.get()], rows::user)
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

macro_rules! tasks {
    ($state:literal) => {
        concat!(
            "SELECT ",
            crate::rows::task_columns!(),
            " FROM tasks WHERE ",
            $state,
            " AND (:kind IS NULL OR kind = :kind)",
            " AND (partner, id) > (:after_partner, :after_id) AND partner <= :last_partner",
            " ORDER BY partner, id LIMIT :limit",
        )
    };
}

/// Index tasks_due; what is pending is sorted by id, keeping no more than a page.
pub(crate) const TASKS_PENDING: &str = tasks!("state = 0");
/// Index tasks_ended, in order.
pub(crate) const TASKS_ENDED: &str = tasks!("state >= 2 AND state = :state");
/// No index: every task is looked at, keeping no more than a page. For people, who seldom ask for
/// what is done; an index would cost every order.
pub(crate) const TASKS: &str = tasks!("(:state IS NULL OR state = :state)");

/// Tasks by filter, by partner and id.
pub(crate) fn list_tasks(connection: &Connection, filter: &TaskFilter) -> rusqlite::Result<Vec<Task>> {
    let kind = match &filter.kind {
        None => None,
        Some(name) => match task_kind_code(name) {
            None => return Ok(Vec::new()),
            known => known,
        },
    };
    let first_partner = filter.partner.map_or(i64::MIN, PartnerId::get);
    let last_partner = filter.partner.map_or(i64::MAX, PartnerId::get);
    let after = filter.after.map_or((i64::MIN, i64::MIN), |(partner, id)| (partner.get(), id.get()));
    let (after_partner, after_id) = after.max((first_partner, i64::MIN));
    let limit = filter.limit;
    let state = filter.state.map(Code::code);
    let common = named_params! {
        ":kind": kind, ":after_partner": after_partner, ":after_id": after_id, ":last_partner": last_partner,
        ":limit": limit,
    };
    let with_state = [common, named_params! { ":state": state }].concat();
    match filter.state {
        Some(TaskState::Pending) => all(connection, TASKS_PENDING, common, rows::task),
        Some(TaskState::Failed | TaskState::Cancelled) => {
            all(connection, TASKS_ENDED, &with_state[..], rows::task)
        }
        Some(TaskState::Done) | None => all(connection, TASKS, &with_state[..], rows::task),
    }
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
    let read = |row: &Row<'_>| Ok(Fact { name: row.get(0)?, value: row.get(1)? });
    connection.prepare_cached(FACT)?.query_row([name], read).optional()
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(parameters, read)?.collect()
}
