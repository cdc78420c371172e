//! The signature (section 3): Base64 of the raw HMAC-SHA1 of `POST`, the request-target and the `Date`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tradewind_dialect::Proof;
use tradewind_signing::{Secret, hmac_sha1};

/// What all notifications are signed as, whatever the receiver's address is (section 3.4).
pub(crate) const NOTIFY: &str = "notify";

const SCHEME: &str = "LH ";

/// The signature of a POST to the concatenated parts of `target` (path and query exactly as sent) with this
/// `Date` header.
pub fn sign(secret: &Secret, target: &[&str], date: &str) -> String {
    let target = target.iter().map(|part| part.as_bytes());
    let parts: Vec<&[u8]> =
        [b"POST ".as_slice()].into_iter().chain(target).chain([b"\n".as_slice(), date.as_bytes()]).collect();
    STANDARD.encode(hmac_sha1(secret.expose(), &parts))
}

/// The `Authorization` header of a POST to `target`.
pub fn authorization(api_name: &str, secret: &Secret, target: &str, date: &str) -> String {
    format!("{SCHEME}{api_name}:{}", sign(secret, &[target], date))
}

/// An `Authorization` header taken apart. Proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The signing account.
    pub api_name: &'a str,
    /// What is said to be the signature.
    pub signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// One space behind `LH`, none around the colon.
    pub fn read(header: &'a str) -> Option<Authorization<'a>> {
        let (api_name, signature) = header.strip_prefix(SCHEME)?.split_once(':')?;
        Some(Authorization { api_name, signature })
    }

    /// Compares with what the secret makes of the target and the date, in constant time and as the text
    /// that it is, so that no second spelling of the same bytes counts.
    pub fn matches(&self, secret: &Secret, target: &[&str], date: &str) -> Option<Proof> {
        Proof::of_tag(sign(secret, target, date).as_bytes(), self.signature.as_bytes())
    }
}
