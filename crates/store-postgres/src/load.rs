//! From needs to rows: one query for each table, whatever the size of the batch, all in one flight.
//!
//! A lane's load locks what the batch may change, and everything that locks does so in one order:
//!
//! 1. the event streams of the partners whose orders or vouchers are wanted, by partner: an event takes
//!    the next number, and only what is there already can lead to one;
//! 2. the orders, by partner and id. Payments, refunds and transfers of an order change only together
//!    with it, so its lock stands for theirs;
//! 3. the vouchers, by partner and id, whose lock stands for their redemptions too;
//! 4. the tasks that are wanted, by key.
//!
//! Orders that have gone are asked for after those that are there. Whoever waits for the lock of an order
//! while it goes does not find it, and the next statement finds what is kept of it: there is no moment
//! between at which its number looks free.
//!
//! What is only looked at by most batches is not locked but versioned: partners, credentials and users
//! carry a count of their changes, a stream carries its position, and a write that finds another than
//! was loaded is a conflict (see `write`). New rows have nothing to lock; a unique index decides.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::Row;
use tradewind_domain::{Need, Rows};
use tradewind_store::{Result, about_number};

use crate::codes::Unreadable;
use crate::error::unreadable;
use crate::rows::{self, get};
use crate::session::{Step, Value};

macro_rules! select {
    ($columns:ident, $($rest:expr),+) => {
        concat!("SELECT ", crate::rows::$columns!(), " ", $($rest),+)
    };
}
pub(crate) use select;

/// The keys of the orders that are wanted by id ($1, $2), by number ($3, $4) and by the number of a
/// refund ($5, $6).
macro_rules! wanted {
    () => {
        "(SELECT k.partner, k.id FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, id) \
          UNION SELECT o.partner, o.id FROM unnest($3::bigint[], $4::text[]) AS k (partner, number) \
            JOIN orders o ON o.partner = k.partner AND o.number = k.number \
          UNION SELECT r.partner, r.order_id FROM unnest($5::bigint[], $6::text[]) AS k (partner, number) \
            JOIN refunds r ON r.partner = k.partner AND r.number = k.number) AS w"
    };
}

macro_rules! orders {
    ($lock:literal) => {
        select!(
            order_columns,
            "FROM ",
            wanted!(),
            " JOIN orders o ON o.partner = w.partner AND o.id = w.id ORDER BY o.partner, o.id",
            $lock
        )
    };
}

/// Vouchers that are wanted by id ($1, $2), by number ($3, $4) and by code ($5).
macro_rules! vouchers {
    ($lock:literal) => {
        select!(
            voucher_columns,
            "FROM (SELECT k.partner, k.id FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, id) \
               UNION SELECT v.partner, v.id FROM unnest($3::bigint[], $4::text[]) AS k (partner, number) \
                 JOIN vouchers v ON v.partner = k.partner AND v.number = k.number \
               UNION SELECT c.partner, c.voucher FROM unnest($5::bigint[]) AS k (code) \
                 JOIN voucher_codes c ON c.code = k.code) AS w \
             JOIN vouchers v ON v.partner = w.partner AND v.id = w.id ORDER BY v.partner, v.id",
            $lock
        )
    };
}

macro_rules! tasks {
    ($lock:literal) => {
        select!(
            task_columns,
            "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (partner, order_id, id) \
             JOIN tasks t ON t.partner = k.partner AND t.order_id = k.order_id AND t.id = k.id \
             ORDER BY t.partner, t.order_id, t.id",
            $lock
        )
    };
}

macro_rules! tasks_of {
    ($lock:literal) => {
        select!(
            task_columns,
            "FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, order_id) \
             JOIN tasks t ON t.partner = k.partner AND t.order_id = k.order_id \
             ORDER BY t.partner, t.order_id, t.id",
            $lock
        )
    };
}

