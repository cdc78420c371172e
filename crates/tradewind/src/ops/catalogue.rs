//! `seller`, `product`, `sku` and `stock`: what is sold, how, and how much of it.

use std::io::Read as _;
use std::path::Path as FilePath;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tradewind_domain::Day;

use super::answer::{instant, list, more, print, text, yes_no};
use super::client::{Ops, Path};
use crate::cli::{Product, ProductTraits, Seller, Sku, SkuRules, Stock};
use crate::failure::Usage;
use crate::output::{facts, table};
use crate::when::Zone;

/// A table of stocks is no longer than what the gateway takes.
const TABLE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Runs a `seller` command.
pub(crate) async fn seller(ops: &Ops, json: bool, command: Seller) -> anyhow::Result<ExitCode> {
    let Seller::Add { name } = command;
    let answer = ops.post(&Path::of(&["sellers"]), &json!({ "name": name })).await?;
    Ok(print(json, &answer, |answer| format!("{} sells as {}", text(answer, "name"), text(answer, "id"))))
}

/// Runs a `product` command.
pub(crate) async fn product(ops: &Ops, json: bool, command: Product) -> anyhow::Result<ExitCode> {
    let answer = match command {
        Product::Add { seller, name, traits } => {
            let mut body = with_traits(traits)?;
            body.insert("seller".into(), seller.into());
            body.insert("name".into(), name.into());
            ops.post(&Path::of(&["products"]), &body.into()).await?
        }
        Product::Set { product, name, traits } => {
            let mut body = with_traits(traits)?;
            body.extend(name.map(|name| ("name".to_owned(), name.into())));
            ops.patch(&Path::of(&["products", &product]), &changed(body)?).await?
        }
        Product::Show { product } => ops.get(&Path::of(&["products", &product])).await?,
        Product::List { seller, page } => {
            let answer = ops.get(&Path::of(&["products"]).with("seller", seller).page(&page)).await?;
            return Ok(print(json, &answer, show_products));
        }
    };
    Ok(print(json, &answer, show_product))
}

/// Runs a `sku` command.
pub(crate) async fn sku(ops: &Ops, json: bool, command: Sku) -> anyhow::Result<ExitCode> {
    let answer = match command {
        Sku::Add { product, rules } => {
            ops.post(&Path::of(&["products", &product, "skus"]), &with_rules(*rules)?.into()).await?
        }
        Sku::Set { sku, rules } => {
            ops.patch(&Path::of(&["skus", &sku]), &changed(with_rules(*rules)?)?).await?
        }
        Sku::Show { sku } => ops.get(&Path::of(&["skus", &sku])).await?,
    };
    Ok(print(json, &answer, |answer| show_sku(&answer["sku"])))
}

/// Runs a `stock` command.
pub(crate) async fn stock(ops: &Ops, json: bool, command: Stock) -> anyhow::Result<ExitCode> {
    let stocks = |sku: &str| Path::of(&["skus", sku, "stock"]);
    match command {
        Stock::Set { sku, total, day, until, closed, price } => {
            let price = match price.as_deref() {
                None => Value::Null,
                Some([market, sell, cost]) => json!({ "market": market, "sell": sell, "cost": cost }),
                Some(_) => {
                    return Err(Usage("--price: three amounts, market, sell and cost".to_owned()).into());
                }
            };
            let plan = |day: Value| json!({ "day": day, "total": total, "closed": closed, "price": price });
            let plans: Vec<Value> = match day {
                None => vec![plan(Value::Null)],
                Some(first) => {
                    days(&first, until.as_deref())?.map(|day| plan(day.to_string().into())).collect()
                }
            };
            let answer = ops.put(&stocks(&sku), &json!({ "plans": plans })).await?;
            Ok(print(json, &answer, show_stocks))
        }
        Stock::List { sku, from, until } => {
            let answer = ops.get(&stocks(&sku).with("from", from).with("until", until)).await?;
            Ok(print(json, &answer, show_stocks))
        }
        Stock::Import { file, skip_bad } => {
            let path = Path::of(&["stock", "import"]).with("skip_bad", skip_bad.then_some("true"));
            let answer = ops.post_csv(&path, read_table(&file)?).await?;
            Ok(print(json, &answer, show_import))
        }
    }
}

