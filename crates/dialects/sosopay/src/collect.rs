//! Payments: `preOrder` collects with the payer's code, `order` creates something that the payer scans
//! or pays inside the wallet (sections 5.1 to 5.3).

use tradewind_dialect::RawResponse;
use tradewind_dialect::codec::{Writer, date};
use tradewind_domain::{
    Call, Collect, Flow, Method, MethodChoice, Order, OrderStage, PayerAction, Payment, PaymentState,
    Refusal, Span, Terminal, Timestamp, WalletBridge,
};

use crate::amount::{cents, parse_yuan};
use crate::answer::{Reply, write_bills};
use crate::details::Details;
use crate::dictionaries::{channel_type, method_of};
use crate::errors::Code;
use crate::fields::{Fields, ID_CHARS_MAX, PARA_CHARS_MAX, SUBJECT_CHARS_MAX, missing, wrong};
use crate::open::Posted;
use crate::operation::Operation;
use crate::{goods, notify_url, serial};

/// How long a payment with the payer's code may take (section 5.1).
const PAYER_CODE_LIFE: Span = Span::from_secs(80);
/// How long an order waits for its payer, in minutes: default and bounds of `TIME_EXPIRE`.
const ORDER_LIFE_MINUTES: u32 = 120;
const ORDER_LIFE_MINUTES_MAX: u32 = 1440;
/// `DYNAMIC_ID`.
const PAYER_CODE_DIGITS: std::ops::RangeInclusive<usize> = 10..=32;
/// The one channel whose wallet pays through a bridge.
const BRIDGE_CHANNEL: u32 = 2;

/// Maps the request.
pub(crate) fn call(posted: &Posted<'_>) -> Result<Call, Refusal> {
    let fields = posted.fields;
    let by_payer_code = posted.operation == Operation::PreOrder;
    if let Some(method) = readable_method(&fields, by_payer_code) {
        posted.caller.check_method(&method)?;
    }

    fields.id_required("BUSI_ID")?;
    let terminal = terminal(&fields)?;
    let amount = fields.text_required("AMT", ID_CHARS_MAX)?;
    let number = fields.id_required("CHARGE_CODE")?;
    let subject = fields.text_required("PAY_SUBJECT", SUBJECT_CHARS_MAX)?;
    let way = if by_payer_code { Way::by_payer_code(&fields)? } else { Way::shown_to_payer(&fields)? };
    let notify_url = notify_url::of_field(&fields, "NODIFY_URL")?;
    let mut goods = goods::read(posted.message, fields.0)?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let merchant_para = owned(fields.text("MERCHANTPARA", PARA_CHARS_MAX)?);
    // In `order` the SDK sends a constant, which says nothing.
    let dynamic_id_type = if by_payer_code { fields.number("DYNAMIC_ID_TYPE")? } else { None };
    let sub_appid = owned(fields.id("subAppid")?);
    let sub_openid = owned(fields.id("subOpenid")?);
    let open_id = owned(fields.id("openId")?);

    let amount = parse_yuan("AMT", amount)?;
    goods::check_prices(&mut goods)?;
    let details = Details { merchant_para, dynamic_id_type, sub_appid, sub_openid, open_id, goods };
    Ok(Call::Collect(Box::new(Collect {
        number: number.to_owned(),
        fingerprint: posted.fingerprint(),
        amount,
        subject: subject.to_owned(),
        method: way.method,
        flow: way.flow,
        payer_code: way.payer_code,
        expires_in: way.expires_in,
        terminal,
        notify_url: owned(notify_url),
        details: details.into_text(),
    })))
}

/// The payment method, as far as it can be told before the fields are checked: the contract comes first
/// (section 6.5).
fn readable_method(fields: &Fields<'_>, by_payer_code: bool) -> Option<Method> {
    let channel = fields.number("CHANNEL_TYPE").ok()?.unwrap_or_default();
    match channel {
        0 if by_payer_code => Method::of_payer_code(fields.raw("DYNAMIC_ID").ok()??),
        named => method_of(named),
    }
}

pub(crate) fn terminal(fields: &Fields<'_>) -> Result<Terminal, Refusal> {
    Ok(Terminal {
        operator: fields.id_required("OPER_ID")?.to_owned(),
        device: fields.id_required("DEV_ID")?.to_owned(),
        store: fields.id("REGISTER_ID")?.map(str::to_owned),
    })
}

/// By which way the money comes.
struct Way {
    method: MethodChoice,
    flow: Flow,
    payer_code: Option<String>,
    expires_in: Span,
}

