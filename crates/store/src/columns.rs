//! Columns that hold more than a number or a text, in one form for all stores.
//!
//! The forms are on disk in every installation: members may be added with a default, none may change its
//! meaning.

use serde::{Deserialize, Serialize};
use tradewind_domain::{
    About, Cause, CodeRule, Contact, Day, DepositId, OrderId, RefundTerms, RefundUntil, Review, SkuId,
    SkuKind, Span, TicketRules, Timestamp, Traveller, TravellerRule, VoucherId,
};

/// A text in a column that this program never writes there.
#[derive(Debug, thiserror::Error)]
#[error("not readable: {0}")]
pub struct NotReadable(#[from] serde_json::Error);

/// Ids of skus are kept above this number where they share a column with others; it is the 30th century
/// of the ids of orders.
const SKUS_FROM: i64 = 1 << 62;

/// What an event or task is about, as the one number that stores keep: orders as they are, vouchers
/// below zero, skus far above.
pub fn about_number(about: About) -> i64 {
    match about {
        About::Order(order) => order.get(),
        About::Voucher(voucher) => voucher.get().wrapping_neg(),
        About::Sku(sku) => sku.get().wrapping_add(SKUS_FROM),
    }
}

/// The inverse of [`about_number`].
pub fn about_of_number(number: i64) -> About {
    match number {
        ..0 => About::Voucher(VoucherId::from_i64(number.wrapping_neg())),
        0..SKUS_FROM => About::Order(OrderId::from_i64(number)),
        SKUS_FROM.. => About::Sku(SkuId::from_i64(number - SKUS_FROM)),
    }
}

/// What caused a transfer, as the one number that stores keep: orders as they are, deposits below zero.
pub fn cause_number(cause: Cause) -> i64 {
    match cause {
        Cause::Order(order) => order.get(),
        Cause::Deposit(deposit) => deposit.get().wrapping_neg(),
    }
}

/// The inverse of [`cause_number`].
pub fn cause_of_number(number: i64) -> Cause {
    if number < 0 {
        Cause::Deposit(DepositId::from_i64(number.wrapping_neg()))
    } else {
        Cause::Order(OrderId::from_i64(number))
    }
}

/// Stands for the day of a stock that is not sold by the day: a part of a key cannot be null. As a day, it
/// would be millions of years ago.
pub const NO_DAY: i64 = i32::MIN as i64;

/// The day of a stock as a number: days since 1970, or [`NO_DAY`].
pub fn day_number(day: Option<Day>) -> i64 {
    day.map_or(NO_DAY, |day| i64::from(day.number()))
}

/// The inverse of [`day_number`]; `None` for a number that is no day.
pub fn day_of_number(number: i64) -> Option<Option<Day>> {
    match number {
        NO_DAY => Some(None),
        number => Some(Some(Day::from_number(i32::try_from(number).ok()?))),
    }
}

/// Addresses of pictures as a JSON array.
pub fn pictures_text(pictures: &[String]) -> String {
    serde_json::Value::from(pictures).to_string()
}

/// The inverse of [`pictures_text`].
pub fn pictures_of(text: &str) -> Result<Vec<String>, NotReadable> {
    Ok(serde_json::from_str(text)?)
}

/// Contacts as a JSON array of `[phone, hours]`.
pub fn contacts_text(contacts: &[Contact]) -> String {
    contacts
        .iter()
        .map(|contact| serde_json::json!([contact.phone, contact.hours]))
        .collect::<serde_json::Value>()
        .to_string()
}

/// The inverse of [`contacts_text`].
pub fn contacts_of(text: &str) -> Result<Vec<Contact>, NotReadable> {
    let parts: Vec<(String, String)> = serde_json::from_str(text)?;
    Ok(parts.into_iter().map(|(phone, hours)| Contact { phone, hours }).collect())
}

/// Travellers as a JSON array of `[name, mobile, document kind, document, address, postcode, email]`.
pub fn travellers_text(travellers: &[Traveller]) -> String {
    let parts = travellers.iter().map(|traveller| {
        let Traveller { name, mobile, document_kind, document, address, postcode, email } = traveller;
        serde_json::json!([name, mobile, document_kind, document, address, postcode, email])
    });
    parts.collect::<serde_json::Value>().to_string()
}

/// The inverse of [`travellers_text`].
pub fn travellers_of(text: &str) -> Result<Vec<Traveller>, NotReadable> {
    let parts: Vec<[String; 7]> = serde_json::from_str(text)?;
    let traveller = |[name, mobile, document_kind, document, address, postcode, email]: [String; 7]| {
        Traveller { name, mobile, document_kind, document, address, postcode, email }
    };
    Ok(parts.into_iter().map(traveller).collect())
}

/// What a unit of a sku is and its rules, as a JSON object of one member that names the kind.
pub fn sku_kind_text(kind: &SkuKind) -> String {
    json(&match kind {
        SkuKind::Ticket(rules) => KindForm::Ticket(RulesForm {
            dated: rules.dated,
            valid_from: rules.valid_from.map(Timestamp::ms),
            valid_until: rules.valid_until.map(Timestamp::ms),
            book_ahead_days: rules.book_ahead_days,
            usable_after: rules.usable_after.ms(),
            valid_days: rules.valid_days,
            travellers: match rules.travellers {
                TravellerRule::Contact => TravellersForm::Contact,
                TravellerRule::Each => TravellersForm::Each,
            },
            needs_document: rules.needs_document,
            codes: match rules.codes {
                CodeRule::PerOrder => CodesForm::PerOrder,
                CodeRule::PerTicket => CodesForm::PerTicket,
            },
            counter_only: rules.counter_only,
            refund: TermsForm::of(rules.refund),
        }),
    })
}

/// The inverse of [`sku_kind_text`].
pub fn sku_kind_of(text: &str) -> Result<SkuKind, NotReadable> {
    Ok(match serde_json::from_str(text)? {
        KindForm::Ticket(rules) => SkuKind::Ticket(TicketRules {
            dated: rules.dated,
            valid_from: rules.valid_from.map(Timestamp::from_ms),
            valid_until: rules.valid_until.map(Timestamp::from_ms),
            book_ahead_days: rules.book_ahead_days,
            usable_after: Span::from_ms(rules.usable_after),
            valid_days: rules.valid_days,
            travellers: match rules.travellers {
                TravellersForm::Contact => TravellerRule::Contact,
                TravellersForm::Each => TravellerRule::Each,
            },
            needs_document: rules.needs_document,
            codes: match rules.codes {
                CodesForm::PerOrder => CodeRule::PerOrder,
                CodesForm::PerTicket => CodeRule::PerTicket,
            },
            counter_only: rules.counter_only,
            refund: rules.refund.terms(),
        }),
    })
}

/// The terms of a refund as a JSON object.
pub fn terms_text(terms: RefundTerms) -> String {
    json(&TermsForm::of(terms))
}

/// The inverse of [`terms_text`].
pub fn terms_of(text: &str) -> Result<RefundTerms, NotReadable> {
    Ok(serde_json::from_str::<TermsForm>(text)?.terms())
}

/// What is written here has nothing that JSON cannot hold.
fn json(form: &impl Serialize) -> String {
    serde_json::to_string(form).unwrap_or_default()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindForm {
    Ticket(RulesForm),
}

#[derive(Serialize, Deserialize)]
struct RulesForm {
    dated: bool,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    book_ahead_days: u32,
    usable_after: i64,
    valid_days: u32,
    travellers: TravellersForm,
    needs_document: bool,
    codes: CodesForm,
    counter_only: bool,
    refund: TermsForm,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TravellersForm {
    Contact,
    Each,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CodesForm {
    PerOrder,
    PerTicket,
}

#[derive(Serialize, Deserialize)]
struct TermsForm {
    refundable: bool,
    whole_only: bool,
    until: UntilForm,
    review: ReviewForm,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UntilForm {
    AnyTime,
    BeforeEnd(i64),
    Never,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReviewForm {
    Manual,
    Automatic(i64),
}

impl TermsForm {
    fn of(terms: RefundTerms) -> TermsForm {
        TermsForm {
            refundable: terms.refundable,
            whole_only: terms.whole_only,
            until: match terms.until {
                RefundUntil::AnyTime => UntilForm::AnyTime,
                RefundUntil::BeforeEnd(span) => UntilForm::BeforeEnd(span.ms()),
                RefundUntil::Never => UntilForm::Never,
            },
            review: match terms.review {
                Review::Manual => ReviewForm::Manual,
                Review::Automatic(span) => ReviewForm::Automatic(span.ms()),
            },
        }
    }

    fn terms(self) -> RefundTerms {
        RefundTerms {
            refundable: self.refundable,
            whole_only: self.whole_only,
            until: match self.until {
                UntilForm::AnyTime => RefundUntil::AnyTime,
                UntilForm::BeforeEnd(ms) => RefundUntil::BeforeEnd(Span::from_ms(ms)),
                UntilForm::Never => RefundUntil::Never,
            },
            review: match self.review {
                ReviewForm::Manual => Review::Manual,
                ReviewForm::Automatic(ms) => Review::Automatic(Span::from_ms(ms)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_tell_what_they_stand_for() {
        let order = OrderId::from_i64(17_637_800_001_230_700);
        for about in [
            About::Order(order),
            About::Order(OrderId::from_i64(0)),
            About::Voucher(VoucherId::from_i64(order.get())),
            About::Sku(SkuId::from_i64(order.get())),
            About::Sku(SkuId::from_i64(0)),
        ] {
            assert_eq!(about_of_number(about_number(about)), about);
        }
        for cause in [Cause::Order(order), Cause::Deposit(DepositId::from_i64(order.get()))] {
            assert_eq!(cause_of_number(cause_number(cause)), cause);
        }
        for day in [None, Some(Day::from_number(0)), Some(Day::from_number(-719_162))] {
            assert_eq!(day_of_number(day_number(day)), Some(day));
        }
        assert_eq!(day_of_number(i64::MAX), None);
    }

    /// What has been written once is read for ever.
    #[test]
    fn forms_on_disk_do_not_change() {
        let terms = RefundTerms {
            refundable: true,
            whole_only: false,
            until: RefundUntil::BeforeEnd(Span::from_ms(60_000)),
            review: Review::Automatic(Span::from_ms(5)),
        };
        let text =
            r#"{"refundable":true,"whole_only":false,"until":{"before_end":60000},"review":{"automatic":5}}"#;
        assert_eq!(terms_text(terms), text);
        assert_eq!(terms_of(text).unwrap(), terms);
        let rules = TicketRules {
            dated: true,
            valid_from: None,
            valid_until: Some(Timestamp::from_ms(7)),
            book_ahead_days: 1,
            usable_after: Span::from_ms(2),
            valid_days: 3,
            travellers: TravellerRule::Each,
            needs_document: true,
            codes: CodeRule::PerTicket,
            counter_only: false,
            refund: RefundTerms { until: RefundUntil::Never, review: Review::Manual, ..terms },
        };
        let text = r#"{"ticket":{"dated":true,"valid_from":null,"valid_until":7,"book_ahead_days":1,"usable_after":2,"valid_days":3,"travellers":"each","needs_document":true,"codes":"per_ticket","counter_only":false,"refund":{"refundable":true,"whole_only":false,"until":"never","review":"manual"}}}"#;
        assert_eq!(sku_kind_text(&SkuKind::Ticket(rules.clone())), text);
        assert_eq!(sku_kind_of(text).unwrap(), SkuKind::Ticket(rules));
        assert!(sku_kind_of("{\"cruise\":{}}").is_err() && terms_of("").is_err());
        let contact = Contact { phone: "400".into(), hours: "9–18".into() };
        assert_eq!(contacts_text(std::slice::from_ref(&contact)), r#"[["400","9–18"]]"#);
        assert_eq!(contacts_of(r#"[["400","9–18"]]"#).unwrap(), [contact]);
        let traveller = Traveller {
            name: "n".into(),
            mobile: "m".into(),
            document_kind: "0".into(),
            document: "d".into(),
            address: "a".into(),
            postcode: "p".into(),
            email: "e".into(),
        };
        assert_eq!(travellers_text(std::slice::from_ref(&traveller)), r#"[["n","m","0","d","a","p","e"]]"#);
        assert_eq!(travellers_of(r#"[["n","m","0","d","a","p","e"]]"#).unwrap(), [traveller]);
        assert_eq!(pictures_text(&["x".into()]), r#"["x"]"#);
        assert_eq!(pictures_of(r#"["x"]"#).unwrap(), ["x"]);
    }
}
