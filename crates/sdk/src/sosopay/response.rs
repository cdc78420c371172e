//! What is answered.
//!
//! Fields that a platform may leave out are options. Where the specification says that a field is
//! always there but nothing depends on it, its absence is tolerated too: an answer that says "paid"
//! must not be lost because it lacks a date.

use tradewind_domain::Timestamp;

use crate::Amount;

use super::message::{Fields, FundBill, Goods, Problem, State, required};

/// A merchant-scan payment that is paid (section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayResponse {
    /// The shop's own number of the order. `CHARGE_CODE`.
    pub charge_code: Option<String>,
    /// The platform's number. `CHARGE_DOWN_CODE`.
    pub charge_down_code: Option<String>,
    /// The channel's number. `CHARGE_THIRD_CODE`.
    pub charge_third_code: Option<String>,
    /// What was paid. `AMT`.
    pub amount: Option<Amount>,
    /// The channel that was paid by. `CHANNEL_TYPE`.
    pub channel_type: Option<u32>,
    /// Where the money came from. `FUND_BILL_LIST`.
    pub fund_bills: Vec<FundBill>,
    /// As given. `MERCHANTPARA`.
    pub merchant_para: Option<String>,
    /// As given. `OPER_ID`.
    pub operator: Option<String>,
    /// As given. `DEV_ID`.
    pub device: Option<String>,
    /// When it began. `BEGIN_TIME`.
    pub begin_time: Option<Timestamp>,
}

impl PayResponse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<PayResponse, Problem> {
        Ok(PayResponse {
            charge_code: fields.owned("CHARGE_CODE")?,
            charge_down_code: fields.owned("CHARGE_DOWN_CODE")?,
            charge_third_code: fields.owned("CHARGE_THIRD_CODE")?,
            amount: fields.cents("AMT")?,
            channel_type: fields.number("CHANNEL_TYPE")?,
            fund_bills: FundBill::list(fields)?,
            merchant_para: fields.owned("MERCHANTPARA")?,
            operator: fields.owned("OPER_ID")?,
            device: fields.owned("DEV_ID")?,
            begin_time: fields.date("BEGIN_TIME")?,
        })
    }
}

/// An order that was created and waits to be paid (section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecreateResponse {
    /// The shop's own number of the order. `CHARGE_CODE`.
    pub charge_code: Option<String>,
    /// The platform's number. `CHARGE_DOWN_CODE`.
    pub charge_down_code: Option<String>,
    /// What to show as a QR code. `BAR_CODE`.
    pub bar_code: String,
    /// As given. `MERCHANTPARA`.
    pub merchant_para: Option<String>,
    /// When the order was created. `BEGIN_TIME`.
    pub begin_time: Option<Timestamp>,
    /// When it closes. `END_TIME`.
    pub end_time: Option<Timestamp>,
    /// The channel's name for the prepared payment. `prepayId`.
    pub prepay_id: Option<String>,
}

impl PrecreateResponse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<PrecreateResponse, Problem> {
        Ok(PrecreateResponse {
            charge_code: fields.owned("CHARGE_CODE")?,
            charge_down_code: fields.owned("CHARGE_DOWN_CODE")?,
            bar_code: required("BAR_CODE", fields.owned("BAR_CODE")?)?,
            merchant_para: fields.owned("MERCHANTPARA")?,
            begin_time: fields.date("BEGIN_TIME")?,
            end_time: fields.date("END_TIME")?,
            prepay_id: fields.owned("prepayId")?,
        })
    }
}

/// An order for an official account or an app that was created (section 5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficialAccountResponse {
    /// The shop's own number of the order. `CHARGE_CODE`.
    pub charge_code: Option<String>,
    /// The platform's number. `CHARGE_DOWN_CODE`.
    pub charge_down_code: Option<String>,
    /// The channel's number, once it has one. `CHARGE_THIRD_CODE`.
    pub charge_third_code: Option<String>,
    /// As given. `MERCHANTPARA`.
    pub merchant_para: Option<String>,
    /// What the page or app hands to WeChat; absent for `NATIVE`.
    pub bridge: Option<Bridge>,
    /// What to show as a QR code for `NATIVE`. `BAR_CODE`.
    pub bar_code: Option<String>,
}

/// The values for WeChat's own payment call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// `appId`.
    pub app_id: String,
    /// `timeStamp`.
    pub time_stamp: String,
    /// `nonceStr`.
    pub nonce_str: String,
    /// `packageData`, which WeChat calls `package`.
    pub package: String,
    /// `signType`.
    pub sign_type: String,
    /// `sign`, which WeChat calls `paySign`.
    pub pay_sign: String,
}

