//! What can be asked: builders whose mandatory fields are checked before anything is sent.
//!
//! The methods are named for what the fields mean; the wire name stands in each one's description.

use tradewind_dialect::codec::{Format, ListShape, Writer};
use tradewind_domain::Timestamp;

use crate::Amount;

use super::message::Goods;

/// Fields by their wire names. An empty value is an absent one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    values: Vec<(&'static str, String)>,
    goods: Vec<Goods>,
    /// Merchants that draw on one quota, and the quota.
    redeemers: Vec<(Vec<String>, u32)>,
}

impl Form {
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.values.retain(|(own, _)| *own != name);
        if !value.is_empty() {
            self.values.push((name, value));
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The first of `names` that has no value, then the first missing field of the goods.
    fn missing(&self, names: &[&'static str]) -> Option<&'static str> {
        let field = names.iter().copied().find(|name| self.get(name).is_none());
        field.or_else(|| self.goods.iter().find_map(Goods::missing))
    }

    /// The message: flat in JSON, in an element `root` in XML (section 2).
    /// `merchant` is the field of the merchant id, and the id.
    pub(crate) fn write(&self, merchant: (&str, &str), format: Format, root: &'static str) -> String {
        let mut writer = match format {
            Format::Json => Writer::bare_json(),
            Format::Xml => Writer::wrapped(format, root),
        };
        writer.text(merchant.0, merchant.1);
        for (name, value) in self.iter() {
            writer.text(name, value);
        }
        if !self.goods.is_empty() {
            writer.list(
                "GOODS_DETAIL",
                "GOODS_INFO",
                ListShape::Array,
                self.goods.iter(),
                |writer, goods| {
                    goods.write(writer);
                },
            );
        }
        if !self.redeemers.is_empty() {
            let entries = self.redeemers.iter();
            writer.list(
                "busiCodeNums",
                "busiCodeNum",
                ListShape::Array,
                entries,
                |writer, (codes, quota)| {
                    writer.texts("busiCodes", "busiCode", codes.iter().map(String::as_str));
                    writer.text("verifyNumber", &quota.to_string());
                },
            );
        }
        writer.finish()
    }
}

/// Methods that set one field each.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ident => $wire:literal;)*) => {
        $(setters! { @one $(#[$doc])* $name $kind $wire })*
    };
    (@one $(#[$doc:meta])* $name:ident text $wire:literal) => {
        $(#[$doc])*
        #[doc = concat!(" Field `", $wire, "`.")]
        pub fn $name(mut self, value: impl Into<String>) -> Self {
            self.0.set($wire, value.into());
            self
        }
    };
    (@one $(#[$doc:meta])* $name:ident amount $wire:literal) => {
        $(#[$doc])*
        #[doc = concat!(" Field `", $wire, "`.")]
        pub fn $name(mut self, value: Amount) -> Self {
            self.0.set($wire, value.to_string());
            self
        }
    };
    (@one $(#[$doc:meta])* $name:ident number $wire:literal) => {
        $(#[$doc])*
        #[doc = concat!(" Field `", $wire, "`.")]
        pub fn $name(mut self, value: u32) -> Self {
            self.0.set($wire, value.to_string());
            self
        }
    };
}

/// A request with its fields, those that must be there, and the methods that set them.
macro_rules! request {
    (
        $(#[$doc:meta])* $request:ident, mandatory [$($mandatory:literal),*];
        $($setters:tt)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        #[must_use]
        pub struct $request(pub(crate) Form);

        impl $request {
            /// Nothing is set yet.
            pub fn new() -> Self {
                Self::default()
            }

            pub(crate) fn missing(&self) -> Option<&'static str> {
                self.0.missing(&[$($mandatory),*]).or_else(|| self.missing_otherwise())
            }

            setters! { $($setters)* }
        }
    };
}

request! {
    /// A payment by the code that the customer shows (section 5.1).
    ///
    /// Mandatory: [`operator`](Self::operator), [`device`](Self::device), [`amount`](Self::amount),
    /// [`payer_code`](Self::payer_code), [`charge_code`](Self::charge_code), [`subject`](Self::subject).
    PayRequest, mandatory ["OPER_ID", "DEV_ID", "AMT", "DYNAMIC_ID", "CHARGE_CODE", "PAY_SUBJECT"];
    /// Who is at the till.
    operator: text => "OPER_ID";
    /// The till.
    device: text => "DEV_ID";
    /// What is to be paid.
    amount: amount => "AMT";
    /// The digits of the customer's code.
    payer_code: text => "DYNAMIC_ID";
    /// The shop's own number of the order, never used before.
    charge_code: text => "CHARGE_CODE";
    /// What is bought.
    subject: text => "PAY_SUBJECT";
    /// The store.
    store: text => "REGISTER_ID";
    /// Given back as it is, in answers and notifications.
    merchant_para: text => "MERCHANTPARA";
    /// The channel to use instead of the one that the code belongs to.
    channel_type: number => "CHANNEL_TYPE";
    /// 1 bar code, 2 sound wave, 3 NFC.
    payer_code_type: number => "DYNAMIC_ID_TYPE";
    /// Where to notify.
    notify_url: text => "NODIFY_URL";
    /// The sub-merchant's application at WeChat.
    sub_appid: text => "subAppid";
    /// The payer there.
    sub_openid: text => "subOpenid";
}

request! {
    /// An order to be paid by a code that the shop shows (section 5.2).
    ///
    /// Mandatory: [`operator`](Self::operator), [`device`](Self::device), [`amount`](Self::amount),
    /// [`channel_type`](Self::channel_type), [`charge_code`](Self::charge_code), [`subject`](Self::subject).
    PrecreateRequest, mandatory ["OPER_ID", "DEV_ID", "AMT", "CHANNEL_TYPE", "CHARGE_CODE", "PAY_SUBJECT"];
    /// Who is at the till.
    operator: text => "OPER_ID";
    /// The till.
    device: text => "DEV_ID";
    /// What is to be paid.
    amount: amount => "AMT";
    /// The channel to pay by, for instance 1 for Alipay and 2 for WeChat Pay.
    channel_type: number => "CHANNEL_TYPE";
    /// The shop's own number of the order, never used before.
    charge_code: text => "CHARGE_CODE";
    /// What is bought.
    subject: text => "PAY_SUBJECT";
    /// Where to notify; `_type` and `encrypt` in its query say how.
    notify_url: text => "NODIFY_URL";
    /// After how many minutes the order closes unless it is paid.
    expires_after_minutes: number => "TIME_EXPIRE";
    /// The store.
    store: text => "REGISTER_ID";
    /// Given back as it is, in answers and notifications.
    merchant_para: text => "MERCHANTPARA";
}

request! {
    /// An order to be paid inside a WeChat official account or an app (section 5.3).
    ///
    /// Mandatory: as for [`PrecreateRequest`], and [`sub_openid`](Self::sub_openid) when the trade type
    /// is `JSAPI`.
    OfficialAccountRequest, mandatory ["OPER_ID", "DEV_ID", "AMT", "CHANNEL_TYPE", "CHARGE_CODE", "PAY_SUBJECT"];
    /// `JSAPI`, `APP` or `NATIVE`; the last when absent.
    trade_type: text => "TRADE_TYPE";
    /// Who is at the till.
    operator: text => "OPER_ID";
    /// The till.
    device: text => "DEV_ID";
    /// What is to be paid.
    amount: amount => "AMT";
    /// The channel to pay by: 2 for WeChat Pay.
    channel_type: number => "CHANNEL_TYPE";
    /// The shop's own number of the order, never used before.
    charge_code: text => "CHARGE_CODE";
    /// What is bought.
    subject: text => "PAY_SUBJECT";
    /// The sub-merchant's application at WeChat.
    sub_appid: text => "subAppid";
    /// The payer there.
    sub_openid: text => "subOpenid";
    /// The payer at the service provider's application.
    open_id: text => "openId";
    /// Where to notify; `_type` and `encrypt` in its query say how.
    notify_url: text => "NODIFY_URL";
    /// After how many minutes the order closes unless it is paid.
    expires_after_minutes: number => "TIME_EXPIRE";
    /// The store.
    store: text => "REGISTER_ID";
    /// Given back as it is, in answers and notifications.
    merchant_para: text => "MERCHANTPARA";
}

request! {
    /// Money back, all or a part (section 5.5).
    ///
    /// Mandatory: [`operator`](Self::operator), [`device`](Self::device), [`amount`](Self::amount),
    /// [`reason`](Self::reason), and one of [`charge_code`](Self::charge_code) and
    /// [`charge_down_code`](Self::charge_down_code). Always give a [`refund_no`](Self::refund_no): it is
    /// what an unknown outcome is asked for by.
    RefundRequest, mandatory ["OPER_ID", "DEV_ID", "CHARGE_REFUND_FEE", "REFUND_SUBJECT"];
    /// Who is at the till.
    operator: text => "OPER_ID";
    /// The till.
    device: text => "DEV_ID";
    /// What is given back.
    amount: amount => "CHARGE_REFUND_FEE";
    /// Why.
    reason: text => "REFUND_SUBJECT";
    /// The shop's own number of the order.
    charge_code: text => "CHARGE_CODE";
    /// The platform's number of the order; counts alone when both are given.
    charge_down_code: text => "CHARGE_DOWN_CODE";
    /// The shop's own number of the refund, never used before.
    refund_no: text => "OUT_REFUND_NO";
}

request! {
    /// A page of the shop's orders, newest first (section 5.8). The first page with ten orders of the
    /// last 31 days, unless set otherwise.
    BatchQueryRequest, mandatory [];
    /// The state to look for by its number; 7 means revoked and refunded together.
    state: number => "state";
    /// From when on: `2016-01-01` or `2016-01-01 08:00:00`, GMT+8.
    begin_date: text => "beginDate";
    /// Until when, in the same forms; a day without a time is included as a whole.
    end_date: text => "endDate";
    /// Who was at the till.
    operator: text => "userId";
    /// The channel by its number.
    channel_type: number => "channelType";
    /// The page, from 1.
    page: number => "pageNum";
    /// Orders on a page, at most 100.
    page_size: number => "pageSize";
    /// The shop's own number of the order.
    charge_code: text => "chargeCode";
}

request! {
    /// A voucher to be issued (appendix A).
    ///
    /// Mandatory: [`trade_code`](Self::trade_code), [`goods_name`](Self::goods_name),
    /// [`goods_code`](Self::goods_code), [`goods_count`](Self::goods_count), [`uses`](Self::uses).
    VoucherRequest, mandatory ["tradeCode", "goodsName", "goodsCode", "goodsCount", "totalVerifyNumber"];
    /// The shop's own number of the voucher, never used for other content.
    trade_code: text => "tradeCode";
    /// What it is for.
    goods_name: text => "goodsName";
    /// The number of what it is for.
    goods_code: text => "goodsCode";
    /// How many of them.
    goods_count: number => "goodsCount";
    /// How often it can be redeemed.
    uses: number => "totalVerifyNumber";
    /// When it was ordered, in any form.
    order_date: text => "orderDate";
    /// Until when it can be redeemed: `2016-12-31`, or `2016-12-31 18:00:00`, GMT+8; both included.
    valid_through: text => "orderValidity";
    /// Of which kind the goods are.
    goods_spec: text => "goodsSpec";
    /// What was paid for it.
    amount: amount => "amount";
    /// Anything else.
    remarks: text => "remarks";
    /// Where to tell redemptions; `_type` and `encrypt` in its query say how.
    notify_url: text => "notifyURL";
}

impl VoucherRequest {
    /// Other merchants that may redeem it, together up to `quota` uses. Entry of `busiCodeNums`.
    pub fn redeemers<T: Into<String>>(mut self, busi_codes: impl IntoIterator<Item = T>, quota: u32) -> Self {
        self.0.redeemers.push((busi_codes.into_iter().map(Into::into).collect(), quota));
        self
    }

    fn missing_otherwise(&self) -> Option<&'static str> {
        self.0.redeemers.iter().any(|(codes, _)| codes.is_empty()).then_some("busiCodes")
    }
}

request! {
    /// A page of what the shop has redeemed at one device, newest first (appendix A). The first page with
    /// ten redemptions, unless set otherwise.
    ///
    /// Mandatory: [`device`](Self::device), [`begin_date`](Self::begin_date), [`end_date`](Self::end_date).
    VerifyResultsRequest, mandatory ["deviceCode", "beginVerDate", "endVerDate"];
    /// The device, as named in the checks.
    device: text => "deviceCode";
    /// From when on: `2016-01-01` or `2016-01-01 08:00:00`, GMT+8.
    begin_date: text => "beginVerDate";
    /// Until when, in the same forms; a day without a time is included as a whole.
    end_date: text => "endVerDate";
    /// The page, from 1.
    page: number => "pageNo";
    /// Redemptions on a page, at most 100.
    page_size: number => "pageSize";
    /// The platform's number of a redemption.
    serial: text => "verifySerial";
    /// The code of a voucher.
    code: text => "verifyCode";
}

impl VerifyResultsRequest {
    fn missing_otherwise(&self) -> Option<&'static str> {
        None
    }
}

macro_rules! with_goods {
    ($($request:ident)*) => {$(
        impl $request {
            /// One more thing that is bought. Entry of `GOODS_DETAIL`.
            pub fn goods(mut self, goods: Goods) -> Self {
                self.0.goods.push(goods);
                self
            }
        }
    )*};
}

with_goods! { PayRequest PrecreateRequest OfficialAccountRequest }

impl PayRequest {
    fn missing_otherwise(&self) -> Option<&'static str> {
        None
    }
}

impl PrecreateRequest {
    fn missing_otherwise(&self) -> Option<&'static str> {
        None
    }
}

impl OfficialAccountRequest {
    fn missing_otherwise(&self) -> Option<&'static str> {
        let needs_payer = self.0.get("TRADE_TYPE") == Some("JSAPI");
        (needs_payer && self.0.get("subOpenid").is_none()).then_some("subOpenid")
    }
}

impl RefundRequest {
    fn missing_otherwise(&self) -> Option<&'static str> {
        let names_order = ["CHARGE_CODE", "CHARGE_DOWN_CODE"].iter().any(|name| self.0.get(name).is_some());
        (!names_order).then_some("CHARGE_CODE")
    }
}

impl BatchQueryRequest {
    /// From `begin` to `end`, to the second.
    pub fn between(self, begin: Timestamp, end: Timestamp) -> Self {
        use tradewind_dialect::codec::date::datetime_gmt8;
        self.begin_date(datetime_gmt8(begin)).end_date(datetime_gmt8(end))
    }

    fn missing_otherwise(&self) -> Option<&'static str> {
        None
    }
}

/// Which order or refund a query is for (section 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The shop's own number of an order; a platform that knows no such order tries refunds too.
    ChargeCode(String),
    /// The platform's number of an order.
    ChargeDownCode(String),
    /// The shop's own number of a refund.
    RefundNo(String),
}

impl Lookup {
    /// By the shop's own number of an order.
    pub fn charge_code(number: impl Into<String>) -> Lookup {
        Lookup::ChargeCode(number.into())
    }

    /// By the platform's number of an order.
    pub fn charge_down_code(number: impl Into<String>) -> Lookup {
        Lookup::ChargeDownCode(number.into())
    }

    /// By the shop's own number of a refund.
    pub fn refund_no(number: impl Into<String>) -> Lookup {
        Lookup::RefundNo(number.into())
    }

    /// The number, its name on the wire, and the `serType`.
    pub(crate) fn parts(&self) -> (&str, &'static str, Option<&'static str>) {
        match self {
            Lookup::ChargeCode(number) => (number, "CHARGE_CODE", None),
            Lookup::ChargeDownCode(number) => (number, "CHARGE_DOWN_CODE", Some("1")),
            Lookup::RefundNo(number) => (number, "OUT_REFUND_NO", Some("2")),
        }
    }
}

/// How an order is revoked (section 5.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// At once; money that was paid goes back.
    #[default]
    RealTime,
    /// Applied for, to be decided by people at the platform.
    Application,
}
