//! The signature (section 3): `md5(ts || key || content without ASCII white space)`, then `:`, then `ts`.

use tradewind_dialect::Proof;
use tradewind_domain::{Refusal, Span, Timestamp};
use tradewind_signing::{Md5, Secret};

/// The header that signs our answers.
pub const SIGN_HEADER: &str = "x-sosopay-sign";

/// More digits do not fit a time in milliseconds.
const TS_DIGITS_MAX: usize = 18;

/// The signature of the concatenated `parts` at `now`.
pub fn sign(key: &Secret, parts: &[&[u8]], now: Timestamp) -> String {
    let ts = now.ms().to_string();
    let digest = digest(key, &ts, parts);
    let mut text = String::with_capacity(digest.len() + 1 + ts.len());
    text.extend(digest.iter().map(|byte| char::from(*byte)));
    text.push(':');
    text.push_str(&ts);
    text
}

/// A `sign` parameter taken apart, and found fresh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed<'a> {
    digest: [u8; 32],
    ts: &'a str,
}

impl<'a> Claimed<'a> {
    /// Takes `sign` apart and checks that it is no older and no younger than `age_max`; zero switches
    /// that check off.
    pub(crate) fn read(sign: Option<&'a str>, now: Timestamp, age_max: Span) -> Result<Claimed<'a>, Refusal> {
        let (digest, ts) =
            sign.ok_or(refusal("it is missing"))?.split_once(':').ok_or(refusal("it has no time"))?;
        let digest: [u8; 32] = digest.as_bytes().try_into().map_err(|_| refusal("it has not 32 digits"))?;
        let is_number =
            (1..=TS_DIGITS_MAX).contains(&ts.len()) && ts.bytes().all(|byte| byte.is_ascii_digit());
        let ms: i64 = ts.parse().ok().filter(|_| is_number).ok_or(refusal("its time is not a number"))?;
        let distance = now.ms().abs_diff(ms);
        if age_max.ms() > 0 && distance > age_max.ms().unsigned_abs() {
            return Err(refusal("its time is too far from now"));
        }
        Ok(Claimed { digest: digest.map(|byte| byte.to_ascii_lowercase()), ts })
    }

    /// Compares with what the key makes of the content, in constant time.
    pub(crate) fn matches(&self, key: &Secret, parts: &[&[u8]]) -> Option<Proof> {
        Proof::of_tag(&digest(key, self.ts, parts), &self.digest)
    }
}

/// Checks `sign` over the concatenated `parts` under one key (section 3.3). `age_max` of zero switches
/// the check of its time off.
///
/// # Errors
/// [`Refusal::Signature`].
pub fn verify(
    key: &Secret,
    sign: Option<&str>,
    parts: &[&[u8]],
    now: Timestamp,
    age_max: Span,
) -> Result<Proof, Refusal> {
    Claimed::read(sign, now, age_max)?.matches(key, parts).ok_or(wrong())
}

/// The refusal of a signature that no key has made.
pub(crate) fn wrong() -> Refusal {
    refusal("it does not match the content")
}

fn refusal(problem: &str) -> Refusal {
    Refusal::Signature { problem: problem.to_owned() }
}

/// Hashes the slices between white space, so that nothing is copied.
fn digest(key: &Secret, ts: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut md5 = Md5::new();
    md5.update(ts.as_bytes());
    md5.update(key.expose());
    for part in parts {
        for run in part.split(|byte| is_stripped(*byte)).filter(|run| !run.is_empty()) {
            md5.update(run);
        }
    }
    md5.finish_hex()
}

/// U+0009 to U+000D and U+0020. Wider spaces stay, and their UTF-8 bytes are never among these.
fn is_stripped(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}
