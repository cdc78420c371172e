//! From needs to rows: one query for each table, whatever the size of the batch, all in one flight.
//!
//! A lane's load locks what the batch may change, and everything that locks does so in one order:
//!
//! 1. the event streams, by partner, of the partners whose orders, vouchers or balances are wanted: an event
//!    takes the next number, and only what is there already, or is paid from a balance, can lead to one.
//!    Events for all who listen need the streams of all of them;
//! 2. the orders, by partner and id. Lines, payments, refunds and transfers of an order change only
//!    together with it, so its lock stands for theirs;
//! 3. the vouchers, by partner and id, whose lock stands for their redemptions too;
//! 4. the tasks that are wanted, by key, and then all those of orders, which whoever asks has locked;
//! 5. the prepaid balances, by partner;
//! 6. the stocks, by sku and day.
//!
//! Orders that have gone are asked for after those that are there. Whoever waits for the lock of an order
//! while it goes does not find it, and the next statement finds what is kept of it: there is no moment
//! between at which its number looks free.
//!
//! A batch loads in one flight, so it waits for 1 to 6 in turn; then it is decided, written and committed.
//! What it touches while writing without having locked it before belongs to the partners whose streams it
//! has: rows that are new, sums of accounts, tasks of the orders it has locked. (For the sake of those tasks a
//! batch that wants balances or stocks also locks the streams of the partners whose tasks it wants.) Two
//! batches that could meet there have met at the stream already. The counts, which a batch without a stream
//! may change too, and the facts come at the very end, in the order of their keys, and whoever has one waits
//! for nothing but the next of them and its own commit. So nobody waits in a circle. One exception is left: a
//! partner's first event makes its stream, and until then two batches of that partner meet at its unique key
//! and one of them is a conflict.
//!
//! Stocks are the only thing that a load locks and all partners share. They come last, so that whoever waits for one has
//! all the rest, and whoever has one needs nothing that somebody who waits could have. A stock that everybody
//! wants is thus held from the end of one load to the commit right behind it and not a moment longer, while
//! its next holder has done all the rest of its load already. How long a lock is waited for is bounded by the
//! session (`lock_wait_max`); the batch is then a conflict, and what came in meanwhile makes the next one
//! bigger.
//!
//! What is only looked at by most batches is not locked but versioned: partners, credentials, users,
//! products and skus carry a count of their changes, a stream carries its position, and a write that finds
//! another than was loaded is a conflict (see `write`). New rows have nothing to lock; a unique index
//! decides, and so it does about a balance that is not there yet.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use tokio_postgres::Row;
use tradewind_domain::{Need, Rows};
use tradewind_store::Result;

use crate::codes::Unreadable;
use crate::error::unreadable;
use crate::rows::{self, PAYMENT_COLUMNS, REDEMPTION_COLUMNS, get};
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