impl OfficialAccountResponse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<OfficialAccountResponse, Problem> {
        let bar_code = fields.owned("BAR_CODE")?;
        let bridge = match fields.text("packageData")? {
            Some(_) => Some(Bridge::read(fields)?),
            None if bar_code.is_none() => {
                return Err(Problem("packageData and BAR_CODE are missing".to_owned()));
            }
            None => None,
        };
        Ok(OfficialAccountResponse {
            charge_code: fields.owned("CHARGE_CODE")?,
            charge_down_code: fields.owned("CHARGE_DOWN_CODE")?,
            charge_third_code: fields.owned("CHARGE_THIRD_CODE")?,
            merchant_para: fields.owned("MERCHANTPARA")?,
            bridge,
            bar_code,
        })
    }
}

impl Bridge {
    fn read(fields: Fields<'_>) -> Result<Bridge, Problem> {
        let text = |name| required(name, fields.owned(name)?);
        Ok(Bridge {
            app_id: text("appId")?,
            time_stamp: text("timeStamp")?,
            nonce_str: text("nonceStr")?,
            package: text("packageData")?,
            sign_type: text("signType")?,
            pay_sign: text("sign")?,
        })
    }
}

/// A refund that was accepted (section 5.5). Whether it is done or still under way says a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundResponse {
    /// What the order was for, not what goes back: that is the sum of the fund bills. `AMT`.
    pub order_amount: Option<Amount>,
    /// The shop's own number of the order. `CHARGE_CODE`.
    pub charge_code: Option<String>,
    /// The platform's number of the order. `CHARGE_DOWN_CODE`.
    pub charge_down_code: Option<String>,
    /// The channel's number of the order. `CHARGE_THIRD_CODE`.
    pub charge_third_code: Option<String>,
    /// The number of the refund: as given, or made by the platform. `OUT_REFUND_NO`.
    pub refund_no: Option<String>,
    /// The channel. `CHANNEL_TYPE`.
    pub channel_type: Option<u32>,
    /// Where the money goes back to. `FUND_BILL_LIST`.
    pub fund_bills: Vec<FundBill>,
}

impl RefundResponse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<RefundResponse, Problem> {
        Ok(RefundResponse {
            order_amount: fields.cents("AMT")?,
            charge_code: fields.owned("CHARGE_CODE")?,
            charge_down_code: fields.owned("CHARGE_DOWN_CODE")?,
            charge_third_code: fields.owned("CHARGE_THIRD_CODE")?,
            refund_no: fields.owned("OUT_REFUND_NO")?,
            channel_type: fields.number("CHANNEL_TYPE")?,
            fund_bills: FundBill::list(fields)?,
        })
    }
}

/// How an order, or a refund, stands (section 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResponse {
    /// The state. `STATE`.
    pub state: State,
    /// The amount of the order, or of the refund that was looked up. `AMT`.
    pub amount: Amount,
    /// The merchant id. `BUSI_ID`.
    pub busi_id: Option<String>,
    /// The shop's own number of the order. `CHARGE_CODE`.
    pub charge_code: Option<String>,
    /// The platform's number of the order. `CHARGE_DOWN_CODE`.
    pub charge_down_code: Option<String>,
    /// The channel's number of the order, once it has one. `CHARGE_THIRD_CODE`.
    pub charge_third_code: Option<String>,
    /// The number of the refund that was looked up. `OUT_REFUND_NO`.
    pub refund_no: Option<String>,
    /// The channel. `CHANNEL_TYPE`.
    pub channel_type: Option<u32>,
    /// `OPER_ID`.
    pub operator: Option<String>,
    /// `DEV_ID`.
    pub device: Option<String>,
    /// `REGISTER_ID`.
    pub store: Option<String>,
    /// `MERCHANTPARA`.
    pub merchant_para: Option<String>,
    /// What is bought. `PAY_SUBJECT`.
    pub subject: Option<String>,
    /// What is bought, one by one. `GOODS_DETAIL`.
    pub goods: Vec<Goods>,
    /// The payer's code, of a merchant-scan payment. `DYNAMIC_ID`.
    pub payer_code: Option<String>,
    /// Where the money came from; empty while unpaid. `FUND_BILL_LIST`.
    pub fund_bills: Vec<FundBill>,
    /// When it began. `BEGIN_TIME`.
    pub begin_time: Option<Timestamp>,
    /// When it ended. `END_TIME`.
    pub end_time: Option<Timestamp>,
}

impl QueryResponse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<QueryResponse, Problem> {
        Ok(QueryResponse {
            state: State::of_number(required("STATE", fields.number("STATE")?)?),
            amount: required("AMT", fields.cents("AMT")?)?,
            busi_id: fields.owned("BUSI_ID")?,
            charge_code: fields.owned("CHARGE_CODE")?,
            charge_down_code: fields.owned("CHARGE_DOWN_CODE")?,
            charge_third_code: fields.owned("CHARGE_THIRD_CODE")?,
            refund_no: fields.owned("OUT_REFUND_NO")?,
            channel_type: fields.number("CHANNEL_TYPE")?,
            operator: fields.owned("OPER_ID")?,
            device: fields.owned("DEV_ID")?,
            store: fields.owned("REGISTER_ID")?,
            merchant_para: fields.owned("MERCHANTPARA")?,
            subject: fields.owned("PAY_SUBJECT")?,
            goods: Goods::list(fields)?,
            payer_code: fields.owned("DYNAMIC_ID")?,
            fund_bills: FundBill::list(fields)?,
            begin_time: fields.date("BEGIN_TIME")?,
            end_time: fields.date("END_TIME")?,
        })
    }
}