fn days(first: &str, last: Option<&str>) -> Result<impl Iterator<Item = Day> + use<>, Usage> {
    let read = |text: &str| text.parse::<Day>().map_err(|error| Usage(format!("{text:?} is {error}")));
    let first = read(first)?;
    let last = last.map(read).transpose()?.unwrap_or(first);
    let count = i32::try_from(last.since(first)).unwrap_or(i32::MAX);
    Ok((0..=count).map(move |days| first.plus(days)))
}

fn read_table(file: &FilePath) -> anyhow::Result<Vec<u8>> {
    let mut table = Vec::new();
    let read = if file == FilePath::new("-") {
        std::io::stdin().lock().take(TABLE_BYTES_MAX).read_to_end(&mut table)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(TABLE_BYTES_MAX).read_to_end(&mut table))
    };
    read.with_context(|| format!("could not read the table from `{}`", file.display()))?;
    Ok(table)
}

/// A change that changes something.
fn changed(body: Map<String, Value>) -> Result<Value, Usage> {
    if body.is_empty() {
        return Err(Usage("give at least one thing to change".to_owned()));
    }
    Ok(body.into())
}

fn with_traits(traits: ProductTraits) -> Result<Map<String, Value>, Usage> {
    let ProductTraits { on_sale, system, pictures, contacts, texts } = traits;
    let contacts = contacts.map(|contacts| {
        contacts
            .iter()
            .map(|contact| match contact.split_once(':') {
                Some((phone, hours)) => Ok(json!({ "phone": phone, "hours": hours })),
                None => Err(Usage(format!("--contact {contact:?}: a phone number, a colon and the hours"))),
            })
            .collect::<Result<Value, Usage>>()
    });
    Ok(given([
        ("on_sale", on_sale.map(Value::from)),
        ("system", system.map(Value::from)),
        ("pictures", pictures.map(Value::from)),
        ("contacts", contacts.transpose()?),
        ("texts", texts),
    ]))
}

fn with_rules(rules: SkuRules) -> Result<Map<String, Value>, Usage> {
    let refund = given([
        ("refundable", rules.refundable.map(Value::from)),
        ("whole_only", rules.whole_only.map(Value::from)),
        ("until", rules.refund_until.as_deref().map(refund_until).transpose()?),
        ("review", rules.review.as_deref().map(review).transpose()?),
    ]);
    let ticket = given([
        ("dated", rules.dated.map(Value::from)),
        ("valid_from_ms", rules.valid_from.map(|at| at.ms().into())),
        ("valid_until_ms", rules.valid_until.map(|at| at.ms().into())),
        ("book_ahead_days", rules.book_ahead.map(Value::from)),
        ("usable_after_minutes", rules.usable_after.map(Value::from)),
        ("valid_days", rules.valid_days.map(Value::from)),
        ("travellers", rules.travellers.map(|who| who.name().into())),
        ("needs_document", rules.needs_document.map(Value::from)),
        ("codes", rules.codes.map(|codes| codes.name().into())),
        ("counter_only", rules.counter_only.map(Value::from)),
        ("refund", (!refund.is_empty()).then(|| refund.into())),
    ]);
    let price = given([
        ("market", rules.market.map(Value::from)),
        ("sell", rules.sell.map(Value::from)),
        ("cost", rules.cost.map(Value::from)),
    ]);
    Ok(given([
        ("price", (!price.is_empty()).then(|| price.into())),
        ("sale_from_ms", rules.sale_from.map(|at| at.ms().into())),
        ("sale_until_ms", rules.sale_until.map(|at| at.ms().into())),
        ("order_min", rules.order_min.map(Value::from)),
        ("order_max", rules.order_max.map(Value::from)),
        ("ticket", (!ticket.is_empty()).then(|| ticket.into())),
    ]))
}

fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn refund_until(text: &str) -> Result<Value, Usage> {
    match (text, text.parse::<u32>()) {
        ("any_time" | "never", _) => Ok(text.into()),
        (_, Ok(minutes)) => Ok(json!({ "before_end_minutes": minutes })),
        _ => Err(Usage(format!("--refund-until {text:?}: any_time, never, or minutes"))),
    }
}

fn review(text: &str) -> Result<Value, Usage> {
    match (text, text.parse::<u32>()) {
        ("manual", _) => Ok(text.into()),
        (_, Ok(seconds)) => Ok(json!({ "automatic_after_seconds": seconds })),
        _ => Err(Usage(format!("--review {text:?}: manual, or seconds"))),
    }
}

