//! Digests, MACs and the one comparison that may be used on them.

use aws_lc_rs::{digest, hmac};
use md5::Digest as _;
use subtle::ConstantTimeEq as _;

/// Compares without telling by its duration where the two differ.
/// Different lengths are told apart at once; a length is no secret.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// MD5 over the concatenation of `parts`, as lower-case ASCII hex.
///
/// MD5 is broken as a digest. It is here because a partner protocol defines its
/// signature by it; nothing of our own may use it.
#[must_use]
pub fn md5_hex_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    md5.finish_hex()
}

/// MD5 in steps, for callers that hash a text with some of its bytes left out:
/// they pass the slices in between and copy nothing.
#[derive(Clone, Default)]
pub struct Md5(md5::Md5);

impl Md5 {
    /// The state before the first byte.
    #[must_use]
    pub fn new() -> Md5 {
        Md5::default()
    }

    /// Hashes `bytes` after what was hashed before.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest as lower-case ASCII hex.
    #[must_use]
    pub fn finish_hex(self) -> [u8; 32] {
        let digest: [u8; 16] = self.0.finalize().into();
        lower_hex(digest)
    }
}

impl std::fmt::Debug for Md5 {
    /// The running state may depend on a key, so it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Md5(..)")
    }
}

fn lower_hex(digest: [u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
    text
}

/// SHA-256 over the plain concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    to_array(context.finish().as_ref())
}

/// HMAC-SHA1 over the plain concatenation of `parts`.
///
/// SHA-1 collides, which does not touch its HMAC; still nothing of our own uses it. It is here because a
/// partner protocol defines its signature by it.
#[must_use]
pub fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    hmac_of(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, parts)
}

/// HMAC-SHA256 over the plain concatenation of `parts`.
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    hmac_of(hmac::HMAC_SHA256, key, parts)
}

fn hmac_of<const N: usize>(algorithm: hmac::Algorithm, key: &[u8], parts: &[&[u8]]) -> [u8; N] {
    let key = hmac::Key::new(algorithm, key);
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    to_array(context.sign().as_ref())
}

/// Whether `tag` is the whole HMAC-SHA256 of `parts` under `key`; truncated tags are
/// refused. Takes the same time wherever the tag is wrong.
#[must_use]
pub fn hmac_sha256_verify(key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    constant_time_eq(&hmac_sha256(key, parts), tag)
}

/// A 64-bit fingerprint that binds a number to the content it was first used with:
/// a repeat with the same content has the same fingerprint, any other content has,
/// but for a chance of one in 2^64, another.
///
/// It is the first eight bytes, big-endian, of a SHA-256 in which each part is
/// preceded by its length, so that moving bytes from one part to the next changes it.
/// It is stored, so the computation must never change. It is not a MAC and resists
/// no one who may try 2^32 contents of their own against each other.
#[must_use]
pub fn content_fingerprint(parts: &[&[u8]]) -> i64 {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    i64::from_be_bytes(to_array(context.finish().as_ref()))
}

/// The first `N` bytes of a digest that is known to be at least as long.
fn to_array<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&digest[..N]);
    array
}
