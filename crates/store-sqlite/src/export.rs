//! Giving out everything that is stored, section by section in the order of the keys: for moving a
//! gateway to another database.

use rusqlite::types::Value;
use rusqlite::{Connection, Row};
use tradewind_domain::{
    Credential, Endpoint, Event, Fact, Order, PastOrder, PastRefund, Payment, Redemption, Refund, Stock,
    Task, Transfer, User, WriteSet,
};
use tradewind_store::moving::{Chunk, Section};
use tradewind_store::{Result, StoreError, about_number, cause_number, day_number};

use crate::error::store_error;
use crate::load::{add_lines, select};
use crate::rows::{self, HAS_LINE};

// Each goes on after ?1 and ?2, the parts of its primary key; ?2 is null where there is one part.

pub(crate) const PARTNERS: &str =
    select!(partner_columns, "FROM partners WHERE id > ?1 ORDER BY id LIMIT ?3");
pub(crate) const CREDENTIALS: &str = select!(
    credential_columns,
    "FROM credentials WHERE (partner, id) > (?1, ?2) ORDER BY partner, id LIMIT ?3"
);
pub(crate) const USERS: &str =
    select!(user_columns, "FROM users WHERE (partner, login) > (?1, ?2) ORDER BY partner, login LIMIT ?3");
pub(crate) const ENDPOINTS: &str =
    select!(endpoint_columns, "FROM endpoints WHERE (partner, id) > (?1, ?2) ORDER BY partner, id LIMIT ?3");
pub(crate) const STREAMS: &str =
    "SELECT partner, last FROM streams WHERE partner > ?1 ORDER BY partner LIMIT ?3";
pub(crate) const ORDERS: &str =
    select!(order_columns, "FROM orders o WHERE o.id > ?1 ORDER BY o.id LIMIT ?3");
pub(crate) const PAYMENTS: &str = select!(
    payment_columns,
    "FROM payments p WHERE (p.order_id, p.id) > (?1, ?2) ORDER BY p.order_id, p.id LIMIT ?3"
);
pub(crate) const REFUNDS: &str =
    select!(refund_columns, "FROM refunds WHERE (order_id, id) > (?1, ?2) ORDER BY order_id, id LIMIT ?3");
pub(crate) const PAST_ORDERS: &str = select!(
    past_order_columns,
    "FROM past_orders d WHERE (d.partner, d.number) > (?1, ?2) ORDER BY d.partner, d.number LIMIT ?3"
);
pub(crate) const PAST_REFUNDS: &str = select!(
    past_refund_columns,
    "FROM past_refunds d WHERE (d.partner, d.number) > (?1, ?2) ORDER BY d.partner, d.number LIMIT ?3"
);
pub(crate) const PRODUCTS: &str =
    select!(product_columns, "FROM products p WHERE p.id > ?1 ORDER BY p.id LIMIT ?3");
pub(crate) const SKUS: &str = select!(sku_columns, "FROM skus s WHERE s.id > ?1 ORDER BY s.id LIMIT ?3");
pub(crate) const STOCKS: &str =
    select!(stock_columns, "FROM stocks t WHERE (t.sku, t.day) > (?1, ?2) ORDER BY t.sku, t.day LIMIT ?3");
pub(crate) const DEPOSITS: &str =
    select!(deposit_columns, "FROM deposits WHERE id > ?1 ORDER BY id LIMIT ?3");
pub(crate) const VOUCHERS: &str =
    select!(voucher_columns, "FROM vouchers v WHERE v.id > ?1 ORDER BY v.id LIMIT ?3");
pub(crate) const REDEMPTIONS: &str = select!(
    redemption_columns,
    "FROM redemptions r WHERE (r.voucher, r.id) > (?1, ?2) ORDER BY r.voucher, r.id LIMIT ?3"
);
pub(crate) const TRANSFERS: &str = select!(
    transfer_columns,
    "FROM transfers WHERE (order_id, id) > (?1, ?2) ORDER BY order_id, id LIMIT ?3"
);
pub(crate) const EVENTS: &str = select!(
    event_columns,
    "FROM events WHERE (partner, number) > (?1, ?2) ORDER BY partner, number LIMIT ?3"
);
pub(crate) const TASKS: &str =
    select!(task_columns, "FROM tasks WHERE (order_id, id) > (?1, ?2) ORDER BY order_id, id LIMIT ?3");
pub(crate) const FACTS: &str = "SELECT name, value FROM facts WHERE name > ?1 ORDER BY name LIMIT ?3";

