//! Deposits, products, skus and their stocks before the audit. There are few of them beside the orders, so
//! they are sorted where no index has their order.

use tokio_postgres::{Row, Transaction};
use tradewind_domain::{
    About, Cause, Deposit, DepositId, Event, Partner, PartnerId, Product, Sku, SkuId, Stock, Task, Transfer,
};
use tradewind_store::audit::{Audit, DepositFamily, SkuFamily};
use tradewind_store::{Result, about_number, cause_number};

use super::{Cursor, Key, earlier};
use crate::codes::Unreadable;
use crate::load::select;
use crate::rows::{self, SKU_COLUMNS, get};

/// Primary key of partners.
const PARTNERS: &str = select!(partner_columns, "FROM partners p ORDER BY p.id");
// A deposit's and a sku's family are told by their ids alone, so that what stands in the books of another
// partner is seen as such.
/// Sorted, the newest first: transfers have their ids below zero.
pub(crate) const DEPOSITS: &str = select!(deposit_columns, "FROM deposits d ORDER BY d.id DESC");
/// Sorted.
pub(crate) const DEPOSIT_TRANSFERS: &str =
    select!(transfer_columns, "FROM transfers t WHERE t.order_id < 0 ORDER BY t.order_id, t.partner, t.id");
/// Primary key of products.
pub(crate) const PRODUCTS: &str = select!(product_columns, "FROM products p ORDER BY p.partner, p.id");
/// Index skus_id, and products_id for each.
pub(crate) const SKUS: &str =
    select!(sku_columns, ", p.partner FROM skus k LEFT JOIN products p ON p.id = k.product ORDER BY k.id");
/// Index stocks_sku.
pub(crate) const STOCKS: &str = select!(stock_columns, "FROM stocks s ORDER BY s.sku, s.day");
/// Sorted.
pub(crate) const SKU_EVENTS: &str = select!(
    event_columns,
    "FROM events e WHERE e.order_id >= 1::bigint << 62 ORDER BY e.order_id, e.partner, e.number"
);
/// Sorted.
pub(crate) const SKU_TASKS: &str = select!(
    task_columns,
    "FROM tasks t WHERE t.order_id >= 1::bigint << 62 ORDER BY t.order_id, t.partner, t.id"
);

/// How far balances may be below nothing.
pub(super) async fn show_limits(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let mut partners =
        Cursor::<Partner>::open(snapshot, "partners", PARTNERS, rows::partner, |p| (0, p.id.get())).await?;
    while let Some(partner) = partners.next(audit).await? {
        audit.credit_limit(partner.id, partner.credit_limit);
    }
    Ok(())
}

pub(super) async fn check_deposits(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let mut deposits = Cursor::<Deposit>::open(snapshot, "deposits", DEPOSITS, rows::deposit, |d| {
        (0, cause_number(Cause::Deposit(d.id)))
    })
    .await?;
    let mut transfers =
        Cursor::<Transfer>::open(snapshot, "transfers", DEPOSIT_TRANSFERS, rows::transfer, |t| {
            (0, cause_number(t.cause))
        })
        .await?;
    let mut family = DepositFamily::default();
    let mut found = Vec::new();
    loop {
        let key = earlier(deposits.head(audit).await?, transfers.head(audit).await?);
        let Some(key) = key else { return Ok(()) };
        deposits.take(key, &mut found, audit).await?;
        transfers.take(key, &mut family.transfers, audit).await?;
        family.deposit = found.pop();
        audit.deposit_family(DepositId::from_i64(key.1.wrapping_neg()), &family);
        family.clear();
    }
}

/// A sku and who sells its product.
type Sold = (Sku, Option<PartnerId>);

fn sold(row: &Row) -> std::result::Result<Sold, Unreadable> {
    Ok((rows::sku(row)?, get::<Option<i64>>(row, SKU_COLUMNS)?.map(PartnerId::from_i64)))
}

pub(super) async fn check_skus(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let mut products =
        Cursor::<Product>::open(snapshot, "products", PRODUCTS, rows::product, |p| (0, p.id.get())).await?;
    while products.next(audit).await?.is_some() {
        audit.products(1);
    }
    fn key(sku: SkuId) -> Key {
        (0, about_number(About::Sku(sku)))
    }
    let mut skus = Cursor::<Sold>::open(snapshot, "skus", SKUS, sold, |(sku, _)| key(sku.id)).await?;
    let mut stocks =
        Cursor::<Stock>::open(snapshot, "stocks", STOCKS, rows::stock, |s| key(s.key.sku)).await?;
    let mut events =
        Cursor::<Event>::open(snapshot, "events", SKU_EVENTS, rows::event, |e| (0, about_number(e.about)))
            .await?;
    let mut tasks =
        Cursor::<Task>::open(snapshot, "tasks", SKU_TASKS, rows::task, |t| (0, about_number(t.key.about)))
            .await?;
    let mut family = SkuFamily::default();
    let mut found = Vec::new();
    loop {
        let heads = [stocks.head(audit).await?, events.head(audit).await?, tasks.head(audit).await?];
        let Some(key) = heads.into_iter().fold(skus.head(audit).await?, earlier) else { return Ok(()) };
        skus.take(key, &mut found, audit).await?;
        stocks.take(key, &mut family.stocks, audit).await?;
        events.take(key, &mut family.events, audit).await?;
        tasks.take(key, &mut family.tasks, audit).await?;
        if let Some((sku, product_of)) = found.pop() {
            family.sku = Some(sku);
            family.product_of = product_of;
        }
        if let About::Sku(id) = tradewind_store::about_of_number(key.1) {
            audit.sku_family(id, &family);
        }
        family.clear();
    }
}
