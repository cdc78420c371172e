//! Queries and forms: `name=value` pairs, percent-decoded once.
//!
//! Names are matched without regard to case and `+` stands for a space. Of several pairs of one name
//! the last counts, as in the messages, so that no two readers of one request see different values.

use std::borrow::Cow;

/// How many pairs a query and a form may hold together.
pub const PAIRS_MAX: usize = 128;

/// The pairs of a query, a form, or both. Borrows what needs no decoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Why a text is not a list of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` without two hexadecimal digits, or bytes that are no UTF-8.
    #[error("a parameter is not percent-encoded UTF-8")]
    Encoding,
    /// A zero byte, as it is or escaped; see [`Message::read`](super::Message::read).
    #[error("a parameter has a zero byte")]
    Zero,
    /// More than [`PAIRS_MAX`] pairs.
    #[error("there are too many parameters")]
    TooMany,
}

impl<'a> Pairs<'a> {
    /// Reads a query string without its `?`, or the body of a form.
    ///
    /// # Errors
    /// [`FormError`]; nothing is guessed.
    pub fn parse(text: &'a str) -> Result<Pairs<'a>, FormError> {
        let mut pairs = Pairs::default();
        pairs.extend(text)?;
        Ok(pairs)
    }

    /// Adds the pairs of another text, which count before the present ones.
    ///
    /// # Errors
    /// [`FormError`]; the pairs up to the fault may have been added.
    pub fn extend(&mut self, text: &'a str) -> Result<(), FormError> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if self.0.len() == PAIRS_MAX {
                return Err(FormError::TooMany);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.0.push((decode(name)?, decode(value)?));
        }
        Ok(())
    }

    /// The value of a name; of several, the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The value of a name, when there is one and it is not empty.
    pub fn get_filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }
}

/// Decodes `%41` and `+`.
fn decode(text: &str) -> Result<Cow<'_, str>, FormError> {
    let decoded = unescape(text)?;
    if decoded.contains('\0') { Err(FormError::Zero) } else { Ok(decoded) }
}

fn unescape(text: &str) -> Result<Cow<'_, str>, FormError> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next())? << 4 | hex(rest.next())?,
            other => other,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| FormError::Encoding)
}

fn hex(digit: Option<u8>) -> Result<u8, FormError> {
    let digit = digit.and_then(|digit| char::from(digit).to_digit(16)).ok_or(FormError::Encoding)?;
    u8::try_from(digit).map_err(|_| FormError::Encoding)
}