/// A revocation that succeeded (section 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelResponse {
    /// The order had been revoked before.
    pub was_revoked_already: bool,
}

/// A page of orders (section 5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchQueryResponse {
    /// The orders of this page, newest first. `tradeInfos`, also sent as `charges`.
    pub trades: Vec<Trade>,
    /// How many orders there are on all pages, where the platform says so. `totalSize`.
    pub total: Option<u32>,
}

/// An order in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// `BUSI_ID`.
    pub busi_id: Option<String>,
    /// The shop's own number. `CHARGE_CODE`.
    pub charge_code: Option<String>,
    /// The platform's number. `CHARGE_DOWN_CODE`.
    pub charge_down_code: Option<String>,
    /// The number of the order that a row about a refund belongs to. `CHARGE_OLD_CODE`.
    pub charge_old_code: Option<String>,
    /// The state. `STATE`.
    pub state: State,
    /// The amount. `AMT`.
    pub amount: Amount,
    /// The channel. `CHANNEL_TYPE`.
    pub channel_type: Option<u32>,
    /// The payer's code. `DYNAMIC_ID`.
    pub payer_code: Option<String>,
    /// `DYNAMIC_ID_TYPE`.
    pub payer_code_type: Option<u32>,
    /// 1 when the customer scans, 2 when the merchant does. `CODE_SCAN_TYPE`.
    pub scan_type: Option<u32>,
    /// `REGISTER_ID`.
    pub store: Option<String>,
    /// `PAY_SUBJECT`.
    pub subject: Option<String>,
    /// `OPER_ID`.
    pub operator: Option<String>,
    /// `DEV_ID`.
    pub device: Option<String>,
    /// When it began. `BEGIN_TIME`.
    pub begin_time: Option<Timestamp>,
    /// When it ended. `END_TIME`.
    pub end_time: Option<Timestamp>,
}

impl BatchQueryResponse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<BatchQueryResponse, Problem> {
        let mut entries = fields.entries("tradeInfos", "tradeInfo")?;
        if entries.is_empty() {
            entries = fields.entries("charges", "tradeInfo")?;
        }
        let trades: Vec<Trade> = entries.into_iter().map(Trade::read).collect::<Result<_, _>>()?;
        Ok(BatchQueryResponse { trades, total: fields.number("totalSize")? })
    }
}

impl Trade {
    fn read(fields: Fields<'_>) -> Result<Trade, Problem> {
        Ok(Trade {
            busi_id: fields.owned("BUSI_ID")?,
            charge_code: fields.owned("CHARGE_CODE")?,
            charge_down_code: fields.owned("CHARGE_DOWN_CODE")?,
            charge_old_code: fields.owned("CHARGE_OLD_CODE")?,
            state: State::of_number(required("STATE", fields.number("STATE")?)?),
            amount: required("AMT", fields.cents("AMT")?)?,
            channel_type: fields.number("CHANNEL_TYPE")?,
            payer_code: fields.owned("DYNAMIC_ID")?,
            payer_code_type: fields.number("DYNAMIC_ID_TYPE")?,
            scan_type: fields.number("CODE_SCAN_TYPE")?,
            store: fields.owned("REGISTER_ID")?,
            subject: fields.owned("PAY_SUBJECT")?,
            operator: fields.owned("OPER_ID")?,
            device: fields.owned("DEV_ID")?,
            begin_time: fields.date("BEGIN_TIME")?,
            end_time: fields.date("END_TIME")?,
        })
    }
}

/// A channel that the shop may use (section 5.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayChannel {
    /// Its number. `CHANNEL_TYPE`.
    pub channel_type: u32,
    /// Its name. `CHANNEL_NAME`.
    pub name: Option<String>,
    /// Where it stands when channels are shown. `SORT_NO`.
    pub sort_no: Option<u32>,
}

impl PayChannel {
    pub(crate) fn list(fields: Fields<'_>) -> Result<Vec<PayChannel>, Problem> {
        let entries = fields.entries("PAY_CHANNEL_LIST", "PAY_CHANNEL")?;
        let mut channels: Vec<PayChannel> =
            entries.into_iter().map(PayChannel::read).collect::<Result<_, _>>()?;
        channels.sort_by_key(|channel| channel.sort_no);
        Ok(channels)
    }

    fn read(fields: Fields<'_>) -> Result<PayChannel, Problem> {
        Ok(PayChannel {
            channel_type: required("CHANNEL_TYPE", fields.number("CHANNEL_TYPE")?)?,
            name: fields.owned("CHANNEL_NAME")?,
            sort_no: fields.number("SORT_NO")?,
        })
    }
}
