//! From needs to rows: one point query for each need and for what hangs on it.

use std::collections::HashSet;

use rusqlite::{CachedStatement, Connection, Params, Row};
use tradewind_domain::{EventKind, Need, Order, OrderId, PartnerId, ProductId, Rows, SkuId};
use tradewind_store::day_number;

use crate::list::TASKS_OF_ORDER;
use crate::rows::{self, HAS_LINE, HAS_REFUNDS};
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
/// Primary key of order_lines.
pub(crate) const LINE: &str =
    select!(line_columns, "FROM order_lines l WHERE l.order_id = ?2 AND l.partner = ?1");
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
/// Index redemptions_id: an event of an order does not tell which of its vouchers was redeemed.
pub(crate) const REDEMPTION_BY_ID: &str =
    select!(redemption_columns, "FROM redemptions r WHERE r.id = ?2 AND r.partner = ?1");
/// Primary key of vouchers.
pub(crate) const VOUCHER: &str =
    select!(voucher_columns, "FROM vouchers v WHERE v.id = ?2 AND v.partner = ?1");
/// Index vouchers_number.
pub(crate) const VOUCHER_BY_NUMBER: &str =
    select!(voucher_columns, "FROM vouchers v WHERE v.partner = ?1 AND v.number = ?2");
/// Index vouchers_code.
pub(crate) const VOUCHER_BY_CODE: &str = select!(voucher_columns, "FROM vouchers v WHERE v.code = ?1");
/// Index vouchers_order, which ends with the id.
pub(crate) const VOUCHERS_OF: &str =
    select!(voucher_columns, "FROM vouchers v WHERE v.order_id = ?2 AND v.partner = ?1 ORDER BY v.id");
/// Primary key of products.
pub(crate) const PRODUCT: &str = select!(product_columns, "FROM products p WHERE p.id = ?1");
/// Primary key of skus.
pub(crate) const SKU: &str = select!(sku_columns, "FROM skus s WHERE s.id = ?1");
/// Index skus_product, which ends with the id.
pub(crate) const SKUS_OF: &str = select!(sku_columns, "FROM skus s WHERE s.product = ?1 ORDER BY s.id");
/// Primary key of stocks.
pub(crate) const STOCK: &str = select!(stock_columns, "FROM stocks t WHERE t.sku = ?1 AND t.day = ?2");
/// Primary key of accounts.
pub(crate) const BALANCE: &str =
    select!(balance_columns, "FROM accounts WHERE partner = ?1 AND account = 'prepaid' ORDER BY currency");
