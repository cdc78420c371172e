//! Lists for partners and people, and the story of one order.

use tokio_postgres::Row;
use tradewind_domain::{
    Event, Fact, Need, OrderId, OrderPage, PartnerId, RedemptionId, RedemptionPage, Rows, Task, TaskState,
    User, VoucherCode,
};
use tradewind_store::{OrderQuery, RedemptionQuery, Result, StoreError, Story, TaskFilter};

use crate::codes::{Code, Unreadable, standing, task_kind_code};
use crate::error::unreadable;
use crate::load::{Questions, Seen, select};
use crate::pool::Readers;
use crate::rows::{self, ORDER_COLUMNS, REDEMPTION_COLUMNS, get};
use crate::session::{Step, Value};

/// Reads of several statements see one snapshot.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Finds what is stored for `needs`; absent rows are left out.
pub(crate) async fn read(readers: &Readers, needs: &[Need]) -> Result<Rows> {
    let questions = Questions::reading(needs);
    let answers = snapshot(readers, || questions.steps()).await?;
    questions.read(&answers, &mut Seen::default())
}

/// Runs statements in one snapshot.
async fn snapshot(readers: &Readers, steps: impl Fn() -> Vec<Step<'static>>) -> Result<Vec<Vec<Row>>> {
    if steps().len() < 2 {
        return readers.fly(steps).await;
    }
    let framed = || {
        let mut framed = vec![Step::Plain(BEGIN)];
        framed.extend(steps());
        framed.push(Step::Plain("COMMIT"));
        framed
    };
    let mut answers = readers.fly(framed).await?;
    answers.pop();
    answers.remove(0);
    Ok(answers)
}

macro_rules! order_page {
    ($from:expr, $limit:literal, $skipped:literal) => {
        concat!(
            "SELECT ",
            crate::rows::order_columns!(),
            ", ",
            crate::rows::payment_columns!(),
            " FROM (SELECT o.partner, o.id ",
            $from,
            " ORDER BY o.partner DESC, o.id DESC LIMIT ",
            $limit,
            " OFFSET ",
            $skipped,
            ") AS page JOIN orders o ON o.partner = page.partner AND o.id = page.id",
            " JOIN payments p ON p.partner = o.partner AND p.order_id = o.id AND p.id = o.payment",
            " ORDER BY o.id DESC",
        )
    };
}

/// Primary key of orders, alone.
pub(crate) const COUNT_RANGE: &str =
    "SELECT count(*) FROM orders o WHERE o.partner = $1 AND o.id >= $2 AND o.id < $3";
/// Primary key of orders, from the newest. Skipped pages are passed in the index alone.
pub(crate) const PAGE_RANGE: &str =
    order_page!("FROM orders o WHERE o.partner = $1 AND o.id >= $2 AND o.id < $3", "$4", "$5");

macro_rules! filtered {
    ($orders:literal) => {
        concat!(
            "FROM ",
            $orders,
            " WHERE o.partner = $1 AND o.id >= $2 AND o.id < $3",
            " AND ($4::bigint = 0 OR ($4::bigint >> (",
            standing!("$5::bigint", "$6::bigint"),
            ")) & 1 = 1)",
            " AND ($7::text IS NULL OR o.operator = $7)",
            " AND ($8::text IS NULL OR EXISTS (SELECT FROM payments p WHERE p.partner = o.partner",
            " AND p.order_id = o.id AND p.id = o.payment AND p.method = $8))",
        )
    };
}

/// Finds the one order of a number before anything else is asked of it.
macro_rules! numbered {
    () => {
        filtered!("(SELECT * FROM orders n WHERE n.partner = $1 AND n.number = $9 OFFSET 0) AS o")
    };
}

/// Primary key of orders, and a look at each order in the range.
pub(crate) const COUNT_FILTERED: &str = concat!("SELECT count(*) ", filtered!("orders o"));
/// Primary key of orders, from the newest.
pub(crate) const PAGE_FILTERED: &str = order_page!(filtered!("orders o"), "$9", "$10");
/// Index orders_number: one order at most.
pub(crate) const COUNT_NUMBERED: &str = concat!("SELECT count(*) ", numbered!());
/// Index orders_number: one order at most.
pub(crate) const PAGE_NUMBERED: &str = order_page!(numbered!(), "$10", "$11");

