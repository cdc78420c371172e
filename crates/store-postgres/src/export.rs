//! Giving out everything that is stored, section by section in the order of the keys: for moving a
//! gateway to another database.

use tokio_postgres::Row;
use tradewind_domain::{
    Credential, Deposit, Endpoint, Event, Fact, Order, Partner, PastOrder, PastRefund, Payment, Product,
    Redemption, Refund, Sku, Stock, Stream, Task, Transfer, User, Voucher, WriteSet,
};
use tradewind_store::moving::{Chunk, Movable, Section};
use tradewind_store::{BoxFuture, Result, StoreError, about_number, cause_number, day_number};

use crate::PostgresStore;
use crate::codes::Unreadable;
use crate::error::unreadable;
use crate::load::select;
use crate::pool::Readers;
use crate::rows::{self, ORDER_COLUMNS, get};
use crate::session::{Step, Value};

// Each goes on after the parts of its primary key, in the order of that key.

pub(crate) const PARTNERS: &str =
    select!(partner_columns, "FROM partners p WHERE p.id > $1 ORDER BY p.id LIMIT $2");
pub(crate) const CREDENTIALS: &str = select!(
    credential_columns,
    "FROM credentials c WHERE (c.partner, c.id) > ($1, $2) ORDER BY c.partner, c.id LIMIT $3"
);
pub(crate) const USERS: &str = select!(
    user_columns,
    "FROM users u WHERE (u.partner, u.login) > ($1, $2) ORDER BY u.partner, u.login LIMIT $3"
);
pub(crate) const ENDPOINTS: &str = select!(
    endpoint_columns,
    "FROM endpoints e WHERE (e.partner, e.id) > ($1, $2) ORDER BY e.partner, e.id LIMIT $3"
);
pub(crate) const STREAMS: &str =
    "SELECT partner, last FROM streams WHERE partner > $1 ORDER BY partner LIMIT $2";
pub(crate) const ORDERS: &str = concat!(
    "SELECT ",
    crate::rows::order_columns!(),
    ", ",
    crate::rows::line_columns!(),
    " FROM orders o LEFT JOIN order_lines l ON l.partner = o.partner AND l.order_id = o.id \
      WHERE (o.partner, o.id) > ($1, $2) ORDER BY o.partner, o.id LIMIT $3"
);
pub(crate) const PAYMENTS: &str = select!(
    payment_columns,
    "FROM payments p WHERE (p.partner, p.order_id, p.id) > ($1, $2, $3) \
     ORDER BY p.partner, p.order_id, p.id LIMIT $4"
);
pub(crate) const REFUNDS: &str = select!(
    refund_columns,
    "FROM refunds r WHERE (r.partner, r.order_id, r.id) > ($1, $2, $3) \
     ORDER BY r.partner, r.order_id, r.id LIMIT $4"
);
pub(crate) const PAST_ORDERS: &str = select!(
    past_order_columns,
    "FROM past_orders d WHERE (d.partner, d.number) > ($1, $2) ORDER BY d.partner, d.number LIMIT $3"
);
pub(crate) const PAST_REFUNDS: &str = select!(
    past_refund_columns,
    "FROM past_refunds d WHERE (d.partner, d.number) > ($1, $2) ORDER BY d.partner, d.number LIMIT $3"
);
pub(crate) const PRODUCTS: &str = select!(
    product_columns,
    "FROM products p WHERE (p.partner, p.id) > ($1, $2) ORDER BY p.partner, p.id LIMIT $3"
);
pub(crate) const SKUS: &str =
    select!(sku_columns, "FROM skus k WHERE (k.partner, k.id) > ($1, $2) ORDER BY k.partner, k.id LIMIT $3");
