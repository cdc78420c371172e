//! Lists of the catalogue: what is on sale, the days of a calendar, what a seller has.

use tokio_postgres::Row;
use tradewind_domain::{
    Day, PartnerId, ProductId, Rows, SkuChoice, SkuId, SkuKind, SkuListing, SkuPage, Stock, StockPlan,
};
use tradewind_store::{NO_DAY, Result, SkuQuery, StoreError};

use super::{all, one, snapshot};
use crate::codes::Unreadable;
use crate::error::unreadable;
use crate::load::select;
use crate::pool::Readers;
use crate::rows::{self, PRODUCT_COLUMNS, SKU_COLUMNS, get};
use crate::session::{Step, Value};

macro_rules! on_sale {
    () => {
        "FROM skus k JOIN products p ON p.partner = k.partner AND p.id = k.product WHERE p.state = 0 \
         AND (k.sale_from IS NULL OR k.sale_from <= $1) AND (k.sale_until IS NULL OR k.sale_until > $1)"
    };
}

/// Those that are chosen, with the stock of what is not sold by the day.
macro_rules! listing {
    ($chosen:literal) => {
        concat!(
            "SELECT ",
            crate::rows::sku_columns!(),
            ", ",
            crate::rows::product_columns!(),
            ", ",
            crate::rows::stock_columns!(),
            " FROM (SELECT k.partner, k.id ",
            on_sale!(),
            $chosen,
            ") AS w JOIN skus k ON k.partner = w.partner AND k.id = w.id \
              JOIN products p ON p.partner = k.partner AND p.id = k.product \
              LEFT JOIN stocks s ON s.partner = k.partner AND s.sku = k.id AND s.day = -2147483648 ORDER BY k.id"
        )
    };
}

/// Index skus_id and primary key of products; a catalogue is small, and all of it is looked at.
pub(crate) const COUNT_SKUS: &str =
    concat!("SELECT count(*) ", on_sale!(), " AND p.system IS NOT DISTINCT FROM $2::text");
/// The same, in order, and primary keys.
pub(crate) const PAGE_SKUS: &str =
    listing!(" AND p.system IS NOT DISTINCT FROM $2::text ORDER BY k.id LIMIT $3 OFFSET $4");
/// Index skus_id and primary keys.
pub(crate) const SKUS_ON_SALE: &str = listing!(" AND k.id = ANY($2::bigint[])");

/// Skus that are on sale, by id.
pub(crate) async fn list_skus(readers: &Readers, query: SkuQuery) -> Result<SkuPage> {
    let now = query.now.ms();
    match query.list.choice {
        SkuChoice::Page { page, page_size } => {
            let system = query.list.system;
            if system.as_ref().is_some_and(|system| system.contains('\0')) {
                return Ok(SkuPage::default());
            }
            let limit = i64::from(page_size);
            let filter = || -> Vec<Value<'static>> { vec![Box::new(now), Box::new(system.clone())] };
            let steps = || {
                let mut slice = filter();
                slice.push(Box::new(limit));
                slice.push(Box::new(i64::from(page) * limit));
                vec![Step::query(COUNT_SKUS, filter()), Step::query(PAGE_SKUS, slice)]
            };
            match snapshot(readers, steps).await?.as_slice() {
                [count, page] => {
                    let total = count.first().map_or(Ok(0), |row| get::<i64>(row, 0)).map_err(unreadable)?;
                    Ok(SkuPage { entries: all(page, entry)?, total: total.unsigned_abs() })
                }
                _ => Err(StoreError::Unavailable("an answer is missing".into())),
            }
        }
        SkuChoice::Ids(ids) => {
            let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
            let entries =
                one(readers, SKUS_ON_SALE, || vec![Box::new(now), Box::new(ids.clone())], entry).await?;
            let total = entries.len() as u64;
            Ok(SkuPage { entries, total })
        }
    }
}

fn entry(row: &Row) -> std::result::Result<SkuListing, Unreadable> {
    let sku = rows::sku(row)?;
    let dated = match &sku.kind {
        SkuKind::Ticket(rules) => rules.dated,
    };
    let first = SKU_COLUMNS + PRODUCT_COLUMNS;
    let has_stock = !dated && get::<Option<i64>>(row, first)?.is_some();
    let stock = has_stock.then(|| rows::stock_from(row, first)).transpose()?;
    Ok(SkuListing { product: rows::product_from(row, SKU_COLUMNS)?, sku, stock })
}

/// Index stocks_sku.
pub(crate) const STOCKS: &str = select!(
    stock_columns,
    "FROM stocks s WHERE s.sku = $1 AND s.day BETWEEN $2 AND $3 ORDER BY s.sku, s.day LIMIT $4"
);

/// The stocks of the days of a sku.
pub(crate) async fn list_stocks(readers: &Readers, sku: SkuId, from: Day, until: Day) -> Result<Vec<Stock>> {
    // The least there is stands for no day.
    let first = i64::from(from.number()).max(NO_DAY + 1);
    let last = i64::from(until.number());
    let limit = i64::try_from(StockPlan::MAX).unwrap_or(i64::MAX);
    let values = || -> Vec<Value<'static>> {
        vec![Box::new(sku.get()), Box::new(first), Box::new(last), Box::new(limit)]
    };
    one(readers, STOCKS, values, rows::stock).await
}

/// Index products_id.
pub(crate) const PRODUCTS: &str =
    select!(product_columns, "FROM products p WHERE p.id > $1 ORDER BY p.id LIMIT $2");
/// Primary key of products.
pub(crate) const PRODUCTS_OF: &str = select!(
    product_columns,
    "FROM products p WHERE (p.partner, p.id) > ($3, $1) AND p.partner <= $3 ORDER BY p.partner, p.id LIMIT $2"
);
/// Index skus_product.
pub(crate) const SKUS_OF: &str = select!(
    sku_columns,
    "FROM unnest($1::bigint[], $2::bigint[]) AS w (partner, product) \
     JOIN skus k ON k.partner = w.partner AND k.product = w.product ORDER BY k.product, k.id"
);

/// Products with their skus, by id, after `after`.
pub(crate) async fn list_products(
    readers: &Readers,
    seller: Option<PartnerId>,
    after: Option<ProductId>,
    limit: u32,
) -> Result<Rows> {
    let after = after.map_or(i64::MIN, ProductId::get);
    let page = || -> Vec<Value<'static>> {
        let mut values: Vec<Value<'static>> = vec![Box::new(after), Box::new(i64::from(limit))];
        values.extend(seller.map(|seller| Box::new(seller.get()) as Value<'static>));
        values
    };
    let sql = if seller.is_some() { PRODUCTS_OF } else { PRODUCTS };
    let products = one(readers, sql, page, rows::product).await?;
    let (sellers, ids): (Vec<i64>, Vec<i64>) =
        products.iter().map(|product| (product.seller.get(), product.id.get())).unzip();
    let of = || -> Vec<Value<'static>> { vec![Box::new(sellers.clone()), Box::new(ids.clone())] };
    let skus = one(readers, SKUS_OF, of, rows::sku).await?;
    Ok(Rows { products, skus, ..Rows::default() })
}
