//! Lists that go on after a place, for people, and the story of one order. Those with page numbers are in
//! `pages`.

pub(crate) mod catalogue;
pub(crate) mod purchases;

use tokio_postgres::Row;
use tradewind_domain::{Event, Fact, Need, OrderId, PartnerId, Rows, Task, TaskId, TaskState, User};
use tradewind_store::{Result, StoreError, Story, TaskFilter, TaskPage, TaskPlace};

use crate::codes::{Code, Unreadable};
use crate::error::unreadable;
use crate::load::{Questions, Seen, select};
use crate::pool::Readers;
use crate::rows::{self, get};
use crate::session::{Step, Value};

use purchases::REDEMPTIONS_OF_ORDER;

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
    let questions = Questions::reading(&[Need::Partner(partner), Need::VouchersOf(partner, order)]);
    let key = || -> Vec<Value<'static>> { vec![Box::new(partner.get()), Box::new(order.get())] };
    let steps = || {
        let mut steps = vec![
            Step::query(TRANSFERS, key()),
            Step::query(EVENTS_OF_ORDER, key()),
            Step::query(TASKS_OF_ORDER, key()),
            Step::query(REDEMPTIONS_OF_ORDER, key()),
        ];
        steps.extend(questions.steps());
        steps
    };
    let answers = snapshot(readers, steps).await?;
    let [transfers, events, tasks, redemptions, loaded @ ..] = answers.as_slice() else {
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
        vouchers: found.vouchers,
        redemptions: all(redemptions, rows::redemption)?,
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
pub(crate) const USERS: &str = select!(
    user_columns,
    "FROM users u WHERE u.partner = $1 AND u.login > $2 ORDER BY u.partner, u.login LIMIT $3"
);

/// The users of a partner, by login, after `after`.
pub(crate) async fn list_users(
    readers: &Readers,
    partner: PartnerId,
    after: Option<String>,
    limit: u32,
) -> Result<Vec<User>> {
    // No login is empty, and none has what texts of the database cannot.
    let after = after.unwrap_or_default().replace('\0', "\u{1}");
    let values = || -> Vec<Value<'static>> {
        vec![Box::new(partner.get()), Box::new(after.clone()), Box::new(i64::from(limit))]
    };
    one(readers, USERS, values, rows::user).await
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

/// Index tasks_due, in order.
pub(crate) const TASKS_PENDING: &str = select!(
    task_columns,
    "FROM tasks t WHERE t.state = 0 AND (t.partner, t.due_at, t.order_id, t.id) > ($1, $2, $3, $4) \
     AND t.partner <= $5 ORDER BY t.partner, t.due_at, t.order_id, t.id LIMIT $6"
);
/// Index tasks_ended, in order.
pub(crate) const TASKS_ENDED: &str = select!(
    task_columns,
    "FROM tasks t WHERE t.state >= 2 AND t.state = $1 AND (t.partner, t.id) > ($2, $3) AND t.partner <= $4 \
     ORDER BY t.partner, t.id LIMIT $5"
);
/// Primary key of tasks, in order.
pub(crate) const TASKS: &str = select!(
    task_columns,
    "FROM tasks t WHERE (t.partner, t.order_id, t.id) > ($1, $2, $3) AND t.partner <= $4 \
     ORDER BY t.partner, t.order_id, t.id LIMIT $5"
);

/// A page of tasks by filter. Those that wait go by when they are due, those that ended without success
/// by id, all others by what they are about.
pub(crate) async fn list_tasks(readers: &Readers, filter: TaskFilter) -> Result<TaskPage> {
    let first = TaskPlace::before(filter.partner.unwrap_or(PartnerId::from_i64(i64::MIN)));
    // A place in the list of an earlier partner is before all of this one.
    let after = filter.after.filter(|after| after.partner >= first.partner).unwrap_or(first);
    let partner = after.partner.get();
    let last_partner = filter.partner.map_or(i64::MAX, PartnerId::get);
    let (due_at, about, id) = (after.due_at.ms(), after.about, after.id.get());
    let entries = i64::from(filter.entries());
    let found = match filter.state {
        Some(TaskState::Pending) => {
            let values = || -> Vec<Value<'static>> {
                vec![
                    Box::new(partner),
                    Box::new(due_at),
                    Box::new(about),
                    Box::new(id),
                    Box::new(last_partner),
                    Box::new(entries),
                ]
            };
            one(readers, TASKS_PENDING, values, rows::task).await?
        }
        Some(state @ (TaskState::Failed | TaskState::Cancelled)) => {
            let values = || -> Vec<Value<'static>> {
                vec![
                    Box::new(state.code()),
                    Box::new(partner),
                    Box::new(id),
                    Box::new(last_partner),
                    Box::new(entries),
                ]
            };
            one(readers, TASKS_ENDED, values, rows::task).await?
        }
        Some(TaskState::Done) | None => {
            let values = || -> Vec<Value<'static>> {
                vec![
                    Box::new(partner),
                    Box::new(about),
                    Box::new(id),
                    Box::new(last_partner),
                    Box::new(entries),
                ]
            };
            one(readers, TASKS, values, rows::task).await?
        }
    };
    Ok(filter.page(found))
}

/// Indexes tasks_ended and tasks_due; all that waits of the partner is passed in the latter.
pub(crate) const FIND_TASK: &str = concat!(
    "SELECT ",
    crate::rows::task_columns!(),
    " FROM tasks t WHERE t.state >= 2 AND t.partner = $1 AND t.id = $2 UNION ALL SELECT ",
    crate::rows::task_columns!(),
    " FROM tasks t WHERE t.state = 0 AND t.partner = $1 AND t.id = $2 LIMIT 1"
);

/// The task of an id that waits or has ended without success.
pub(crate) async fn find_task(readers: &Readers, partner: PartnerId, id: TaskId) -> Result<Option<Task>> {
    let values = || -> Vec<Value<'static>> { vec![Box::new(partner.get()), Box::new(id.get())] };
    Ok(one(readers, FIND_TASK, values, rows::task).await?.into_iter().next())
}

/// Primary key of facts.
pub(crate) const FACT: &str = "SELECT name, value FROM facts WHERE name = $1";

/// The fact of this name.
pub(crate) async fn fact(readers: &Readers, name: String) -> Result<Option<Fact>> {
    let found = one(readers, FACT, || vec![Box::new(name.clone())], read_fact).await?;
    Ok(found.into_iter().next())
}

/// Primary key of facts; no name has a character above the last there is.
pub(crate) const FACTS: &str = "SELECT name, value FROM facts \
     WHERE name >= $1 AND name < $1 || U&'\\+10FFFF' ORDER BY name";

/// The facts whose names begin with `prefix`.
pub(crate) async fn facts(readers: &Readers, prefix: String) -> Result<Vec<Fact>> {
    one(readers, FACTS, || vec![Box::new(prefix.clone())], read_fact).await
}

fn read_fact(row: &Row) -> std::result::Result<Fact, Unreadable> {
    Ok(Fact { name: get(row, 0)?, value: get(row, 1)? })
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
