//! Notifications (section 8), on the receiving side.

use tradewind_dialect::codec::{Message, Pairs};
use tradewind_domain::{Span, Timestamp};

use crate::Amount;
use crate::error::{Effect, Error, Kind};

use super::config::Keys;
use super::message::{Fields, FundBill, Goods, Problem, State, required, unwrapped};

/// What to answer a notification with, as the body of an HTTP status 200, once its news are kept.
#[must_use]
pub const fn ack() -> &'static str {
    "SUCCESS"
}

/// What to answer with when the news could not be kept: the platform will try again. A status other
/// than 200 says the same.
#[must_use]
pub const fn try_again() -> &'static str {
    "fail"
}

pub(crate) const NAME: &str = "notification";

/// News of an order, proven to come from the platform.
///
/// The same news come several times, in particular when an acknowledgement was lost: act once on each
/// [`key`](Notification::key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The merchant id. `BUSI_ID`.
    pub busi_id: String,
    /// The shop's own number of the order. `CHARGE_CODE`.
    pub charge_code: String,
    /// The platform's number of the order. `CHARGE_DOWN_CODE`.
    pub charge_down_code: String,
    /// The channel's number of the order. `CHARGE_THIRD_CODE`, in any case of letters.
    pub charge_third_code: Option<String>,
    /// How the order stands. `STATE`.
    pub state: State,
    /// The amount of the order. `AMT`.
    pub amount: Amount,
    /// The channel. `CHANNEL_TYPE`.
    pub channel_type: Option<u32>,
    /// `OPER_ID`.
    pub operator: Option<String>,
    /// `DEV_ID`.
    pub device: Option<String>,
    /// What is bought. `PAY_SUBJECT`.
    pub subject: Option<String>,
    /// What is bought, one by one. `GOODS_DETAIL`.
    pub goods: Vec<Goods>,
    /// As given. `MERCHANTPARA`.
    pub merchant_para: Option<String>,
    /// Where the money came from. `FUND_BILL_LIST`.
    pub fund_bills: Vec<FundBill>,
    /// When the order began. `BEGIN_TIME`.
    pub begin_time: Option<Timestamp>,
    /// When it ended. `END_TIME`.
    pub end_time: Option<Timestamp>,
    /// The payer at the channel. `buyerId`.
    pub buyer_id: Option<String>,
    /// The clear text of the body, with what the channel adds (`weixin`, `ali`).
    pub raw: String,
}

impl Notification {
    /// What makes news the same: the platform's number of the order, and the state.
    #[must_use]
    pub fn key(&self) -> (&str, State) {
        (&self.charge_down_code, self.state)
    }
}

/// Reads a notification: decrypts it if the address says so, checks the signature, and only then
/// understands it.
pub(crate) fn parse(
    keys: &Keys,
    busi_id: &str,
    url_query: &str,
    body: &[u8],
    now: Timestamp,
    age_max: Span,
) -> Result<Notification, Error> {
    let text = prove(keys, url_query, body, now, age_max)?;
    let notification = match read(&text) {
        Ok(notification) => notification,
        Err(Problem(problem)) => return Err(error(Kind::Unreadable { problem }).with_raw(text)),
    };
    check_merchant(&notification.busi_id, busi_id, &text)?;
    Ok(Notification { raw: text, ..notification })
}

pub(crate) fn error(kind: Kind) -> Error {
    Error::new(NAME, Effect::Local, kind)
}

/// Refuses news for another merchant.
pub(crate) fn check_merchant(told: &str, busi_id: &str, text: &str) -> Result<(), Error> {
    if told == busi_id {
        return Ok(());
    }
    let problem = "it is for another merchant".to_owned();
    Err(error(Kind::Untrusted { problem }).with_raw(text.to_owned()))
}

/// The clear text of a notification, proven to come from the platform.
pub(crate) fn prove(
    keys: &Keys,
    url_query: &str,
    body: &[u8],
    now: Timestamp,
    age_max: Span,
) -> Result<String, Error> {
    let unreadable = |problem: String| error(Kind::Unreadable { problem });
    let untrusted = |problem: String| error(Kind::Untrusted { problem });
    let query = Pairs::parse(url_query.strip_prefix('?').unwrap_or(url_query));
    let query = query.map_err(|problem| unreadable(problem.to_string()))?;
    let Some(sign) = query.get_filled("sign") else {
        return Err(untrusted("the address has no parameter sign".to_owned()));
    };
    let encrypted = match query.get_filled("encrypt") {
        None => false,
        Some("3DES") => true,
        Some(other) => return Err(unreadable(format!("the encryption `{other}` is not known"))),
    };
    keys.open(body, encrypted, Some(sign), now, age_max).map_err(untrusted)
}

fn read(text: &str) -> Result<Notification, Problem> {
    let object = unwrapped(Message::read(text)?, "PAY_NODIFY")?;
    let fields = Fields(&object);
    let text = |name| required(name, fields.owned(name)?);
    Ok(Notification {
        busi_id: text("BUSI_ID")?,
        charge_code: text("CHARGE_CODE")?,
        charge_down_code: text("CHARGE_DOWN_CODE")?,
        charge_third_code: fields.owned_any_case("CHARGE_THIRD_CODE")?,
        state: State::of_number(required("STATE", fields.number("STATE")?)?),
        amount: required("AMT", fields.cents("AMT")?)?,
        channel_type: fields.number("CHANNEL_TYPE")?,
        operator: fields.owned("OPER_ID")?,
        device: fields.owned("DEV_ID")?,
        subject: fields.owned("PAY_SUBJECT")?,
        goods: Goods::list(fields)?,
        merchant_para: fields.owned("MERCHANTPARA")?,
        fund_bills: FundBill::list(fields)?,
        begin_time: fields.date("BEGIN_TIME")?,
        end_time: fields.date("END_TIME")?,
        buyer_id: fields.owned("buyerId")?,
        raw: String::new(),
    })
}
