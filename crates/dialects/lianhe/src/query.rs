//! `queryOrder` (section 5.6).

use tradewind_dialect::codec::Writer;
use tradewind_domain::{Call, Line, Purchase, PurchaseRef, Refusal};

use crate::fields::Fields;
use crate::order::{may_be_empty, order_id, voucher, write_voucher};
use crate::status::{OrderStatus, ReStatus};

/// Maps the request. After a lost answer the partner knows its own number alone.
pub(crate) fn call(fields: &Fields<'_>) -> Result<Call, Refusal> {
    let number = fields.id_required("orderId")?.to_owned();
    let order = may_be_empty(fields, "LHOrderId")?.map(order_id).transpose()?;
    fields.id("LHDealId")?;
    Ok(Call::FindPurchase(PurchaseRef { number, order }))
}

/// Writes the answer.
pub(crate) fn write(writer: &mut Writer, purchase: &Purchase, line: &Line) {
    writer.text("orderId", &purchase.order.number);
    writer.text("LHOrderId", &purchase.order.id.get().to_string());
    writer.int("orderStatus", OrderStatus::of(purchase).number());
    writer.int("orderQuantity", i64::from(line.quantity.saturating_sub(line.refunded)));
    writer.int("useQuantity", i64::from(line.used));
    if line.refunded > 0 {
        writer.int("reQuantity", i64::from(line.refunded));
    }
    writer.int("reStatus", ReStatus::of(purchase).number());
    write_voucher(writer, &voucher(purchase));
}
