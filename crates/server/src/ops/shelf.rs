//! The forms in which operators lay down products, skus and stocks, and see them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tradewind_domain::{
    CodeRule, Contact, Currency, Day, Money, PartnerId, Price, Product, ProductId, ProductState, RefundTerms,
    RefundUntil, Review, Sku, SkuId, SkuKind, Span, Stock, StockPlan, TicketRules, Timestamp, TravellerRule,
};

use super::Answer;
use super::catalogue::NOT_YET;
use super::error::OpsError;
use super::extract;
use super::wire::decimal;

pub(super) const TITLE_CHARS_MAX: usize = 200;
const WORD_CHARS_MAX: usize = 64;
const URL_CHARS_MAX: usize = 2048;
const TEXT_CHARS_MAX: usize = 20_000;
const ENTRIES_MAX: usize = 50;
const MONEY_DIGITS: u32 = 2;

/// What is given replaces what was; objects are merged, null takes away.
pub(super) type Merge = Map<String, Value>;

/// A product as it is laid down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductForm {
    name: String,
    #[serde(default = "yes")]
    on_sale: bool,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    pictures: Vec<String>,
    #[serde(default)]
    contacts: Vec<ContactForm>,
    #[serde(default)]
    texts: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactForm {
    phone: String,
    #[serde(default)]
    hours: String,
}

