//! Query of an order, or of a refund (section 5.6).

use tradewind_dialect::codec::{Writer, date};
use tradewind_dialect::{RawRequest, RawResponse};
use tradewind_domain::{
    Call, FindOrder, Flow, Found, LookUp, OrderRef, Refund, RefundState, Refusal, Timestamp,
};

use crate::amount::cents;
use crate::answer::{Reply, write_bills};
use crate::details::Details;
use crate::dictionaries::{channel_type, refund_state, state_of_order};
use crate::errors::Code;
use crate::fields::{check_id, wrong};
use crate::identify::Parameters;
use crate::operation::{CHARGE_CODE, Operation};
use crate::{goods, refund, serial};

/// Maps the request.
pub(crate) fn call(request: &RawRequest, parameters: &Parameters<'_>) -> Result<Call, Refusal> {
    let code = request.param(CHARGE_CODE).ok_or(Refusal::Internal)?;
    check_id("CHARGE_CODE", code)?;
    let by = match parameters.get("serType") {
        None | Some("0") => LookUp::OrderElseRefund(code.to_owned()),
        Some("1") => {
            let order = serial::order_of_serial(code).ok_or(Refusal::OrderNotFound)?;
            LookUp::Order(OrderRef::Id(order))
        }
        Some("2") => LookUp::Refund(code.to_owned()),
        Some(_) => return Err(wrong("serType", "is neither 0, 1 nor 2")),
    };
    Ok(Call::FindOrder(FindOrder { by }))
}

/// What a failure echoes: the code looked for, when it was looked for as a merchant's serial. The answer
/// to a revocation has its result alone.
pub(crate) fn charge_code_of<'a>(
    operation: Operation,
    request: &'a RawRequest,
    parameters: &Parameters<'_>,
) -> Option<&'a str> {
    let by_merchant_serial = matches!(parameters.get("serType"), None | Some("0"));
    let code = request.param(CHARGE_CODE).filter(|code| check_id("CHARGE_CODE", code).is_ok());
    code.filter(|_| operation == Operation::Query && by_merchant_serial)
}

/// Writes the answer.
pub(crate) fn answer(reply: &Reply, found: &Found, now: Timestamp) -> RawResponse {
    reply.envelope.answer(Code::Success, "ok", now, |writer| {
        let (order, payment) = (&found.order, &found.payment);
        let details = Details::of(order);
        writer.text("BUSI_ID", reply.envelope.busi_id());
        writer.text("OPER_ID", &order.terminal.operator);
        writer.text("DEV_ID", &order.terminal.device);
        writer.text_if("MERCHANTPARA", details.merchant_para.as_deref());
        writer.int("CHANNEL_TYPE", channel_type(&payment.method));
        writer.text("CHARGE_CODE", &order.number);
        writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
        writer.text("CHARGE_THIRD_CODE", payment.channel_number.as_deref().unwrap_or_default());
        writer.text("PAY_SUBJECT", &order.subject);
        goods::write(writer, &details.goods);
        writer.text_if("REGISTER_ID", order.terminal.store.as_deref());
        if payment.flow == Flow::PayerCode {
            writer.text("DYNAMIC_ID", payment.payer_code.as_deref().unwrap_or_default());
        }
        match &found.refund {
            None => write_order(writer, found, reply, now),
            Some(refund) => write_refund(writer, found, refund),
        }
    })
}

fn write_order(writer: &mut Writer, found: &Found, reply: &Reply, now: Timestamp) {
    let order = &found.order;
    writer.int("AMT", cents(order.amount));
    writer.int("STATE", state_of_order(order, now, reply.refund_window));
    write_times(writer, order.created_at(), order.paid_at.or(order.ended_at));
    // A success that came after the end was never the order's: its money has gone straight back.
    let bills = if order.paid_at.is_some() { found.payment.bills.as_slice() } else { &[] };
    write_bills(writer, bills);
}

fn write_refund(writer: &mut Writer, found: &Found, refund: &Refund) {
    writer.int("AMT", cents(refund.amount));
    writer.int("STATE", i64::from(refund_state(refund)));
    writer.text("OUT_REFUND_NO", &refund.number);
    write_times(writer, refund.created_at(), refund.settled_at);
    let bills = match refund.state {
        RefundState::Unknown | RefundState::Pending | RefundState::Succeeded => {
            refund::bills(&found.order, &found.payment, refund)
        }
        RefundState::Refused | RefundState::Cancelled => Vec::new(),
    };
    write_bills(writer, &bills);
}

pub(crate) fn write_times(writer: &mut Writer, begin: Timestamp, end: Option<Timestamp>) {
    writer.text("BEGIN_TIME", &date::datetime_gmt8(begin));
    writer.text_if("END_TIME", end.map(date::datetime_gmt8).as_deref());
}