/// Index deposits_number.
pub(crate) const DEPOSIT: &str = select!(deposit_columns, "FROM deposits WHERE partner = ?1 AND number = ?2");
/// No index: there are few endpoints, and the catalogue seldom changes.
pub(crate) const LISTENERS: &str = "SELECT DISTINCT e.partner FROM endpoints e, json_each(e.events) wanted WHERE wanted.value = ?1 ORDER BY 1";
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
    line: Prepared<'c>,
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
    voucher: Prepared<'c>,
    voucher_by_code: Prepared<'c>,
    vouchers_of: Prepared<'c>,
    stock: Prepared<'c>,
    found: Rows,
    /// What may be wanted by more than one name, and is to be found once.
    partners_found: HashSet<PartnerId>,
    orders_found: HashSet<OrderId>,
    bought_found: HashSet<OrderId>,
    products_found: HashSet<ProductId>,
    skus_found: HashSet<SkuId>,
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
            line: prepared(LINE),
            order_by_number: prepared(ORDER_BY_NUMBER),
            payments: prepared(PAYMENTS),
            refunds: prepared(REFUNDS),
            order_of_refund: prepared(ORDER_OF_REFUND),
            past_order: prepared(PAST_ORDER),
            past_refund: prepared(PAST_REFUND),
            any_past: None,
            task: prepared(TASK),
            event: prepared(EVENT),
            voucher: prepared(VOUCHER),
            voucher_by_code: prepared(VOUCHER_BY_CODE),
            vouchers_of: prepared(VOUCHERS_OF),
            stock: prepared(STOCK),
            found: Rows::default(),
            partners_found: HashSet::new(),
            orders_found: HashSet::new(),
            bought_found: HashSet::new(),
            products_found: HashSet::new(),
            skus_found: HashSet::new(),
        }
    }

    fn load(&mut self, need: &Need) -> rusqlite::Result<()> {
        let found = &mut self.found;
        let seldom = |sql| Prepared::new(self.connection, sql);
        match need {
            Need::Partner(id) => self.load_partner(*id),
            Need::Order(partner, id) => self.load_order(*partner, *id),
            Need::OrderNumber(partner, number) => self.load_order_by_number(*partner, number).map(drop),
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
                let told = found.redemptions.len();
                for event in found.events.iter().skip(before) {
                    let Some(id) = event.redemption else { continue };
                    let (sql, query) = match event.about.voucher() {
                        Some(voucher) => (REDEMPTION, (voucher.get(), id.get())),
                        None => (REDEMPTION_BY_ID, (partner.get(), id.get())),
                    };
                    seldom(sql).all(query, &mut found.redemptions, rows::redemption)?;
                }
                for redemption in found.redemptions.iter().skip(told) {
                    let query = (partner.get(), redemption.voucher.get());
                    self.voucher.all(query, &mut found.vouchers, rows::voucher)?;
                }
                Ok(())
            }
            Need::Voucher(partner, id) => {
                self.voucher.all((partner.get(), id.get()), &mut found.vouchers, rows::voucher)
            }
            Need::VoucherNumber(partner, number) => {
                seldom(VOUCHER_BY_NUMBER).all((partner.get(), number), &mut found.vouchers, rows::voucher)
            }
            Need::VoucherCode(code) => {
                self.voucher_by_code.all([code.get()], &mut found.vouchers, rows::voucher)
            }
            Need::VouchersOf(partner, order) => {
                self.load_order(*partner, *order)?;
                self.load_bought(*partner, *order)
            }
            Need::VouchersOfNumber(partner, number) => match self.load_order_by_number(*partner, number)? {
                Some(order) => self.load_bought(*partner, order),
                None => Ok(()),
            },
            Need::Product(id) => {
                self.load_product(*id)?;
                self.load_skus(SKUS_OF, id.get()).map(drop)
            }
            Need::Sku(id) => {
                for (product, seller) in self.load_skus(SKU, id.get())? {
                    self.load_product(product)?;
                    self.load_partner(seller)?;
                }
                Ok(())
            }
            Need::Stock(key) => {
                self.stock.all((key.sku.get(), day_number(key.day)), &mut found.stocks, rows::stock)
            }
            Need::Balance(partner) => {
                seldom(BALANCE).all([partner.get()], &mut found.balances, rows::balance)
            }
            Need::Deposit(partner, number) => {
                seldom(DEPOSIT).all((partner.get(), number), &mut found.deposits, rows::deposit)
            }
            Need::Listeners(kind) => self.load_listeners(*kind),
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

    fn load_partner(&mut self, id: PartnerId) -> rusqlite::Result<()> {
        if !self.partners_found.insert(id) {
            return Ok(());
        }
        let (key, found) = ([id.get()], &mut self.found);
        self.partner.all(key, &mut found.partners, rows::partner)?;
        self.endpoints.all(key, &mut found.endpoints, rows::endpoint)?;
        self.stream.all(key, &mut found.streams, rows::stream)
    }

    /// Those partners as a whole: what else they listen to does no harm.
    fn load_listeners(&mut self, kind: EventKind) -> rusqlite::Result<()> {
        let mut partners = Vec::new();
        let mut listeners = Prepared::new(self.connection, LISTENERS);
        listeners.all([kind.name()], &mut partners, |row| row.get(0).map(PartnerId::from_i64))?;
        partners.into_iter().try_for_each(|partner| self.load_partner(partner))
    }

    fn load_product(&mut self, id: ProductId) -> rusqlite::Result<()> {
        if !self.products_found.insert(id) {
            return Ok(());
        }
        Prepared::new(self.connection, PRODUCT).all([id.get()], &mut self.found.products, rows::product)
    }

    /// Of which products they are, and who sells them.
    fn load_skus(&mut self, sql: &'static str, key: i64) -> rusqlite::Result<Vec<(ProductId, PartnerId)>> {
        let mut skus = Vec::new();
        Prepared::new(self.connection, sql).all([key], &mut skus, rows::sku)?;
        let wanted = skus.iter().map(|sku| (sku.product, sku.seller)).collect();
        self.found.skus.extend(skus.into_iter().filter(|sku| self.skus_found.insert(sku.id)));
        Ok(wanted)
    }

    fn load_order_by_number(
        &mut self,
        partner: PartnerId,
        number: &str,
    ) -> rusqlite::Result<Option<OrderId>> {
        let query = (partner.get(), number);
        let row = first(self.order_by_number.get()?.query(query)?, order_with_marks)?;
        let Some((order, ..)) = &row else {
            if self.any_past()? {
                self.past_order.all(query, &mut self.found.past_orders, rows::past_order)?;
            }
            return Ok(None);
        };
        let id = Some(order.id);
        self.take_order(row)?;
        Ok(id)
    }

    fn load_bought(&mut self, partner: PartnerId, order: OrderId) -> rusqlite::Result<()> {
        if !self.bought_found.insert(order) {
            return Ok(());
        }
        self.vouchers_of.all((partner.get(), order.get()), &mut self.found.vouchers, rows::voucher)
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
        let row = first(self.order.get()?.query((partner.get(), id.get()))?, order_with_marks)?;
        self.take_order(row)
    }

    /// The refunds are looked for only when there ever was one: the mark is set in the transaction
    /// that inserts the first. So it is with what the order buys.
    fn take_order(&mut self, row: Option<(Order, bool, bool)>) -> rusqlite::Result<()> {
        let Some((mut order, has_refunds, has_line)) = row else { return Ok(()) };
        if !self.orders_found.insert(order.id) {
            return Ok(());
        }
        let key = (order.partner.get(), order.id.get());
        if has_line {
            order.line = first(self.line.get()?.query(key)?, rows::line)?.map(Box::new);
        }
        self.found.orders.push(order);
        self.payments.all(key, &mut self.found.payments, rows::payment)?;
        if has_refunds {
            self.refunds.all(key, &mut self.found.refunds, rows::refund)?;
        }
        Ok(())
    }
}

fn order_with_marks(row: &Row<'_>) -> rusqlite::Result<(Order, bool, bool)> {
    Ok((rows::order(row)?, row.get(HAS_REFUNDS)?, row.get(HAS_LINE)?))
}

/// Looks up what the orders buy that are marked so.
pub(crate) fn add_lines<'o>(
    connection: &Connection,
    orders: impl Iterator<Item = (&'o mut Order, bool)>,
) -> rusqlite::Result<()> {
    let mut line = Prepared::new(connection, LINE);
    for (order, _) in orders.filter(|(_, has_line)| *has_line) {
        let key = (order.partner.get(), order.id.get());
        order.line = first(line.get()?.query(key)?, rows::line)?.map(Box::new);
    }
    Ok(())
}

fn first<T>(
    mut rows: rusqlite::Rows<'_>,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    rows.next()?.map(read).transpose()
}
