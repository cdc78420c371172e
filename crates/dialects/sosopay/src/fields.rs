//! Reading fields of a request, with refusals that name the field as the caller wrote it.

use tradewind_dialect::codec::{Object, Value, is_xml_char};
use tradewind_domain::Refusal;

/// Ids and labels (section 9 no. 30).
pub(crate) const ID_CHARS_MAX: usize = 64;
/// Subjects and names.
pub(crate) const SUBJECT_CHARS_MAX: usize = 256;
/// `MERCHANTPARA`.
pub(crate) const PARA_CHARS_MAX: usize = 1024;
/// Addresses.
pub(crate) const URL_CHARS_MAX: usize = 512;

/// The refusal of a field.
pub(crate) fn wrong(field: &str, problem: impl Into<String>) -> Refusal {
    Refusal::Field { field: field.to_owned(), problem: problem.into() }
}

/// The refusal of a mandatory field that is absent.
pub(crate) fn missing(field: &str) -> Refusal {
    wrong(field, "is missing")
}

/// The fields of a message. `null` and the empty text mean that a field is absent (section 2.1).
#[derive(Clone, Copy)]
pub(crate) struct Fields<'m>(pub(crate) &'m Object<'m>);

impl<'m> Fields<'m> {
    /// The text of a field as it was written, whatever its length.
    pub(crate) fn raw(&self, name: &str) -> Result<Option<&'m str>, Refusal> {
        let scalar = self.0.get(name).map_or(Ok(None), Value::scalar);
        scalar.map_err(|error| wrong(name, error.to_string()))
    }

    /// A text of at most `chars_max` characters, of which any may be what XML can hold.
    pub(crate) fn text(&self, name: &str, chars_max: usize) -> Result<Option<&'m str>, Refusal> {
        let Some(text) = self.raw(name)? else { return Ok(None) };
        check_text(name, text, chars_max).map(|()| Some(text))
    }

    /// The same, and it must be there.
    pub(crate) fn text_required(&self, name: &str, chars_max: usize) -> Result<&'m str, Refusal> {
        self.text(name, chars_max)?.ok_or_else(|| missing(name))
    }

    /// An id or label: a short text without control characters.
    pub(crate) fn id(&self, name: &str) -> Result<Option<&'m str>, Refusal> {
        let Some(text) = self.raw(name)? else { return Ok(None) };
        check_id(name, text).map(|()| Some(text))
    }

    /// The same, and it must be there.
    pub(crate) fn id_required(&self, name: &str) -> Result<&'m str, Refusal> {
        self.id(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        self.raw(name)?.map(|text| parse_number(name, text)).transpose()
    }
}

/// Checks an id or label.
pub(crate) fn check_id(name: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().any(char::is_control) {
        return Err(wrong(name, "has control characters"));
    }
    check_text(name, text, ID_CHARS_MAX)
}

/// Checks a text.
pub(crate) fn check_text(name: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    // Most texts have fewer bytes than characters allowed, and then need not be counted.
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(wrong(name, format!("is longer than {chars_max} characters")));
    }
    if !text.chars().all(is_xml_char) {
        return Err(wrong(name, "has characters that XML cannot hold"));
    }
    Ok(())
}

/// Reads a whole number without sign.
pub(crate) fn parse_number(name: &str, text: &str) -> Result<u32, Refusal> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(|| wrong(name, "is not a whole number in range"))
}