/// Rows of `section` after `after`.
pub(crate) fn export(
    connection: &Connection,
    section: Section,
    after: Option<&str>,
    limit: u32,
) -> Result<Chunk> {
    let page = Page { connection, after, limit };
    let mut found = WriteSet::default();
    let (count, next) = match section {
        Section::Partners => page.read(PARTNERS, rows::partner, |p| p.id.get(), &mut found.partners_new),
        Section::Credentials => {
            let key = |c: &Credential| (c.partner.get(), c.id.get());
            page.read(CREDENTIALS, rows::credential, key, &mut found.credentials_new)
        }
        Section::Users => {
            let key = |u: &User| (u.partner.get(), u.login.clone());
            page.read(USERS, rows::user, key, &mut found.users_new)
        }
        Section::Endpoints => {
            let key = |e: &Endpoint| (e.partner.get(), e.id.get());
            page.read(ENDPOINTS, rows::endpoint, key, &mut found.endpoints_new)
        }
        Section::Streams => page.read(STREAMS, rows::stream, |s| s.partner.get(), &mut found.streams_new),
        Section::Orders => {
            let mut orders: Vec<(Order, bool)> = Vec::new();
            let read = |row: &Row<'_>| Ok((rows::order(row)?, row.get(HAS_LINE)?));
            let page = page.read(ORDERS, read, |(order, _)| order.id.get(), &mut orders)?;
            let marked = orders.iter_mut().map(|(order, has_line)| (order, *has_line));
            add_lines(connection, marked).map_err(store_error)?;
            found.orders_new.extend(orders.into_iter().map(|(order, _)| order));
            Ok(page)
        }
        Section::Payments => {
            let key = |p: &Payment| (p.order.get(), p.id.get());
            page.read(PAYMENTS, rows::payment, key, &mut found.payments_new)
        }
        Section::Refunds => {
            let key = |r: &Refund| (r.order.get(), r.id.get());
            page.read(REFUNDS, rows::refund, key, &mut found.refunds_new)
        }
        Section::PastOrders => {
            let key = |past: &PastOrder| (past.partner.get(), past.number.clone());
            page.read(PAST_ORDERS, rows::past_order, key, &mut found.past_orders)
        }
        Section::PastRefunds => {
            let key = |past: &PastRefund| (past.partner.get(), past.number.clone());
            page.read(PAST_REFUNDS, rows::past_refund, key, &mut found.past_refunds)
        }
        Section::Products => page.read(PRODUCTS, rows::product, |p| p.id.get(), &mut found.products_new),
        Section::Skus => page.read(SKUS, rows::sku, |s| s.id.get(), &mut found.skus_new),
        Section::Stocks => {
            let key = |s: &Stock| (s.key.sku.get(), day_number(s.key.day));
            page.read(STOCKS, rows::stock, key, &mut found.stocks_new)
        }
        Section::Deposits => page.read(DEPOSITS, rows::deposit, |d| d.id.get(), &mut found.deposits),
        Section::Vouchers => page.read(VOUCHERS, rows::voucher, |v| v.id.get(), &mut found.vouchers_new),
        Section::Redemptions => {
            let key = |r: &Redemption| (r.voucher.get(), r.id.get());
            page.read(REDEMPTIONS, rows::redemption, key, &mut found.redemptions)
        }
        Section::Transfers => {
            let key = |t: &Transfer| (cause_number(t.cause), t.id.get());
            page.read(TRANSFERS, rows::transfer, key, &mut found.transfers)
        }
        Section::Events => {
            let key = |e: &Event| (e.partner.get(), e.number);
            page.read(EVENTS, rows::event, key, &mut found.events)
        }
        Section::Tasks => {
            let key = |t: &Task| (about_number(t.key.about), t.key.id.get());
            page.read(TASKS, rows::task, key, &mut found.tasks_new)
        }
        Section::Facts => page.read(FACTS, fact, |f| f.name.clone(), &mut found.facts),
    }?;
    Ok(Chunk { rows: found, count, next })
}

fn fact(row: &Row<'_>) -> rusqlite::Result<Fact> {
    Ok(Fact { name: row.get(0)?, value: row.get(1)? })
}

/// Which rows of a section to read.
struct Page<'a> {
    connection: &'a Connection,
    after: Option<&'a str>,
    limit: u32,
}

impl Page<'_> {
    /// Reads rows into `into`; how many, and where to go on, if there may be more.
    fn read<T, K: Key>(
        &self,
        sql: &str,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
        key: impl Fn(&T) -> K,
        into: &mut Vec<T>,
    ) -> Result<(u64, Option<String>)> {
        let after = match self.after {
            None => K::LEAST,
            Some(text) => K::parse(text)
                .ok_or_else(|| StoreError::Corrupt(format!("{text:?} is no place in this section")))?,
        };
        let [one, two] = after.parts();
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        // A parameter that the statement does not name is bound to nothing.
        let mut found = statement.query((one, two, self.limit)).map_err(store_error)?;
        while let Some(row) = found.next().map_err(store_error)? {
            into.push(read(row).map_err(store_error)?);
        }
        let full = into.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        let next = into.last().filter(|_| full).map(|last| key(last).text());
        Ok((into.len() as u64, next))
    }
}

/// A key, as two parameters and as a text.
trait Key: Sized {
    /// Less than every key there is.
    const LEAST: Self;

    fn parts(self) -> [Value; 2];
    fn text(&self) -> String;
    fn parse(text: &str) -> Option<Self>;
}

impl Key for i64 {
    const LEAST: i64 = i64::MIN;

    fn parts(self) -> [Value; 2] {
        [self.into(), Value::Null]
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<i64> {
        text.parse().ok()
    }
}

impl Key for (i64, i64) {
    const LEAST: (i64, i64) = (i64::MIN, i64::MIN);

    fn parts(self) -> [Value; 2] {
        [self.0.into(), self.1.into()]
    }

    fn text(&self) -> String {
        format!("{}:{}", self.0, self.1)
    }

    fn parse(text: &str) -> Option<(i64, i64)> {
        let (one, two) = text.split_once(':')?;
        Some((one.parse().ok()?, two.parse().ok()?))
    }
}

impl Key for (i64, String) {
    const LEAST: (i64, String) = (i64::MIN, String::new());

    fn parts(self) -> [Value; 2] {
        [self.0.into(), self.1.into()]
    }

    fn text(&self) -> String {
        format!("{}:{}", self.0, self.1)
    }

    fn parse(text: &str) -> Option<(i64, String)> {
        let (one, two) = text.split_once(':')?;
        Some((one.parse().ok()?, two.to_owned()))
    }
}

impl Key for String {
    const LEAST: String = String::new();

    fn parts(self) -> [Value; 2] {
        [self.into(), Value::Null]
    }

    fn text(&self) -> String {
        self.clone()
    }

    fn parse(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}