pub(crate) const STOCKS: &str = select!(
    stock_columns,
    "FROM stocks s WHERE (s.partner, s.sku, s.day) > ($1, $2, $3) ORDER BY s.partner, s.sku, s.day LIMIT $4"
);
pub(crate) const DEPOSITS: &str = select!(
    deposit_columns,
    "FROM deposits d WHERE (d.partner, d.id) > ($1, $2) ORDER BY d.partner, d.id LIMIT $3"
);
pub(crate) const VOUCHERS: &str = select!(
    voucher_columns,
    "FROM vouchers v WHERE (v.partner, v.id) > ($1, $2) ORDER BY v.partner, v.id LIMIT $3"
);
pub(crate) const REDEMPTIONS: &str = select!(
    redemption_columns,
    "FROM redemptions r WHERE (r.partner, r.voucher, r.id) > ($1, $2, $3) \
     ORDER BY r.partner, r.voucher, r.id LIMIT $4"
);
pub(crate) const TRANSFERS: &str = select!(
    transfer_columns,
    "FROM transfers t WHERE (t.partner, t.order_id, t.id) > ($1, $2, $3) \
     ORDER BY t.partner, t.order_id, t.id LIMIT $4"
);
pub(crate) const EVENTS: &str = select!(
    event_columns,
    "FROM events e WHERE (e.partner, e.number) > ($1, $2) ORDER BY e.partner, e.number LIMIT $3"
);
pub(crate) const TASKS: &str = select!(
    task_columns,
    "FROM tasks t WHERE (t.partner, t.order_id, t.id) > ($1, $2, $3) \
     ORDER BY t.partner, t.order_id, t.id LIMIT $4"
);
pub(crate) const FACTS: &str = "SELECT name, value FROM facts WHERE name > $1 ORDER BY name LIMIT $2";

/// Gateways that hold a number.
const AT_WORK: &str =
    "SELECT count(*) FROM nodes WHERE lease IS NOT NULL AND lease_until > clock_timestamp()";

impl Movable for PostgresStore {
    fn export(&self, section: Section, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Chunk>> {
        Box::pin(async move {
            Page { readers: &self.shared.readers, after: after.as_deref(), limit }.of(section).await
        })
    }

    fn others(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let own = i64::from(self.shared.node.fence().is_some());
            let answers = self.shared.readers.fly(|| vec![Step::query(AT_WORK, Vec::new())]).await?;
            let count = match answers.first().and_then(|rows| rows.first()) {
                Some(row) => get::<i64>(row, 0).map_err(unreadable)?,
                None => 0,
            };
            Ok(u64::try_from(count - own).unwrap_or(0))
        })
    }
}

/// Which rows of a section to read.
struct Page<'a> {
    readers: &'a Readers,
    after: Option<&'a str>,
    limit: u32,
}

