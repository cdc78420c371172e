//! Notifications (section 8), on the receiving side.

use tradewind_domain::{Span, Timestamp};
use tradewind_lianhe::client::{self, ACK, Account, OrderBody};
use tradewind_lianhe::{OrderStatus, ReStatus};

use crate::error::{Effect, Error, Kind};

use super::response::{Told, re_status, required, status};

/// What to answer a notification with, as the body of an HTTP status 200, once its news are kept.
#[must_use]
pub const fn ack() -> &'static str {
    ACK
}

/// What to answer with when the news could not be kept: the platform will try again. A status other than
/// 200 says the same.
#[must_use]
pub const fn try_again() -> &'static str {
    "fail"
}

/// News from the platform, proven to come from it.
///
/// The same news come several times, in particular when an acknowledgement was lost: act once on each
/// [`key`](Notification::key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What it tells.
    pub news: News,
    /// The text of the body.
    pub raw: String,
    key: Option<String>,
}

/// What a notification tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// `snNotify`: tickets were used.
    Redeemed(Redeemed),
    /// `reNotify`: tickets were given back.
    Refunded(Refunded),
    /// `reNotify`: an application for a refund was rejected, and that is final.
    RefundRejected(RefundRejected),
    /// `teamNotify`: a product was changed.
    ProductChanged(ProductChanged),
}

/// Tickets were used (section 8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// The partner's own number of the order. `orderId`.
    pub order_id: String,
    /// The platform's number of the order. `LHOrderId`.
    pub lh_order_id: String,
    /// Platforms differ about 8 and 9: let the quantities decide. `orderStatus`.
    pub status: Told<OrderStatus>,
    /// How many tickets were ordered. `orderQuantity`.
    pub ordered: u32,
    /// How many have been used so far, these included. `usedQuantity`.
    pub used: u32,
    /// The codes that were used this time. `sncode`.
    pub codes: Vec<String>,
}

/// Tickets were given back (section 8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The partner's own number of the order. `orderId`.
    pub order_id: String,
    /// The platform's number of the order. `LHOrderId`.
    pub lh_order_id: String,
    /// 6, also when tickets are left. `orderStatus`.
    pub status: Told<OrderStatus>,
    /// How many tickets this time. `quantity`.
    pub quantity: u32,
    /// How many in all; keep the largest. Platforms of before 2.2 do not tell. `reQuantity`.
    pub refunded: Option<u32>,
    /// `reStatus`.
    pub refund: Option<Told<ReStatus>>,
    /// The partner's number of the application. `refundId`.
    pub refund_id: Option<String>,
}

/// An application for a refund was rejected (section 8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRejected {
    /// The partner's own number of the order. `orderId`.
    pub order_id: String,
    /// The platform's number of the order. `LHOrderId`.
    pub lh_order_id: String,
    /// 7. `orderStatus`.
    pub status: Told<OrderStatus>,
    /// `reStatus`.
    pub refund: Option<Told<ReStatus>>,
    /// The partner's number of the application. `refundId`.
    pub refund_id: Option<String>,
    /// Why, for people. `describe`.
    pub reason: String,
}

/// A product was changed (section 9 no. 18). Look at it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductChanged {
    /// The product. `LHDealId`.
    pub deal_id: String,
    /// What was changed. `type`.
    pub change: Told<Change>,
}

/// What was changed of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// 1: its description, price or stock.
    Content,
    /// 2: it is on sale now.
    OnSale,
    /// 3: it is no longer on sale.
    OffSale,
}

impl Change {
    fn of_number(number: i64) -> Option<Change> {
        match number {
            1 => Some(Change::Content),
            2 => Some(Change::OnSale),
            3 => Some(Change::OffSale),
            _ => None,
        }
    }
}

impl Notification {
    /// What makes news the same (section 8.5). Changes of products have nothing to tell them apart by; to
    /// look again is harmless.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// Proves and reads a notification.
pub(crate) fn parse<'h>(
    account: &Account,
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: Timestamp,
    age_max: Span,
) -> Result<Notification, Error> {
    let untrusted = |problem: String| error(Kind::Untrusted { problem });
    let unreadable = |problem: String| error(Kind::Unreadable { problem });
    account.verify_notification(header, now, age_max).map_err(untrusted)?;
    let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let raw = |error: Error| error.with_raw(text.to_owned());
    let envelope = client::Answer::read(text).map_err(|problem| raw(unreadable(problem)))?;
    // The signature covers the headers alone.
    if envelope.partner_id.is_some_and(|partner_id| partner_id != account.partner_id) {
        return Err(raw(untrusted("it is for another partner".to_owned())));
    }
    let told = client::News::of(&envelope).map_err(|problem| raw(unreadable(problem)))?;
    let key = told.key();
    let news = News::read(told).map_err(|problem| raw(unreadable(problem)))?;
    Ok(Notification { news, raw: text.to_owned(), key })
}

fn error(kind: Kind) -> Error {
    Error::new("notification", Effect::Local, kind)
}

impl News {
    fn read(told: client::News) -> Result<News, String> {
        Ok(match told {
            client::News::Redeemed(body) => News::Redeemed(Redeemed {
                status: status(&body)?,
                ordered: required("orderQuantity", body.order_quantity)?,
                used: required("usedQuantity", body.used_quantity)?,
                codes: body.used_codes.clone(),
                order_id: order_id(&body)?,
                lh_order_id: required("LHOrderId", body.lh_order_id)?,
            }),
            client::News::Refunded(body) => News::Refunded(Refunded {
                status: status(&body)?,
                quantity: required("quantity", body.quantity)?,
                refunded: body.re_quantity,
                refund: body.re_status.map(re_status),
                order_id: order_id(&body)?,
                lh_order_id: required("LHOrderId", body.lh_order_id)?,
                refund_id: body.refund_id,
            }),
            client::News::Rejected(body, reason) => News::RefundRejected(RefundRejected {
                status: status(&body)?,
                refund: body.re_status.map(re_status),
                order_id: order_id(&body)?,
                lh_order_id: required("LHOrderId", body.lh_order_id)?,
                refund_id: body.refund_id,
                reason,
            }),
            client::News::ProductChanged { deal_id, change } => {
                News::ProductChanged(ProductChanged { deal_id, change: Told::of(change, Change::of_number) })
            }
        })
    }
}

fn order_id(body: &OrderBody) -> Result<String, String> {
    required("orderId", body.order_id.clone())
}
