//! The catalogue as partners read it: products (section 5.1) and price calendars (section 5.2).
//!
//! Many shapes in it were designed by the specification, so what only informs is left out where a platform
//! writes it in another one. What is bought and what it costs must be readable.
//!
//! Amounts are of the caller's own type `Y`, which is read from the yuan as they were written, so that they
//! pass through no other type on the way.

use std::fmt::Display;
use std::str::FromStr;

use tradewind_dialect::codec::{Object, Value, date};
use tradewind_domain::{Day, Timestamp};

use super::{Answer, text_of, whole};

/// A product: what one can order by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product<Y> {
    /// `LHDealId`, which orders name.
    pub deal_id: String,
    /// `LHSupplierId`: who hands it over.
    pub supplier_id: Option<String>,
    /// `teamType`.
    pub team_type: TeamType,
    /// `name`.
    pub name: String,
    /// `pics`: addresses of pictures.
    pub pictures: Vec<String>,
    /// `startTime`: from when on it is sold.
    pub sale_from: Option<Timestamp>,
    /// `endTime`: until when it is sold.
    pub sale_until: Option<Timestamp>,
    /// `beginTime`: from when on it can be redeemed.
    pub valid_from: Option<Timestamp>,
    /// `expireTime`: until when it can be redeemed.
    pub valid_until: Option<Timestamp>,
    /// `marketPrice`, `sellPrice` and `buyPrice`. Of what is sold by the day, the calendar's prevail.
    pub prices: Prices<Y>,
    /// `stock`. Of what is sold by the day, the calendar's prevails.
    pub stock: Option<i64>,
    /// `allowday`: how many whole days before the visit it must be bought.
    pub book_ahead_days: Option<u32>,
    /// `aftertime`: how many minutes after the payment it can be redeemed first.
    pub usable_after_minutes: Option<u32>,
    /// `canRefund`.
    pub can_refund: Option<bool>,
    /// `fullRefund`: only the whole order can be given back.
    pub whole_refund_only: Option<bool>,
    /// `refundRule`.
    pub refund_rule: Option<RefundRule>,
    /// `servicePhone`.
    pub service_phones: Vec<ServicePhone>,
    /// `purchaseNote`; not asked for with `simples`.
    pub note: Option<PurchaseNote>,
    /// `minBuy`: the fewest of an order.
    pub order_min: Option<u32>,
    /// `maxBuy`: the most of an order.
    pub order_max: Option<u32>,
    /// `needVisitor`: a traveller has to be named for every ticket.
    pub needs_every_visitor: Option<bool>,
    /// `needCredentials`: travellers need an identity document.
    pub needs_document: Option<bool>,
}

/// A day of a price calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarDay<Y> {
    /// `LHDealId`.
    pub deal_id: Option<String>,
    /// `date`.
    pub day: Day,
    /// `marketPrice`, `sellPrice` and `buyPrice`.
    pub prices: Prices<Y>,
    /// `stock`.
    pub stock: Option<i64>,
}

/// What one ticket costs whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices<Y> {
    /// The list price.
    pub market: Option<Y>,
    /// What the partner takes from the buyer. Orders have to name it.
    pub sell: Option<Y>,
    /// What the partner pays.
    pub buy: Option<Y>,
}

/// How a product is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamType {
    /// `normal`: for any day.
    Normal,
    /// `subscribe`: for the day that the order names.
    Subscribe,
    /// Something else.
    Other(String),
}

/// Until when a product can be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRule {
    /// 0: at any time.
    AnyTime,
    /// 1: until so many minutes before the end of its validity.
    BeforeEnd {
        /// How many.
        minutes: i64,
    },
    /// 2: never.
    Never,
    /// Something else.
    Other(i64),
}

/// Whom one can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePhone {
    /// `phone`.
    pub phone: String,
    /// `time`: when somebody answers, in words.
    pub hours: String,
}

/// Texts about a product; may hold markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurchaseNote {
    /// `feeIncludes`.
    pub fee_includes: String,
    /// `usage`.
    pub usage: String,
    /// `refund`.
    pub refund: String,
    /// `notice`.
    pub notice: String,
    /// `detail`.
    pub detail: String,
}

impl Answer<'_> {
    /// The products of `getTeam`.
    ///
    /// # Errors
    /// What cannot be read of them.
    pub fn products<Y: FromStr>(&self) -> Result<Vec<Product<Y>>, String>
    where
        Y::Err: Display,
    {
        self.entries()?.into_iter().map(Product::read).collect()
    }

    /// The days of `getPrice`.
    ///
    /// # Errors
    /// What cannot be read of them.
    pub fn calendar<Y: FromStr>(&self) -> Result<Vec<CalendarDay<Y>>, String>
    where
        Y::Err: Display,
    {
        self.entries()?.into_iter().map(CalendarDay::read).collect()
    }

    /// The balance of `getBalance`, which may be negative.
    ///
    /// # Errors
    /// That it is missing, or no amount.
    pub fn balance<Y: FromStr>(&self) -> Result<Y, String>
    where
        Y::Err: Display,
    {
        let Value::Object(body) = &self.body else { return Err("body is not an object".to_owned()) };
        yuan(body, "balance")?.ok_or_else(|| "balance is missing".to_owned())
    }

    /// The objects of a body that is a list. None at all may also be written as nothing.
    fn entries(&self) -> Result<Vec<&Object<'_>>, String> {
        match &self.body {
            Value::Null => Ok(Vec::new()),
            Value::List(entries) => entries
                .iter()
                .map(|entry| match entry {
                    Value::Object(object) => Ok(object),
                    _ => Err("body holds something that is no object".to_owned()),
                })
                .collect(),
            _ => Err("body is not a list".to_owned()),
        }
    }
}

