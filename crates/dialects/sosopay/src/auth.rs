//! Permission authentication (section 5.10) and the app login (appendix A): always JSON, neither signed
//! nor wrapped.

use tradewind_dialect::codec::{ListShape, Message, Writer, date};
use tradewind_dialect::{Method, RawRequest};
use tradewind_domain::{Device, Login, Partner, PartnerState, Refusal, SignedIn, Timestamp, UserState};

use crate::fields::{Fields, ID_CHARS_MAX, SUBJECT_CHARS_MAX, check_text, missing};
use crate::identify::{Parameters, unreadable};
use crate::operation::Operation;
use crate::{amount, channels, collect};

/// Reads a login from the address, a form, or a JSON object.
pub(crate) fn login(operation: Operation, request: &RawRequest) -> Result<Login, Refusal> {
    let first = request.body.iter().find(|byte| !byte.is_ascii_whitespace());
    if request.method == Method::Post && first == Some(&b'{') {
        let text = std::str::from_utf8(&request.body).map_err(|_| unreadable("it is not UTF-8"))?;
        let message = Message::read(text).map_err(|error| unreadable(&error.to_string()))?;
        let fields = Fields(&message.members);
        return read(operation, |name| fields.raw(name));
    }
    let parameters = Parameters::read(operation, request)?;
    read(operation, |name| Ok(parameters.get(name)))
}

/// What a refusal says never shows what was given.
fn read<'a>(
    operation: Operation,
    field: impl Fn(&str) -> Result<Option<&'a str>, Refusal>,
) -> Result<Login, Refusal> {
    let text = |name: &str, chars_max: usize| {
        let text = field(name)?;
        text.map_or(Ok(()), |text| check_text(name, text, chars_max)).map(|()| text.map(str::to_owned))
    };
    let login = text("username", ID_CHARS_MAX)?.ok_or_else(|| missing("username"))?;
    let password = text("password", SUBJECT_CHARS_MAX)?.ok_or_else(|| missing("password"))?;
    let key_id = text("busiCode", ID_CHARS_MAX)?;
    let device = match operation {
        Operation::Login => Some(Device {
            serial: text("imei", ID_CHARS_MAX)?.unwrap_or_default(),
            software: text("teType", ID_CHARS_MAX)?.unwrap_or_default(),
            version: text("appVer", ID_CHARS_MAX)?.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Login { key_id, login, password, device })
}

/// The answer to a user that is who it says. A user that may not sign in, or whose merchant is not in
/// good standing, fails all the same.
pub(crate) fn answer(signed_in: &SignedIn, now: Timestamp) -> String {
    let SignedIn { user, partner, key_id, .. } = signed_in;
    if !may_enter(signed_in) {
        return refused(&Refusal::SignIn);
    }
    let mut writer = Writer::bare_json();
    writer.bool("success", true);
    writer.object("user", |writer| {
        writer.text("id", &user.id.get().to_string());
        writer.text("companyId", &partner.id.get().to_string());
        writer.text("loginName", &user.login);
        writer.text("name", &user.name);
        writer.text("userType", if user.may_refund { "2" } else { "1" });
        writer.text("loginDate", &date::datetime_gmt8(user.signed_in_at.unwrap_or(now)));
        writer.text("loginFlag", "1");
        writer.text("delFlag", "0");
        writer.text("IMEI", &user.device.serial);
        writer.text("teType", &user.device.software);
        writer.text("appVer", &user.device.version);
        writer.text("loginStatus", "1");
        writer.object("company", |writer| write_company(writer, partner, key_id));
    });
    writer.finish()
}

/// The answer to an app's login: the channels it may offer, numbered as in `payChannel`.
pub(crate) fn login_answer(signed_in: &SignedIn) -> String {
    if !may_enter(signed_in) {
        return refused(&Refusal::SignIn);
    }
    let mut writer = Writer::bare_json();
    writer.bool("success", true);
    let rows = channels::rows(&signed_in.methods);
    let numbered = (1..).zip(rows).collect::<Vec<(i64, _)>>();
    let entries = numbered.into_iter();
    writer.list("channels", "channel", ListShape::Array, entries, |writer, (place, row)| {
        writer.int("sortNo", place);
        writer.object("channel", |writer| {
            writer.int("paymentType", i64::from(row.code));
            writer.text("paymentName", row.name);
        });
    });
    writer.finish()
}

fn may_enter(signed_in: &SignedIn) -> bool {
    signed_in.user.state == UserState::Active && signed_in.partner.state == PartnerState::Active
}

/// What is known of the merchant; what the gateway has no word for stays empty, as the protocol allows.
fn write_company(writer: &mut Writer, partner: &Partner, key_id: &str) {
    writer.text("id", &partner.id.get().to_string());
    writer.text("name", &partner.name);
    writer.text("code", key_id);
    writer.text("useable", "1");
    writer.text("delFlag", "0");
    writer.text("amountLimit", &amount::limit());
    // 0 is "yes" here.
    writer.text("refundAtScene", "0");
    writer.text("chargeMode", "");
    writer.text("profit", &rate(partner.fee_ppm));
    writer.text("timeLimit", &collect::order_life_minutes().to_string());
    writer.text("isUploadGoods", "0");
    writer.text("privateUrl", "");
}

/// Millionths as a plain decimal, for instance `0.006`.
fn rate(ppm: u32) -> String {
    let text = format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The answer to a refusal.
pub(crate) fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::SignIn | Refusal::UnknownPartner | Refusal::PartnerSuspended | Refusal::NotFound { .. } => {
            self::refusal("Account/password error")
        }
        other => self::refusal(&other.to_string()),
    }
}

/// A failure with its message.
pub(crate) fn refusal(message: &str) -> String {
    let mut writer = Writer::bare_json();
    writer.bool("success", false);
    writer.text("message", message);
    writer.finish()
}