/// A page of a partner's orders, newest first, and how many there are.
pub(crate) async fn list_orders(readers: &Readers, query: OrderQuery) -> Result<OrderPage> {
    let list = &query.list;
    let partner = query.partner.get();
    let from = OrderId::first_at(list.from).get();
    let until = OrderId::first_at(list.until).get();
    let limit = i64::from(list.page_size);
    let skipped = i64::from(list.page.saturating_sub(1)) * limit;
    let unstorable = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\0'));
    if unstorable(&list.number) || unstorable(&list.operator) {
        return Ok(OrderPage::default());
    }
    let plain = list.standings.is_empty()
        && list.method.is_none()
        && list.operator.is_none()
        && list.number.is_none();
    let filter = || -> Vec<Value<'static>> {
        let mut values: Vec<Value<'static>> = vec![Box::new(partner), Box::new(from), Box::new(until)];
        if !plain {
            let standings = list.standings.iter().fold(0_i64, |set, standing| set | 1 << standing.code());
            values.push(Box::new(standings));
            values.push(Box::new(query.now.ms()));
            values.push(Box::new(query.refund_window.ms()));
            values.push(Box::new(list.operator.clone()));
            values.push(Box::new(list.method.as_ref().map(|method| method.name().to_owned())));
        }
        if let Some(number) = &list.number {
            values.push(Box::new(number.clone()));
        }
        values
    };
    let (count_sql, page_sql) = match (plain, &list.number) {
        (true, _) => (COUNT_RANGE, PAGE_RANGE),
        (false, None) => (COUNT_FILTERED, PAGE_FILTERED),
        (false, Some(_)) => (COUNT_NUMBERED, PAGE_NUMBERED),
    };
    let steps = || {
        let mut page = filter();
        page.push(Box::new(limit));
        page.push(Box::new(skipped));
        vec![Step::query(count_sql, filter()), Step::query(page_sql, page)]
    };
    let answers = snapshot(readers, steps).await?;
    let entry = |row: &Row| Ok((rows::order(row)?, rows::payment_from(row, ORDER_COLUMNS)?));
    match answers.as_slice() {
        [count, page] => {
            let total = count.first().map_or(Ok(0), |row| get::<i64>(row, 0)).map_err(unreadable)?;
            Ok(OrderPage { entries: all(page, entry)?, total: total.unsigned_abs() })
        }
        _ => Err(StoreError::Unavailable("an answer is missing".into())),
    }
}

/// Primary key of transfers.
pub(crate) const TRANSFERS: &str =
    select!(transfer_columns, "FROM transfers t WHERE t.partner = $1 AND t.order_id = $2 ORDER BY t.id");
/// Index events_order; the sum keeps the planner from walking all events of the partner in the order
/// of their numbers.
pub(crate) const EVENTS_OF_ORDER: &str =
    select!(event_columns, "FROM events e WHERE e.partner = $1 AND e.order_id = $2 ORDER BY e.number + 0");
/// Primary key of tasks.
pub(crate) const TASKS_OF_ORDER: &str =
    select!(task_columns, "FROM tasks t WHERE t.partner = $1 AND t.order_id = $2 ORDER BY t.id");

/// Everything about one order.
pub(crate) async fn story(readers: &Readers, partner: PartnerId, order: OrderId) -> Result<Option<Story>> {
    let questions = Questions::reading(&[Need::Partner(partner), Need::Order(partner, order)]);
    let key = || -> Vec<Value<'static>> { vec![Box::new(partner.get()), Box::new(order.get())] };
    let steps = || {
        let mut steps = vec![
            Step::query(TRANSFERS, key()),
            Step::query(EVENTS_OF_ORDER, key()),
            Step::query(TASKS_OF_ORDER, key()),
        ];
        steps.extend(questions.steps());
        steps
    };
    let answers = snapshot(readers, steps).await?;
    let [transfers, events, tasks, loaded @ ..] = answers.as_slice() else {
        return Err(StoreError::Unavailable("an answer is missing".into()));
    };
    let found = questions.read(loaded, &mut Seen::default())?;
    let Some(order) = found.orders.into_iter().next() else { return Ok(None) };
    let Some(partner) = found.partners.into_iter().next() else {
        return Err(StoreError::Corrupt(format!("{} belongs to {partner}, which is not there", order.id)));
    };
    Ok(Some(Story {
        transfers: all(transfers, rows::transfer)?,
        events: all(events, rows::event)?,
        tasks: all(tasks, rows::task)?,
        payments: found.payments,
        refunds: found.refunds,
        endpoints: found.endpoints,
        order,
        partner,
    }))
}

