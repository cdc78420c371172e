//! Encryption (section 4): Triple DES in ECB mode, then Base64 in one line.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tradewind_dialect::codec::root_content;
use tradewind_signing::TripleDesKey;

/// A text that this key has not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecryptable;

/// Encrypts a whole text.
pub fn encrypt(key: &TripleDesKey, clear: &str) -> String {
    STANDARD.encode(key.encrypt_ecb_pkcs5(clear.as_bytes()))
}

/// Decrypts a body: a whole one, or, when it begins with `<`, what stands inside its outermost element.
///
/// # Errors
/// [`Undecryptable`] for anything that is not Base64 of whole blocks with valid padding over UTF-8.
pub fn decrypt(key: &TripleDesKey, body: &[u8]) -> Result<String, Undecryptable> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'<') => decrypt_inner(key, body),
        Some(_) => decrypt_text(key, body),
        None => Err(Undecryptable),
    }
}

/// The inner variant (section 4.2): an XML document in clear whose outermost element holds cipher text.
///
/// # Errors
/// As for [`decrypt`], and when there is no such element.
pub fn decrypt_inner(key: &TripleDesKey, body: &[u8]) -> Result<String, Undecryptable> {
    let text = std::str::from_utf8(body).map_err(|_| Undecryptable)?;
    let range = root_content(text).map_err(|_| Undecryptable)?;
    let (before, rest) = text.split_at_checked(range.start).ok_or(Undecryptable)?;
    let (inside, after) = rest.split_at_checked(range.len()).ok_or(Undecryptable)?;
    let inside = decrypt_text(key, inside.as_bytes())?;
    Ok([before, &inside, after].concat())
}

fn decrypt_text(key: &TripleDesKey, text: &[u8]) -> Result<String, Undecryptable> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let text: Cow<'_, [u8]> = match text.iter().any(is_space) {
        true => text.iter().copied().filter(|byte| !is_space(byte)).collect(),
        false => Cow::Borrowed(text),
    };
    let cipher = STANDARD.decode(text.as_ref()).map_err(|_| Undecryptable)?;
    let clear = key.decrypt_ecb_pkcs5(cipher).map_err(|_| Undecryptable)?;
    String::from_utf8(clear).map_err(|_| Undecryptable)
}
