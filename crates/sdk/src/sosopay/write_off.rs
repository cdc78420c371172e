//! The write-off (appendix A): vouchers that are issued by one merchant and redeemed, use by use, by it and
//! those it names.

use tradewind_domain::Timestamp;

use crate::clock::span;
use crate::error::{Error, Kind};
use crate::{Amount, Answer};

use super::exchange::Operation;
use super::message::{Fields, Problem, required, unwrapped};
use super::request::{Form, VerifyResultsRequest, VoucherRequest};
use super::response::CancelResponse;
use super::{Client, notification};

/// What is known of a voucher. `goodsINFO` and `tradeInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherInfo {
    /// The issuer's own number. `tradeCode`.
    pub trade_code: Option<String>,
    /// As given. `orderDate`.
    pub order_date: Option<String>,
    /// Until when it can be redeemed, as given. `orderValidity`.
    pub valid_through: Option<String>,
    /// What it is for. `goodsName`.
    pub goods_name: Option<String>,
    /// As given. `goodsSpec`.
    pub goods_spec: Option<String>,
    /// How many uses were redeemed. `usedTime`.
    pub used: Option<u32>,
    /// As given. `goodsCount`.
    pub goods_count: Option<u32>,
    /// As given. `amount`.
    pub amount: Option<Amount>,
    /// As given. `remarks`.
    pub remarks: Option<String>,
    /// The platform's number of the redemption that this is told with. `verifySerial`.
    pub serial: Option<String>,
    /// Whether the one who asks could redeem it now. `isActive`.
    pub is_active: bool,
}

/// Uses that were redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// The platform's number of the redemption. `verifySerial`.
    pub serial: String,
    /// The voucher, after it. `goodsINFO`.
    pub voucher: VoucherInfo,
}

/// A page of redemptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedemptionPage {
    /// The redemptions of this page, newest first. `results`.
    pub redemptions: Vec<Redemption>,
    /// How many there are on all pages, where the platform says so. `totalSize`.
    pub total: Option<u32>,
}

/// A redemption in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The platform's number. `verifySerial`.
    pub serial: String,
    /// When it was made. `verifyDate`.
    pub at: Option<Timestamp>,
    /// The voucher's code. `verifyCode`.
    pub code: String,
    /// The voucher as it is now. `tradeInfo`.
    pub voucher: VoucherInfo,
}

/// News of a redemption, proven to come from the platform. Act once on each `serial`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedemptionNews {
    /// The issuer's merchant id. `busiCode`.
    pub busi_code: String,
    /// The issuer's own number of the voucher. `tradeCode`.
    pub trade_code: String,
    /// The platform's number of the redemption. `verifySerial`.
    pub serial: String,
    /// The voucher's code. `verifyCode`.
    pub code: Option<String>,
    /// As given when it was issued. `goodsCode`.
    pub goods_code: Option<String>,
    /// When it was redeemed. `verifyDate`.
    pub at: Option<Timestamp>,
    /// How many uses. `verifyNumber`.
    pub uses: u32,
    /// Who redeemed. `verifyBusiCode`.
    pub redeemer: Option<String>,
    /// At which device. `deviceCode`.
    pub device: Option<String>,
    /// The clear text of the body.
    pub raw: String,
}

impl Client {
    /// Issues a voucher and gives its code. The same request again gives the same code.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: send the same request again.
    pub async fn verify_get(&self, request: &VoucherRequest) -> Result<Answer<String>, Error> {
        let operation = Operation::VerifyGet;
        operation.check(request.missing())?;
        let code = |fields: Fields<'_>| required("verifyCode", fields.owned("verifyCode")?);
        self.exchange(self.message(operation, &request.0), code).await
    }

    /// Asks how a voucher of one's own stands.
    ///
    /// # Errors
    /// [`Error::code`] is [`CHARGE_NONEXISTENT`](super::code::CHARGE_NONEXISTENT) when there is none.
    pub async fn verify_query(&self, trade_code: &str) -> Result<Answer<VoucherInfo>, Error> {
        let operation = Operation::VerifyQuery;
        operation.check(trade_code.is_empty().then_some("tradeCode"))?;
        let form = form([("tradeCode", trade_code)]);
        let found = self.exchange(self.message(operation, &form), VoucherInfo::of_answer).await?;
        self.same(operation, found, Some(trade_code), |found| found.trade_code.as_deref())
    }

