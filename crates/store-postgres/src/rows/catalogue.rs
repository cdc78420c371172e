//! Rows of the catalogue, of what orders buy of it, and of prepaid balances.

use tokio_postgres::Row;
use tradewind_domain::{
    AccountDelta, Balance, Day, Deposit, DepositId, Line, Money, PartnerId, Price, Product, ProductId, Sku,
    SkuId, Span, Stock, StockKey,
};
use tradewind_store::{contacts_of, day_of_number, pictures_of, sku_kind_of, terms_of, travellers_of};

use super::{Read, code, get, number, optional_time, time};
use crate::codes::{Unreadable, account, currency};

columns! {
    product_columns = "p.id, p.partner, p.name, p.state, p.system, p.pictures, p.contacts, p.texts, p.changed_at";
    sku_columns = "k.id, k.partner, k.product, k.market, k.sell, k.cost, k.currency, k.sale_from, k.sale_until, \
                   k.order_min, k.order_max, k.rules, k.changed_at";
    stock_columns = "s.partner, s.sku, s.day, s.total, s.held, s.sold, s.closed, s.market, s.sell, s.cost, \
                     s.currency";
    line_columns = "l.seller, l.product, l.sku, l.name, l.day, l.quantity, l.sell, l.cost, l.currency, l.used, \
                    l.refunded, l.locked, l.codes, l.usable_after, l.valid_from, l.valid_until, l.refund_terms, \
                    l.travellers, l.send_codes, l.resent, l.sent_at";
    deposit_columns = "d.id, d.partner, d.number, d.amount, d.currency, d.note, d.operator";
    balance_columns = "a.partner, a.account, a.currency, a.debits_posted, a.credits_posted, a.debits_pending, \
                       a.credits_pending";
}

/// How many columns a product has, for queries that read more after it.
pub(crate) const PRODUCT_COLUMNS: usize = 9;

/// How many columns a sku has, for queries that read more after it.
pub(crate) const SKU_COLUMNS: usize = 13;

/// How many columns a line has, for queries that read more after it.
pub(crate) const LINE_COLUMNS: usize = 21;

pub(crate) fn product(row: &Row) -> Read<Product> {
    product_from(row, 0)
}

/// A product whose columns begin at `first`.
pub(crate) fn product_from(row: &Row, first: usize) -> Read<Product> {
    Ok(Product {
        id: ProductId::from_i64(get(row, first)?),
        seller: PartnerId::from_i64(get(row, first + 1)?),
        name: get(row, first + 2)?,
        state: code(row, first + 3)?,
        system: get(row, first + 4)?,
        pictures: pictures_of(get(row, first + 5)?)?,
        contacts: contacts_of(get(row, first + 6)?)?,
        texts: get(row, first + 7)?,
        changed_at: time(row, first + 8)?,
    })
}

pub(crate) fn sku(row: &Row) -> Read<Sku> {
    let currency = currency(get(row, 6)?)?;
    let money = |column| Ok::<_, Unreadable>(Money::from_micros(get(row, column)?, currency));
    Ok(Sku {
        id: SkuId::from_i64(get(row, 0)?),
        seller: PartnerId::from_i64(get(row, 1)?),
        product: ProductId::from_i64(get(row, 2)?),
        price: Price { market: money(3)?, sell: money(4)?, cost: money(5)? },
        sale_from: optional_time(row, 7)?,
        sale_until: optional_time(row, 8)?,
        order_min: number(row, 9)?,
        order_max: number(row, 10)?,
        kind: sku_kind_of(get(row, 11)?)?,
        changed_at: time(row, 12)?,
    })
}

pub(crate) fn stock(row: &Row) -> Read<Stock> {
    stock_from(row, 0)
}

/// A stock whose columns begin at `first`.
pub(crate) fn stock_from(row: &Row, first: usize) -> Read<Stock> {
    let day: i64 = get(row, first + 2)?;
    let price = match get::<Option<&str>>(row, first + 10)? {
        None => None,
        Some(code) => {
            let currency = currency(code)?;
            let money = |column| Ok::<_, Unreadable>(Money::from_micros(get(row, column)?, currency));
            Some(Price { market: money(first + 7)?, sell: money(first + 8)?, cost: money(first + 9)? })
        }
    };
    Ok(Stock {
        seller: PartnerId::from_i64(get(row, first)?),
        key: StockKey {
            sku: SkuId::from_i64(get(row, first + 1)?),
            day: day_of_number(day).ok_or_else(|| Unreadable::not_one("day", day))?,
        },
        total: number(row, first + 3)?,
        held: number(row, first + 4)?,
        sold: number(row, first + 5)?,
        closed: get(row, first + 6)?,
        price,
    })
}

/// The line whose columns begin at `first`, in a row of an order that may have none.
pub(crate) fn line_from(row: &Row, first: usize) -> Read<Option<Box<Line>>> {
    let Some(seller) = get::<Option<i64>>(row, first)? else { return Ok(None) };
    let currency = currency(get(row, first + 8)?)?;
    let money = |column| Ok::<_, Unreadable>(Money::from_micros(get(row, column)?, currency));
    Ok(Some(Box::new(Line {
        seller: PartnerId::from_i64(seller),
        product: ProductId::from_i64(get(row, first + 1)?),
        sku: SkuId::from_i64(get(row, first + 2)?),
        name: get(row, first + 3)?,
        day: get::<Option<i64>>(row, first + 4)?.map(i32::try_from).transpose()?.map(Day::from_number),
        quantity: number(row, first + 5)?,
        sell: money(first + 6)?,
        cost: money(first + 7)?,
        used: number(row, first + 9)?,
        refunded: number(row, first + 10)?,
        locked: number(row, first + 11)?,
        codes: code(row, first + 12)?,
        usable_after: Span::from_ms(get(row, first + 13)?),
        valid_from: optional_time(row, first + 14)?,
        valid_until: optional_time(row, first + 15)?,
        refund: terms_of(get(row, first + 16)?)?,
        travellers: travellers_of(get(row, first + 17)?)?,
        send_codes: get(row, first + 18)?,
        resent: number(row, first + 19)?,
        sent_at: optional_time(row, first + 20)?,
    })))
}

pub(crate) fn deposit(row: &Row) -> Read<Deposit> {
    Ok(Deposit {
        id: DepositId::from_i64(get(row, 0)?),
        partner: PartnerId::from_i64(get(row, 1)?),
        number: get(row, 2)?,
        amount: Money::from_micros(get(row, 3)?, currency(get(row, 4)?)?),
        note: get(row, 5)?,
        operator: get(row, 6)?,
    })
}

pub(crate) fn balance(row: &Row) -> Read<Balance> {
    Ok(Balance {
        partner: PartnerId::from_i64(get(row, 0)?),
        account: account(get(row, 1)?)?,
        currency: currency(get(row, 2)?)?,
        sums: AccountDelta {
            debits_posted: get(row, 3)?,
            credits_posted: get(row, 4)?,
            debits_pending: get(row, 5)?,
            credits_pending: get(row, 6)?,
        },
    })
}
