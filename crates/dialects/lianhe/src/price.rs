//! `getPrice`: the price calendar with its stock (section 5.2).

use tradewind_dialect::codec::Writer;
use tradewind_domain::{Call, Day, PurchaseProblem, Refusal, Sku, SkuId, Stock};

use crate::fields::{Fields, own_id, wrong};

/// The longest calendar of one call.
const MONTHS_MAX: u32 = 3;

/// Maps the request.
pub(crate) fn call(fields: &Fields<'_>) -> Result<Call, Refusal> {
    let deal = fields.id_required("LHDealId")?;
    let from = fields.day_required("startDate")?;
    let until = fields.day_required("endDate")?;
    if until < from {
        return Err(wrong("endDate", "lies before startDate"));
    }
    if until > months_later(from, MONTHS_MAX) {
        return Err(wrong("endDate", format!("lies more than {MONTHS_MAX} months after startDate")));
    }
    Ok(Call::ShowCalendar { sku: deal_id(deal)?, from, until })
}

/// A product by its id on the wire.
pub(crate) fn deal_id(text: &str) -> Result<SkuId, Refusal> {
    own_id(text).map(SkuId::from_i64).ok_or(Refusal::Purchase(PurchaseProblem::NotOnSale))
}

/// The same day `months` later, or the last day of that month.
fn months_later(day: Day, months: u32) -> Day {
    let (year, month, of_month) = day.date();
    let month = month + months;
    let (year, month) = if month > 12 { (year + 1, month - 12) } else { (year, month) };
    let found = (1..=of_month).rev().find_map(|of_month| Day::from_date(year, month, of_month));
    found.unwrap_or(day)
}

/// Whether the calendar shows a day: one that is closed is not sold.
pub(crate) fn is_shown(stock: &Stock) -> bool {
    stock.key.day.is_some() && !stock.closed
}

/// Writes a day.
pub(crate) fn write(writer: &mut Writer, sku: &Sku, stock: &Stock) {
    let price = stock.price.unwrap_or(sku.price);
    writer.text("LHDealId", &sku.id.get().to_string());
    writer.text("date", &stock.key.day.map(|day| day.to_string()).unwrap_or_default());
    writer.money("marketPrice", price.market);
    writer.money("sellPrice", price.sell);
    writer.money("buyPrice", price.cost);
    writer.int("stock", i64::from(stock.free()));
}
