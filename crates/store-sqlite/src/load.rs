//! From needs to rows: one point query for each need and for what hangs on it.

use rusqlite::{CachedStatement, Connection, Params, Row};
use tradewind_domain::{Need, OrderId, PartnerId, Rows};

use crate::list::TASKS_OF_ORDER;
use crate::rows::{self, HAS_REFUNDS};
use crate::write::task_key;

/// Finds what is stored for `needs`; absent rows are left out, and no order is read twice.
pub(crate) fn load(connection: &Connection, needs: &[Need]) -> rusqlite::Result<Rows> {
    let mut loader = Loader::new(connection);
    for need in needs {
        loader.load(need)?;
    }
    Ok(loader.found)
}

macro_rules! select {
    ($columns:ident, $rest:expr) => {
        concat!("SELECT ", crate::rows::$columns!(), " ", $rest)
    };
}
pub(crate) use select;

/// Primary key of partners.
pub(crate) const PARTNER: &str = select!(partner_columns, "FROM partners WHERE id = ?1");
/// Primary key of endpoints.
pub(crate) const ENDPOINTS: &str = select!(endpoint_columns, "FROM endpoints WHERE partner = ?1 ORDER BY id");
/// Primary key of streams.
pub(crate) const STREAM: &str = "SELECT partner, last FROM streams WHERE partner = ?1";
/// Primary key of orders.
pub(crate) const ORDER: &str = select!(order_columns, "FROM orders o WHERE o.id = ?2 AND o.partner = ?1");
/// Index orders_number.
pub(crate) const ORDER_BY_NUMBER: &str =
    select!(order_columns, "FROM orders o WHERE o.partner = ?1 AND o.number = ?2");
/// Primary key of payments.
pub(crate) const PAYMENTS: &str =
    select!(payment_columns, "FROM payments p WHERE p.order_id = ?2 AND p.partner = ?1 ORDER BY p.id");
/// Primary key of refunds.
pub(crate) const REFUNDS: &str =
    select!(refund_columns, "FROM refunds WHERE order_id = ?2 AND partner = ?1 ORDER BY id");
/// Index refunds_number, which ends with the primary key and so holds the order.
pub(crate) const ORDER_OF_REFUND: &str = "SELECT order_id FROM refunds WHERE partner = ?1 AND number = ?2";
/// Nothing but a look at the first entry.
pub(crate) const ANY_PAST: &str = "SELECT EXISTS (SELECT 1 FROM past_orders)";
/// Primary key of past_orders.
pub(crate) const PAST_ORDER: &str =
    select!(past_order_columns, "FROM past_orders d WHERE d.partner = ?1 AND d.number = ?2");
/// Primary key of past_refunds.
pub(crate) const PAST_REFUND: &str =
    select!(past_refund_columns, "FROM past_refunds d WHERE d.partner = ?1 AND d.number = ?2");
/// Primary key of tasks.
pub(crate) const TASK: &str =
    select!(task_columns, "FROM tasks WHERE order_id = ?2 AND id = ?3 AND partner = ?1");
/// Primary key of events.
pub(crate) const EVENT: &str = select!(event_columns, "FROM events WHERE partner = ?1 AND number = ?2");
/// Primary key of redemptions.
pub(crate) const REDEMPTION: &str =
    select!(redemption_columns, "FROM redemptions r WHERE r.voucher = ?1 AND r.id = ?2");
/// Primary key of vouchers.
pub(crate) const VOUCHER: &str =
    select!(voucher_columns, "FROM vouchers v WHERE v.id = ?2 AND v.partner = ?1");
/// Index vouchers_number.
pub(crate) const VOUCHER_BY_NUMBER: &str =
    select!(voucher_columns, "FROM vouchers v WHERE v.partner = ?1 AND v.number = ?2");
