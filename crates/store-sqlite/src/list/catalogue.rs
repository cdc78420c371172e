//! Lists of the catalogue: what is on sale, the days of a calendar, what a seller has.

use rusqlite::{Connection, Row, named_params, params};
use tradewind_domain::{
    Day, PartnerId, ProductId, Rows, Sku, SkuChoice, SkuId, SkuKind, SkuListing, SkuPage, Stock, StockPlan,
};
use tradewind_store::{NO_DAY, SkuQuery};

use super::all;
use crate::load::{SKUS_OF, STOCK, select};
use crate::rows::{self, SKU_COLUMNS};

macro_rules! on_sale {
    () => {
        "FROM skus s JOIN products p ON p.id = s.product WHERE p.state = 0 \
         AND (s.sale_from IS NULL OR s.sale_from <= :now) AND (s.sale_until IS NULL OR s.sale_until > :now)"
    };
}

macro_rules! listing {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            crate::rows::sku_columns!(),
            ", ",
            crate::rows::product_columns!(),
            " ",
            on_sale!(),
            $rest
        )
    };
}

/// Primary keys; a catalogue is small, and all of it is looked at.
pub(crate) const COUNT_SKUS: &str = concat!("SELECT count(*) ", on_sale!(), " AND p.system IS :system");
/// The same.
pub(crate) const PAGE_SKUS: &str =
    listing!(" AND p.system IS :system ORDER BY s.id LIMIT :limit OFFSET :skipped");
/// Primary keys.
pub(crate) const SKU_ON_SALE: &str = listing!(" AND s.id = :id");

/// Skus that are on sale, by id.
pub(crate) fn list_skus(connection: &Connection, query: &SkuQuery) -> rusqlite::Result<SkuPage> {
    let now = query.now.ms();
    let read = |row: &Row<'_>| Ok((rows::sku(row)?, rows::product_from(row, SKU_COLUMNS)?));
    let (found, total) = match &query.list.choice {
        SkuChoice::Page { page, page_size } => {
            let limit = i64::from(*page_size);
            let filter = named_params! { ":now": now, ":system": query.list.system };
            let slice = named_params! { ":limit": limit, ":skipped": i64::from(*page) * limit };
            let total: i64 = connection.prepare_cached(COUNT_SKUS)?.query_row(filter, |row| row.get(0))?;
            (all(connection, PAGE_SKUS, &[filter, slice].concat()[..], read)?, total.unsigned_abs())
        }
        SkuChoice::Ids(ids) => {
            let mut ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
            ids.sort_unstable();
            ids.dedup();
            let mut found = Vec::new();
            for id in ids {
                found.extend(all(connection, SKU_ON_SALE, named_params! { ":now": now, ":id": id }, read)?);
            }
            let total = found.len() as u64;
            (found, total)
        }
    };
    let mut entries = Vec::with_capacity(found.len());
    for (sku, product) in found {
        let stock = undated_stock(connection, &sku)?;
        entries.push(SkuListing { sku, product, stock });
    }
    Ok(SkuPage { entries, total })
}

fn undated_stock(connection: &Connection, sku: &Sku) -> rusqlite::Result<Option<Stock>> {
    match &sku.kind {
        SkuKind::Ticket(rules) if rules.dated => Ok(None),
        SkuKind::Ticket(_) => Ok(all(connection, STOCK, (sku.id.get(), NO_DAY), rows::stock)?.pop()),
    }
}

/// Primary key of stocks.
pub(crate) const STOCKS: &str = select!(
    stock_columns,
    "FROM stocks t WHERE t.sku = ?1 AND t.day BETWEEN ?2 AND ?3 ORDER BY t.day LIMIT ?4"
);

/// The stocks of the days of a sku.
pub(crate) fn list_stocks(
    connection: &Connection,
    sku: SkuId,
    from: Day,
    until: Day,
) -> rusqlite::Result<Vec<Stock>> {
    let from = i64::from(from.number()).max(NO_DAY + 1);
    let limit = u32::try_from(StockPlan::MAX).unwrap_or(u32::MAX);
    all(connection, STOCKS, params![sku.get(), from, until.number(), limit], rows::stock)
}

/// Primary key of products.
pub(crate) const PRODUCTS: &str =
    select!(product_columns, "FROM products p WHERE p.id > ?1 ORDER BY p.id LIMIT ?2");
/// Index products_partner, which ends with the id.
pub(crate) const PRODUCTS_OF: &str =
    select!(product_columns, "FROM products p WHERE p.partner = ?3 AND p.id > ?1 ORDER BY p.id LIMIT ?2");

/// Products with their skus, by id, after `after`.
pub(crate) fn list_products(
    connection: &Connection,
    seller: Option<PartnerId>,
    after: Option<ProductId>,
    limit: u32,
) -> rusqlite::Result<Rows> {
    let after = after.map_or(i64::MIN, ProductId::get);
    let products = match seller {
        None => all(connection, PRODUCTS, params![after, limit], rows::product)?,
        Some(seller) => all(connection, PRODUCTS_OF, params![after, limit, seller.get()], rows::product)?,
    };
    let mut skus = Vec::new();
    for product in &products {
        skus.extend(all(connection, SKUS_OF, [product.id.get()], rows::sku)?);
    }
    Ok(Rows { products, skus, ..Rows::default() })
}