/// A sku as it is laid down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SkuForm {
    price: PriceForm,
    #[serde(default)]
    sale_from_ms: Option<i64>,
    #[serde(default)]
    sale_until_ms: Option<i64>,
    #[serde(default = "one")]
    order_min: u32,
    #[serde(default = "twenty")]
    order_max: u32,
    #[serde(default)]
    ticket: TicketForm,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceForm {
    pub(super) market: String,
    pub(super) sell: String,
    pub(super) cost: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TicketForm {
    dated: bool,
    valid_from_ms: Option<i64>,
    valid_until_ms: Option<i64>,
    book_ahead_days: u32,
    usable_after_minutes: u32,
    valid_days: u32,
    travellers: Travellers,
    needs_document: bool,
    codes: Codes,
    counter_only: bool,
    refund: RefundForm,
}

impl Default for TicketForm {
    fn default() -> TicketForm {
        TicketForm {
            dated: false,
            valid_from_ms: None,
            valid_until_ms: None,
            book_ahead_days: 0,
            usable_after_minutes: 0,
            valid_days: 1,
            travellers: Travellers::Contact,
            needs_document: false,
            codes: Codes::PerTicket,
            counter_only: false,
            refund: RefundForm::default(),
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Travellers {
    Contact,
    Each,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Codes {
    PerOrder,
    PerTicket,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RefundForm {
    refundable: bool,
    whole_only: bool,
    until: UntilForm,
    review: ReviewForm,
}

impl Default for RefundForm {
    fn default() -> RefundForm {
        RefundForm {
            refundable: true,
            whole_only: false,
            until: UntilForm::AnyTime,
            review: ReviewForm::Manual,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum UntilForm {
    AnyTime,
    Never,
    BeforeEndMinutes(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ReviewForm {
    Manual,
    AutomaticAfterSeconds(u32),
}

/// A stock as it is laid down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StockForm {
    #[serde(default)]
    pub(super) day: Option<String>,
    pub(super) total: u32,
    #[serde(default)]
    pub(super) closed: bool,
    #[serde(default)]
    pub(super) price: Option<PriceForm>,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn twenty() -> u32 {
    20
}

/// Reads a form.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Answer<T> {
    serde_json::from_value(value).map_err(|error| OpsError::invalid(format!("the body: {error}")))
}

/// A form with changes merged in.
pub(super) fn merged<T: Serialize + DeserializeOwned>(form: &T, change: Merge) -> Answer<T> {
    let mut value = serde_json::to_value(form).map_err(|_| OpsError::internal())?;
    merge(&mut value, Value::Object(change));
    read(value)
}

/// As RFC 7396 lays down.
fn merge(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (name, value) in change {
                if value.is_null() {
                    target.remove(&name);
                } else {
                    merge(target.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (target, change) => *target = change,
    }
}

impl ProductForm {
    pub(super) fn of(product: &Product) -> ProductForm {
        ProductForm {
            name: product.name.clone(),
            on_sale: product.state == ProductState::OnSale,
            system: product.system.clone(),
            pictures: product.pictures.clone(),
            contacts: product
                .contacts
                .iter()
                .map(|contact| ContactForm { phone: contact.phone.clone(), hours: contact.hours.clone() })
                .collect(),
            texts: serde_json::from_str(&product.texts).unwrap_or_default(),
        }
    }

    pub(super) fn product(self, id: ProductId, seller: PartnerId) -> Answer<Product> {
        if self.pictures.len() > ENTRIES_MAX
            || self.contacts.len() > ENTRIES_MAX
            || self.texts.len() > ENTRIES_MAX
        {
            return Err(OpsError::invalid(format!("pictures, contacts, texts: at most {ENTRIES_MAX} each")));
        }
        let pictures = self.pictures.into_iter();
        let pictures =
            pictures.map(|url| extract::text("pictures", url, URL_CHARS_MAX)).collect::<Answer<_>>()?;
        let contacts = self.contacts.into_iter().map(|contact| {
            let phone = extract::text("contacts.phone", contact.phone, WORD_CHARS_MAX)?;
            let hours = match contact.hours.is_empty() {
                true => String::new(),
                false => extract::text("contacts.hours", contact.hours, TITLE_CHARS_MAX)?,
            };
            Ok(Contact { phone, hours })
        });
        for (name, text) in &self.texts {
            let is_text = text.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARS_MAX);
            if !is_text || name.chars().count() > WORD_CHARS_MAX || name.contains('\0') {
                let problem = format!("texts: {name:?} must be text of at most {TEXT_CHARS_MAX} characters");
                return Err(OpsError::invalid(problem));
            }
            if text.as_str().is_some_and(|text| text.contains('\0')) {
                return Err(OpsError::invalid(format!("texts: {name:?} has a zero byte")));
            }
        }
        Ok(Product {
            id,
            seller,
            name: extract::text("name", self.name, TITLE_CHARS_MAX)?,
            state: if self.on_sale { ProductState::OnSale } else { ProductState::OffSale },
            system: self.system.map(|system| extract::text("system", system, WORD_CHARS_MAX)).transpose()?,
            pictures,
            contacts: contacts.collect::<Answer<_>>()?,
            texts: Value::Object(self.texts).to_string(),
            changed_at: NOT_YET,
        })
    }
}

impl SkuForm {
    pub(super) fn of(sku: &Sku) -> SkuForm {
        let SkuKind::Ticket(rules) = &sku.kind;
        SkuForm {
            price: PriceForm::of(&sku.price),
            sale_from_ms: sku.sale_from.map(Timestamp::ms),
            sale_until_ms: sku.sale_until.map(Timestamp::ms),
            order_min: sku.order_min,
            order_max: sku.order_max,
            ticket: TicketForm::of(rules),
        }
    }

    pub(super) fn sku(self, id: SkuId, seller: PartnerId, product: ProductId) -> Answer<Sku> {
        Ok(Sku {
            id,
            seller,
            product,
            price: self.price.price()?,
            sale_from: self.sale_from_ms.map(Timestamp::from_ms),
            sale_until: self.sale_until_ms.map(Timestamp::from_ms),
            order_min: self.order_min,
            order_max: self.order_max,
            kind: SkuKind::Ticket(self.ticket.rules()),
            changed_at: NOT_YET,
        })
    }
}

impl TicketForm {
    fn of(rules: &TicketRules) -> TicketForm {
        let minutes = |span: Span| u32::try_from(span.ms() / 60_000).unwrap_or(u32::MAX);
        TicketForm {
            dated: rules.dated,
            valid_from_ms: rules.valid_from.map(Timestamp::ms),
            valid_until_ms: rules.valid_until.map(Timestamp::ms),
            book_ahead_days: rules.book_ahead_days,
            usable_after_minutes: minutes(rules.usable_after),
            valid_days: rules.valid_days,
            travellers: match rules.travellers {
                TravellerRule::Contact => Travellers::Contact,
                TravellerRule::Each => Travellers::Each,
            },
            needs_document: rules.needs_document,
            codes: match rules.codes {
                CodeRule::PerOrder => Codes::PerOrder,
                CodeRule::PerTicket => Codes::PerTicket,
            },
            counter_only: rules.counter_only,
            refund: RefundForm {
                refundable: rules.refund.refundable,
                whole_only: rules.refund.whole_only,
                until: match rules.refund.until {
                    RefundUntil::AnyTime => UntilForm::AnyTime,
                    RefundUntil::Never => UntilForm::Never,
                    RefundUntil::BeforeEnd(span) => UntilForm::BeforeEndMinutes(minutes(span)),
                },
                review: match rules.refund.review {
                    Review::Manual => ReviewForm::Manual,
                    Review::Automatic(after) => ReviewForm::AutomaticAfterSeconds(
                        u32::try_from(after.ms() / 1000).unwrap_or(u32::MAX),
                    ),
                },
            },
        }
    }

    fn rules(self) -> TicketRules {
        TicketRules {
            dated: self.dated,
            valid_from: self.valid_from_ms.map(Timestamp::from_ms),
            valid_until: self.valid_until_ms.map(Timestamp::from_ms),
            book_ahead_days: self.book_ahead_days,
            usable_after: Span::from_mins(i64::from(self.usable_after_minutes)),
            valid_days: self.valid_days,
            travellers: match self.travellers {
                Travellers::Contact => TravellerRule::Contact,
                Travellers::Each => TravellerRule::Each,
            },
            needs_document: self.needs_document,
            codes: match self.codes {
                Codes::PerOrder => CodeRule::PerOrder,
                Codes::PerTicket => CodeRule::PerTicket,
            },
            counter_only: self.counter_only,
            refund: RefundTerms {
                refundable: self.refund.refundable,
                whole_only: self.refund.whole_only,
                until: match self.refund.until {
                    UntilForm::AnyTime => RefundUntil::AnyTime,
                    UntilForm::Never => RefundUntil::Never,
                    UntilForm::BeforeEndMinutes(minutes) => {
                        RefundUntil::BeforeEnd(Span::from_mins(i64::from(minutes)))
                    }
                },
                review: match self.refund.review {
                    ReviewForm::Manual => Review::Manual,
                    ReviewForm::AutomaticAfterSeconds(seconds) => {
                        Review::Automatic(Span::from_secs(i64::from(seconds)))
                    }
                },
            },
        }
    }
}

impl PriceForm {
    fn of(price: &Price) -> PriceForm {
        PriceForm { market: decimal(price.market), sell: decimal(price.sell), cost: decimal(price.cost) }
    }

    pub(super) fn price(&self) -> Answer<Price> {
        Ok(Price {
            market: money("price.market", &self.market)?,
            sell: money("price.sell", &self.sell)?,
            cost: money("price.cost", &self.cost)?,
        })
    }
}

impl StockForm {
    pub(super) fn plan(self) -> Answer<StockPlan> {
        Ok(StockPlan {
            day: self.day.as_deref().map(day).transpose()?,
            total: self.total,
            closed: self.closed,
            price: self.price.map(|price| price.price()).transpose()?,
        })
    }
}

/// Reads an amount in the operator's currency.
pub(super) fn money(name: &str, text: &str) -> Answer<Money> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(OpsError::invalid(format!("{name}: {text:?} is no amount")));
    }
    let amount = Money::parse(digits, MONEY_DIGITS, Currency::CNY);
    let amount = amount.map_err(|error| OpsError::invalid(format!("{name}: {error}")))?;
    Ok(Money::from_micros(sign * amount.micros(), amount.currency()))
}

/// Reads a day.
pub(super) fn day(text: &str) -> Answer<Day> {
    text.parse().map_err(|error| OpsError::invalid(format!("{text:?} is {error}")))
}

/// Reads the id of a sku, with its prefix or as partners know it.
pub(super) fn sku_id(text: &str) -> Answer<SkuId> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if digits => Ok(SkuId::from_i64(number)),
        _ => extract::id(text),
    }
}

/// A product as it is shown.
pub(super) fn product(product: &Product) -> Value {
    json!({
        "id": product.id.to_string(),
        "seller": product.seller.to_string(),
        "name": product.name,
        "state": match product.state {
            ProductState::OnSale => "on_sale",
            ProductState::OffSale => "off_sale",
        },
        "system": product.system,
        "pictures": product.pictures,
        "contacts": product
            .contacts
            .iter()
            .map(|contact| json!({ "phone": contact.phone, "hours": contact.hours }))
            .collect::<Vec<_>>(),
        "texts": serde_json::from_str::<Value>(&product.texts).unwrap_or_default(),
        "changed_at_ms": product.changed_at.ms(),
    })
}

/// A sku as it is shown: its form, and what names it.
pub(super) fn sku(sku: &Sku) -> Value {
    let mut shown = serde_json::to_value(SkuForm::of(sku)).unwrap_or_default();
    shown["id"] = sku.id.to_string().into();
    shown["number"] = sku.id.get().to_string().into();
    shown["seller"] = sku.seller.to_string().into();
    shown["product"] = sku.product.to_string().into();
    shown["changed_at_ms"] = sku.changed_at.ms().into();
    shown
}

/// A stock as it is shown.
pub(super) fn stock(stock: &Stock) -> Value {
    json!({
        "sku": stock.key.sku.to_string(),
        "day": stock.key.day.map(|day| day.to_string()),
        "total": stock.total,
        "held": stock.held,
        "sold": stock.sold,
        "free": stock.free(),
        "closed": stock.closed,
        "price": stock.price.as_ref().map(PriceForm::of),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tradewind_domain::{PartnerId, ProductId, SkuId};

    use super::{SkuForm, merge, merged, money, read, sku, sku_id};

    #[test]
    fn what_is_shown_of_a_sku_is_what_was_laid_down() {
        let given = json!({
            "price": {"market": "100.00", "sell": "80.00", "cost": "72.50"},
            "sale_from_ms": 5, "sale_until_ms": null, "order_min": 2, "order_max": 9,
            "ticket": {
                "dated": true, "valid_from_ms": null, "valid_until_ms": 7, "book_ahead_days": 1,
                "usable_after_minutes": 30, "valid_days": 3, "travellers": "each", "needs_document": true,
                "codes": "per_order", "counter_only": true,
                "refund": {"refundable": false, "whole_only": true, "until": {"before_end_minutes": 60},
                           "review": {"automatic_after_seconds": 90}},
            },
        });
        let ids = (SkuId::from_i64(1), PartnerId::from_i64(2), ProductId::from_i64(3));
        let read = |value: Value| read::<SkuForm>(value).unwrap().sku(ids.0, ids.1, ids.2).unwrap();
        let first = read(given.clone());
        let shown = sku(&first);
        for (name, value) in given.as_object().unwrap() {
            assert_eq!(&shown[name], value, "{name}");
        }
        let change = json!({"ticket": {"dated": false, "refund": {"until": "never"}}, "sale_from_ms": null});
        let changed = merged(&SkuForm::of(&first), change.as_object().unwrap().clone()).unwrap();
        let changed = sku(&changed.sku(ids.0, ids.1, ids.2).unwrap());
        assert_eq!(changed["ticket"]["dated"], json!(false));
        assert_eq!(changed["ticket"]["refund"]["until"], json!("never"));
        assert_eq!(changed["ticket"]["refund"]["whole_only"], json!(true), "the rest stays");
        assert_eq!(changed["sale_from_ms"], Value::Null);
        let odd = json!({"tickets": {}});
        assert!(merged(&SkuForm::of(&first), odd.as_object().unwrap().clone()).is_err());
    }

    #[test]
    fn merging_is_that_of_the_standard() {
        // Examples of RFC 7396, appendix A.
        for (target, change, expected) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[1]}), json!({"a":[2]}), json!({"a":[2]})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, change.clone());
            assert_eq!(merged, expected, "{target} {change}");
        }
    }

    #[test]
    fn amounts_and_ids() {
        assert_eq!(money("amount", "-5.25").unwrap().micros(), -5_250_000);
        assert_eq!(money("amount", "100").unwrap().micros(), 100_000_000);
        for bad in ["", "-", "--1", "1,5", "1e3", "NaN", "0.001", "- 1"] {
            assert!(money("amount", bad).is_err(), "{bad:?}");
        }
        assert_eq!(sku_id("12").unwrap(), SkuId::from_i64(12));
        assert_eq!(sku_id("sku_12").unwrap(), SkuId::from_i64(12));
        for bad in ["", "-1", "+1", "prd_12", "99999999999999999999"] {
            assert!(sku_id(bad).is_err(), "{bad:?}");
        }
    }
}