impl Page<'_> {
    async fn of(&self, section: Section) -> Result<Chunk> {
        let mut found = WriteSet::default();
        let into = &mut found;
        let (count, next) = match section {
            Section::Partners => {
                let key = |p: &Partner| [p.id.get()];
                self.read(PARTNERS, rows::partner, key, &mut into.partners_new).await
            }
            Section::Credentials => {
                let key = |c: &Credential| [c.partner.get(), c.id.get()];
                self.read(CREDENTIALS, rows::credential, key, &mut into.credentials_new).await
            }
            Section::Users => {
                let key = |u: &User| (u.partner.get(), u.login.clone());
                self.read(USERS, rows::user, key, &mut into.users_new).await
            }
            Section::Endpoints => {
                let key = |e: &Endpoint| [e.partner.get(), e.id.get()];
                self.read(ENDPOINTS, rows::endpoint, key, &mut into.endpoints_new).await
            }
            Section::Streams => {
                let key = |s: &Stream| [s.partner.get()];
                self.read(STREAMS, rows::stream, key, &mut into.streams_new).await
            }
            Section::Orders => {
                let key = |o: &Order| [o.partner.get(), o.id.get()];
                let read = |row: &Row| rows::order_with_line(row, ORDER_COLUMNS);
                self.read(ORDERS, read, key, &mut into.orders_new).await
            }
            Section::Payments => {
                let key = |p: &Payment| [p.partner.get(), p.order.get(), p.id.get()];
                self.read(PAYMENTS, rows::payment, key, &mut into.payments_new).await
            }
            Section::Refunds => {
                let key = |r: &Refund| [r.partner.get(), r.order.get(), r.id.get()];
                self.read(REFUNDS, rows::refund, key, &mut into.refunds_new).await
            }
            Section::PastOrders => {
                let key = |past: &PastOrder| (past.partner.get(), past.number.clone());
                self.read(PAST_ORDERS, rows::past_order, key, &mut into.past_orders).await
            }
            Section::PastRefunds => {
                let key = |past: &PastRefund| (past.partner.get(), past.number.clone());
                self.read(PAST_REFUNDS, rows::past_refund, key, &mut into.past_refunds).await
            }
            Section::Products => {
                let key = |p: &Product| [p.seller.get(), p.id.get()];
                self.read(PRODUCTS, rows::product, key, &mut into.products_new).await
            }
            Section::Skus => {
                let key = |k: &Sku| [k.seller.get(), k.id.get()];
                self.read(SKUS, rows::sku, key, &mut into.skus_new).await
            }
            Section::Stocks => {
                let key = |s: &Stock| [s.seller.get(), s.key.sku.get(), day_number(s.key.day)];
                self.read(STOCKS, rows::stock, key, &mut into.stocks_new).await
            }
            Section::Deposits => {
                let key = |d: &Deposit| [d.partner.get(), d.id.get()];
                self.read(DEPOSITS, rows::deposit, key, &mut into.deposits).await
            }
            Section::Vouchers => {
                let key = |v: &Voucher| [v.partner.get(), v.id.get()];
                self.read(VOUCHERS, rows::voucher, key, &mut into.vouchers_new).await
            }
            Section::Redemptions => {
                let key = |r: &Redemption| [r.partner.get(), r.voucher.get(), r.id.get()];
                self.read(REDEMPTIONS, rows::redemption, key, &mut into.redemptions).await
            }
            Section::Transfers => {
                let key = |t: &Transfer| [t.partner.get(), cause_number(t.cause), t.id.get()];
                self.read(TRANSFERS, rows::transfer, key, &mut into.transfers).await
            }
            Section::Events => {
                let key = |e: &Event| [e.partner.get(), e.number];
                self.read(EVENTS, rows::event, key, &mut into.events).await
            }
            Section::Tasks => {
                let key = |t: &Task| [t.key.partner.get(), about_number(t.key.about), t.key.id.get()];
                self.read(TASKS, rows::task, key, &mut into.tasks_new).await
            }
            Section::Facts => {
                let read = |row: &Row| Ok(Fact { name: get(row, 0)?, value: get(row, 1)? });
                self.read(FACTS, read, |fact: &Fact| fact.name.clone(), &mut into.facts).await
            }
        }?;
        Ok(Chunk { rows: found, count, next })
    }

    /// Reads rows into `into`; how many, and where to go on, if there may be more.
    async fn read<T, K: Key>(
        &self,
        sql: &'static str,
        read: impl Fn(&Row) -> std::result::Result<T, Unreadable>,
        key: impl Fn(&T) -> K,
        into: &mut Vec<T>,
    ) -> Result<(u64, Option<String>)> {
        let after = match self.after {
            None => K::least(),
            Some(text) => K::parse(text)
                .ok_or_else(|| StoreError::Corrupt(format!("{text:?} is no place in this section")))?,
        };
        let values = || {
            let mut values = after.values();
            values.push(Box::new(i64::from(self.limit)));
            vec![Step::query(sql, values)]
        };
        let answers = self.readers.fly(values).await?;
        for row in answers.first().map_or(&[][..], Vec::as_slice) {
            into.push(read(row).map_err(unreadable)?);
        }
        let full = into.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        let next = into.last().filter(|_| full).map(|last| key(last).text());
        Ok((into.len() as u64, next))
    }
}

/// A key, as parameters and as a text.
trait Key: Sized {
    /// Less than every key there is.
    fn least() -> Self;
    fn values(&self) -> Vec<Value<'static>>;
    fn text(&self) -> String;
    fn parse(text: &str) -> Option<Self>;
}

impl<const PARTS: usize> Key for [i64; PARTS] {
    fn least() -> [i64; PARTS] {
        [i64::MIN; PARTS]
    }

    fn values(&self) -> Vec<Value<'static>> {
        self.iter().map(|part| Box::new(*part) as Value<'static>).collect()
    }

    fn text(&self) -> String {
        self.map(|part| part.to_string()).join(":")
    }

    fn parse(text: &str) -> Option<[i64; PARTS]> {
        let parts: Option<Vec<i64>> = text.split(':').map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    }
}

impl Key for (i64, String) {
    fn least() -> (i64, String) {
        (i64::MIN, String::new())
    }

    fn values(&self) -> Vec<Value<'static>> {
        vec![Box::new(self.0), Box::new(self.1.clone())]
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
    fn least() -> String {
        String::new()
    }

    fn values(&self) -> Vec<Value<'static>> {
        vec![Box::new(self.clone())]
    }

    fn text(&self) -> String {
        self.clone()
    }

    fn parse(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}
