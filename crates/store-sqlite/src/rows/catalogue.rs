//! Rows of the catalogue, of what orders buy from it, and of deposits.

use rusqlite::Row;
use tradewind_domain::{
    Day, Deposit, DepositId, Line, Money, PartnerId, Price, Product, ProductId, Sku, SkuId, Span, Stock,
    StockKey,
};
use tradewind_store::{contacts_of, day_of_number, pictures_of, sku_kind_of, terms_of, travellers_of};

use super::{Read, optional_time, time};
use crate::codes::{code, currency, unreadable};

columns! {
    product_columns = "p.id, p.partner, p.name, p.state, p.system, p.pictures, p.contacts, p.texts, p.changed_at";
    sku_columns = "s.id, s.partner, s.product, s.market, s.sell, s.cost, s.currency, s.sale_from, s.sale_until, \
                   s.order_min, s.order_max, s.rules, s.changed_at";
    stock_columns = "t.sku, t.day, t.partner, t.total, t.held, t.sold, t.closed, t.market, t.sell, t.cost, t.currency";
    line_columns = "l.seller, l.product, l.sku, l.name, l.day, l.quantity, l.sell, l.cost, l.currency, l.used, \
                    l.refunded, l.locked, l.codes, l.usable_after, l.valid_from, l.valid_until, l.refund_terms, \
                    l.travellers, l.send_codes, l.resent, l.sent_at";
    deposit_columns = "id, partner, number, amount, currency, note, operator";
}

/// How many columns a line has, for queries that read on after it.
pub(crate) const LINE_COLUMNS: usize = 21;

/// How many columns a sku has, for queries that read a product after it.
pub(crate) const SKU_COLUMNS: usize = 13;

pub(crate) fn product(row: &Row<'_>) -> Read<Product> {
    product_from(row, 0)
}

/// A product whose columns begin at `first`.
pub(crate) fn product_from(row: &Row<'_>, first: usize) -> Read<Product> {
    Ok(Product {
        id: ProductId::from_i64(row.get(first)?),
        seller: PartnerId::from_i64(row.get(first + 1)?),
        name: row.get(first + 2)?,
        state: code(row, first + 3)?,
        system: row.get(first + 4)?,
        pictures: form(row, first + 5, pictures_of)?,
        contacts: form(row, first + 6, contacts_of)?,
        texts: row.get(first + 7)?,
        changed_at: time(row, first + 8)?,
    })
}

pub(crate) fn sku(row: &Row<'_>) -> Read<Sku> {
    Ok(Sku {
        id: SkuId::from_i64(row.get(0)?),
        seller: PartnerId::from_i64(row.get(1)?),
        product: ProductId::from_i64(row.get(2)?),
        price: price(row, 3)?,
        sale_from: optional_time(row, 7)?,
        sale_until: optional_time(row, 8)?,
        order_min: row.get(9)?,
        order_max: row.get(10)?,
        kind: form(row, 11, sku_kind_of)?,
        changed_at: time(row, 12)?,
    })
}

pub(crate) fn stock(row: &Row<'_>) -> Read<Stock> {
    let day: i64 = row.get(1)?;
    let own_price = row.get::<_, Option<i64>>(7)?.is_some();
    Ok(Stock {
        key: StockKey {
            sku: SkuId::from_i64(row.get(0)?),
            day: day_of_number(day).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, day))?,
        },
        seller: PartnerId::from_i64(row.get(2)?),
        total: row.get(3)?,
        held: row.get(4)?,
        sold: row.get(5)?,
        closed: row.get(6)?,
        price: own_price.then(|| price(row, 7)).transpose()?,
    })
}

pub(crate) fn line(row: &Row<'_>) -> Read<Line> {
    let currency = currency(row, 8)?;
    let money = |column| row.get(column).map(|micros| Money::from_micros(micros, currency));
    Ok(Line {
        seller: PartnerId::from_i64(row.get(0)?),
        product: ProductId::from_i64(row.get(1)?),
        sku: SkuId::from_i64(row.get(2)?),
        name: row.get(3)?,
        day: row.get::<_, Option<i32>>(4)?.map(Day::from_number),
        quantity: row.get(5)?,
        sell: money(6)?,
        cost: money(7)?,
        used: row.get(9)?,
        refunded: row.get(10)?,
        locked: row.get(11)?,
        codes: code(row, 12)?,
        usable_after: Span::from_ms(row.get(13)?),
        valid_from: optional_time(row, 14)?,
        valid_until: optional_time(row, 15)?,
        refund: form(row, 16, terms_of)?,
        travellers: form(row, 17, travellers_of)?,
        send_codes: row.get(18)?,
        resent: row.get(19)?,
        sent_at: optional_time(row, 20)?,
    })
}

pub(crate) fn deposit(row: &Row<'_>) -> Read<Deposit> {
    Ok(Deposit {
        id: DepositId::from_i64(row.get(0)?),
        partner: PartnerId::from_i64(row.get(1)?),
        number: row.get(2)?,
        amount: Money::from_micros(row.get(3)?, currency(row, 4)?),
        note: row.get(5)?,
        operator: row.get(6)?,
    })
}

/// Market, sell and cost from `first` on, and the currency that they share.
fn price(row: &Row<'_>, first: usize) -> Read<Price> {
    let currency = currency(row, first + 3)?;
    let money = |column| row.get(column).map(|micros| Money::from_micros(micros, currency));
    Ok(Price { market: money(first)?, sell: money(first + 1)?, cost: money(first + 2)? })
}

fn form<T, E>(row: &Row<'_>, column: usize, read: fn(&str) -> Result<T, E>) -> Read<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    read(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}
