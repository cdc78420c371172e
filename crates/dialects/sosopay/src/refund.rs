//! Refunds (section 5.5).

use tradewind_dialect::RawResponse;
use tradewind_domain::{
    Call, FundBill, Money, Order, OrderRef, Payment, Refund, RefundCall, RefundState, Refusal, Timestamp,
};

use crate::amount::{cents, parse_yuan};
use crate::answer::{Reply, write_bills};
use crate::collect::terminal;
use crate::dictionaries::{channel_type, usual_source};
use crate::errors::Code;
use crate::fields::{ID_CHARS_MAX, SUBJECT_CHARS_MAX, missing};
use crate::open::Posted;
use crate::{notify_url, serial};

/// Maps the request.
pub(crate) fn call(posted: &Posted<'_>) -> Result<Call, Refusal> {
    let fields = posted.fields;
    fields.id_required("BUSI_ID")?;
    let terminal = terminal(&fields)?;
    let amount = fields.text_required("CHARGE_REFUND_FEE", ID_CHARS_MAX)?;
    let subject = fields.text_required("REFUND_SUBJECT", SUBJECT_CHARS_MAX)?;
    // The platform's serial counts when both are given, and then the other is not even looked at.
    let down_code = fields.id("CHARGE_DOWN_CODE")?;
    let charge_code = if down_code.is_some() { None } else { fields.id("CHARGE_CODE")? };
    let number = fields.id("OUT_REFUND_NO")?;
    // Nothing is told of refunds, so the address is checked and goes nowhere.
    notify_url::of_field(&fields, "NODIFY_URL")?;
    let order = match (down_code, charge_code) {
        (Some(serial), _) => serial::order_of_serial(serial).map(OrderRef::Id),
        (None, Some(code)) => Some(OrderRef::Number(code.to_owned())),
        (None, None) => return Err(missing("CHARGE_CODE")),
    };
    let amount = parse_yuan("CHARGE_REFUND_FEE", amount)?;
    Ok(Call::Refund(Box::new(RefundCall {
        order: order.ok_or(Refusal::OrderNotFound)?,
        number: number.map(str::to_owned),
        fingerprint: posted.fingerprint(),
        amount,
        subject: subject.to_owned(),
        operator: terminal.operator,
    })))
}

/// Writes the answer. Success means accepted; whether it is done already is told by the order's state.
pub(crate) fn answer(
    reply: &Reply,
    order: &Order,
    payment: &Payment,
    refund: &Refund,
    now: Timestamp,
) -> RawResponse {
    let (code, info) = match refund.state {
        RefundState::Succeeded => (Code::Success, "ok"),
        RefundState::Pending | RefundState::Unknown => {
            (Code::Success, "accepted, the channel has not finished yet")
        }
        RefundState::Refused => (Code::Fail, refund.reason.as_deref().unwrap_or("the channel refused")),
        RefundState::Cancelled => (Code::Fail, "the refund was cancelled"),
    };
    reply.envelope.answer(code, info, now, |writer| {
        writer.int("AMT", cents(order.amount));
        writer.text("CHARGE_CODE", &order.number);
        writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
        writer.text("CHARGE_THIRD_CODE", payment.channel_number.as_deref().unwrap_or_default());
        if code == Code::Success {
            write_bills(writer, &bills(order, payment, refund));
        }
        writer.int("CHANNEL_TYPE", channel_type(&payment.method));
        writer.text("OUT_REFUND_NO", &refund.number);
    })
}

/// Where a refund's money goes, summing to the refund. Until the channel has told it, the sources of the
/// payment are taken in their order, after what has gone back before.
pub(crate) fn bills(order: &Order, payment: &Payment, refund: &Refund) -> Vec<FundBill> {
    if !refund.bills.is_empty() {
        return refund.bills.clone();
    }
    let currency = refund.amount.currency();
    let mut gone = order.refunded.micros();
    let mut wanted = refund.amount.micros();
    let mut bills = Vec::new();
    for paid in &payment.bills {
        let skipped = paid.amount.micros().min(gone);
        let taken = (paid.amount.micros() - skipped).min(wanted);
        gone -= skipped;
        wanted -= taken;
        if taken > 0 {
            bills.push(FundBill { source: paid.source.clone(), amount: Money::from_micros(taken, currency) });
        }
    }
    if wanted > 0 {
        let source = usual_source(&payment.method).to_owned();
        bills.push(FundBill { source, amount: Money::from_micros(wanted, currency) });
    }
    bills
}
