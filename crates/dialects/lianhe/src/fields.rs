//! Reading fields of a request, with refusals that name the field as the caller wrote it. Types are those
//! of the specification: where it says number, a number in quotes is refused. Only ids may be either.

use tradewind_dialect::codec::{Object, Value};
use tradewind_domain::{Currency, Day, Money, Refusal};

/// Ids and labels.
pub(crate) const ID_CHARS_MAX: usize = 64;
/// Names and addresses.
pub(crate) const TEXT_CHARS_MAX: usize = 256;

/// The refusal of a field.
pub(crate) fn wrong(field: &str, problem: impl Into<String>) -> Refusal {
    Refusal::Field { field: field.to_owned(), problem: problem.into() }
}

/// The refusal of a mandatory field that is absent.
pub(crate) fn missing(field: &str) -> Refusal {
    wrong(field, "is missing")
}

/// The fields of an object. `null` means that a field is absent.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'m>(pub(crate) &'m Object<'m>);

impl<'m> Fields<'m> {
    pub(crate) fn get(&self, name: &str) -> Option<&'m Value<'m>> {
        self.0.get(name).filter(|value| **value != Value::Null)
    }

    /// An id or label: a short text without control characters, or a whole number, which is kept as its
    /// digits. An empty one is absent.
    pub(crate) fn id(&self, name: &str) -> Result<Option<&'m str>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = id_of(name, value)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The same, and it must be there.
    pub(crate) fn id_required(&self, name: &str) -> Result<&'m str, Refusal> {
        self.id(name)?.ok_or_else(|| missing(name))
    }

    /// A text; an absent one is empty.
    pub(crate) fn text(&self, name: &str) -> Result<&'m str, Refusal> {
        match self.get(name) {
            None => Ok(""),
            Some(Value::Text(text)) => check_text(name, text, TEXT_CHARS_MAX).map(|()| text.as_ref()),
            Some(_) => Err(wrong(name, "is not a text")),
        }
    }

    /// A whole number that is not negative. What is larger than all that can be meant is as large as that.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let digits = digits_of(value).ok_or_else(|| wrong(name, "is not a whole number"))?;
        Ok(Some(digits.parse().unwrap_or(u32::MAX)))
    }

    /// `quantity`.
    pub(crate) fn quantity(&self) -> Result<u32, Refusal> {
        const NAME: &str = "quantity";
        let quantity = self.number(NAME)?.ok_or_else(|| missing(NAME))?;
        if quantity == 0 { Err(wrong(NAME, "must be at least 1")) } else { Ok(quantity) }
    }

    /// A choice between 0, the default, and 1.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.number(name)? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(_) => Err(wrong(name, "is neither 0 nor 1")),
        }
    }

    /// An amount of yuan, exact to the cent.
    pub(crate) fn yuan(&self, name: &str) -> Result<Option<Money>, Refusal> {
        let amount = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(text)) => Money::parse(text, 2, Currency::CNY),
            Some(_) => return Err(wrong(name, "is not a number")),
        };
        match amount {
            Ok(amount) if amount.micros() >= 0 => Ok(Some(amount)),
            Ok(_) => Err(wrong(name, "is negative")),
            Err(error) => Err(wrong(name, error.to_string())),
        }
    }

    /// The same, and it must be there.
    pub(crate) fn yuan_required(&self, name: &str) -> Result<Money, Refusal> {
        self.yuan(name)?.ok_or_else(|| missing(name))
    }

    /// A day. An empty text is none.
    pub(crate) fn day(&self, name: &str) -> Result<Option<Day>, Refusal> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| wrong(name, "is not a day of the form yyyy-MM-dd"))
    }

    /// The same, and it must be there.
    pub(crate) fn day_required(&self, name: &str) -> Result<Day, Refusal> {
        self.day(name)?.ok_or_else(|| missing(name))
    }
}

/// The text of an id.
pub(crate) fn id_of<'m>(name: &str, value: &'m Value<'m>) -> Result<&'m str, Refusal> {
    let text = match value {
        Value::Text(text) => text.as_ref(),
        value => digits_of(value).ok_or_else(|| wrong(name, "is neither a text nor a whole number"))?,
    };
    check_text(name, text, ID_CHARS_MAX).map(|()| text)
}

/// The digits of a whole number that is not negative.
fn digits_of<'m>(value: &Value<'m>) -> Option<&'m str> {
    match value {
        Value::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text),
        _ => None,
    }
}

fn check_text(name: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    // Most texts have fewer bytes than characters allowed, and then need not be counted.
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(wrong(name, format!("is longer than {chars_max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(name, "has control characters"));
    }
    Ok(())
}

/// What an id of ours looks like on the wire: its decimal digits, in the one way to write them.
pub(crate) fn own_id(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|id| *id > 0 && id.to_string() == text)
}