fn show_product(answer: &Value) -> String {
    let product = &answer["product"];
    let head = facts(&[
        ("product", text(product, "id")),
        ("name", text(product, "name")),
        ("state", text(product, "state")),
        ("seller", text(product, "seller")),
        ("system", text(product, "system")),
        ("pictures", text(product, "pictures")),
        ("changed", instant(product, "changed_at_ms", Zone::Local)),
    ]);
    format!("{head}\n\n{}", skus(list(answer, "skus")))
}

fn show_products(answer: &Value) -> String {
    let rows = list(answer, "products").iter().map(|entry| {
        let skus = list(entry, "skus").iter().map(|sku| text(sku, "number")).collect::<Vec<_>>().join(", ");
        let product = &entry["product"];
        [text(product, "id"), text(product, "name"), text(product, "state"), text(product, "seller"), skus]
    });
    table(["product", "name", "state", "seller", "skus"], rows) + &more(answer)
}

fn skus(skus: &[Value]) -> String {
    let rows = skus.iter().map(|sku| {
        let price = &sku["price"];
        [
            text(sku, "id"),
            text(price, "market"),
            text(price, "sell"),
            text(price, "cost"),
            yes_no(&sku["ticket"], "dated"),
            format!("{}-{}", text(sku, "order_min"), text(sku, "order_max")),
        ]
    });
    table(["sku", "market", "sell", "cost", "by day", "per order"], rows)
}

fn show_sku(sku: &Value) -> String {
    let (price, ticket) = (&sku["price"], &sku["ticket"]);
    facts(&[
        ("sku", text(sku, "id")),
        ("number", text(sku, "number")),
        ("product", text(sku, "product")),
        ("market", text(price, "market")),
        ("sell", text(price, "sell")),
        ("cost", text(price, "cost")),
        ("per order", format!("{} to {}", text(sku, "order_min"), text(sku, "order_max"))),
        ("sold from", instant(sku, "sale_from_ms", Zone::Local)),
        ("sold until", instant(sku, "sale_until_ms", Zone::Local)),
        ("by day", yes_no(ticket, "dated")),
        ("valid from", instant(ticket, "valid_from_ms", Zone::Local)),
        ("valid until", instant(ticket, "valid_until_ms", Zone::Local)),
        ("valid days", text(ticket, "valid_days")),
        ("days ahead", text(ticket, "book_ahead_days")),
        ("usable after", format!("{} min", text(ticket, "usable_after_minutes"))),
        ("travellers", text(ticket, "travellers")),
        ("documents", yes_no(ticket, "needs_document")),
        ("codes", text(ticket, "codes")),
        ("counter only", yes_no(ticket, "counter_only")),
        ("refunds", text(ticket, "refund")),
    ])
}

fn show_stocks(answer: &Value) -> String {
    let rows = list(answer, "stocks").iter().map(|stock| {
        let price = &stock["price"];
        [
            text(stock, "day"),
            text(stock, "total"),
            text(stock, "held"),
            text(stock, "sold"),
            text(stock, "free"),
            yes_no(stock, "closed"),
            text(price, "sell"),
            text(price, "cost"),
        ]
    });
    table(["day", "total", "held", "sold", "free", "closed", "sell", "cost"], rows)
}

fn show_import(answer: &Value) -> String {
    let head = format!("{} of {} rows were written", text(answer, "written"), text(answer, "rows"));
    let bad = list(answer, "bad");
    if bad.is_empty() {
        return head;
    }
    let rows = bad.iter().map(|bad| [text(bad, "line"), text(bad, "problem")]);
    format!("{head}\n\n{}", table(["line", "problem"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_become_members() {
        assert_eq!(refund_until("90").ok(), Some(json!({ "before_end_minutes": 90 })));
        assert_eq!(refund_until("never").ok(), Some(json!("never")));
        assert_eq!(review("60").ok(), Some(json!({ "automatic_after_seconds": 60 })));
        assert_eq!(review("manual").ok(), Some(json!("manual")));
        assert!(refund_until("soon").is_err() && review("-1").is_err());
    }

    #[test]
    fn several_days_are_laid_down_together() {
        let of = |first: &str, last: Option<&str>| {
            days(first, last).map(|days| days.map(|day| day.to_string()).collect::<Vec<_>>()).ok()
        };
        assert_eq!(of("2026-12-31", None), Some(vec!["2026-12-31".to_owned()]));
        assert_eq!(of("2026-12-31", Some("2027-01-01")).map(|days| days.len()), Some(2));
        assert_eq!(of("2026-12-31", Some("2026-12-30")), Some(Vec::new()));
        assert_eq!(of("31.12.2026", None), None);
    }
}