impl Way {
    fn by_payer_code(fields: &Fields<'_>) -> Result<Way, Refusal> {
        let code = fields.raw("DYNAMIC_ID")?.ok_or_else(|| missing("DYNAMIC_ID"))?;
        if !PAYER_CODE_DIGITS.contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong("DYNAMIC_ID", "must have 10 to 32 digits"));
        }
        let method = match fields.number("CHANNEL_TYPE")? {
            None | Some(0) => MethodChoice::ByPayerCode,
            Some(channel) => MethodChoice::Named(known_method(channel)?),
        };
        let payer_code = Some(code.to_owned());
        Ok(Way { method, flow: Flow::PayerCode, payer_code, expires_in: PAYER_CODE_LIFE })
    }

    fn shown_to_payer(fields: &Fields<'_>) -> Result<Way, Refusal> {
        let channel = fields.number("CHANNEL_TYPE")?.ok_or_else(|| missing("CHANNEL_TYPE"))?;
        let method = known_method(channel)?;
        let flow = match fields.raw("TRADE_TYPE")? {
            None | Some("NATIVE") => Flow::PayerScans,
            Some("JSAPI") => Flow::InWallet,
            Some("APP") => Flow::InApp,
            Some(_) => return Err(wrong("TRADE_TYPE", "is neither JSAPI, NATIVE nor APP")),
        };
        if flow != Flow::PayerScans && channel != BRIDGE_CHANNEL {
            return Err(wrong("CHANNEL_TYPE", "must be 2 for JSAPI and APP"));
        }
        if flow == Flow::InWallet && fields.raw("subOpenid")?.is_none() {
            return Err(missing("subOpenid"));
        }
        let minutes = fields.number("TIME_EXPIRE")?.unwrap_or(ORDER_LIFE_MINUTES);
        if !(1..=ORDER_LIFE_MINUTES_MAX).contains(&minutes) {
            return Err(wrong("TIME_EXPIRE", "must be 1 to 1440 minutes"));
        }
        let expires_in = Span::from_mins(i64::from(minutes));
        Ok(Way { method: MethodChoice::Named(method), flow, payer_code: None, expires_in })
    }
}

fn known_method(channel: u32) -> Result<Method, Refusal> {
    method_of(channel).ok_or_else(|| wrong("CHANNEL_TYPE", "is not a channel"))
}

/// Minutes that an order waits for its payer when the request names none.
pub(crate) fn order_life_minutes() -> u32 {
    ORDER_LIFE_MINUTES
}

/// Writes the answer.
pub(crate) fn answer(
    reply: &Reply,
    order: &Order,
    payment: &Payment,
    action: Option<&PayerAction>,
    now: Timestamp,
) -> RawResponse {
    match (payment.flow, order.stage, action) {
        (_, OrderStage::Revoked, _) => failed(reply, order, revoked_text(order), now),
        (_, OrderStage::Closed, _) => {
            failed(reply, order, payment.reason.as_deref().unwrap_or("the order has been closed"), now)
        }
        (Flow::PayerCode, OrderStage::Paid, _) if payment.state == PaymentState::Paid => {
            scanned(reply, order, payment, now)
        }
        (Flow::PayerScans | Flow::InWallet | Flow::InApp, _, Some(PayerAction::Link(link))) => {
            created(reply, order, now, |writer| {
                writer.text("BAR_CODE", link);
                writer.text("BEGIN_TIME", &date::datetime_gmt8(order.created_at()));
            })
        }
        (Flow::PayerScans | Flow::InWallet | Flow::InApp, _, Some(PayerAction::Bridge(bridge))) => {
            created(reply, order, now, |writer| write_bridge(writer, payment, bridge))
        }
        (_, OrderStage::Open | OrderStage::Paid, _) => {
            if payment.state == PaymentState::Declined {
                return failed(
                    reply,
                    order,
                    payment.reason.as_deref().unwrap_or("the channel declined"),
                    now,
                );
            }
            // FAIL would be read as "no money has moved", which nobody knows yet.
            reply.fail(Code::Exception, "the outcome is not known yet, query by CHARGE_CODE", now)
        }
    }
}

fn revoked_text(order: &Order) -> &'static str {
    if order.paid_at.is_some() {
        "the order has been revoked"
    } else {
        "not paid in time, the order has been revoked"
    }
}

fn failed(reply: &Reply, order: &Order, info: &str, now: Timestamp) -> RawResponse {
    reply.envelope.answer(Code::Fail, info, now, |writer| {
        writer.text("CHARGE_CODE", &order.number);
        writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
    })
}

fn scanned(reply: &Reply, order: &Order, payment: &Payment, now: Timestamp) -> RawResponse {
    reply.envelope.answer(Code::Success, "ok", now, |writer| {
        writer.int("CHANNEL_TYPE", channel_type(&payment.method));
        writer.text("CHARGE_CODE", &order.number);
        writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
        writer.text("CHARGE_THIRD_CODE", payment.channel_number.as_deref().unwrap_or_default());
        writer.text_if("MERCHANTPARA", Details::of(order).merchant_para.as_deref());
        write_bills(writer, &payment.bills);
        writer.text("OPER_ID", &order.terminal.operator);
        writer.text("DEV_ID", &order.terminal.device);
        writer.text("BEGIN_TIME", &date::datetime_gmt8(order.created_at()));
        writer.int("AMT", cents(order.amount));
    })
}

fn created(reply: &Reply, order: &Order, now: Timestamp, fields: impl FnOnce(&mut Writer)) -> RawResponse {
    reply.envelope.answer(Code::Success, "ok", now, |writer| {
        writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
        writer.text("CHARGE_CODE", &order.number);
        writer.text_if("MERCHANTPARA", Details::of(order).merchant_para.as_deref());
        fields(writer);
    })
}

fn write_bridge(writer: &mut Writer, payment: &Payment, bridge: &WalletBridge) {
    let channel_number = bridge.channel_number.as_deref().or(payment.channel_number.as_deref());
    writer.text("CHARGE_THIRD_CODE", channel_number.unwrap_or_default());
    writer.text("appId", &bridge.app_id);
    writer.text("timeStamp", &bridge.timestamp);
    writer.text("nonceStr", &bridge.nonce);
    writer.text("packageData", &bridge.package);
    writer.text("signType", &bridge.sign_type);
    writer.text("sign", &bridge.sign);
}
