//! What an operator lays down before tickets can be sold, and reads afterwards: products, stock, deposits.

use crate::gateway::{Operator, items};
use crate::lianhe::{Deal, Distributor};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// Prices of one ticket. The distributor pays the last one.
const MARKET: &str = "80.00";
const SELL: &str = "58.50";
const COST: &str = "50.25";
/// The last one in cents.
pub(crate) const COST_CENTS: i64 = 5025;

/// One item of the catalogue: one sku, one day, one stock row.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub deal: Deal,
    /// The sku's id.
    sku: String,
}

/// How an item is sold.
pub(crate) struct Terms<'a> {
    /// `per_order` or `per_ticket`.
    pub codes: &'a str,
    /// Seconds until a refund is approved by itself.
    pub review_after_s: u32,
    pub total: u64,
    pub day: &'a str,
}

/// A stock row as the operator API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stock {
    pub total: u64,
    pub held: u64,
    pub sold: u64,
    pub free: u64,
}

impl Stock {
    /// What is wrong with it in itself.
    pub(crate) fn fault(&self, total: u64) -> Option<String> {
        let whole = self.total == total && self.held + self.sold + self.free == total;
        (!whole).then(|| format!("the stock does not add up to {total}: {self:?}"))
    }
}

/// Lays down a product that is on sale, with one sku and the stock of one day.
pub(crate) fn lay_down(operator: &Operator, name: &str, terms: &Terms<'_>) -> anyhow::Result<Item> {
    let seller = text(&operator.post("/ops/v1/sellers", &json!({ "name": name }))?, "id")?;
    let product = operator.post("/ops/v1/products", &json!({ "seller": seller, "name": name }))?;
    let product = text(&product["product"], "id")?;
    let sku = operator.post(
        &format!("/ops/v1/products/{product}/skus"),
        &json!({
            "price": { "market": MARKET, "sell": SELL, "cost": COST },
            "ticket": {
                "dated": true, "codes": terms.codes,
                "refund": { "review": { "automatic_after_seconds": terms.review_after_s } },
            },
        }),
    )?;
    let item = Item {
        deal: Deal { number: text(&sku["sku"], "number")?, day: terms.day.to_owned(), sell: SELL.to_owned() },
        sku: text(&sku["sku"], "id")?,
    };
    let plans = json!({ "plans": [{ "day": terms.day, "total": terms.total }] });
    operator.put(&format!("/ops/v1/skus/{}/stock", item.sku), &plans)?;
    Ok(item)
}

/// Adds a distributor with money on its account, and returns its id.
pub(crate) fn add_distributor(
    operator: &Operator,
    distributor: &Distributor,
    deposit: &str,
    credit_limit: &str,
) -> anyhow::Result<String> {
    let id = text(&operator.post("/ops/v1/partners", &distributor.json(credit_limit))?, "id")?;
    let body = json!({ "number": "D1", "amount": deposit });
    operator.post(&format!("/ops/v1/partners/{id}/deposits"), &body)?;
    Ok(id)
}

/// The item's stock row now.
pub(crate) fn stock(operator: &Operator, item: &Item) -> anyhow::Result<Stock> {
    let day = &item.deal.day;
    let rows = operator.get(&format!("/ops/v1/skus/{}/stock?from={day}&until={day}", item.sku))?;
    let row = items(&rows, "stocks")?.iter().find(|row| row["day"] == day.as_str());
    let row = row.with_context(|| format!("there is no stock of {day}: {rows}"))?;
    let number = |name: &str| row[name].as_u64().with_context(|| format!("the stock has no `{name}`: {row}"));
    Ok(Stock { total: number("total")?, held: number("held")?, sold: number("sold")?, free: number("free")? })
}

/// What is left of a partner's balance in cents, without its credit limit.
pub(crate) fn available_cents(operator: &Operator, partner: &str) -> anyhow::Result<i64> {
    let balance = operator.get(&format!("/ops/v1/partners/{partner}/balance"))?;
    cents(&text(&balance, "available")?)
}

/// `-12.50` in cents.
pub(crate) fn cents(yuan: &str) -> anyhow::Result<i64> {
    let (whole, part) = yuan.split_once('.').unwrap_or((yuan, "00"));
    ensure!(part.len() == 2 && whole.ends_with(|it: char| it.is_ascii_digit()), "`{yuan}` is no amount");
    let digits = format!("{whole}{part}");
    digits.parse().with_context(|| format!("`{yuan}` is no amount"))
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let found = value[name].as_str().with_context(|| format!("there is no text `{name}` in {value}"))?;
    Ok(found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_cents() {
        for (yuan, expected) in
            [("0.00", 0), ("12.50", 1250), ("-0.50", -50), ("-100.05", -10_005), ("7", 700)]
        {
            assert_eq!(cents(yuan).unwrap(), expected, "{yuan}");
        }
        for bad in ["", "1.5", "x.00"] {
            assert!(cents(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_stock_adds_up_or_not() {
        let stock = Stock { total: 10, held: 1, sold: 2, free: 7 };
        assert_eq!(stock.fault(10), None);
        assert!(stock.fault(11).is_some());
        assert!(Stock { sold: 3, ..stock }.fault(10).is_some());
    }
}
