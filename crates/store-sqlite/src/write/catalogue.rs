//! The catalogue: products, skus and their stocks.

use rusqlite::{Connection, params};
use tradewind_domain::{AmountError, Currency, Price, Product, Sku, Stock, WriteSet};
use tradewind_store::{contacts_text, day_number, pictures_text, sku_kind_text};

use super::{Write, each, one};
use crate::codes::Code;

/// Writes the products, skus and stocks of a set.
pub(super) fn write(connection: &Connection, set: &WriteSet) -> Write {
    each(connection, INSERT_PRODUCT, &set.products_new, insert_product)?;
    each(connection, UPDATE_PRODUCT, &set.products_changed, update_product)?;
    each(connection, INSERT_SKU, &set.skus_new, insert_sku)?;
    each(connection, UPDATE_SKU, &set.skus_changed, update_sku)?;
    each(connection, INSERT_STOCK, &set.stocks_new, insert_stock)?;
    each(connection, UPDATE_STOCK, &set.stocks_changed, update_stock)
}

const INSERT_PRODUCT: &str = "INSERT INTO products (id, partner, name, state, system, pictures, contacts, texts, \
     changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

fn insert_product(statement: &mut rusqlite::Statement<'_>, product: &Product) -> Write {
    write_product(statement, product).map(drop)
}

/// Who sells a product never changes.
const UPDATE_PRODUCT: &str = "UPDATE products SET name = ?3, state = ?4, system = ?5, pictures = ?6, contacts = ?7, \
     texts = ?8, changed_at = ?9 WHERE id = ?1 AND partner = ?2";

fn update_product(statement: &mut rusqlite::Statement<'_>, product: &Product) -> Write {
    one(write_product(statement, product)?)
}

fn write_product(statement: &mut rusqlite::Statement<'_>, product: &Product) -> rusqlite::Result<usize> {
    statement.execute(params![
        product.id.get(),
        product.seller.get(),
        product.name,
        product.state.code(),
        product.system,
        pictures_text(&product.pictures),
        contacts_text(&product.contacts),
        product.texts,
        product.changed_at.ms(),
    ])
}

const INSERT_SKU: &str = "INSERT INTO skus (id, partner, product, market, sell, cost, currency, sale_from, \
     sale_until, order_min, order_max, rules, changed_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

fn insert_sku(statement: &mut rusqlite::Statement<'_>, sku: &Sku) -> Write {
    write_sku(statement, sku).map(drop)
}

/// Nor do a sku's seller and product.
const UPDATE_SKU: &str = "UPDATE skus SET market = ?4, sell = ?5, cost = ?6, currency = ?7, sale_from = ?8, \
     sale_until = ?9, order_min = ?10, order_max = ?11, rules = ?12, changed_at = ?13 \
     WHERE id = ?1 AND partner = ?2 AND product = ?3";

fn update_sku(statement: &mut rusqlite::Statement<'_>, sku: &Sku) -> Write {
    one(write_sku(statement, sku)?)
}

fn write_sku(statement: &mut rusqlite::Statement<'_>, sku: &Sku) -> rusqlite::Result<usize> {
    statement.execute(params![
        sku.id.get(),
        sku.seller.get(),
        sku.product.get(),
        sku.price.market.micros(),
        sku.price.sell.micros(),
        sku.price.cost.micros(),
        currency(&sku.price)?.code(),
        sku.sale_from.map(|at| at.ms()),
        sku.sale_until.map(|at| at.ms()),
        sku.order_min,
        sku.order_max,
        sku_kind_text(&sku.kind),
        sku.changed_at.ms(),
    ])
}

const INSERT_STOCK: &str = "INSERT INTO stocks (sku, day, partner, total, held, sold, closed, market, sell, cost, \
     currency) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

fn insert_stock(statement: &mut rusqlite::Statement<'_>, stock: &Stock) -> Write {
    write_stock(statement, stock).map(drop)
}

const UPDATE_STOCK: &str = "UPDATE stocks SET total = ?4, held = ?5, sold = ?6, closed = ?7, market = ?8, sell = ?9, \
     cost = ?10, currency = ?11 WHERE sku = ?1 AND day = ?2 AND partner = ?3";

fn update_stock(statement: &mut rusqlite::Statement<'_>, stock: &Stock) -> Write {
    one(write_stock(statement, stock)?)
}

fn write_stock(statement: &mut rusqlite::Statement<'_>, stock: &Stock) -> rusqlite::Result<usize> {
    let price = stock.price.as_ref();
    let currency = price.map(currency).transpose()?;
    statement.execute(params![
        stock.key.sku.get(),
        day_number(stock.key.day),
        stock.seller.get(),
        stock.total,
        stock.held,
        stock.sold,
        stock.closed,
        price.map(|price| price.market.micros()),
        price.map(|price| price.sell.micros()),
        price.map(|price| price.cost.micros()),
        currency.as_ref().map(Currency::code),
    ])
}

/// The three parts of a price share one column for their currency.
fn currency(price: &Price) -> rusqlite::Result<Currency> {
    let currency = price.cost.currency();
    if price.market.currency() == currency && price.sell.currency() == currency {
        return Ok(currency);
    }
    Err(rusqlite::Error::ToSqlConversionFailure(Box::new(AmountError::CurrencyMismatch)))
}
