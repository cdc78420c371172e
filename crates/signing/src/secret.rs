//! Key material that cannot be printed by accident and is wiped when dropped.

use std::fmt;
use std::str::Utf8Error;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::digest::{constant_time_eq, sha256};
use crate::random::random_alphanumerics;

/// Secret bytes: a partner's key, a channel's key, a token.
///
/// `Debug` and `Display` show a fingerprint only; [`Secret::expose`] and
/// [`Secret::expose_str`] are the only ways to the contents, and easy to search for.
/// Clones share one copy, so that cached credentials leave a single trace in memory,
/// which is overwritten when the last clone goes.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes possession of `bytes`. An owned `Vec<u8>` or `String` is not copied.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Secret {
        Secret(Arc::new(Zeroizing::new(bytes.into())))
    }

    /// A fresh random secret of `len` characters from `A`-`Z` and `0`-`9`,
    /// a little more than five bits each.
    pub fn generate_text(len: usize) -> Secret {
        Secret::new(random_alphanumerics(len))
    }

    /// The secret bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text.
    ///
    /// # Errors
    /// When the bytes are not UTF-8.
    pub fn expose_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }

    /// The first eight hex digits of the SHA-256 of the contents: enough for people
    /// to see which of two keys is meant, too little to search for a strong one.
    pub fn fingerprint(&self) -> String {
        hex::encode(&sha256(&[self.expose()])[..4])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(fp:{})", self.fingerprint())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fp:{}", self.fingerprint())
    }
}

/// Compared in constant time.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        constant_time_eq(self.expose(), other.expose())
    }
}

impl Eq for Secret {}
