//! The write-off family (appendix A): `get` issues a voucher, `check` redeems one use of it, `query`,
//! `cancel` and `queryResults`. The appendix gives names of fields and no semantics; what is made of them
//! is in the README.

use serde::{Deserialize, Serialize};
use tradewind_dialect::RawResponse;
use tradewind_dialect::codec::{Format, ListShape, Writer, date};
use tradewind_domain::{
    Call, ListRedemptions, Outcome, ParseCodeError, RedeemCall, Redemption, RedemptionPage, Refusal,
    Timestamp, Voucher, VoucherCall, VoucherCode,
};

use crate::answer::Reply;
use crate::errors::Code;
use crate::fields::{Fields, PARA_CHARS_MAX, SUBJECT_CHARS_MAX, check_id, missing, wrong};
use crate::list::{self, NOT_A_DATE};
use crate::open::Posted;
use crate::operation::Operation;
use crate::{lists, notify_url, serial};

/// How many merchants one voucher may name.
const REDEEMERS_MAX: usize = 100;
/// A check redeems one use: its request has no field for more.
const USES_OF_A_CHECK: u32 = 1;

/// What must be told again of a voucher and has no place in the domain. Names are short because every
/// voucher carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Item {
    /// `goodsCode`.
    #[serde(rename = "c")]
    goods_code: String,
    /// `goodsCount`.
    #[serde(rename = "n")]
    goods_count: String,
    /// `goodsSpec`.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    goods_spec: Option<String>,
    /// `orderDate`.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    order_date: Option<String>,
    /// `orderValidity`.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    order_validity: Option<String>,
    /// `amount`.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    /// `remarks`.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    remarks: Option<String>,
}

/// Maps the request.
pub(crate) fn call(posted: &Posted<'_>, now: Timestamp) -> Result<Call, Refusal> {
    let fields = posted.fields;
    match posted.operation {
        Operation::VerifyGet => issue(posted, now),
        Operation::VerifyQuery => {
            fields.id_required("busiCode")?;
            Ok(Call::FindVoucher { number: fields.id_required("tradeCode")?.to_owned() })
        }
        Operation::VerifyCheck => Ok(Call::RedeemVoucher(RedeemCall {
            code: code_required(&fields)?,
            device: fields.id_required("deviceCode")?.to_owned(),
            count: USES_OF_A_CHECK,
            confirm: flag_required(&fields, "immedyConfirm")?,
        })),
        Operation::VerifyCancel => {
            fields.id_required("busiCode")?;
            let number = fields.id_required("tradeCode")?.to_owned();
            Ok(Call::CancelVoucher { number, code: code_required(&fields)? })
        }
        Operation::VerifyResults => results(&fields, now),
        _ => Err(Refusal::Internal),
    }
}

fn issue(posted: &Posted<'_>, now: Timestamp) -> Result<Call, Refusal> {
    let fields = posted.fields;
    fields.id_required("busiCode")?;
    let number = fields.id_required("tradeCode")?.to_owned();
    let subject = fields.text_required("goodsName", SUBJECT_CHARS_MAX)?.to_owned();
    let goods_code = fields.id_required("goodsCode")?.to_owned();
    let goods_count = positive(&fields, "goodsCount", u32::MAX)?.to_string();
    let ordered = positive(&fields, "totalVerifyNumber", Voucher::ORDERED_MAX)?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let order_validity = fields.id("orderValidity")?;
    let valid_until = order_validity.map(|text| valid_until(text, now)).transpose()?;
    let item = Item {
        goods_code,
        goods_count,
        goods_spec: owned(fields.text("goodsSpec", SUBJECT_CHARS_MAX)?),
        order_date: owned(fields.id("orderDate")?),
        order_validity: owned(order_validity),
        amount: owned(fields.id("amount")?),
        remarks: owned(fields.text("remarks", PARA_CHARS_MAX)?),
    };
    let shares = shares(posted)?;
    let notify_url = owned(notify_url::of_field(&fields, "notifyURL")?);
    Ok(Call::IssueVoucher(Box::new(VoucherCall {
        number,
        fingerprint: posted.fingerprint(),
        subject,
        ordered,
        valid_until,
        shares,
        notify_url,
        details: serde_json::to_string(&item).ok(),
    })))
}

