//! Permission authentication (section 5.10): who stands at the till, and what they may do; and the app
//! login (appendix A).

use super::message::{Fields, Problem, required};
use super::response::PayChannel;

/// A user that signed in. Every field may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `id`.
    pub id: Option<String>,
    /// `companyId`.
    pub company_id: Option<String>,
    /// `loginName`.
    pub login_name: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `userType`: `2` may refund, `1` may not.
    pub user_type: Option<String>,
    /// `loginDate`: the latest login.
    pub login_date: Option<String>,
    /// `loginFlag`: `1` when the login is available.
    pub login_flag: Option<String>,
    /// `delFlag`: `0` when available.
    pub del_flag: Option<String>,
    /// `IMEI`.
    pub imei: Option<String>,
    /// `teType`: `1` for Android.
    pub terminal_type: Option<String>,
    /// `appVer`.
    pub app_version: Option<String>,
    /// `loginStatus`: `1` when online.
    pub login_status: Option<String>,
    /// The merchant.
    pub company: Option<Company>,
}

/// The device that an app signs in from (appendix A). What is empty is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// `imei`: its serial number.
    pub imei: String,
    /// `appVer`: the version of the app.
    pub app_version: String,
    /// `teType`: `1` for Android.
    pub terminal_type: String,
}

/// The merchant of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// `id`: internal.
    pub id: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `code`: the merchant id that orders carry.
    pub code: Option<String>,
    /// `useable`: `1` when the audit is passed.
    pub useable: Option<String>,
    /// `delFlag`: `0` when available.
    pub del_flag: Option<String>,
    /// `amountLimit`.
    pub amount_limit: Option<String>,
    /// `refundAtScene`: `0` when refunds on site are allowed, `1` when not.
    pub refund_at_scene: Option<String>,
    /// `chargeMode`: `1` offline payments, `2` cashier.
    pub charge_mode: Option<String>,
    /// `profit`, also written `profitrate`.
    pub profit: Option<String>,
    /// `timeLimit`, in minutes.
    pub time_limit: Option<String>,
    /// `isUploadGoods`: `1` when goods are to be sent along.
    pub is_upload_goods: Option<String>,
    /// `privateUrl`.
    pub private_url: Option<String>,
}

impl User {
    /// Whether this user may refund, on site, an order of the merchant `busi_id`: the user has the
    /// right, the merchant allows it, and it is the same merchant.
    #[must_use]
    pub fn may_refund_order_of(&self, busi_id: &str) -> bool {
        let Some(company) = &self.company else { return false };
        self.user_type.as_deref() == Some("2")
            && company.refund_at_scene.as_deref() == Some("0")
            && company.code.as_deref() == Some(busi_id)
    }

    fn read(fields: Fields<'_>) -> Result<User, Problem> {
        Ok(User {
            id: fields.owned("id")?,
            company_id: fields.owned("companyId")?,
            login_name: fields.owned("loginName")?,
            name: fields.owned("name")?,
            user_type: fields.owned("userType")?,
            login_date: fields.owned("loginDate")?,
            login_flag: fields.owned("loginFlag")?,
            del_flag: fields.owned("delFlag")?,
            imei: fields.owned("IMEI")?,
            terminal_type: fields.owned("teType")?,
            app_version: fields.owned("appVer")?,
            login_status: fields.owned("loginStatus")?,
            company: fields.object("company").map(Company::read).transpose()?,
        })
    }
}

impl Company {
    fn read(fields: Fields<'_>) -> Result<Company, Problem> {
        let profit = fields.owned("profit")?;
        Ok(Company {
            id: fields.owned("id")?,
            name: fields.owned("name")?,
            code: fields.owned("code")?,
            useable: fields.owned("useable")?,
            del_flag: fields.owned("delFlag")?,
            amount_limit: fields.owned("amountLimit")?,
            refund_at_scene: fields.owned("refundAtScene")?,
            charge_mode: fields.owned("chargeMode")?,
            profit: match profit {
                Some(profit) => Some(profit),
                None => fields.owned("profitrate")?,
            },
            time_limit: fields.owned("timeLimit")?,
            is_upload_goods: fields.owned("isUploadGoods")?,
            private_url: fields.owned("privateUrl")?,
        })
    }
}

/// The user that signed in.
pub(crate) fn user(fields: Fields<'_>) -> Result<User, Problem> {
    User::read(fields.object("user").ok_or_else(|| Problem("user is missing".to_owned()))?)
}

/// The channels that an app may offer (appendix A).
pub(crate) fn channels(fields: Fields<'_>) -> Result<Vec<PayChannel>, Problem> {
    let entries = fields.entries("channels", "channels")?;
    let channel = |entry: Fields<'_>| {
        let channel = entry.object("channel").ok_or_else(|| Problem("channel is missing".to_owned()))?;
        Ok(PayChannel {
            channel_type: required("paymentType", channel.number("paymentType")?)?,
            name: channel.owned("paymentName")?,
            sort_no: entry.number("sortNo")?,
        })
    };
    let mut channels: Vec<PayChannel> = entries.into_iter().map(channel).collect::<Result<_, Problem>>()?;
    channels.sort_by_key(|channel| channel.sort_no);
    Ok(channels)
}

/// Why nobody signed in; `None` when somebody did. `success` is a truth value or its text, in any case of
/// letters.
pub(crate) fn refusal(fields: Fields<'_>) -> Result<Option<String>, Problem> {
    let success = fields.text("success")?.map(str::trim);
    match success {
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(fields.owned("message")?.unwrap_or_default()))
        }
        _ => Err(Problem("success is neither true nor false".to_owned())),
    }
}
