//! The catalogue and prepaid balances: skus with their stocks, deposits with their transfers, limits.

use rusqlite::{CachedStatement, Connection, Row};
use tradewind_domain::{
    About, Cause, Deposit, DepositId, Event, Money, PartnerId, Sku, SkuId, Stock, Task, Transfer,
};
use tradewind_store::audit::{Audit, DepositFamily, SkuFamily};
use tradewind_store::{about_number, cause_number};

use super::{Cursor, earlier, in_order};
use crate::codes::currency;
use crate::error::is_unreadable_row;
use crate::rows::{self, SKU_COLUMNS};

/// Primary key of partners.
const LIMITS: &str = "SELECT id, credit_limit, credit_currency FROM partners";
/// Primary key of products.
pub(crate) const PRODUCTS: &str = in_order!(product_columns, "products p");
/// Primary keys of skus and products.
pub(crate) const SKUS: &str = concat!(
    "SELECT ",
    crate::rows::sku_columns!(),
    ", (SELECT p.partner FROM products p WHERE p.id = s.product) FROM skus s ORDER BY s.id"
);
/// Primary key of stocks.
pub(crate) const STOCKS: &str = in_order!(stock_columns, "stocks t ORDER BY t.sku, t.day");
/// Index events_order, which ends with partner and number.
pub(crate) const SKU_EVENTS: &str = in_order!(
    event_columns,
    "events WHERE order_id >= 4611686018427387904 ORDER BY order_id, partner, number"
);
/// Primary key of tasks.
pub(crate) const SKU_TASKS: &str =
    in_order!(task_columns, "tasks WHERE order_id >= 4611686018427387904 ORDER BY order_id, id");
/// Primary key of deposits, the newest first: their transfers have their ids below zero.
pub(crate) const DEPOSITS: &str = in_order!(deposit_columns, "deposits ORDER BY id DESC");
/// Primary key of transfers.
pub(crate) const DEPOSIT_TRANSFERS: &str =
    in_order!(transfer_columns, "transfers WHERE order_id < 0 ORDER BY order_id, id");
/// Index deposits_number.
pub(crate) const DEPOSIT_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM deposits GROUP BY partner, number HAVING count(*) > 1";

/// Shows how far balances may be below nothing.
pub(super) fn show_limits(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(LIMITS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match currency(row, 2) {
            Ok(currency) => {
                let limit = Money::from_micros(row.get(1)?, currency);
                audit.credit_limit(PartnerId::from_i64(row.get(0)?), limit);
            }
            Err(error) => audit.find(format!("a row of partners cannot be understood: {error}")),
        }
    }
    Ok(())
}

pub(super) fn check_deposits(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut deposits = connection.prepare_cached(DEPOSITS)?;
    let mut transfers = connection.prepare_cached(DEPOSIT_TRANSFERS)?;
    let number = |deposit: &Deposit| cause_number(Cause::Deposit(deposit.id));
    let mut deposits = Cursor::<Deposit>::open("deposits", &mut deposits, rows::deposit, number, audit)?;
    let number = |transfer: &Transfer| cause_number(transfer.cause);
    let mut transfers = Cursor::<Transfer>::open("transfers", &mut transfers, rows::transfer, number, audit)?;
    let mut family = DepositFamily::default();
    let mut found = Vec::new();
    while let Some(key) = earlier(deposits.head(), transfers.head()) {
        deposits.take(key, &mut found, audit)?;
        transfers.take(key, &mut family.transfers, audit)?;
        family.deposit = found.pop();
        audit.deposit_family(DepositId::from_i64(key.wrapping_neg()), &family);
        family.clear();
    }
    Ok(())
}

pub(super) fn check_skus(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    count_products(connection, audit)?;
    let mut statements = [SKUS, STOCKS, SKU_EVENTS, SKU_TASKS]
        .into_iter()
        .map(|sql| connection.prepare_cached(sql))
        .collect::<rusqlite::Result<Vec<CachedStatement<'_>>>>()?;
    let [skus, stocks, events, tasks] = statements.as_mut_slice() else { return Ok(()) };
    let mut skus = Cursor::open("skus", skus, sku, |(sku, _)| sku_number(sku.id), audit)?;
    let mut stocks = Cursor::<Stock>::open("stocks", stocks, rows::stock, |s| sku_number(s.key.sku), audit)?;
    let mut events = Cursor::<Event>::open("events", events, rows::event, |e| about_number(e.about), audit)?;
    let mut tasks = Cursor::<Task>::open("tasks", tasks, rows::task, |t| about_number(t.key.about), audit)?;
    let mut family = SkuFamily::default();
    let mut found = Vec::new();
    loop {
        let heads = [stocks.head(), events.head(), tasks.head()];
        let Some(key) = heads.into_iter().fold(skus.head(), earlier) else { return Ok(()) };
        skus.take(key, &mut found, audit)?;
        stocks.take(key, &mut family.stocks, audit)?;
        events.take(key, &mut family.events, audit)?;
        tasks.take(key, &mut family.tasks, audit)?;
        if let Some((sku, product_of)) = found.pop() {
            (family.sku, family.product_of) = (Some(sku), product_of);
        }
        audit.sku_family(SkuId::from_i64(key.wrapping_sub(sku_number(SkuId::from_i64(0)))), &family);
        family.clear();
    }
}

fn count_products(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(PRODUCTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match rows::product(row) {
            Ok(_) => audit.products(1),
            Err(error) if is_unreadable_row(&error) => {
                audit.find(format!("a row of products cannot be understood: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn sku_number(id: SkuId) -> i64 {
    about_number(About::Sku(id))
}

/// A sku, and who sells its product.
fn sku(row: &Row<'_>) -> rusqlite::Result<(Sku, Option<PartnerId>)> {
    Ok((rows::sku(row)?, row.get::<_, Option<i64>>(SKU_COLUMNS)?.map(PartnerId::from_i64)))
}