    /// Redeems one use of a voucher, one's own or one that names this merchant.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: [`Client::verify_results`] tells whether it
    /// was redeemed at this device. Never redeem again before that.
    pub async fn verify_check(&self, code: &str, device: &str) -> Result<Answer<Redeemed>, Error> {
        let call = self.check_call(Operation::VerifyCheck, code, device, "true")?;
        let read = |fields: Fields<'_>| {
            let mut voucher = VoucherInfo::of_answer(fields)?;
            let serial = required("verifySerial", voucher.serial.take())?;
            Ok(Redeemed { serial, voucher })
        };
        self.exchange(call, read).await
    }

    /// Looks at a voucher that this merchant could redeem, without using it.
    ///
    /// # Errors
    /// [`Error::code`] is [`CHARGE_NONEXISTENT`](super::code::CHARGE_NONEXISTENT) when there is none that
    /// this merchant could redeem.
    pub async fn verify_look(&self, code: &str, device: &str) -> Result<Answer<VoucherInfo>, Error> {
        let call = self.check_call(Operation::VerifyLook, code, device, "false")?;
        self.exchange(call, VoucherInfo::of_answer).await
    }

    /// Takes back what has not been used of a voucher. One that is cancelled already is a success.
    ///
    /// # Errors
    /// [`Error::is_unknown_outcome`] when the answer was lost: call again.
    pub async fn verify_cancel(&self, trade_code: &str, code: &str) -> Result<Answer<CancelResponse>, Error> {
        let operation = Operation::VerifyCancel;
        let form = form([("tradeCode", trade_code), ("verifyCode", code)]);
        operation.check(absent(&form, ["tradeCode", "verifyCode"]))?;
        self.revoke(self.message(operation, &form)).await
    }

    /// A page of what this merchant has redeemed at one device.
    ///
    /// # Errors
    /// None beyond the general ones.
    pub async fn verify_results(
        &self,
        request: &VerifyResultsRequest,
    ) -> Result<Answer<RedemptionPage>, Error> {
        let operation = Operation::VerifyResults;
        operation.check(request.missing())?;
        let mut form = request.0.clone();
        for (name, value) in [("pageNo", "1"), ("pageSize", "10")] {
            if form.get(name).is_none() {
                form.set(name, value.to_owned());
            }
        }
        self.exchange(self.message(operation, &form), RedemptionPage::read).await
    }

    /// Proves and reads the notification of a redemption, as [`Client::parse_notification`] does with those
    /// of payments.
    ///
    /// # Errors
    /// [`Error::is_untrusted`] when it is not from the platform, was changed, is too old, or is for
    /// another merchant.
    pub fn parse_redemption(&self, url_query: &str, body: &[u8]) -> Result<RedemptionNews, Error> {
        let config = &self.shared.config;
        let age_max = span(config.signature_age_max);
        let text = notification::prove(&self.shared.keys, url_query, body, self.now(), age_max)?;
        let news = match RedemptionNews::read(&text) {
            Ok(news) => news,
            Err(Problem(problem)) => {
                return Err(notification::error(Kind::Unreadable { problem }).with_raw(text));
            }
        };
        notification::check_merchant(&news.busi_code, &config.busi_id, &text)?;
        Ok(RedemptionNews { raw: text, ..news })
    }

    fn check_call(
        &self,
        operation: Operation,
        code: &str,
        device: &str,
        confirm: &'static str,
    ) -> Result<super::exchange::Call, Error> {
        let form = form([("verifyCode", code), ("deviceCode", device), ("immedyConfirm", confirm)]);
        operation.check(absent(&form, ["verifyCode", "deviceCode"]))?;
        Ok(self.message(operation, &form))
    }
}

fn form<const N: usize>(values: [(&'static str, &str); N]) -> Form {
    let mut form = Form::default();
    values.into_iter().for_each(|(name, value)| form.set(name, value.to_owned()));
    form
}

fn absent(form: &Form, names: [&'static str; 2]) -> Option<&'static str> {
    names.into_iter().find(|name| form.get(name).is_none())
}

impl VoucherInfo {
    fn of_answer(fields: Fields<'_>) -> Result<VoucherInfo, Problem> {
        VoucherInfo::of(fields, "goodsINFO")
    }

    fn of(fields: Fields<'_>, name: &str) -> Result<VoucherInfo, Problem> {
        let info = fields.object(name).ok_or_else(|| Problem(format!("{name} is missing")))?;
        // Nothing hangs on these, and other platforms may mean something else by them.
        let number = |name| Ok::<_, Problem>(info.text(name)?.and_then(|text| text.trim().parse().ok()));
        Ok(VoucherInfo {
            trade_code: info.owned("tradeCode")?,
            order_date: info.owned("orderDate")?,
            valid_through: info.owned("orderValidity")?,
            goods_name: info.owned("goodsName")?,
            goods_spec: info.owned("goodsSpec")?,
            used: number("usedTime")?,
            goods_count: number("goodsCount")?,
            amount: info.text("amount")?.and_then(|text| text.trim().parse().ok()),
            remarks: info.owned("remarks")?,
            serial: info.owned("verifySerial")?,
            is_active: matches!(info.text("isActive")?, Some("1" | "true")),
        })
    }
}

impl RedemptionPage {
    fn read(fields: Fields<'_>) -> Result<RedemptionPage, Problem> {
        let redemption = |row: Fields<'_>| {
            Ok(Redemption {
                serial: required("verifySerial", row.owned("verifySerial")?)?,
                at: row.date("verifyDate")?,
                code: required("verifyCode", row.owned("verifyCode")?)?,
                voucher: VoucherInfo::of(row, "tradeInfo")?,
            })
        };
        let rows = fields.entries("results", "result")?;
        let redemptions = rows.into_iter().map(redemption).collect::<Result<_, Problem>>()?;
        Ok(RedemptionPage { redemptions, total: fields.number("totalSize")? })
    }
}

impl RedemptionNews {
    fn read(text: &str) -> Result<RedemptionNews, Problem> {
        let object = unwrapped(tradewind_dialect::codec::Message::read(text)?, "VERIFY_NOTIFY")?;
        let fields = Fields(&object);
        let needed = |name| required(name, fields.owned(name)?);
        Ok(RedemptionNews {
            busi_code: needed("busiCode")?,
            trade_code: needed("tradeCode")?,
            serial: needed("verifySerial")?,
            code: fields.owned("verifyCode")?,
            goods_code: fields.owned("goodsCode")?,
            at: fields.date("verifyDate")?,
            uses: required("verifyNumber", fields.number("verifyNumber")?)?,
            redeemer: fields.owned("verifyBusiCode")?,
            device: fields.owned("deviceCode")?,
            raw: String::new(),
        })
    }
}
