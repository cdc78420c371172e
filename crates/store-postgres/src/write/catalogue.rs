//! The catalogue, its stocks, what orders buy of it, and deposits.

use tradewind_domain::{Deposit, Line, Money, Order, Price, Product, Sku, Stock, WriteSet};
use tradewind_store::{
    Result, StoreError, contacts_text, day_number, pictures_text, sku_kind_text, terms_text, travellers_text,
};

use super::{all_of, column, insert, update};
use crate::codes::Code;
use crate::load::Seen;
use crate::session::Step;

/// What a lane uses in most batches with purchases.
pub(crate) const HOT: &[&str] = &[INSERT_LINES, UPDATE_LINES, UPDATE_STOCKS];

const INSERT_PRODUCTS: &str = "INSERT INTO products (partner, id, name, state, system, pictures, contacts, texts, \
     changed_at) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::text[], \
     $6::text[], $7::text[], $8::text[], $9::bigint[])";

/// Index products_id.
pub(crate) const UPDATE_PRODUCTS: &str = all_of!(
    "$11",
    "UPDATE products p SET name = k.name, state = k.state, system = k.system, pictures = k.pictures, \
     contacts = k.contacts, texts = k.texts, changed_at = k.changed_at, version = p.version + 1 \
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[], \
     $8::text[], $9::bigint[], $10::bigint[]) AS k (partner, id, name, state, system, pictures, contacts, texts, \
     changed_at, version) \
     WHERE p.partner = k.partner AND p.id = k.id AND (k.version IS NULL OR p.version = k.version)"
);

const INSERT_SKUS: &str = "INSERT INTO skus (partner, id, product, market, sell, cost, currency, sale_from, \
     sale_until, order_min, order_max, rules, changed_at) SELECT * FROM unnest($1::bigint[], $2::bigint[], \
     $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], \
     $11::bigint[], $12::text[], $13::bigint[])";

/// Index skus_product. Who sells a sku, and of which product it is, never changes.
pub(crate) const UPDATE_SKUS: &str = all_of!(
    "$15",
    "UPDATE skus s SET market = k.market, sell = k.sell, cost = k.cost, \
     currency = k.currency, sale_from = k.sale_from, sale_until = k.sale_until, order_min = k.order_min, \
     order_max = k.order_max, rules = k.rules, changed_at = k.changed_at, version = s.version + 1 \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], \
     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[]) \
     AS k (partner, id, product, market, sell, cost, currency, sale_from, sale_until, order_min, order_max, rules, \
     changed_at, version) \
     WHERE s.partner = k.partner AND s.id = k.id AND s.product = k.product AND (k.version IS NULL OR s.version = k.version)"
);

const INSERT_STOCKS: &str = "INSERT INTO stocks (partner, sku, day, total, held, sold, closed, market, sell, cost, \
     currency) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
     $6::bigint[], $7::boolean[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])";

/// Index stocks_sku.
pub(crate) const UPDATE_STOCKS: &str = all_of!(
    "$12",
    "UPDATE stocks s SET total = k.total, held = k.held, sold = k.sold, closed = k.closed, market = k.market, \
     sell = k.sell, cost = k.cost, currency = k.currency \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
     $7::boolean[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[]) \
     AS k (partner, sku, day, total, held, sold, closed, market, sell, cost, currency) \
     WHERE s.partner = k.partner AND s.sku = k.sku AND s.day = k.day"
);

const INSERT_LINES: &str = "INSERT INTO order_lines (partner, order_id, seller, product, sku, name, day, quantity, \
     sell, cost, currency, used, refunded, locked, codes, usable_after, valid_from, valid_until, refund_terms, \
     travellers, send_codes, resent, sent_at) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], \
     $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], \
     $12::bigint[], $13::bigint[], $14::bigint[], $15::smallint[], $16::bigint[], $17::bigint[], $18::bigint[], \
     $19::text[], $20::text[], $21::boolean[], $22::bigint[], $23::bigint[])";

/// Primary key of order_lines. What is bought and on which terms never changes.
pub(crate) const UPDATE_LINES: &str = all_of!(
    "$10",
    "UPDATE order_lines l SET used = k.used, refunded = k.refunded, locked = k.locked, \
     travellers = k.travellers, send_codes = k.send_codes, resent = k.resent, sent_at = k.sent_at \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::boolean[], \
     $8::bigint[], $9::bigint[]) AS k (partner, order_id, used, refunded, locked, travellers, send_codes, resent, \
     sent_at) WHERE l.partner = k.partner AND l.order_id = k.order_id"
);

