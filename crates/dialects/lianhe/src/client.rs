//! The partner's side of the protocol, for client libraries: signed requests to be sent, answers and
//! notifications to be read. It opens no connection and knows no clock either.

mod products;

use bytes::Bytes;
use tradewind_dialect::codec::date::http_date;
use tradewind_dialect::codec::{Format, Message, Object, Value, Writer};
use tradewind_domain::{Refusal, Span, Timestamp};
use tradewind_signing::Secret;

use crate::errors::Code;
use crate::identify::{self, AUTHORIZATION, Claimed, DATE, PARTNER_ID};
use crate::notify::{RE_NOTIFY, SN_NOTIFY, TEAM_NOTIFY};
use crate::operation::target;
use crate::sign::{NOTIFY, authorization};

pub use crate::notify::ACK;
pub use products::{CalendarDay, Prices, Product, PurchaseNote, RefundRule, ServicePhone, TeamType};

/// How many values an answer may hold: a page of the longest descriptions, with all their pictures.
const NODES_MAX: usize = 64 * 1024;

/// What a partner signs with.
#[derive(Clone, Debug)]
pub struct Account {
    /// `partnerId`.
    pub partner_id: i64,
    /// The signing account, `apiName`.
    pub api_name: String,
    /// `clientSecret`; while it is being changed, the old one beside the new. Requests use the first.
    pub secrets: Vec<Secret>,
}

/// A POST to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// Path and query, which the signature covers.
    pub target: String,
    /// The headers by their lower-case names, the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON.
    pub body: Bytes,
}

impl Account {
    /// A signed call of this `method`, of whose `body` the members are written by `members`. `None` without
    /// a secret.
    pub fn request(
        &self,
        method: &str,
        now: Timestamp,
        members: impl FnOnce(&mut Writer),
    ) -> Option<SignedRequest> {
        let mut writer = Writer::bare_json();
        writer.int("partnerId", self.partner_id);
        writer.object("body", members);
        self.sign(target(method), Bytes::from(writer.finish()), now)
    }

    /// A signed POST of any body to any target. `None` without a secret.
    pub fn sign(&self, target: String, body: Bytes, now: Timestamp) -> Option<SignedRequest> {
        let date = http_date(now);
        let headers = vec![
            ("content-type", crate::answer::JSON.to_owned()),
            (PARTNER_ID, self.partner_id.to_string()),
            (AUTHORIZATION, authorization(&self.api_name, self.secrets.first()?, &target, &date)),
            (DATE, date),
        ];
        Some(SignedRequest { target, headers, body })
    }

    /// Proves that a notification comes from the platform (section 3.4): `header` gives its headers by
    /// their lower-case names. `age_max` of zero switches the check of its date off.
    ///
    /// # Errors
    /// Why it cannot be trusted.
    pub fn verify_notification<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        now: Timestamp,
        age_max: Span,
    ) -> Result<(), String> {
        let account = identify::Account {
            partner_id: self.partner_id,
            api_name: &self.api_name,
            secrets: &self.secrets,
        };
        let claimed = Claimed::read(header);
        let proven = claimed.and_then(|claimed| claimed.prove(&account, &[&target(NOTIFY)], now, age_max));
        proven.map(drop).map_err(|refusal| match refusal {
            Refusal::Signature { problem } => problem,
            _ => "it is for another partner".to_owned(),
        })
    }
}

/// An answer of the platform, or the envelope of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// `code` as it was sent.
    pub number: i64,
    /// What it means, if that is known. Those of before 2.0 mean the same as today's.
    pub code: Option<Code>,
    /// `describe`.
    pub describe: String,
    /// `partnerId`.
    pub partner_id: Option<i64>,
    /// `totalSize`.
    pub total_size: Option<u64>,
    /// `method`, of notifications.
    pub method: Option<String>,
    /// `body`.
    pub body: Value<'a>,
}

impl<'a> Answer<'a> {
    /// Reads an answer.
    ///
    /// # Errors
    /// What makes it none.
    pub fn read(text: &'a str) -> Result<Answer<'a>, String> {
        let message = Message::read_up_to(text, NODES_MAX).map_err(|error| error.to_string())?;
        if message.format != Format::Json {
            return Err("it is not JSON".to_owned());
        }
        let members = message.members;
        let number = whole(&members, "code")?.ok_or("code is missing")?;
        Ok(Answer {
            number,
            code: Code::of_number(number),
            describe: text_of(&members, "describe")?.unwrap_or_default(),
            partner_id: whole(&members, "partnerId")?,
            total_size: whole(&members, "totalSize")?,
            method: text_of(&members, "method")?,
            body: members.get("body").cloned().unwrap_or(Value::Null),
        })
    }

    /// Whether it is a success: the code alone says so (section 9 no. 15).
    pub fn is_success(&self) -> bool {
        self.code == Some(Code::Success)
    }

    /// The body of an operation on an order, successful or not.
    ///
    /// # Errors
    /// What cannot be read of it.
    pub fn order(&self) -> Result<OrderBody, String> {
        match &self.body {
            Value::Object(body) => OrderBody::read(body),
            _ => Ok(OrderBody::default()),
        }
    }
}

/// What is told of an order, in an answer or a notification. All of it may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderBody {
    /// `orderId`.
    pub order_id: Option<String>,
    /// `LHOrderId`; `None` also when it is empty.
    pub lh_order_id: Option<String>,
    /// `orderStatus`.
    pub order_status: Option<i64>,
    /// `orderQuantity`.
    pub order_quantity: Option<u32>,
    /// `useQuantity` or `usedQuantity`, whichever is there.
    pub used_quantity: Option<u32>,
    /// `quantity`.
    pub quantity: Option<u32>,
    /// `reQuantity`, which has three meanings (section 9 no. 5).
    pub re_quantity: Option<u32>,
    /// `reStatus`.
    pub re_status: Option<i64>,
    /// `refundId`.
    pub refund_id: Option<String>,
    /// `voucherType`.
    pub voucher_type: Option<i64>,
    /// The codes of `voucher`.
    pub vouchers: Vec<String>,
    /// The codes of `sncode`.
    pub used_codes: Vec<String>,
}