/// Primary key of partners.
pub(crate) const PARTNERS: &str =
    select!(partner_columns, "FROM partners p WHERE p.id > $1 ORDER BY p.id LIMIT $2");

/// Partners with their credentials, by id, after `after`.
pub(crate) async fn list_partners(readers: &Readers, after: Option<PartnerId>, limit: u32) -> Result<Rows> {
    let after = after.map_or(i64::MIN, PartnerId::get);
    let partners =
        one(readers, PARTNERS, || vec![Box::new(after), Box::new(i64::from(limit))], rows::partner).await?;
    let needs: Vec<Need> = partners.iter().map(|partner| Need::Credentials(partner.id)).collect();
    let credentials = read(readers, &needs).await?.credentials;
    Ok(Rows { partners, credentials, ..Rows::default() })
}

/// Primary key of users.
pub(crate) const USERS: &str = select!(user_columns, "FROM users u WHERE u.partner = $1 ORDER BY u.login");

/// The users of a partner, by login.
pub(crate) async fn list_users(readers: &Readers, partner: PartnerId) -> Result<Vec<User>> {
    one(readers, USERS, || vec![Box::new(partner.get())], rows::user).await
}

/// Index users_login.
pub(crate) const USERS_BY_LOGIN: &str =
    select!(user_columns, "FROM users u WHERE u.login = $1 ORDER BY u.login, u.partner LIMIT $2");

/// Users by login, whoever's they are.
pub(crate) async fn find_users(readers: &Readers, login: String, limit: u32) -> Result<Vec<User>> {
    if login.contains('\0') {
        return Ok(Vec::new());
    }
    let values = || -> Vec<Value<'static>> { vec![Box::new(login.clone()), Box::new(i64::from(limit))] };
    one(readers, USERS_BY_LOGIN, values, rows::user).await
}

/// Primary key of events.
pub(crate) const EVENTS_AFTER: &str = select!(
    event_columns,
    "FROM events e WHERE e.partner = $1 AND e.number > $2 ORDER BY e.partner, e.number LIMIT $3"
);

/// Events of a partner after a number, in order.
pub(crate) async fn list_events(
    readers: &Readers,
    partner: PartnerId,
    after: i64,
    limit: u32,
) -> Result<Vec<Event>> {
    let values = || -> Vec<Value<'static>> {
        vec![Box::new(partner.get()), Box::new(after), Box::new(i64::from(limit))]
    };
    one(readers, EVENTS_AFTER, values, rows::event).await
}

macro_rules! tasks {
    ($state:literal) => {
        select!(
            task_columns,
            "FROM tasks t WHERE ",
            $state,
            " AND ($2::smallint IS NULL OR t.kind = $2) AND (t.partner, t.id) > ($3, $4) AND t.partner <= $5",
            " ORDER BY t.partner, t.id LIMIT $6"
        )
    };
}

/// Index tasks_due; what is pending is sorted by id, partner by partner, until the page is full.
pub(crate) const TASKS_PENDING: &str = tasks!("t.state = 0 AND t.state = $1");
/// Index tasks_ended, in order.
pub(crate) const TASKS_ENDED: &str = tasks!("t.state >= 2 AND t.state = $1");
/// Primary key of tasks, sorted by id partner by partner. For people, who seldom ask for what is done;
/// an index would cost every order.
pub(crate) const TASKS: &str = tasks!("($1::smallint IS NULL OR t.state = $1)");

/// Tasks by filter, by partner and id.
pub(crate) async fn list_tasks(readers: &Readers, filter: TaskFilter) -> Result<Vec<Task>> {
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
    let state = filter.state.map(Code::code);
    let sql = match filter.state {
        Some(TaskState::Pending) => TASKS_PENDING,
        Some(TaskState::Failed | TaskState::Cancelled) => TASKS_ENDED,
        Some(TaskState::Done) | None => TASKS,
    };
    let values = || -> Vec<Value<'static>> {
        vec![
            Box::new(state),
            Box::new(kind),
            Box::new(after_partner),
            Box::new(after_id),
            Box::new(last_partner),
            Box::new(i64::from(filter.limit)),
        ]
    };
    one(readers, sql, values, rows::task).await
}