const INSERT_DEPOSITS: &str = "INSERT INTO deposits (partner, id, number, amount, currency, note, operator) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[])";

/// Amounts that share one column for their currency.
pub(super) fn check_currencies(set: &WriteSet) -> Result<()> {
    let one = |amounts: &[Money]| {
        amounts.windows(2).all(|pair| match pair {
            [one, other] => one.currency() == other.currency(),
            _ => true,
        })
    };
    let of_price = |price: &Price| one(&[price.market, price.sell, price.cost]);
    let mut skus = set.skus_new.iter().chain(&set.skus_changed);
    if let Some(sku) = skus.find(|sku| !of_price(&sku.price)) {
        return Err(StoreError::Corrupt(format!("the prices of {} differ in currency", sku.id)));
    }
    let mut stocks = set.stocks_new.iter().chain(&set.stocks_changed);
    if let Some(stock) = stocks.find(|stock| stock.price.as_ref().is_some_and(|price| !of_price(price))) {
        return Err(StoreError::Corrupt(format!(
            "the prices of a stock of {} differ in currency",
            stock.key.sku
        )));
    }
    let lines = set.orders_new.iter().filter_map(|order| Some((order, order.line.as_deref()?)));
    for (order, line) in lines {
        if !one(&[line.sell, line.cost]) {
            return Err(StoreError::Corrupt(format!("the prices of {} differ in currency", order.id)));
        }
    }
    Ok(())
}

pub(super) fn write<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    products(set, seen, steps);
    skus(set, seen, steps);
    stocks(set, steps);
    lines(set, steps);
    deposits(set, steps);
}

fn products<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    let columns = |rows: &[&'a Product]| {
        vec![
            column(rows, |product| product.seller.get()),
            column(rows, |product| product.id.get()),
            column(rows, |product| product.name.as_str()),
            column(rows, |product| product.state.code()),
            column(rows, |product| product.system.as_deref()),
            column(rows, |product| pictures_text(&product.pictures)),
            column(rows, |product| contacts_text(&product.contacts)),
            column(rows, |product| product.texts.as_str()),
            column(rows, |product| product.changed_at.ms()),
        ]
    };
    let new: Vec<&Product> = set.products_new.iter().collect();
    insert(steps, INSERT_PRODUCTS, &new, columns);
    let mut changed: Vec<&Product> = set.products_changed.iter().collect();
    changed.sort_unstable_by_key(|product| (product.seller, product.id));
    update(steps, UPDATE_PRODUCTS, &changed, |rows| {
        let mut values = columns(rows);
        values.push(column(rows, |product| {
            seen.products.get(&(product.seller.get(), product.id.get())).copied()
        }));
        values
    });
}

fn skus<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    let columns = |rows: &[&'a Sku]| {
        vec![
            column(rows, |sku| sku.seller.get()),
            column(rows, |sku| sku.id.get()),
            column(rows, |sku| sku.product.get()),
            column(rows, |sku| sku.price.market.micros()),
            column(rows, |sku| sku.price.sell.micros()),
            column(rows, |sku| sku.price.cost.micros()),
            column(rows, |sku| sku.price.cost.currency().code().to_owned()),
            column(rows, |sku| sku.sale_from.map(|at| at.ms())),
            column(rows, |sku| sku.sale_until.map(|at| at.ms())),
            column(rows, |sku| i64::from(sku.order_min)),
            column(rows, |sku| i64::from(sku.order_max)),
            column(rows, |sku| sku_kind_text(&sku.kind)),
            column(rows, |sku| sku.changed_at.ms()),
        ]
    };
    let new: Vec<&Sku> = set.skus_new.iter().collect();
    insert(steps, INSERT_SKUS, &new, columns);
    let mut changed: Vec<&Sku> = set.skus_changed.iter().collect();
    changed.sort_unstable_by_key(|sku| (sku.seller, sku.id));
    update(steps, UPDATE_SKUS, &changed, |rows| {
        let mut values = columns(rows);
        values.push(column(rows, |sku| seen.skus.get(&(sku.seller.get(), sku.id.get())).copied()));
        values
    });
}