/// A validity includes its day or second.
fn valid_until(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let until = list::end_of(text).ok_or_else(|| wrong("orderValidity", NOT_A_DATE))?;
    if until > now { Ok(until) } else { Err(wrong("orderValidity", "is over")) }
}

/// `busiCodeNums`: the merchants of an entry draw on one quota.
fn shares(posted: &Posted<'_>) -> Result<Vec<(Vec<String>, u32)>, Refusal> {
    let entries = lists::entries(posted.message.format, posted.fields.0, "busiCodeNums")?;
    let mut named = Vec::new();
    let mut shares = Vec::with_capacity(entries.len());
    for entry in entries {
        let codes = lists::texts(entry, "busiCodes")?;
        if codes.is_empty() {
            return Err(missing("busiCodes"));
        }
        let quota = positive(&Fields(entry), "verifyNumber", Voucher::ORDERED_MAX)?;
        for code in &codes {
            check_id("busiCodes", code)?;
            if named.contains(code) {
                return Err(wrong("busiCodes", "names a merchant twice"));
            }
            named.push(*code);
            if named.len() > REDEEMERS_MAX {
                return Err(wrong("busiCodes", format!("names more than {REDEEMERS_MAX} merchants")));
            }
        }
        shares.push((codes.into_iter().map(str::to_owned).collect(), quota));
    }
    Ok(shares)
}

fn results(fields: &Fields<'_>, now: Timestamp) -> Result<Call, Refusal> {
    fields.id_required("busiCode")?;
    let device = fields.id_required("deviceCode")?.to_owned();
    let (begin, end) = (fields.id_required("beginVerDate")?, fields.id_required("endVerDate")?);
    let (from, until) = list::dates([("beginVerDate", Some(begin)), ("endVerDate", Some(end))], now)?;
    let (page, page_size) =
        list::paging([("pageNo", fields.raw("pageNo")?), ("pageSize", fields.raw("pageSize")?)])?;
    let id = fields.raw("verifySerial")?.map(|text| {
        serial::redemption_of(text).ok_or_else(|| wrong("verifySerial", "is not a serial of a redemption"))
    });
    Ok(Call::ListRedemptions(ListRedemptions {
        device,
        from,
        until,
        id: id.transpose()?,
        code: fields.raw("verifyCode")?.map(code).transpose()?,
        page,
        page_size,
    }))
}

fn code_required(fields: &Fields<'_>) -> Result<VoucherCode, Refusal> {
    code(fields.raw("verifyCode")?.ok_or_else(|| missing("verifyCode"))?)
}

fn code(text: &str) -> Result<VoucherCode, Refusal> {
    text.parse().map_err(|error: ParseCodeError| wrong("verifyCode", error.to_string()))
}

fn positive(fields: &Fields<'_>, name: &str, max: u32) -> Result<u32, Refusal> {
    let number = fields.number(name)?.ok_or_else(|| missing(name))?;
    if (1..=max).contains(&number) { Ok(number) } else { Err(wrong(name, format!("must be 1 to {max}"))) }
}

fn flag_required(fields: &Fields<'_>, name: &str) -> Result<bool, Refusal> {
    match fields.raw(name)?.ok_or_else(|| missing(name))? {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(wrong(name, "is neither true nor false")),
    }
}

