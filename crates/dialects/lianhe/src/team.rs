//! `getTeam`: products (section 5.1). A product of the protocol is a sku of ours.

use serde::Deserialize;
use tradewind_dialect::codec::{ListShape, Value, Writer, date};
use tradewind_domain::{
    Call, ListSkus, RefundTerms, RefundUntil, Refusal, Sku, SkuChoice, SkuId, SkuKind, SkuListing,
    TravellerRule,
};

use crate::fields::{Fields, id_of, missing, own_id, wrong};

/// `pageSize` and the number of `LHDealIds`.
const PRODUCTS_MAX: u32 = 100;

/// Maps the request.
pub(crate) fn call(fields: &Fields<'_>) -> Result<Call, Refusal> {
    let choice = match fields.id_required("method")? {
        "page" => page(fields)?,
        "multi" => SkuChoice::Ids(ids(fields)?),
        _ => return Err(wrong("method", "is neither page nor multi")),
    };
    fields.flag(SIMPLES)?;
    Ok(Call::ListSkus(ListSkus { choice, system: system(fields)? }))
}

pub(crate) const SIMPLES: &str = "simples";

fn page(fields: &Fields<'_>) -> Result<SkuChoice, Refusal> {
    let number = |name| fields.number(name)?.ok_or_else(|| missing(name));
    let (page, page_size) = (number("currentPage")?, number("pageSize")?);
    if !(1..=PRODUCTS_MAX).contains(&page_size) {
        return Err(wrong("pageSize", format!("must be 1 to {PRODUCTS_MAX}")));
    }
    Ok(SkuChoice::Page { page, page_size })
}

/// Ids that cannot be ours are as unknown as others, and skipped like them.
fn ids(fields: &Fields<'_>) -> Result<Vec<SkuId>, Refusal> {
    const NAME: &str = "LHDealIds";
    let Value::List(values) = fields.get(NAME).ok_or_else(|| missing(NAME))? else {
        return Err(wrong(NAME, "is not a list"));
    };
    if u32::try_from(values.len()).is_ok_and(|count| count > PRODUCTS_MAX) {
        return Err(wrong(NAME, format!("has more than {PRODUCTS_MAX} entries")));
    }
    let mut ids = Vec::with_capacity(values.len());
    for value in values {
        ids.extend(own_id(id_of(NAME, value)?).map(SkuId::from_i64));
    }
    Ok(ids)
}

/// `false` stands for the platform's own products, as does nothing at all.
fn system(fields: &Fields<'_>) -> Result<Option<String>, Refusal> {
    const NAME: &str = "system";
    match fields.get(NAME) {
        None | Some(Value::Bool(false)) => Ok(None),
        Some(Value::Text(_)) => Ok(fields.id(NAME)?.map(str::to_owned)),
        Some(_) => Err(wrong(NAME, "is neither false nor a text")),
    }
}

/// Writes a product for this partner.
pub(crate) fn write(writer: &mut Writer, listing: &SkuListing, partner_id: i64, with_note: bool) {
    let SkuListing { sku, product, stock } = listing;
    let SkuKind::Ticket(rules) = &sku.kind;
    writer.int("partnerId", partner_id);
    writer.text("LHSupplierId", &sku.seller.get().to_string());
    writer.text("LHDealId", &sku.id.get().to_string());
    writer.text("teamType", if rules.dated { "subscribe" } else { "normal" });
    writer.text("name", &product.name);
    writer.texts("pics", "pic", product.pictures.iter().map(String::as_str));
    for (name, at) in [
        ("startTime", sku.sale_from),
        ("endTime", sku.sale_until),
        ("beginTime", rules.valid_from),
        ("expireTime", rules.valid_until),
    ] {
        writer.text_if(name, at.map(date::datetime_gmt8).as_deref());
    }
    writer.money("marketPrice", sku.price.market);
    writer.money("sellPrice", sku.price.sell);
    writer.money("buyPrice", sku.price.cost);
    // Of what is sold by the day, the calendar tells it.
    if !rules.dated {
        writer.int("stock", stock.as_ref().map_or(0, |stock| i64::from(stock.free())));
    }
    writer.int("allowday", i64::from(rules.book_ahead_days));
    writer.int("aftertime", minutes_up(rules.usable_after.ms()));
    write_refund_terms(writer, &rules.refund);
    let contacts = product.contacts.iter();
    writer.list("servicePhone", "contact", ListShape::Array, contacts, |writer, contact| {
        writer.text("phone", &contact.phone);
        writer.text("time", &contact.hours);
    });
    if with_note {
        writer.object("purchaseNote", |writer| Note::of(&product.texts).write(writer));
    }
    writer.int("minBuy", i64::from(sku.order_min));
    writer.int("maxBuy", i64::from(sku.order_max.min(Sku::ORDER_MAX)));
    writer.int("needVisitor", i64::from(rules.travellers == TravellerRule::Each));
    writer.int("needCredentials", i64::from(rules.needs_document));
}

fn write_refund_terms(writer: &mut Writer, terms: &RefundTerms) {
    // Two ways of saying never, which the partner shall see as one.
    let until = if terms.refundable { terms.until } else { RefundUntil::Never };
    let (minutes, kind) = match until {
        RefundUntil::AnyTime => (0, 0),
        RefundUntil::BeforeEnd(span) => (minutes_up(span.ms()), 1),
        RefundUntil::Never => (0, 2),
    };
    writer.int("canRefund", i64::from(until != RefundUntil::Never));
    writer.int("fullRefund", i64::from(terms.whole_only));
    writer.object("refundRule", |writer| {
        writer.int("minutes", minutes);
        writer.int("type", kind);
    });
}

/// Whole minutes, begun ones included: the partner shall not count on less than it takes.
fn minutes_up(ms: i64) -> i64 {
    ms.saturating_add(59_999).div_euclid(60_000)
}

/// `purchaseNote`, out of the product's texts by their names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Note {
    #[serde(alias = "feeIncludes")]
    fee_includes: String,
    usage: String,
    refund: String,
    notice: String,
    detail: String,
}

impl Note {
    fn of(texts: &str) -> Note {
        serde_json::from_str(texts).unwrap_or_default()
    }

    fn write(&self, writer: &mut Writer) {
        writer.text("feeIncludes", &self.fee_includes);
        writer.text("usage", &self.usage);
        writer.text("refund", &self.refund);
        writer.text("notice", &self.notice);
        writer.text("detail", &self.detail);
    }
}