/// Primary key of streams.
pub(crate) const LOCK_STREAMS: &str = concat!(
    "SELECT s.partner FROM (SELECT DISTINCT w.partner FROM ",
    wanted!(),
    " UNION SELECT unnest($7::bigint[])) AS p JOIN streams s ON s.partner = p.partner ORDER BY s.partner FOR NO KEY UPDATE OF s"
);
/// Primary key of orders, and the numbers' indexes.
pub(crate) const ORDERS: &str = orders!("");
/// The same.
pub(crate) const ORDERS_LOCKED: &str = orders!(" FOR NO KEY UPDATE OF o");
/// Primary key of payments.
pub(crate) const PAYMENTS: &str = select!(
    payment_columns,
    "FROM ",
    wanted!(),
    " JOIN payments p ON p.partner = w.partner AND p.order_id = w.id ORDER BY p.partner, p.order_id, p.id"
);
/// Primary key of refunds.
pub(crate) const REFUNDS: &str = select!(
    refund_columns,
    "FROM ",
    wanted!(),
    " JOIN refunds r ON r.partner = w.partner AND r.order_id = w.id ORDER BY r.partner, r.order_id, r.id"
);
/// Primary key of past_orders.
pub(crate) const PAST_ORDERS: &str = select!(
    past_order_columns,
    "FROM unnest($1::bigint[], $2::text[]) AS k (partner, number) \
     JOIN past_orders d ON d.partner = k.partner AND d.number = k.number"
);
/// Primary key of past_refunds.
pub(crate) const PAST_REFUNDS: &str = select!(
    past_refund_columns,
    "FROM unnest($1::bigint[], $2::text[]) AS k (partner, number) \
     JOIN past_refunds d ON d.partner = k.partner AND d.number = k.number"
);
/// Primary key of vouchers, the numbers' and the codes' indexes.
pub(crate) const VOUCHERS: &str = vouchers!("");
/// The same.
pub(crate) const VOUCHERS_LOCKED: &str = vouchers!(" FOR NO KEY UPDATE OF v");
/// Primary keys of events and redemptions.
pub(crate) const REDEMPTIONS: &str = select!(
    redemption_columns,
    "FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, number) \
     JOIN events e ON e.partner = k.partner AND e.number = k.number \
     JOIN redemptions r ON r.partner = e.partner AND r.voucher = -e.order_id AND r.id = e.redemption"
);
/// Primary key of tasks.
pub(crate) const TASKS: &str = tasks!("");
/// The same.
pub(crate) const TASKS_LOCKED: &str = tasks!(" FOR NO KEY UPDATE OF t");
/// Primary key of tasks. Only who has the lock of the order may ask, so that none is added meanwhile.
pub(crate) const TASKS_OF: &str = tasks_of!("");
/// The same.
pub(crate) const TASKS_OF_LOCKED: &str = tasks_of!(" FOR NO KEY UPDATE OF t");
/// Primary key of partners.
pub(crate) const PARTNERS: &str =
    select!(partner_columns, ", p.version FROM partners p WHERE p.id = ANY($1) ORDER BY p.id");
/// Primary key of endpoints.
pub(crate) const ENDPOINTS: &str =
    select!(endpoint_columns, "FROM endpoints e WHERE e.partner = ANY($1) ORDER BY e.partner, e.id");
/// Primary key of streams.
pub(crate) const STREAMS: &str = "SELECT s.partner, s.last FROM streams s WHERE s.partner = ANY($1)";
/// Primary key of events.
pub(crate) const EVENTS: &str = select!(
    event_columns,
    "FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, number) \
     JOIN events e ON e.partner = k.partner AND e.number = k.number"
);
/// Primary keys of key_ids and credentials.
pub(crate) const KEY_IDS: &str = select!(
    credential_columns,
    ", c.version FROM unnest($1::text[], $2::text[]) AS n (dialect, key_id) \
     JOIN key_ids k ON k.dialect = n.dialect AND k.key_id = n.key_id \
     JOIN credentials c ON c.partner = k.partner AND c.dialect = n.dialect AND c.key_id = n.key_id \
     ORDER BY c.partner, c.id"
);
/// Primary key of credentials.
pub(crate) const CREDENTIALS: &str = select!(
    credential_columns,
    ", c.version FROM credentials c WHERE c.partner = ANY($1) ORDER BY c.partner, c.id"
);
/// Primary key of users.
pub(crate) const USERS: &str = select!(
    user_columns,
    ", u.version FROM unnest($1::bigint[], $2::text[]) AS k (partner, login) \
     JOIN users u ON u.partner = k.partner AND u.login = k.login"
);

/// What a lane uses in most batches.
pub(crate) const HOT: &[&str] = &[
    LOCK_STREAMS,
    ORDERS_LOCKED,
    PAYMENTS,
    REFUNDS,
    PAST_ORDERS,
    TASKS_LOCKED,
    PARTNERS,
    ENDPOINTS,
    STREAMS,
];

/// The versions of what a lane has loaded and not locked.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) partners: HashMap<i64, i64>,
    pub(crate) credentials: HashMap<(i64, i64), i64>,
    pub(crate) users: HashMap<(i64, String), i64>,
    pub(crate) streams: HashMap<i64, i64>,
}