macro_rules! redeemed {
    () => {
        "FROM redemptions r WHERE r.by_partner = $1 AND r.device = $2 AND r.id >= $3 AND r.id < $4 \
         AND ($5::bigint IS NULL OR r.id = $5) \
         AND ($6::bigint IS NULL OR (r.partner, r.voucher) = \
           (SELECT c.partner, c.voucher FROM voucher_codes c WHERE c.code = $6))"
    };
}

/// Index redemptions_by.
pub(crate) const COUNT_REDEMPTIONS: &str = concat!("SELECT count(*) ", redeemed!());
/// Index redemptions_by, from the newest.
pub(crate) const PAGE_REDEMPTIONS: &str = concat!(
    "SELECT ",
    crate::rows::redemption_columns!(),
    ", ",
    crate::rows::voucher_columns!(),
    " FROM (SELECT r.* ",
    redeemed!(),
    " ORDER BY r.by_partner DESC, r.device DESC, r.id DESC LIMIT $7 OFFSET $8) AS r",
    " JOIN vouchers v ON v.partner = r.partner AND v.id = r.voucher ORDER BY r.id DESC",
);

/// A page of what a partner has redeemed, newest first, and how much there is.
pub(crate) async fn list_redemptions(readers: &Readers, query: RedemptionQuery) -> Result<RedemptionPage> {
    let list = &query.list;
    if list.device.contains('\0') {
        return Ok(RedemptionPage::default());
    }
    let filter = || -> Vec<Value<'static>> {
        vec![
            Box::new(query.by.get()),
            Box::new(list.device.clone()),
            Box::new(RedemptionId::first_at(list.from).get()),
            Box::new(RedemptionId::first_at(list.until).get()),
            Box::new(list.id.map(RedemptionId::get)),
            Box::new(list.code.map(VoucherCode::get)),
        ]
    };
    let limit = i64::from(list.page_size);
    let steps = || {
        let mut page = filter();
        page.push(Box::new(limit));
        page.push(Box::new(i64::from(list.page.saturating_sub(1)) * limit));
        vec![Step::query(COUNT_REDEMPTIONS, filter()), Step::query(PAGE_REDEMPTIONS, page)]
    };
    let answers = snapshot(readers, steps).await?;
    let entry = |row: &Row| Ok((rows::redemption(row)?, rows::voucher_from(row, REDEMPTION_COLUMNS)?));
    match answers.as_slice() {
        [count, page] => {
            let total = count.first().map_or(Ok(0), |row| get::<i64>(row, 0)).map_err(unreadable)?;
            Ok(RedemptionPage { entries: all(page, entry)?, total: total.unsigned_abs() })
        }
        _ => Err(StoreError::Unavailable("an answer is missing".into())),
    }
}

/// Primary key of facts.
pub(crate) const FACT: &str = "SELECT name, value FROM facts WHERE name = $1";

/// The fact of this name.
pub(crate) async fn fact(readers: &Readers, name: String) -> Result<Option<Fact>> {
    let read = |row: &Row| Ok(Fact { name: get(row, 0)?, value: get(row, 1)? });
    let found = one(readers, FACT, || vec![Box::new(name.clone())], read).await?;
    Ok(found.into_iter().next())
}

async fn one<T>(
    readers: &Readers,
    sql: &'static str,
    values: impl Fn() -> Vec<Value<'static>>,
    read: impl Fn(&Row) -> std::result::Result<T, Unreadable>,
) -> Result<Vec<T>> {
    let answers = readers.fly(|| vec![Step::query(sql, values())]).await?;
    all(answers.first().map_or(&[], Vec::as_slice), read)
}

fn all<T>(answer: &[Row], read: impl Fn(&Row) -> std::result::Result<T, Unreadable>) -> Result<Vec<T>> {
    answer.iter().map(read).collect::<std::result::Result<_, _>>().map_err(unreadable)
}