impl<Y: FromStr> Product<Y>
where
    Y::Err: Display,
{
    fn read(object: &Object<'_>) -> Result<Product<Y>, String> {
        let deal_id = text_of(object, "LHDealId")?.ok_or("LHDealId is missing")?;
        let named = |problem: String| format!("product {deal_id}: {problem}");
        let (prices, stock) = (Prices::read(object).map_err(named)?, whole(object, "stock").map_err(named)?);
        let text = |name| text_of(object, name).ok().flatten();
        let instant = |name| text(name).and_then(|text| date::parse_datetime_gmt8(text.trim()));
        let count = |name| whole(object, name).ok().flatten();
        let flag = |name| whole::<i64>(object, name).ok().flatten().map(|number| number != 0);
        Ok(Product {
            supplier_id: text("LHSupplierId"),
            team_type: TeamType::named(text("teamType")),
            name: text("name").unwrap_or_default(),
            pictures: pictures(object),
            sale_from: instant("startTime"),
            sale_until: instant("endTime"),
            valid_from: instant("beginTime"),
            valid_until: instant("expireTime"),
            prices,
            stock,
            book_ahead_days: count("allowday"),
            usable_after_minutes: count("aftertime"),
            can_refund: flag("canRefund"),
            whole_refund_only: flag("fullRefund"),
            refund_rule: refund_rule(object),
            service_phones: service_phones(object),
            note: note(object),
            order_min: count("minBuy"),
            order_max: count("maxBuy"),
            needs_every_visitor: flag("needVisitor"),
            needs_document: flag("needCredentials"),
            deal_id,
        })
    }
}

impl<Y: FromStr> CalendarDay<Y>
where
    Y::Err: Display,
{
    fn read(object: &Object<'_>) -> Result<CalendarDay<Y>, String> {
        let date = text_of(object, "date")?.ok_or("date is missing")?;
        let day = date.trim().parse().map_err(|problem| format!("date `{date}` is {problem}"))?;
        let named = |problem: String| format!("{day}: {problem}");
        Ok(CalendarDay {
            deal_id: text_of(object, "LHDealId")?,
            day,
            prices: Prices::read(object).map_err(named)?,
            stock: whole(object, "stock").map_err(named)?,
        })
    }
}

impl<Y: FromStr> Prices<Y>
where
    Y::Err: Display,
{
    fn read(object: &Object<'_>) -> Result<Prices<Y>, String> {
        Ok(Prices {
            market: yuan(object, "marketPrice")?,
            sell: yuan(object, "sellPrice")?,
            buy: yuan(object, "buyPrice")?,
        })
    }
}

impl TeamType {
    /// Without a name it is the usual one.
    fn named(name: Option<String>) -> TeamType {
        match name.as_deref() {
            None | Some("normal") => TeamType::Normal,
            Some("subscribe") => TeamType::Subscribe,
            Some(other) => TeamType::Other(other.to_owned()),
        }
    }
}

fn yuan<Y: FromStr>(object: &Object<'_>, name: &str) -> Result<Option<Y>, String>
where
    Y::Err: Display,
{
    let Some(text) = text_of(object, name)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|problem| format!("{name}: {problem}"))
}

fn pictures(object: &Object<'_>) -> Vec<String> {
    let Some(Value::List(pictures)) = object.get("pics") else { return Vec::new() };
    pictures.iter().filter_map(|picture| picture.scalar().ok().flatten().map(str::to_owned)).collect()
}

fn refund_rule(object: &Object<'_>) -> Option<RefundRule> {
    let Some(Value::Object(rule)) = object.get("refundRule") else { return None };
    let number = |name| whole(rule, name).ok().flatten();
    Some(match number("type")? {
        0 => RefundRule::AnyTime,
        1 => RefundRule::BeforeEnd { minutes: number("minutes")? },
        2 => RefundRule::Never,
        other => RefundRule::Other(other),
    })
}

fn service_phones(object: &Object<'_>) -> Vec<ServicePhone> {
    let Some(Value::List(entries)) = object.get("servicePhone") else { return Vec::new() };
    let read = |entry: &Value<'_>| {
        let Value::Object(entry) = entry else { return None };
        let text = |name| text_of(entry, name).ok().flatten();
        Some(ServicePhone { phone: text("phone")?, hours: text("time").unwrap_or_default() })
    };
    entries.iter().filter_map(read).collect()
}

fn note(object: &Object<'_>) -> Option<PurchaseNote> {
    let Some(Value::Object(note)) = object.get("purchaseNote") else { return None };
    let text = |name| text_of(note, name).ok().flatten().unwrap_or_default();
    Some(PurchaseNote {
        fee_includes: text("feeIncludes"),
        usage: text("usage"),
        refund: text("refund"),
        notice: text("notice"),
        detail: text("detail"),
    })
}