/// The questions for a list of needs.
pub(crate) struct Questions {
    asked: Vec<(&'static str, Reading)>,
    wanted: Wanted,
    locking: bool,
}

/// Columns of keys. What holds a zero byte is nowhere in this database, so it is not asked for.
#[derive(Default)]
struct Wanted {
    partners: Vec<i64>,
    orders: (Vec<i64>, Vec<i64>),
    order_numbers: (Vec<i64>, Vec<String>),
    refund_numbers: (Vec<i64>, Vec<String>),
    tasks: (Vec<i64>, Vec<i64>, Vec<i64>),
    tasks_of: (Vec<i64>, Vec<i64>),
    events: (Vec<i64>, Vec<i64>),
    vouchers: (Vec<i64>, Vec<i64>),
    voucher_numbers: (Vec<i64>, Vec<String>),
    voucher_codes: Vec<i64>,
    key_ids: (Vec<String>, Vec<String>),
    credentials: Vec<i64>,
    users: (Vec<i64>, Vec<String>),
}

#[derive(Clone, Copy)]
enum Reading {
    Locks,
    Orders,
    Payments,
    Refunds,
    PastOrders,
    PastRefunds,
    Vouchers,
    Redemptions,
    Tasks,
    TasksOf,
    Partners,
    Endpoints,
    Streams,
    Events,
    Credentials,
    Users,
}

impl Questions {
    /// The questions of a read.
    pub(crate) fn reading(needs: &[Need]) -> Questions {
        Questions::new(needs, false)
    }

    /// The questions of a lane, which lock.
    pub(crate) fn locking(needs: &[Need]) -> Questions {
        Questions::new(needs, true)
    }

    fn new(needs: &[Need], locking: bool) -> Questions {
        let mut wanted = Wanted::default();
        let needs: BTreeSet<Key<'_>> = needs.iter().map(Key::of).collect();
        needs.into_iter().for_each(|key| wanted.add(key));
        let mut asked = Vec::with_capacity(12);
        let mut ask = |sql, reading| asked.push((sql, reading));
        let orders = !(wanted.orders.0.is_empty()
            && wanted.order_numbers.0.is_empty()
            && wanted.refund_numbers.0.is_empty());
        let vouchers = !(wanted.vouchers.0.is_empty()
            && wanted.voucher_numbers.0.is_empty()
            && wanted.voucher_codes.is_empty());
        if locking && (orders || !wanted.vouchers.0.is_empty()) {
            ask(LOCK_STREAMS, Reading::Locks);
        }
        if orders {
            ask(if locking { ORDERS_LOCKED } else { ORDERS }, Reading::Orders);
            ask(PAYMENTS, Reading::Payments);
            ask(REFUNDS, Reading::Refunds);
        }
        if !wanted.order_numbers.0.is_empty() {
            ask(PAST_ORDERS, Reading::PastOrders);
        }
        if !wanted.refund_numbers.0.is_empty() {
            ask(PAST_REFUNDS, Reading::PastRefunds);
        }
        if vouchers {
            ask(if locking { VOUCHERS_LOCKED } else { VOUCHERS }, Reading::Vouchers);
        }
        if !wanted.tasks.0.is_empty() {
            ask(if locking { TASKS_LOCKED } else { TASKS }, Reading::Tasks);
        }
        if !wanted.tasks_of.0.is_empty() {
            ask(if locking { TASKS_OF_LOCKED } else { TASKS_OF }, Reading::TasksOf);
        }
        if !wanted.partners.is_empty() {
            ask(PARTNERS, Reading::Partners);
            ask(ENDPOINTS, Reading::Endpoints);
            ask(STREAMS, Reading::Streams);
        }
        if !wanted.events.0.is_empty() {
            ask(EVENTS, Reading::Events);
            ask(REDEMPTIONS, Reading::Redemptions);
        }
        if !wanted.key_ids.0.is_empty() {
            ask(KEY_IDS, Reading::Credentials);
        }
        if !wanted.credentials.is_empty() {
            ask(CREDENTIALS, Reading::Credentials);
        }
        if !wanted.users.0.is_empty() {
            ask(USERS, Reading::Users);
        }
        Questions { asked, wanted, locking }
    }

    /// One statement for each question.
    pub(crate) fn steps<'a>(&self) -> Vec<Step<'a>> {
        self.asked.iter().map(|(sql, reading)| Step::query(sql, self.values(sql, *reading))).collect()
    }

