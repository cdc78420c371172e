//! Random bytes and texts from the operating system's generator.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// `N` bytes nobody can predict.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A token of `len_bytes` random bytes as URL-safe Base64 without padding:
/// four characters for three bytes, rounded up. 16 bytes cannot be guessed.
#[must_use]
pub fn random_token(len_bytes: usize) -> String {
    let mut bytes = Zeroizing::new(vec![0; len_bytes]);
    fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(&*bytes)
}

/// `len` characters from `A`-`Z` and `0`-`9`, each equally likely.
pub(crate) fn random_alphanumerics(len: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    // The largest multiple of 36 in a byte: values above it would favour some letters.
    const ACCEPTED: u8 = 252;

    let mut text = Vec::with_capacity(len);
    while text.len() < len {
        let bytes = Zeroizing::new(random_bytes::<64>());
        let letters =
            bytes.iter().filter(|byte| **byte < ACCEPTED).map(|byte| ALPHABET[usize::from(byte % 36)]);
        text.extend(letters.take(len - text.len()));
    }
    text
}

#[expect(clippy::panic, reason = "without random bytes every key and token to come would be guessable")]
fn fill(bytes: &mut [u8]) {
    if rand::fill(bytes).is_err() {
        panic!("the operating system gives no random bytes");
    }
}