/// Vouchers that are wanted by id ($1, $2), by number ($3, $4), by code ($5), and as those of an order, by
/// its id ($6, $7) or its number ($8, $9).
macro_rules! vouchers {
    ($lock:literal) => {
        select!(
            voucher_columns,
            "FROM (SELECT k.partner, k.id FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, id) \
               UNION SELECT v.partner, v.id FROM unnest($3::bigint[], $4::text[]) AS k (partner, number) \
                 JOIN vouchers v ON v.partner = k.partner AND v.number = k.number \
               UNION SELECT c.partner, c.voucher FROM voucher_codes c WHERE c.code = ANY($5::bigint[]) \
               UNION SELECT v.partner, v.id FROM unnest($6::bigint[], $7::bigint[]) AS k (partner, order_id) \
                 JOIN vouchers v ON v.partner = k.partner AND v.order_id = k.order_id \
               UNION SELECT v.partner, v.id FROM unnest($8::bigint[], $9::text[]) AS k (partner, number) \
                 JOIN orders o ON o.partner = k.partner AND o.number = k.number \
                 JOIN vouchers v ON v.partner = o.partner AND v.order_id = o.id) AS w \
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

mod catalogue;
mod wanted;

pub(crate) use catalogue::*;

use wanted::{Key, Wanted};

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
/// Primary keys of payments and order_lines. Every order has a payment, so what it buys comes along without a
/// statement of its own, and, behind the lock of the order, as it stands now.
pub(crate) const PAYMENTS: &str = concat!(
    "SELECT ",
    crate::rows::payment_columns!(),
    ", ",
    crate::rows::line_columns!(),
    " FROM ",
    wanted!(),
    " JOIN payments p ON p.partner = w.partner AND p.order_id = w.id \
      LEFT JOIN order_lines l ON l.partner = p.partner AND l.order_id = p.order_id \
      ORDER BY p.partner, p.order_id, p.id"
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
/// Primary keys of events, vouchers and redemptions, and vouchers_order where the event is about an order.
/// What is looked for is taken along through the vouchers, so that no redemption is looked up without one.
pub(crate) const REDEMPTIONS: &str = concat!(
    "SELECT ",
    crate::rows::redemption_columns!(),
    ", ",
    crate::rows::voucher_columns!(),
    " FROM unnest($1::bigint[], $2::bigint[]) AS k (partner, number) \
      JOIN events e ON e.partner = k.partner AND e.number = k.number \
      CROSS JOIN LATERAL (SELECT v.*, e.redemption AS told FROM vouchers v \
          WHERE e.order_id < 0 AND v.partner = e.partner AND v.id = -e.order_id \
        UNION ALL SELECT v.*, e.redemption FROM vouchers v \
          WHERE e.order_id >= 0 AND e.redemption IS NOT NULL \
          AND v.partner = e.partner AND v.order_id = e.order_id) AS v \
      JOIN redemptions r ON r.partner = v.partner AND r.voucher = v.id AND r.id = v.told"
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

/// What a lane uses in most batches, with purchases or without.
pub(crate) const HOT: &[&str] = &[
    LOCK_STREAMS,
    ORDERS_LOCKED,
    PAYMENTS,
    REFUNDS,
    PAST_ORDERS,
    VOUCHERS_LOCKED,
    TASKS_LOCKED,
    PARTNERS,
    ENDPOINTS,
    STREAMS,
    PRODUCTS,
    SKUS,
    SELLERS,
    BALANCES_LOCKED,
    STOCKS_LOCKED,
];

/// The versions of what a lane has loaded and not locked. Of what was loaded twice the first counts, because
/// that is what was decided on.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) partners: HashMap<i64, i64>,
    pub(crate) credentials: HashMap<(i64, i64), i64>,
    pub(crate) users: HashMap<(i64, String), i64>,
    pub(crate) streams: HashMap<i64, i64>,
    pub(crate) products: HashMap<(i64, i64), i64>,
    pub(crate) skus: HashMap<(i64, i64), i64>,
    /// The currencies in which there is a balance, of partners whose balance was asked for.
    pub(crate) balances: HashMap<i64, HashSet<String>>,
}

/// The questions for a list of needs.
pub(crate) struct Questions {
    asked: Vec<(&'static str, Reading)>,
    wanted: Wanted,
    locking: bool,
}

#[derive(Clone, Copy)]
enum Reading {
    Locks,
    LocksOfListeners,
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
    ListeningPartners,
    ListeningEndpoints,
    ListeningStreams,
    Products,
    Skus,
    Sellers,
    Deposits,
    Balances,
    Stocks,
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
        let mut asked = Vec::with_capacity(16);
        let mut ask = |sql, reading| asked.push((sql, reading));
        let orders = !(wanted.orders.0.is_empty()
            && wanted.order_numbers.0.is_empty()
            && wanted.refund_numbers.0.is_empty());
        let vouchers = !(wanted.vouchers.0.is_empty()
            && wanted.voucher_numbers.0.is_empty()
            && wanted.voucher_codes.is_empty()
            && wanted.vouchers_of.0.is_empty()
            && wanted.vouchers_of_number.0.is_empty());
        if locking && !wanted.listeners.is_empty() {
            ask(LOCK_STREAMS_OF_LISTENERS, Reading::LocksOfListeners);
        } else if locking && (orders || !wanted.vouchers.0.is_empty() || !wanted.balances.is_empty()) {
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
        if !wanted.listeners.is_empty() {
            ask(LISTENING_PARTNERS, Reading::ListeningPartners);
            ask(LISTENING_ENDPOINTS, Reading::ListeningEndpoints);
            ask(LISTENING_STREAMS, Reading::ListeningStreams);
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
        if !(wanted.products.is_empty() && wanted.skus.is_empty()) {
            ask(PRODUCTS, Reading::Products);
            ask(SKUS, Reading::Skus);
            ask(SELLERS, Reading::Sellers);
        }
        if !wanted.deposits.0.is_empty() {
            ask(DEPOSITS, Reading::Deposits);
        }
        if !wanted.balances.is_empty() {
            ask(if locking { BALANCES_LOCKED } else { BALANCES }, Reading::Balances);
        }
        // The one that all want comes last.
        if !wanted.stocks.0.is_empty() {
            ask(if locking { STOCKS_LOCKED } else { STOCKS }, Reading::Stocks);
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
                values.push(Box::new(self.wanted.streams()));
                values
            }
            Reading::LocksOfListeners => {
                let mut values = self.values(sql, Reading::Locks);
                values.push(Box::new(self.wanted.listeners.clone()));
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
                Box::new(self.wanted.vouchers_of.0.clone()),
                Box::new(self.wanted.vouchers_of.1.clone()),
                Box::new(self.wanted.vouchers_of_number.0.clone()),
                Box::new(self.wanted.vouchers_of_number.1.clone()),
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
            Reading::ListeningPartners | Reading::ListeningEndpoints | Reading::ListeningStreams => {
                vec![Box::new(self.wanted.listeners.clone())]
            }
            Reading::Products | Reading::Skus => {
                vec![Box::new(self.wanted.products.clone()), Box::new(self.wanted.skus.clone())]
            }
            Reading::Sellers => vec![Box::new(self.wanted.skus.clone())],
            Reading::Deposits => {
                vec![Box::new(self.wanted.deposits.0.clone()), Box::new(self.wanted.deposits.1.clone())]
            }
            Reading::Balances => vec![Box::new(self.wanted.balances.clone())],
            Reading::Stocks => {
                vec![Box::new(self.wanted.stocks.0.clone()), Box::new(self.wanted.stocks.1.clone())]
            }
        }
    }

    /// Reads the answers, which come in the order of [`Questions::steps`].
    pub(crate) fn read(&self, answers: &[Vec<Row>], seen: &mut Seen) -> Result<Rows> {
        let mut found = Rows::default();
        for ((_, reading), answer) in self.asked.iter().zip(answers) {
            self.take(*reading, answer, &mut found, seen).map_err(unreadable)?;
        }
        // Who sells, or listens, may be wanted for himself too.
        if !(self.wanted.skus.is_empty() && self.wanted.listeners.is_empty()) {
            once(&mut found.partners, |partner| partner.id);
            once(&mut found.endpoints, |endpoint| endpoint.id);
            once(&mut found.streams, |stream| stream.partner);
        }
        if !self.wanted.events.0.is_empty() {
            once(&mut found.vouchers, |voucher| voucher.id);
        }
        // A number may be wanted for its order, and for its vouchers too.
        if !self.wanted.vouchers_of_number.0.is_empty() {
            once(&mut found.past_orders, |past| past.order);
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
            Reading::Locks | Reading::LocksOfListeners => Ok(()),
            Reading::Orders => all(answer, &mut found.orders, rows::order),
            Reading::Payments => answer.iter().try_for_each(|row| {
                let payment = rows::payment(row)?;
                let key = (payment.partner, payment.order);
                let place = found.orders.binary_search_by_key(&key, |order| (order.partner, order.id));
                let order = place.ok().and_then(|place| found.orders.get_mut(place));
                if let Some(order) = order.filter(|order| order.line.is_none()) {
                    order.line = rows::line_from(row, PAYMENT_COLUMNS)?;
                }
                found.payments.push(payment);
                Ok(())
            }),
            Reading::Refunds => all(answer, &mut found.refunds, rows::refund),
            Reading::PastOrders => all(answer, &mut found.past_orders, rows::past_order),
            Reading::PastRefunds => all(answer, &mut found.past_refunds, rows::past_refund),
            Reading::Vouchers => all(answer, &mut found.vouchers, rows::voucher),
            Reading::Redemptions => answer.iter().try_for_each(|row| {
                found.redemptions.push(rows::redemption(row)?);
                found.vouchers.push(rows::voucher_from(row, REDEMPTION_COLUMNS)?);
                Ok(())
            }),
            Reading::Tasks | Reading::TasksOf => all(answer, &mut found.tasks, rows::task),
            Reading::Endpoints | Reading::ListeningEndpoints => {
                all(answer, &mut found.endpoints, rows::endpoint)
            }
            Reading::Events => all(answer, &mut found.events, rows::event),
            Reading::Partners | Reading::ListeningPartners | Reading::Sellers => {
                answer.iter().try_for_each(|row| {
                    let partner = rows::partner(row)?;
                    self.note(&mut seen.partners, partner.id.get(), || version(row))?;
                    found.partners.push(partner);
                    Ok(())
                })
            }
            Reading::Streams | Reading::ListeningStreams => answer.iter().try_for_each(|row| {
                let stream = rows::stream(row)?;
                self.note(&mut seen.streams, stream.partner.get(), || Ok(stream.last))?;
                found.streams.push(stream);
                Ok(())
            }),
            Reading::Credentials => answer.iter().try_for_each(|row| {
                let credential = rows::credential(row)?;
                let key = (credential.partner.get(), credential.id.get());
                self.note(&mut seen.credentials, key, || version(row))?;
                if !found.credentials.iter().any(|known| known.id == credential.id) {
                    found.credentials.push(credential);
                }
                Ok(())
            }),
            Reading::Users => answer.iter().try_for_each(|row| {
                let user = rows::user(row)?;
                let key = (user.partner.get(), user.login.clone());
                self.note(&mut seen.users, key, || version(row))?;
                found.users.push(user);
                Ok(())
            }),
            Reading::Products => answer.iter().try_for_each(|row| {
                let product = rows::product(row)?;
                self.note(&mut seen.products, (product.seller.get(), product.id.get()), || version(row))?;
                found.products.push(product);
                Ok(())
            }),
            Reading::Skus => answer.iter().try_for_each(|row| {
                let sku = rows::sku(row)?;
                self.note(&mut seen.skus, (sku.seller.get(), sku.id.get()), || version(row))?;
                found.skus.push(sku);
                Ok(())
            }),
            Reading::Deposits => all(answer, &mut found.deposits, rows::deposit),
            Reading::Balances => {
                for partner in &self.wanted.balances {
                    self.note(&mut seen.balances, *partner, || Ok(HashSet::new()))?;
                }
                answer.iter().try_for_each(|row| {
                    let balance = rows::balance(row)?;
                    if let Some(there) = seen.balances.get_mut(&balance.partner.get()) {
                        there.insert(balance.currency.code().to_owned());
                    }
                    found.balances.push(balance);
                    Ok(())
                })
            }
            Reading::Stocks => all(answer, &mut found.stocks, rows::stock),
        }
    }

    /// What was seen matters only to who may write.
    fn note<K: Eq + Hash, V>(
        &self,
        seen: &mut HashMap<K, V>,
        key: K,
        what: impl FnOnce() -> std::result::Result<V, Unreadable>,
    ) -> std::result::Result<(), Unreadable> {
        if self.locking
            && let Entry::Vacant(free) = seen.entry(key)
        {
            free.insert(what()?);
        }
        Ok(())
    }
}

/// The version stands behind the columns of the row itself.
fn version(row: &Row) -> std::result::Result<i64, Unreadable> {
    get(row, row.len() - 1)
}

/// Of what was found more than once, the first.
fn once<T, K: Eq + Hash>(found: &mut Vec<T>, key: fn(&T) -> K) {
    let mut known = HashSet::new();
    found.retain(|one| known.insert(key(one)));
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

#[cfg(test)]
mod tests {
    use tradewind_domain::{OrderId, PartnerId, SkuId, StockKey, TaskId, TaskKey, VoucherCode};

    use super::*;

    const OWNER: PartnerId = PartnerId::from_i64(1);

    fn asked(needs: &[Need]) -> Vec<&'static str> {
        Questions::locking(needs).asked.iter().map(|(sql, _)| *sql).collect()
    }

    #[test]
    fn a_batch_without_purchases_pays_nothing_for_them() {
        let placed = [Need::Partner(OWNER), Need::OrderNumber(OWNER, "a".into())];
        let expected =
            [LOCK_STREAMS, ORDERS_LOCKED, PAYMENTS, REFUNDS, PAST_ORDERS, PARTNERS, ENDPOINTS, STREAMS]
                .as_slice();
        assert_eq!(asked(&placed), expected);
        let key = TaskKey {
            partner: OWNER,
            about: tradewind_domain::About::Order(OrderId::from_i64(1)),
            id: TaskId::from_i64(1),
        };
        assert_eq!(asked(&[Need::Task(key)]), [TASKS_LOCKED], "nor for whose task it is");
    }

    /// In whatever order it is wanted: what all want is locked last, each table by one statement.
    #[test]
    fn a_purchase_locks_the_stock_at_the_very_end() {
        let stock = |sku| Need::Stock(StockKey { sku: SkuId::from_i64(sku), day: None });
        let needs = [
            stock(2),
            Need::Balance(OWNER),
            Need::VoucherCode(VoucherCode::of_payload(7).unwrap()),
            stock(1),
            Need::Sku(SkuId::from_i64(2)),
            Need::VouchersOfNumber(OWNER, "a".into()),
            Need::Partner(OWNER),
        ];
        let expected = [
            LOCK_STREAMS,
            ORDERS_LOCKED,
            PAYMENTS,
            REFUNDS,
            PAST_ORDERS,
            VOUCHERS_LOCKED,
            PARTNERS,
            ENDPOINTS,
            STREAMS,
            PRODUCTS,
            SKUS,
            SELLERS,
            BALANCES_LOCKED,
            STOCKS_LOCKED,
        ];
        assert_eq!(asked(&needs), expected);
        assert!(expected.iter().all(|sql| HOT.contains(sql)), "prepared before the first of them is locked");
        let questions = Questions::locking(&needs);
        assert_eq!(questions.wanted.stocks.0, [1, 2]);
        assert_eq!(questions.wanted.streams(), [OWNER.get()], "a purchase that is paid is an event");
    }
}