    fn values<'a>(&self, sql: &str, reading: Reading) -> Vec<Value<'a>> {
        let Wanted { orders, order_numbers, refund_numbers, tasks, events, users, .. } = &self.wanted;
        let Wanted { vouchers, voucher_numbers, voucher_codes, .. } = &self.wanted;
        match reading {
            Reading::Locks => {
                let mut values = self.values(sql, Reading::Orders);
                values.push(Box::new(vouchers.0.clone()));
                values
            }
            Reading::Orders | Reading::Payments | Reading::Refunds => vec![
                Box::new(orders.0.clone()),
                Box::new(orders.1.clone()),
                Box::new(order_numbers.0.clone()),
                Box::new(order_numbers.1.clone()),
                Box::new(refund_numbers.0.clone()),
                Box::new(refund_numbers.1.clone()),
            ],
            Reading::PastOrders => {
                vec![Box::new(order_numbers.0.clone()), Box::new(order_numbers.1.clone())]
            }
            Reading::PastRefunds => {
                vec![Box::new(refund_numbers.0.clone()), Box::new(refund_numbers.1.clone())]
            }
            Reading::TasksOf => {
                vec![Box::new(self.wanted.tasks_of.0.clone()), Box::new(self.wanted.tasks_of.1.clone())]
            }
            Reading::Vouchers => vec![
                Box::new(vouchers.0.clone()),
                Box::new(vouchers.1.clone()),
                Box::new(voucher_numbers.0.clone()),
                Box::new(voucher_numbers.1.clone()),
                Box::new(voucher_codes.clone()),
            ],
            Reading::Tasks => {
                vec![Box::new(tasks.0.clone()), Box::new(tasks.1.clone()), Box::new(tasks.2.clone())]
            }
            Reading::Partners | Reading::Endpoints | Reading::Streams => {
                vec![Box::new(self.wanted.partners.clone())]
            }
            Reading::Events | Reading::Redemptions => {
                vec![Box::new(events.0.clone()), Box::new(events.1.clone())]
            }
            Reading::Credentials if sql == KEY_IDS => {
                vec![Box::new(self.wanted.key_ids.0.clone()), Box::new(self.wanted.key_ids.1.clone())]
            }
            Reading::Credentials => vec![Box::new(self.wanted.credentials.clone())],
            Reading::Users => vec![Box::new(users.0.clone()), Box::new(users.1.clone())],
        }
    }

    /// Reads the answers, which come in the order of [`Questions::steps`].
    pub(crate) fn read(&self, answers: &[Vec<Row>], seen: &mut Seen) -> Result<Rows> {
        let mut found = Rows::default();
        for ((_, reading), answer) in self.asked.iter().zip(answers) {
            self.take(*reading, answer, &mut found, seen).map_err(unreadable)?;
        }
        Ok(found)
    }

    fn take(
        &self,
        reading: Reading,
        answer: &[Row],
        found: &mut Rows,
        seen: &mut Seen,
    ) -> std::result::Result<(), Unreadable> {
        match reading {
            Reading::Locks => Ok(()),
            Reading::Orders => all(answer, &mut found.orders, rows::order),
            Reading::Payments => all(answer, &mut found.payments, rows::payment),
            Reading::Refunds => all(answer, &mut found.refunds, rows::refund),
            Reading::PastOrders => all(answer, &mut found.past_orders, rows::past_order),
            Reading::PastRefunds => all(answer, &mut found.past_refunds, rows::past_refund),
            Reading::Vouchers => all(answer, &mut found.vouchers, rows::voucher),
            Reading::Redemptions => all(answer, &mut found.redemptions, rows::redemption),
            Reading::Tasks | Reading::TasksOf => all(answer, &mut found.tasks, rows::task),
            Reading::Endpoints => all(answer, &mut found.endpoints, rows::endpoint),
            Reading::Events => all(answer, &mut found.events, rows::event),
            Reading::Partners => answer.iter().try_for_each(|row| {
                let partner = rows::partner(row)?;
                self.note(|| seen.partners.insert(partner.id.get(), version(row).unwrap_or(-1)));
                found.partners.push(partner);
                Ok(())
            }),
            Reading::Streams => answer.iter().try_for_each(|row| {
                let stream = rows::stream(row)?;
                self.note(|| seen.streams.insert(stream.partner.get(), stream.last));
                found.streams.push(stream);
                Ok(())
            }),
            Reading::Credentials => answer.iter().try_for_each(|row| {
                let credential = rows::credential(row)?;
                let key = (credential.partner.get(), credential.id.get());
                self.note(|| seen.credentials.insert(key, version(row).unwrap_or(-1)));
                if !found.credentials.iter().any(|known| known.id == credential.id) {
                    found.credentials.push(credential);
                }
                Ok(())
            }),
            Reading::Users => answer.iter().try_for_each(|row| {
                let user = rows::user(row)?;
                let key = (user.partner.get(), user.login.clone());
                self.note(|| seen.users.insert(key, version(row).unwrap_or(-1)));
                found.users.push(user);
                Ok(())
            }),
        }
    }