/// Index vouchers_code.
pub(crate) const VOUCHER_BY_CODE: &str = select!(voucher_columns, "FROM vouchers v WHERE v.code = ?1");
/// Index credentials_key_id.
pub(crate) const KEY_ID: &str =
    select!(credential_columns, "FROM credentials WHERE dialect = ?1 AND key_id = ?2 ORDER BY partner, id");
/// Primary key of credentials.
pub(crate) const CREDENTIALS: &str =
    select!(credential_columns, "FROM credentials WHERE partner = ?1 ORDER BY id");
/// Primary key of users.
pub(crate) const USER: &str = select!(user_columns, "FROM users WHERE partner = ?1 AND login = ?2");

/// A statement that is prepared, or taken from the cache, when it is first needed, and then kept: a
/// batch asks the same question hundreds of times.
struct Prepared<'c> {
    connection: &'c Connection,
    sql: &'static str,
    statement: Option<CachedStatement<'c>>,
}

impl<'c> Prepared<'c> {
    fn new(connection: &'c Connection, sql: &'static str) -> Prepared<'c> {
        Prepared { connection, sql, statement: None }
    }

    fn get(&mut self) -> rusqlite::Result<&mut CachedStatement<'c>> {
        match &mut self.statement {
            Some(statement) => Ok(statement),
            empty => Ok(empty.insert(self.connection.prepare_cached(self.sql)?)),
        }
    }

    fn all<T>(
        &mut self,
        parameters: impl Params,
        into: &mut Vec<T>,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<()> {
        let mut rows = self.get()?.query(parameters)?;
        while let Some(row) = rows.next()? {
            into.push(read(row)?);
        }
        Ok(())
    }
}

struct Loader<'c> {
    connection: &'c Connection,
    partner: Prepared<'c>,
    endpoints: Prepared<'c>,
    stream: Prepared<'c>,
    order: Prepared<'c>,
    order_by_number: Prepared<'c>,
    payments: Prepared<'c>,
    refunds: Prepared<'c>,
    order_of_refund: Prepared<'c>,
    past_order: Prepared<'c>,
    past_refund: Prepared<'c>,
    /// Whether any order has gone at all. Where none has, nobody pays for looking for its number.
    any_past: Option<bool>,
    task: Prepared<'c>,
    event: Prepared<'c>,
    found: Rows,
    /// Orders that are wanted by more than one name; only looked at when a batch has such names.
    orders_found: std::collections::HashSet<OrderId>,
}