impl OrderBody {
    fn read(body: &Object<'_>) -> Result<OrderBody, String> {
        let used_quantity = match whole(body, "useQuantity")? {
            Some(used) => Some(used),
            None => whole(body, "usedQuantity")?,
        };
        Ok(OrderBody {
            order_id: text_of(body, "orderId")?,
            lh_order_id: text_of(body, "LHOrderId")?,
            order_status: whole(body, "orderStatus")?,
            order_quantity: whole(body, "orderQuantity")?,
            used_quantity,
            quantity: whole(body, "quantity")?,
            re_quantity: whole(body, "reQuantity")?,
            re_status: whole(body, "reStatus")?,
            refund_id: text_of(body, "refundId")?,
            voucher_type: whole(body, "voucherType")?,
            vouchers: codes(text_of(body, "voucher")?),
            used_codes: codes(text_of(body, "sncode")?),
        })
    }
}

/// News from the platform. The same come several times: act once on each [`News::key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Codes were redeemed.
    Redeemed(OrderBody),
    /// A refund was approved.
    Refunded(OrderBody),
    /// A refund was rejected; with the reason.
    Rejected(OrderBody, String),
    /// A product was changed.
    ProductChanged {
        /// `LHDealId`.
        deal_id: String,
        /// 1 changed, 2 on sale, 3 off sale.
        change: i64,
    },
}

impl News {
    /// Reads a notification, which must have been proven.
    ///
    /// # Errors
    /// What makes it none.
    pub fn read(text: &str) -> Result<News, String> {
        News::of(&Answer::read(text)?)
    }

    /// What a notification tells, whose envelope has been read.
    ///
    /// # Errors
    /// What makes it none.
    pub fn of(envelope: &Answer<'_>) -> Result<News, String> {
        match envelope.method.as_deref() {
            Some(SN_NOTIFY) => envelope.order().map(News::Redeemed),
            Some(RE_NOTIFY) if envelope.is_success() => envelope.order().map(News::Refunded),
            Some(RE_NOTIFY) => Ok(News::Rejected(envelope.order()?, envelope.describe.clone())),
            Some(TEAM_NOTIFY) => {
                let Value::Object(body) = &envelope.body else { return Err("body is missing".to_owned()) };
                Ok(News::ProductChanged {
                    deal_id: text_of(body, "LHDealId")?.ok_or("LHDealId is missing")?,
                    change: whole(body, "type")?.ok_or("type is missing")?,
                })
            }
            Some(other) => Err(format!("the method `{other}` is not known")),
            None => Err("method is missing".to_owned()),
        }
    }

    /// What makes news the same (section 8.5). Changes of products have nothing to tell them apart by.
    pub fn key(&self) -> Option<String> {
        let key = |method: &str, order: &OrderBody, rest: String| {
            Some(format!("{method} {} {rest}", order.lh_order_id.as_deref()?))
        };
        match self {
            News::Redeemed(order) => key(SN_NOTIFY, order, order.used_quantity?.to_string()),
            News::Refunded(order) | News::Rejected(order, _) => {
                let refund_id = order.refund_id.as_deref().unwrap_or_default();
                let total = order.re_quantity.map(|total| total.to_string()).unwrap_or_default();
                key(RE_NOTIFY, order, format!("{total}/{refund_id}"))
            }
            News::ProductChanged { .. } => None,
        }
    }
}

fn text_of(object: &Object<'_>, name: &str) -> Result<Option<String>, String> {
    let scalar = object.get(name).map_or(Ok(None), Value::scalar);
    scalar.map(|text| text.map(str::to_owned)).map_err(|error| format!("{name}: {error}"))
}

/// A whole number, with or without quotes.
fn whole<N: std::str::FromStr>(object: &Object<'_>, name: &str) -> Result<Option<N>, String> {
    let Some(text) = text_of(object, name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{name} is not a whole number"))
}

fn codes(joined: Option<String>) -> Vec<String> {
    let joined = joined.unwrap_or_default();
    joined.split(',').map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned).collect()
}
