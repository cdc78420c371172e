//! Notifications (section 8): what is posted when an order was paid or a voucher redeemed, and what the
//! answer means.

use bytes::Bytes;
use tradewind_dialect::codec::{Format, Writer};
use tradewind_dialect::{Ack, Notice, NoticeAbout, Notification, RawResponse};
use tradewind_domain::{EventKind, Order, OrderStanding, Payment, Timestamp};

use crate::amount::cents;
use crate::answer::{CIPHER_TEXT, JSON, XML, write_bills};
use crate::details::Details;
use crate::dictionaries::{channel_type, state};
use crate::notify_url::NotifyUrl;
use crate::prepared::Prepared;
use crate::query::write_times;
use crate::sign::sign;
use crate::{cipher, goods, serial, write_off};

/// The request that tells an event.
pub(crate) fn notify(notice: &Notice<'_>, now: Timestamp) -> Option<Notification> {
    let own = match notice.about {
        NoticeAbout::Order { order, .. } => &order.notify_url,
        NoticeAbout::Voucher { voucher, .. } => &voucher.notify_url,
        NoticeAbout::Sku { .. } => return None,
    };
    let url = notice.endpoint.map(|endpoint| &endpoint.url).or(own.as_ref())?;
    let url = NotifyUrl::parse(url).ok()?;
    let prepared = Prepared::of(notice.credentials);
    let key = notice.key_of_attempt(&prepared.keys)?;
    let (format, busi_id) = (url.format(), prepared.busi_id.as_str());
    let clear = match (notice.event.kind, notice.about) {
        (EventKind::OrderPaid, NoticeAbout::Order { order, payment, .. }) => {
            paid(order, payment, format, busi_id)
        }
        (EventKind::VoucherRedeemed, NoticeAbout::Voucher { voucher, redemption, redeemer }) => {
            write_off::notification(voucher, redemption, redeemer, format, busi_id)
        }
        (
            EventKind::OrderPaid
            | EventKind::OrderRevoked
            | EventKind::OrderClosed
            | EventKind::RefundSucceeded
            | EventKind::RefundFailed
            | EventKind::VoucherRedeemed
            | EventKind::ProductChanged
            | EventKind::ProductListed
            | EventKind::ProductDelisted,
            _,
        ) => return None,
    };
    let url_signed = url.signed(&sign(&key.secret, &[clear.as_bytes()], now));
    let (content_type, body) = match (url.encrypted(), url.format()) {
        (true, _) => (CIPHER_TEXT, cipher::encrypt(&key.cipher, &clear)),
        (false, Format::Json) => (JSON, clear),
        (false, Format::Xml) => (XML, clear),
    };
    Some(Notification { url: url_signed, content_type, headers: Vec::new(), body: Bytes::from(body) })
}

/// The message. It tells the event, not what has become of the order since, so every attempt carries
/// the same.
fn paid(order: &Order, payment: &Payment, format: Format, busi_id: &str) -> String {
    let details = Details::of(order);
    let mut writer = Writer::wrapped(format, "PAY_NODIFY");
    writer.text("BUSI_ID", busi_id);
    writer.text("OPER_ID", &order.terminal.operator);
    writer.text("DEV_ID", &order.terminal.device);
    writer.int("AMT", cents(order.amount));
    writer.int("CHANNEL_TYPE", channel_type(&payment.method));
    writer.text("CHARGE_CODE", &order.number);
    writer.text("CHARGE_DOWN_CODE", &serial::serial(order.id));
    writer.text("CHARGE_THIRD_CODE", payment.channel_number.as_deref().unwrap_or_default());
    writer.text("PAY_SUBJECT", &order.subject);
    goods::write(&mut writer, &details.goods);
    writer.int("STATE", i64::from(state(OrderStanding::Paid)));
    writer.text_if("MERCHANTPARA", details.merchant_para.as_deref());
    write_bills(&mut writer, &payment.bills);
    write_times(&mut writer, order.created_at(), order.paid_at);
    writer.text_if("buyerId", payment.payer.as_deref());
    writer.finish()
}

/// Status 200 is an acknowledgement, unless the body says in so many words that it is none.
pub(crate) fn acknowledged(response: &RawResponse) -> Ack {
    if response.status != 200 {
        return Ack::TryAgain(format!("status {}", response.status));
    }
    let head = response.body.trim_ascii_start();
    match head.get(..4) {
        Some(word) if word.eq_ignore_ascii_case(b"fail") => {
            Ack::TryAgain("the receiver says fail".to_owned())
        }
        _ => Ack::Received,
    }
}
