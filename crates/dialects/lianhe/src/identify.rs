//! Who claims to call, and the check of that claim (sections 3.1 and 3.3).

use tradewind_dialect::codec::date::parse_http_date;
use tradewind_dialect::{Claim, Proof, RawRequest};
use tradewind_domain::{Refusal, Span, Timestamp};
use tradewind_signing::Secret;

use crate::sign::Authorization;

/// The headers, by the names they are looked up by.
pub(crate) const PARTNER_ID: &str = "partnerid";
pub(crate) const DATE: &str = "date";
pub(crate) const AUTHORIZATION: &str = "authorization";

/// How far a `Date` may lie ahead.
const AHEAD_MAX: Span = Span::from_mins(5);

/// More digits do not fit an id.
const PARTNER_ID_DIGITS_MAX: usize = 18;

/// The problem of a request whose date is too old or too new.
pub(crate) const DATE_OUT_OF_RANGE: &str = "date out of range";

/// Whose signature is looked for.
pub(crate) struct Account<'a> {
    pub(crate) partner_id: i64,
    pub(crate) api_name: &'a str,
    /// Those that count now.
    pub(crate) secrets: &'a [Secret],
}

/// What the headers of a request claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed<'a> {
    pub(crate) partner_id: i64,
    date: &'a str,
    authorization: Authorization<'a>,
}

impl<'a> Claimed<'a> {
    /// Takes the headers apart, which `header` gives by their lower-case names.
    pub(crate) fn read(header: impl Fn(&str) -> Option<&'a str>) -> Result<Claimed<'a>, Refusal> {
        let header = |name: &str, title: &str| {
            header(name).ok_or_else(|| untrusted(format!("the header {title} is missing")))
        };
        let partner_id = header(PARTNER_ID, "PartnerId")?;
        let date = header(DATE, "Date")?;
        let authorization = header(AUTHORIZATION, "Authorization")?;
        Ok(Claimed {
            partner_id: partner_id_of(partner_id)
                .ok_or_else(|| untrusted("the header PartnerId is not a number"))?,
            date,
            authorization: Authorization::read(authorization).ok_or_else(|| {
                untrusted("the header Authorization does not have the form LH name:signature")
            })?,
        })
    }

    /// Proves that one of the account's secrets has signed a POST to `target`, in the order of section 3.3.
    /// `age_max` of zero switches the check of the date off.
    pub(crate) fn prove(
        &self,
        account: &Account<'_>,
        target: &[&str],
        now: Timestamp,
        age_max: Span,
    ) -> Result<Proof, Refusal> {
        if self.partner_id != account.partner_id {
            return Err(Refusal::UnknownPartner);
        }
        if self.authorization.api_name != account.api_name {
            return Err(untrusted("the signing account is not the partner's"));
        }
        let at = parse_http_date(self.date)
            .ok_or_else(|| untrusted("the header Date is not a date of RFC 1123 in GMT"))?;
        check_age(at, now, age_max)?;
        let mut secrets = account.secrets.iter();
        secrets
            .find_map(|secret| self.authorization.matches(secret, target, self.date))
            .ok_or_else(|| untrusted("the signature does not match"))
    }
}

/// Not older than `age_max`, and not further ahead than a client's clock may be.
fn check_age(at: Timestamp, now: Timestamp, age_max: Span) -> Result<(), Refusal> {
    let age = now - at;
    let ahead = at - now;
    if age_max.ms() > 0 && (age > age_max || ahead > AHEAD_MAX.min(age_max)) {
        return Err(untrusted(DATE_OUT_OF_RANGE));
    }
    Ok(())
}

/// The claim of a request.
pub(crate) fn identify(request: &RawRequest) -> Result<Claim, Refusal> {
    Ok(Claim::Key(Claimed::read(|name| request.header(name))?.partner_id.to_string()))
}

/// A `partnerId` in digits.
pub(crate) fn partner_id_of(text: &str) -> Option<i64> {
    let is_number =
        (1..=PARTNER_ID_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| is_number && *id > 0)
}

fn untrusted(problem: impl Into<String>) -> Refusal {
    Refusal::Signature { problem: problem.into() }
}
