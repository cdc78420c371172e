//! `cancelOrder`: an application for a refund (section 5.7).

use tradewind_dialect::codec::Writer;
use tradewind_domain::{ApplyCall, Call, OrderId, Purchase, PurchaseRef, Refund, RefundProblem, Refusal};

use crate::fields::Fields;
use crate::order::both_names;
use crate::status::{OrderStatus, ReStatus};

/// Maps the request. Without a serial of its own the refund goes by the order's.
pub(crate) fn call(fields: &Fields<'_>) -> Result<Call, Refusal> {
    let (order_number, order) = both_names(fields)?;
    let quantity = fields.quantity()?;
    let refund_id = fields.id("refundId")?.unwrap_or(order_number);
    let number = format!("{}{refund_id}", prefix(order));
    let order = PurchaseRef { number: order_number.to_owned(), order: Some(order) };
    Ok(Call::ApplyRefund(ApplyCall { order, number, quantity }))
}

/// The serial is unique per order and our numbers are per partner, so the order's id stands before it.
fn prefix(order: OrderId) -> String {
    format!("{}/", order.get())
}

/// `refundId`.
pub(crate) fn refund_id(refund: &Refund) -> &str {
    refund.number.strip_prefix(&prefix(refund.order)).unwrap_or(&refund.number)
}

/// Writes the answer to an application that was accepted, the same however often it is repeated. An order
/// that had not been paid just ends, and there is nothing to review.
pub(crate) fn write_accepted(
    writer: &mut Writer,
    purchase: &Purchase,
    refund: Option<&Refund>,
    quantity: Option<u32>,
) {
    writer.text("LHOrderId", &purchase.order.id.get().to_string());
    writer.int("orderStatus", OrderStatus::Refunded.number());
    let quantity = refund.map(|refund| refund.units).or(quantity);
    if let Some(quantity) = quantity {
        writer.int("reQuantity", i64::from(quantity));
    }
    let status = if refund.is_some() { ReStatus::UnderReview } else { ReStatus::None };
    writer.int("reStatus", status.number());
}

/// Writes the answer to one that was refused at once.
pub(crate) fn write_refused(writer: &mut Writer, lh_order_id: &str, refusal: &Refusal) {
    let (status, refundable) = match refusal {
        Refusal::NotRefundable { why: RefundProblem::AllUsed, refundable } => {
            (OrderStatus::Used, Some(*refundable))
        }
        Refusal::NotRefundable { refundable, .. } => (OrderStatus::RefundFailed, Some(*refundable)),
        _ => (OrderStatus::RefundFailed, None),
    };
    writer.text("LHOrderId", lh_order_id);
    writer.int("orderStatus", status.number());
    if let Some(refundable) = refundable {
        writer.int("reQuantity", i64::from(refundable));
    }
    writer.int("reStatus", ReStatus::Refused.number());
}