    /// What was seen matters only to who may write.
    fn note<T>(&self, note: impl FnOnce() -> T) {
        if self.locking {
            note();
        }
    }
}

/// The version stands behind the columns of the row itself.
fn version(row: &Row) -> std::result::Result<i64, Unreadable> {
    get(row, row.len() - 1)
}

fn all<T>(
    answer: &[Row],
    into: &mut Vec<T>,
    read: fn(&Row) -> std::result::Result<T, Unreadable>,
) -> std::result::Result<(), Unreadable> {
    into.reserve(answer.len());
    answer.iter().try_for_each(|row| {
        into.push(read(row)?);
        Ok(())
    })
}

/// A need in an order of its own, so that the keys of a batch are sorted and none comes twice.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Partner(i64),
    Order(i64, i64),
    OrderNumber(i64, &'a str),
    RefundNumber(i64, &'a str),
    Task(i64, i64, i64),
    TasksOf(i64, i64),
    Event(i64, i64),
    Voucher(i64, i64),
    VoucherNumber(i64, &'a str),
    VoucherCode(i64),
    /// A dialect and a key id.
    Named(&'a str, &'a str),
    Credentials(i64),
    User(i64, &'a str),
}

impl Key<'_> {
    fn of(need: &Need) -> Key<'_> {
        match need {
            Need::Partner(id) => Key::Partner(id.get()),
            Need::Order(partner, id) => Key::Order(partner.get(), id.get()),
            Need::OrderNumber(partner, number) => Key::OrderNumber(partner.get(), number),
            Need::RefundNumber(partner, number) => Key::RefundNumber(partner.get(), number),
            Need::Task(key) => Key::Task(key.partner.get(), about_number(key.about), key.id.get()),
            Need::TasksOf(partner, order) => Key::TasksOf(partner.get(), order.get()),
            Need::Event(partner, number) => Key::Event(partner.get(), *number),
            Need::Voucher(partner, id) => Key::Voucher(partner.get(), id.get()),
            Need::VoucherNumber(partner, number) => Key::VoucherNumber(partner.get(), number),
            Need::VoucherCode(code) => Key::VoucherCode(code.get()),
            Need::KeyId { dialect, key_id } => Key::Named(dialect, key_id),
            Need::Credentials(partner) => Key::Credentials(partner.get()),
            Need::User(partner, login) => Key::User(partner.get(), login),
        }
    }
}

impl Wanted {
    fn add(&mut self, key: Key<'_>) {
        let storable = |text: &str| !text.contains('\0');
        match key {
            Key::Partner(id) => self.partners.push(id),
            Key::Order(partner, id) => {
                self.orders.0.push(partner);
                self.orders.1.push(id);
            }
            Key::OrderNumber(partner, number) if storable(number) => {
                self.order_numbers.0.push(partner);
                self.order_numbers.1.push(number.to_owned());
            }
            Key::RefundNumber(partner, number) if storable(number) => {
                self.refund_numbers.0.push(partner);
                self.refund_numbers.1.push(number.to_owned());
            }
            Key::Task(partner, order, id) => {
                self.tasks.0.push(partner);
                self.tasks.1.push(order);
                self.tasks.2.push(id);
            }
            Key::TasksOf(partner, order) => {
                self.tasks_of.0.push(partner);
                self.tasks_of.1.push(order);
            }
            Key::Event(partner, number) => {
                self.events.0.push(partner);
                self.events.1.push(number);
            }
            Key::Voucher(partner, id) => {
                self.vouchers.0.push(partner);
                self.vouchers.1.push(id);
            }
            Key::VoucherNumber(partner, number) if storable(number) => {
                self.voucher_numbers.0.push(partner);
                self.voucher_numbers.1.push(number.to_owned());
            }
            Key::VoucherCode(code) => self.voucher_codes.push(code),
            Key::Named(dialect, key_id) if storable(dialect) && storable(key_id) => {
                self.key_ids.0.push(dialect.to_owned());
                self.key_ids.1.push(key_id.to_owned());
            }
            Key::Credentials(partner) => self.credentials.push(partner),
            Key::User(partner, login) if storable(login) => {
                self.users.0.push(partner);
                self.users.1.push(login.to_owned());
            }
            Key::OrderNumber(..)
            | Key::RefundNumber(..)
            | Key::VoucherNumber(..)
            | Key::Named(..)
            | Key::User(..) => {}
        }
    }
}