/// Writes the answer; `None` for an outcome of another call.
pub(crate) fn answer(reply: &Reply, outcome: &Outcome, now: Timestamp) -> Option<RawResponse> {
    let told = |fields: &dyn Fn(&mut Writer)| Some(reply.envelope.answer(Code::Success, "ok", now, fields));
    match (reply.envelope.operation, outcome) {
        (Operation::VerifyGet, Outcome::Voucher(voucher)) => {
            told(&|writer| writer.text("verifyCode", &voucher.code.to_string()))
        }
        (Operation::VerifyQuery, Outcome::Voucher(voucher)) => {
            told(&|writer| write_info(writer, "goodsINFO", voucher, None, voucher.usable(now)))
        }
        (Operation::VerifyCheck, Outcome::Redeemable(voucher, usable)) => {
            told(&|writer| write_info(writer, "goodsINFO", voucher, None, *usable))
        }
        (Operation::VerifyCheck, Outcome::Redeemed(voucher, redemption)) => {
            let usable = voucher.usable_by(redemption.by, now);
            told(&|writer| write_info(writer, "goodsINFO", voucher, Some(redemption), usable))
        }
        (Operation::VerifyCancel, Outcome::Voucher(_)) => told(&|_| {}),
        (Operation::VerifyResults, Outcome::Redemptions(page)) => {
            told(&|writer| write_results(writer, page, now))
        }
        _ => None,
    }
}

fn write_results(writer: &mut Writer, page: &RedemptionPage, now: Timestamp) {
    list::write_total(writer, page.total);
    let entries = page.entries.iter();
    writer.list("results", "result", ListShape::Array, entries, |writer, (redemption, voucher)| {
        writer.text("verifySerial", &serial::of_redemption(redemption.id));
        writer.text("verifyDate", &date::datetime_gmt8(redemption.at()));
        writer.text("verifyCode", &voucher.code.to_string());
        let usable = voucher.usable_by(redemption.by, now);
        write_info(writer, "tradeInfo", voucher, Some(redemption), usable);
    });
}

/// `goodsINFO` or `tradeInfo`: what the voucher is for, and whether `usable` uses are left of it to the
/// one who asks.
fn write_info(
    writer: &mut Writer,
    name: &str,
    voucher: &Voucher,
    redemption: Option<&Redemption>,
    usable: u32,
) {
    let item = Item::of(voucher);
    writer.object(name, |writer| {
        writer.text("tradeCode", &voucher.number);
        writer.text_if("orderDate", item.order_date.as_deref());
        writer.text_if("orderValidity", item.order_validity.as_deref());
        writer.text("goodsName", &voucher.subject);
        writer.text_if("goodsSpec", item.goods_spec.as_deref());
        writer.text("usedTime", &voucher.used.to_string());
        writer.text("goodsCount", &item.goods_count);
        writer.text_if("amount", item.amount.as_deref());
        writer.text_if("remarks", item.remarks.as_deref());
        let serial = redemption.map(|redemption| serial::of_redemption(redemption.id));
        writer.text_if("verifySerial", serial.as_deref());
        writer.text("isActive", if usable > 0 { "1" } else { "0" });
    });
}

/// What is posted when a voucher was redeemed. It tells the redemption, not what has become of the
/// voucher since, so every attempt carries the same.
pub(crate) fn notification(
    voucher: &Voucher,
    redemption: &Redemption,
    redeemer: Option<&str>,
    format: Format,
    busi_id: &str,
) -> String {
    let item = Item::of(voucher);
    let mut writer = Writer::wrapped(format, "VERIFY_NOTIFY");
    writer.text("busiCode", busi_id);
    writer.text("tradeCode", &voucher.number);
    writer.text("goodsCode", &item.goods_code);
    writer.text("verifyCode", &voucher.code.to_string());
    writer.text("verifySerial", &serial::of_redemption(redemption.id));
    writer.text("verifyDate", &date::datetime_gmt8(redemption.at()));
    writer.text("verifyNumber", &redemption.count.to_string());
    writer.text_if("verifyBusiCode", redeemer);
    writer.text("deviceCode", &redemption.device);
    writer.finish()
}

impl Item {
    fn of(voucher: &Voucher) -> Item {
        let text = voucher.details.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