impl<'c> Loader<'c> {
    fn new(connection: &'c Connection) -> Loader<'c> {
        let prepared = |sql| Prepared::new(connection, sql);
        Loader {
            connection,
            partner: prepared(PARTNER),
            endpoints: prepared(ENDPOINTS),
            stream: prepared(STREAM),
            order: prepared(ORDER),
            order_by_number: prepared(ORDER_BY_NUMBER),
            payments: prepared(PAYMENTS),
            refunds: prepared(REFUNDS),
            order_of_refund: prepared(ORDER_OF_REFUND),
            past_order: prepared(PAST_ORDER),
            past_refund: prepared(PAST_REFUND),
            any_past: None,
            task: prepared(TASK),
            event: prepared(EVENT),
            found: Rows::default(),
            orders_found: std::collections::HashSet::new(),
        }
    }

    fn load(&mut self, need: &Need) -> rusqlite::Result<()> {
        let found = &mut self.found;
        let seldom = |sql| Prepared::new(self.connection, sql);
        match need {
            Need::Partner(id) => {
                self.partner.all([id.get()], &mut found.partners, rows::partner)?;
                self.endpoints.all([id.get()], &mut found.endpoints, rows::endpoint)?;
                self.stream.all([id.get()], &mut found.streams, rows::stream)
            }
            Need::Order(partner, id) => self.load_order(*partner, *id),
            Need::OrderNumber(partner, number) => {
                let query = (partner.get(), number);
                let row = first(self.order_by_number.get()?.query(query)?, order_with_mark)?;
                match row {
                    None if self.any_past()? => {
                        self.past_order.all(query, &mut self.found.past_orders, rows::past_order)
                    }
                    row => self.take_order(row),
                }
            }
            Need::RefundNumber(partner, number) => {
                let query = (partner.get(), number);
                let id = first(self.order_of_refund.get()?.query(query)?, |row| row.get(0))?;
                match id {
                    Some(id) => self.load_order(*partner, OrderId::from_i64(id)),
                    None if self.any_past()? => {
                        self.past_refund.all(query, &mut self.found.past_refunds, rows::past_refund)
                    }
                    None => Ok(()),
                }
            }
            Need::Task(key) => self.task.all(task_key(key), &mut found.tasks, rows::task),
            Need::TasksOf(partner, order) => {
                seldom(TASKS_OF_ORDER).all((partner.get(), order.get()), &mut found.tasks, rows::task)
            }
            Need::Event(partner, number) => {
                let before = found.events.len();
                self.event.all((partner.get(), number), &mut found.events, rows::event)?;
                for event in found.events.iter().skip(before) {
                    if let (Some(voucher), Some(id)) = (event.about.voucher(), event.redemption) {
                        let query = (voucher.get(), id.get());
                        seldom(REDEMPTION).all(query, &mut found.redemptions, rows::redemption)?;
                    }
                }
                Ok(())
            }
            Need::Voucher(partner, id) => {
                seldom(VOUCHER).all((partner.get(), id.get()), &mut found.vouchers, rows::voucher)
            }
            Need::VoucherNumber(partner, number) => {
                seldom(VOUCHER_BY_NUMBER).all((partner.get(), number), &mut found.vouchers, rows::voucher)
            }
            Need::VoucherCode(code) => {
                seldom(VOUCHER_BY_CODE).all([code.get()], &mut found.vouchers, rows::voucher)
            }
            Need::KeyId { dialect, key_id } => {
                seldom(KEY_ID).all((dialect, key_id), &mut found.credentials, rows::credential)
            }
            Need::Credentials(partner) => {
                seldom(CREDENTIALS).all([partner.get()], &mut found.credentials, rows::credential)
            }
            Need::User(partner, login) => {
                seldom(USER).all((partner.get(), login), &mut found.users, rows::user)
            }
        }
    }

    fn any_past(&mut self) -> rusqlite::Result<bool> {
        match self.any_past {
            Some(known) => Ok(known),
            None => {
                let found = self.connection.prepare_cached(ANY_PAST)?.query_row([], |row| row.get(0))?;
                Ok(*self.any_past.insert(found))
            }
        }
    }

    fn load_order(&mut self, partner: PartnerId, id: OrderId) -> rusqlite::Result<()> {
        if self.orders_found.contains(&id) {
            return Ok(());
        }
        let row = first(self.order.get()?.query((partner.get(), id.get()))?, order_with_mark)?;
        self.take_order(row)
    }

    /// The refunds are looked for only when there ever was one: the mark is set in the transaction
    /// that inserts the first.
    fn take_order(&mut self, row: Option<(tradewind_domain::Order, bool)>) -> rusqlite::Result<()> {
        let Some((order, has_refunds)) = row else { return Ok(()) };
        if !self.orders_found.insert(order.id) {
            return Ok(());
        }
        let key = (order.partner.get(), order.id.get());
        self.found.orders.push(order);
        self.payments.all(key, &mut self.found.payments, rows::payment)?;
        if has_refunds {
            self.refunds.all(key, &mut self.found.refunds, rows::refund)?;
        }
        Ok(())
    }
}

fn order_with_mark(row: &Row<'_>) -> rusqlite::Result<(tradewind_domain::Order, bool)> {
    Ok((rows::order(row)?, row.get(HAS_REFUNDS)?))
}

fn first<T>(
    mut rows: rusqlite::Rows<'_>,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    rows.next()?.map(read).transpose()
}
