//! Notifications (section 8): `snNotify` when codes were redeemed, `reNotify` when a refund was reviewed,
//! `teamNotify` when a product was changed; and what the answer means.

use bytes::Bytes;
use tradewind_dialect::codec::Writer;
use tradewind_dialect::codec::date::http_date;
use tradewind_dialect::{Ack, Notice, NoticeAbout, Notification, RawResponse};
use tradewind_domain::{EventKind, Line, Order, Redemption, Refund, Schedule, Sku, Span, Timestamp, Voucher};

use crate::answer::{JSON, write_head};
use crate::cancel::refund_id;
use crate::errors::Code;
use crate::identify::{AUTHORIZATION, DATE, PARTNER_ID};
use crate::operation::target;
use crate::prepared::Prepared;
use crate::sign::{NOTIFY, authorization};
use crate::status::{OrderStatus, ReStatus};

pub(crate) const SN_NOTIFY: &str = "snNotify";
pub(crate) const RE_NOTIFY: &str = "reNotify";
pub(crate) const TEAM_NOTIFY: &str = "teamNotify";

/// What a receiver answers when it has the news.
pub const ACK: &str = "success";

/// How long a receiver may take (section 8.4).
pub(crate) const PATIENCE: Span = Span::from_secs(10);

/// A job looks every five minutes; three minutes after the first failure, six after the second, and so on,
/// ten times (section 8.5).
pub(crate) const SCHEDULE: Schedule =
    Schedule::Polled { poll: Span::from_mins(5), first_wait: Span::from_mins(3), attempts: 11 };

/// The events that have words, and the names of their notifications, which go one after the other.
pub(crate) fn name_of(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::VoucherRedeemed => Some(SN_NOTIFY),
        EventKind::RefundSucceeded | EventKind::RefundFailed => Some(RE_NOTIFY),
        EventKind::ProductChanged | EventKind::ProductListed | EventKind::ProductDelisted => {
            Some(TEAM_NOTIFY)
        }
        EventKind::OrderPaid | EventKind::OrderRevoked | EventKind::OrderClosed => None,
    }
}

/// All that [`name_of`] has a name for.
pub(crate) const KINDS: &[EventKind] = &[
    EventKind::VoucherRedeemed,
    EventKind::RefundSucceeded,
    EventKind::RefundFailed,
    EventKind::ProductChanged,
    EventKind::ProductListed,
    EventKind::ProductDelisted,
];

/// The request that tells an event. All attempts have the same body; only the date and what signs it are
/// new each time.
pub(crate) fn notify(notice: &Notice<'_>, now: Timestamp) -> Option<Notification> {
    let url = &notice.endpoint?.url;
    let prepared = Prepared::of(notice.credentials);
    let secret = notice.key_of_attempt(&prepared.secrets)?;
    let body = message(notice, &prepared)?;
    let date = http_date(now);
    let headers = vec![
        (PARTNER_ID, prepared.partner_id.to_string()),
        (AUTHORIZATION, authorization(prepared.api_name(), secret, &target(NOTIFY), &date)),
        (DATE, date),
    ];
    Some(Notification { url: url.clone(), content_type: JSON, headers, body: Bytes::from(body) })
}

fn message(notice: &Notice<'_>, prepared: &Prepared) -> Option<String> {
    let kind = notice.event.kind;
    let mut told = Told { writer: Writer::bare_json(), name: name_of(kind)?, prepared };
    match (kind, notice.about) {
        (
            EventKind::VoucherRedeemed,
            NoticeAbout::Order { order, redemption: Some((voucher, redemption)), .. },
        ) => told.redeemed(order, order.line.as_deref()?, voucher, redemption),
        (EventKind::RefundSucceeded, NoticeAbout::Order { order, refund: Some(refund), .. }) => {
            told.refunded(order, refund);
        }
        (EventKind::RefundFailed, NoticeAbout::Order { order, refund: Some(refund), .. }) => {
            told.rejected(order, refund);
        }
        (
            EventKind::ProductChanged | EventKind::ProductListed | EventKind::ProductDelisted,
            NoticeAbout::Sku { sku, .. },
        ) if prepared.settings.team_notify => told.changed(kind, sku),
        (_, NoticeAbout::Order { .. } | NoticeAbout::Voucher { .. } | NoticeAbout::Sku { .. }) => {
            return None;
        }
    }
    Some(told.writer.finish())
}

struct Told<'a> {
    writer: Writer,
    name: &'static str,
    prepared: &'a Prepared,
}

impl Told<'_> {
    /// Section 8.2: numbers as they were at that redemption, so that news that come late are not wrong.
    fn redeemed(&mut self, order: &Order, line: &Line, voucher: &Voucher, redemption: &Redemption) {
        self.write(Code::Success, Code::Success.describe(), |body| {
            write_order(body, order, OrderStatus::after_use(redemption.left));
            body.int("orderQuantity", i64::from(line.quantity));
            body.int("usedQuantity", i64::from(redemption.used_so_far));
            body.text("sncode", &voucher.code.to_string());
        });
    }

    /// Section 8.3, approved.
    fn refunded(&mut self, order: &Order, refund: &Refund) {
        self.write(Code::Success, Code::Success.describe(), |body| {
            write_order(body, order, OrderStatus::Refunded);
            body.int("quantity", i64::from(refund.units));
            body.int("reQuantity", i64::from(refund.units_so_far));
            body.int("reStatus", ReStatus::Refunded.number());
            body.text("refundId", refund_id(refund));
        });
    }

    /// Section 8.3, rejected.
    fn rejected(&mut self, order: &Order, refund: &Refund) {
        let reason = refund.reason.as_deref().filter(|reason| !reason.is_empty());
        self.write(Code::Failure, reason.unwrap_or(Code::Failure.describe()), |body| {
            write_order(body, order, OrderStatus::RefundFailed);
            body.int("reStatus", ReStatus::Rejected.number());
            body.text("refundId", refund_id(refund));
        });
    }

    /// Section 9 no. 18.
    fn changed(&mut self, kind: EventKind, sku: &Sku) {
        let change = match kind {
            EventKind::ProductListed => 2,
            EventKind::ProductDelisted => 3,
            _ => 1,
        };
        self.write(Code::Success, Code::Success.describe(), |body| {
            body.text("LHDealId", &sku.id.get().to_string());
            body.int("type", change);
        });
    }

    fn write(&mut self, code: Code, describe: &str, body: impl FnOnce(&mut Writer)) {
        write_head(&mut self.writer, code, describe, self.prepared.partner_id);
        self.writer.text("method", self.name);
        self.writer.object("body", body);
    }
}

fn write_order(body: &mut Writer, order: &Order, status: OrderStatus) {
    body.text("orderId", &order.number);
    body.text("LHOrderId", &order.id.get().to_string());
    body.int("orderStatus", status.number());
}

/// Section 8.4: the bare word, in quotes if the receiver likes them.
pub(crate) fn acknowledged(response: &RawResponse) -> Ack {
    if response.status != 200 {
        return Ack::TryAgain(format!("status {}", response.status));
    }
    let said = response.body.trim_ascii();
    let word = said.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(said);
    if word.eq_ignore_ascii_case(ACK.as_bytes()) {
        Ack::Received
    } else {
        Ack::TryAgain(format!("the receiver does not say {ACK}"))
    }
}