fn stocks<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    fn columns<'v>(rows: &[&Stock]) -> Vec<crate::session::Value<'v>> {
        let price = |of: fn(&Price) -> Money| {
            column(rows, move |stock: &&Stock| stock.price.as_ref().map(|price| of(price).micros()))
        };
        vec![
            column(rows, |stock| stock.seller.get()),
            column(rows, |stock| stock.key.sku.get()),
            column(rows, |stock| day_number(stock.key.day)),
            column(rows, |stock| i64::from(stock.total)),
            column(rows, |stock| i64::from(stock.held)),
            column(rows, |stock| i64::from(stock.sold)),
            column(rows, |stock| stock.closed),
            price(|price| price.market),
            price(|price| price.sell),
            price(|price| price.cost),
            column(rows, |stock| stock.price.as_ref().map(|price| price.cost.currency().code().to_owned())),
        ]
    }
    // Two processes that lay down the same days meet in the same order.
    let mut new: Vec<&Stock> = set.stocks_new.iter().collect();
    new.sort_unstable_by_key(|stock| (stock.seller, stock.key));
    insert(steps, INSERT_STOCKS, &new, columns);
    let mut changed: Vec<&Stock> = set.stocks_changed.iter().collect();
    changed.sort_unstable_by_key(|stock| stock.key);
    update(steps, UPDATE_STOCKS, &changed, columns);
}

/// An order and its line.
type Bought<'a> = (&'a Order, &'a Line);

fn lines<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let bought = |orders: &'a [Order]| -> Vec<Bought<'a>> {
        orders.iter().filter_map(|order| Some((order, order.line.as_deref()?))).collect()
    };
    insert(steps, INSERT_LINES, &bought(&set.orders_new), |rows| {
        vec![
            column(rows, |(order, _)| order.partner.get()),
            column(rows, |(order, _)| order.id.get()),
            column(rows, |(_, line)| line.seller.get()),
            column(rows, |(_, line)| line.product.get()),
            column(rows, |(_, line)| line.sku.get()),
            column(rows, |(_, line)| line.name.as_str()),
            column(rows, |(_, line)| line.day.map(|day| i64::from(day.number()))),
            column(rows, |(_, line)| i64::from(line.quantity)),
            column(rows, |(_, line)| line.sell.micros()),
            column(rows, |(_, line)| line.cost.micros()),
            column(rows, |(_, line)| line.cost.currency().code().to_owned()),
            column(rows, |(_, line)| i64::from(line.used)),
            column(rows, |(_, line)| i64::from(line.refunded)),
            column(rows, |(_, line)| i64::from(line.locked)),
            column(rows, |(_, line)| line.codes.code()),
            column(rows, |(_, line)| line.usable_after.ms()),
            column(rows, |(_, line)| line.valid_from.map(|at| at.ms())),
            column(rows, |(_, line)| line.valid_until.map(|at| at.ms())),
            column(rows, |(_, line)| terms_text(line.refund)),
            column(rows, |(_, line)| travellers_text(&line.travellers)),
            column(rows, |(_, line)| line.send_codes),
            column(rows, |(_, line)| i64::from(line.resent)),
            column(rows, |(_, line)| line.sent_at.map(|at| at.ms())),
        ]
    });
    let mut changed = bought(&set.orders_changed);
    changed.sort_unstable_by_key(|(order, _)| (order.partner, order.id));
    update(steps, UPDATE_LINES, &changed, |rows| {
        vec![
            column(rows, |(order, _)| order.partner.get()),
            column(rows, |(order, _)| order.id.get()),
            column(rows, |(_, line)| i64::from(line.used)),
            column(rows, |(_, line)| i64::from(line.refunded)),
            column(rows, |(_, line)| i64::from(line.locked)),
            column(rows, |(_, line)| travellers_text(&line.travellers)),
            column(rows, |(_, line)| line.send_codes),
            column(rows, |(_, line)| i64::from(line.resent)),
            column(rows, |(_, line)| line.sent_at.map(|at| at.ms())),
        ]
    });
}

fn deposits<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let mut new: Vec<&Deposit> = set.deposits.iter().collect();
    new.sort_unstable_by(|one, other| (one.partner, &one.number).cmp(&(other.partner, &other.number)));
    insert(steps, INSERT_DEPOSITS, &new, |rows| {
        vec![
            column(rows, |deposit| deposit.partner.get()),
            column(rows, |deposit| deposit.id.get()),
            column(rows, |deposit| deposit.number.as_str()),
            column(rows, |deposit| deposit.amount.micros()),
            column(rows, |deposit| deposit.amount.currency().code().to_owned()),
            column(rows, |deposit| deposit.note.as_str()),
            column(rows, |deposit| deposit.operator.as_str()),
        ]
    });
}
