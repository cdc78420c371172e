//! Batch query (section 5.8).

use tradewind_dialect::RawResponse;
use tradewind_dialect::codec::{Format, ListShape, Writer, date};
use tradewind_domain::{
    Call, Flow, ListOrders, Method, Order, OrderPage, OrderStanding, Payment, Refusal, Span, Timestamp,
};

use crate::amount::cents;
use crate::answer::Reply;
use crate::details::Details;
use crate::dictionaries::{channel_type, method_of, standings_of_filter, state_of_order};
use crate::errors::Code;
use crate::fields::{missing, parse_number, wrong};
use crate::identify::Parameters;
use crate::query::write_times;
use crate::serial;

const PAGE_SIZE_MAX: u32 = 100;
/// Deeper pages would cost more than they tell; a shorter span of dates reaches the same rows.
const PAGE_MAX: u32 = 1_000_000;
const SPAN_MAX: Span = Span::from_days(93);
const SPAN_DEFAULT: Span = Span::from_days(31);
const SECOND: Span = Span::from_secs(1);

/// Maps the request.
pub(crate) fn call(parameters: &Parameters<'_>, now: Timestamp) -> Result<Call, Refusal> {
    let (page, page_size) =
        paging([("pageNum", parameters.get("pageNum")), ("pageSize", parameters.get("pageSize"))])?;
    let (from, until) =
        dates([("beginDate", parameters.get("beginDate")), ("endDate", parameters.get("endDate"))], now)?;
    Ok(Call::ListOrders(ListOrders {
        from,
        until,
        standings: standings(parameters)?,
        method: method(parameters)?,
        operator: parameters.id("userId")?.map(str::to_owned),
        number: parameters.id("chargeCode")?.map(str::to_owned),
        page,
        page_size,
    }))
}

/// Which page, from 1, and how many rows it has.
pub(crate) fn paging(
    [(page_name, page), (size_name, size)]: [(&str, Option<&str>); 2],
) -> Result<(u32, u32), Refusal> {
    let number_in = |name: &str, text: Option<&str>, max: u32| {
        let number = parse_number(name, text.ok_or_else(|| missing(name))?)?;
        if (1..=max).contains(&number) { Ok(number) } else { Err(wrong(name, format!("must be 1 to {max}"))) }
    };
    Ok((number_in(page_name, page, PAGE_MAX)?, number_in(size_name, size, PAGE_SIZE_MAX)?))
}

/// The span of dates: from its first instant, until before its second. What is missing is filled up so
/// that the span has the default length and ends today.
pub(crate) fn dates(
    [(begin_name, begin), (end_name, end)]: [(&str, Option<&str>); 2],
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Refusal> {
    let until = match end {
        None => date::start_of_day_gmt8(now) + date::DAY,
        Some(text) => end_of(text).ok_or_else(|| wrong(end_name, NOT_A_DATE))?,
    };
    let from = match begin {
        None => until - SPAN_DEFAULT,
        Some(text) => date::parse_date_gmt8(text)
            .or_else(|| date::parse_datetime_gmt8(text))
            .ok_or_else(|| wrong(begin_name, NOT_A_DATE))?,
    };
    if from >= until {
        return Err(wrong(begin_name, format!("is after {end_name}")));
    }
    if until - from > SPAN_MAX {
        return Err(wrong(begin_name, format!("is more than 93 days before {end_name}")));
    }
    Ok((from, until))
}

/// The first instant after a day, or after a second.
pub(crate) fn end_of(text: &str) -> Option<Timestamp> {
    let day = date::parse_date_gmt8(text).map(|start| start + date::DAY);
    day.or_else(|| date::parse_datetime_gmt8(text).map(|start| start + SECOND))
}

pub(crate) const NOT_A_DATE: &str = "is neither yyyy-MM-dd nor yyyy-MM-dd HH:mm:ss";

fn standings(parameters: &Parameters<'_>) -> Result<Vec<OrderStanding>, Refusal> {
    let Some(text) = parameters.get("state") else { return Ok(Vec::new()) };
    standings_of_filter(parse_number("state", text)?)
        .ok_or_else(|| wrong("state", "is not a state of orders"))
}

fn method(parameters: &Parameters<'_>) -> Result<Option<Method>, Refusal> {
    match parameters.get("channelType").map(|text| parse_number("channelType", text)).transpose()? {
        None | Some(0) => Ok(None),
        Some(channel) => method_of(channel).map(Some).ok_or_else(|| wrong("channelType", "is not a channel")),
    }
}

/// Writes the answer. JSON shows the rows under both names that clients know, XML under one.
pub(crate) fn answer(reply: &Reply, page: &OrderPage, now: Timestamp) -> RawResponse {
    reply.envelope.answer(Code::Success, "ok", now, |writer| {
        writer.int("chargesSize", i64::try_from(page.entries.len()).unwrap_or(i64::MAX));
        write_total(writer, page.total);
        let shape = reply.envelope.batch_shape();
        write_rows(writer, "tradeInfos", shape, reply, page, now);
        if reply.envelope.format == Format::Json {
            write_rows(writer, "charges", shape, reply, page, now);
        }
    })
}

/// How many rows there are on all pages, unless it would take too long to find out.
pub(crate) fn write_total(writer: &mut Writer, total: Option<u64>) {
    if let Some(total) = total {
        writer.int("totalSize", i64::try_from(total).unwrap_or(i64::MAX));
    }
}

fn write_rows(
    writer: &mut Writer,
    name: &str,
    shape: ListShape,
    reply: &Reply,
    page: &OrderPage,
    now: Timestamp,
) {
    writer.list(name, "tradeInfo", shape, page.entries.iter(), |writer, (order, payment)| {
        write_row(writer, reply, order, payment, now);
    });
}

fn write_row(writer: &mut Writer, reply: &Reply, order: &Order, payment: &Payment, now: Timestamp) {
    writer.text("BUSI_ID", reply.envelope.busi_id());
    writer.int("CHANNEL_TYPE", channel_type(&payment.method));
    writer.text("CHARGE_CODE", &order.number);
    writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
    writer.text_if("DYNAMIC_ID", payment.payer_code.as_deref());
    let dynamic_id_type = Details::of(order).dynamic_id_type.map(|kind| kind.to_string());
    writer.text_if("DYNAMIC_ID_TYPE", dynamic_id_type.as_deref());
    writer.text("CODE_SCAN_TYPE", code_scan_type(payment.flow));
    writer.int("STATE", state_of_order(order, now, reply.refund_window));
    writer.text_if("REGISTER_ID", order.terminal.store.as_deref());
    writer.text("PAY_SUBJECT", &order.subject);
    writer.text("OPER_ID", &order.terminal.operator);
    writer.text("DEV_ID", &order.terminal.device);
    write_times(writer, order.created_at(), order.paid_at.or(order.ended_at));
    writer.int("AMT", cents(order.amount));
}

/// 1: the customer scans, 2: the merchant does. Wallet bridges are started by the customer; of what is
/// paid from a balance nothing is scanned, and the merchant's device least of all.
fn code_scan_type(flow: Flow) -> &'static str {
    match flow {
        Flow::PayerScans | Flow::InWallet | Flow::InApp | Flow::FromBalance => "1",
        Flow::PayerCode => "2",
    }
}
