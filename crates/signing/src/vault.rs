//! Encryption of secrets at rest: what the database holds of a key is useless without
//! the master key, which is kept in a file of its own.
//!
//! A sealed secret is `version (1 byte) | nonce (12) | cipher text | tag (16)`. The
//! context it was sealed with is authenticated too, so a row copied over another
//! partner's row does not open.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::digest::hmac_sha256;
use crate::random::random_bytes;
use crate::secret::Secret;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + NONCE_LEN;
const TAG_BYTES: usize = 16;

/// Why a sealed secret did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Too short to be anything this vault has sealed.
    #[error("a sealed secret has at least {} bytes", HEADER_BYTES + TAG_BYTES)]
    Truncated,
    /// Sealed in a form this version of the program does not know.
    #[error("the sealed secret has the unknown version {0}")]
    UnknownVersion(u8),
    /// Another master key, another context, or changed bytes.
    #[error("the sealed secret does not belong to this master key and this place, or was changed")]
    NotAuthentic,
}

/// Seals and opens secrets under one master key. Clones share it.
#[derive(Clone)]
pub struct Vault(Arc<Keys>);

struct Keys {
    seal: RandomizedNonceKey,
    check_value: [u8; 16],
    derive_key: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// A fresh master key for [`Vault::from_key`], to be kept in a file only its owner may read.
    #[must_use]
    pub fn generate_key() -> [u8; 32] {
        random_bytes()
    }

    /// A vault under `master_key`. Working keys are derived from it, one per purpose.
    #[must_use]
    pub fn from_key(master_key: [u8; 32]) -> Vault {
        let master_key = Zeroizing::new(master_key);
        let seal_key = Zeroizing::new(hmac_sha256(&*master_key, &[b"tradewind vault 1: seal"]));
        let check_value = hmac_sha256(&*master_key, &[b"tradewind vault 1: check value"]);

        let derive_key = Zeroizing::new(hmac_sha256(&*master_key, &[b"tradewind vault 1: derive"]));

        #[expect(clippy::expect_used, reason = "fails for other key lengths only, and this one is fixed")]
        let seal = RandomizedNonceKey::new(&AES_256_GCM, &*seal_key).expect("32 bytes are an AES-256 key");
        let (check_value, _) = check_value.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Vault(Arc::new(Keys { seal, check_value: *check_value, derive_key }))
    }

    /// A public value that belongs to this master key. Stored beside the sealed secrets,
    /// it lets start-up tell a wrong key file before anything fails to open. It tells
    /// nothing about the key.
    #[must_use]
    pub fn check_value(&self) -> [u8; 16] {
        self.0.check_value
    }

    /// A key for another purpose, which nobody can tell without the master key. All processes that share
    /// the master key derive the same.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        hmac_sha256(&*self.0.derive_key, &[purpose.as_bytes()])
    }

    /// Encrypts `secret` for the place that `context` names, for instance the table and
    /// the id of the row. The same context is needed to open it. The result is 29 bytes
    /// longer than the secret and differs each time.
    #[must_use]
    pub fn seal(&self, context: &[u8], secret: &Secret) -> Vec<u8> {
        let clear = secret.expose();
        let mut sealed = Vec::with_capacity(HEADER_BYTES + clear.len() + TAG_BYTES);
        sealed.push(VERSION);
        sealed.resize(HEADER_BYTES, 0);
        sealed.extend_from_slice(clear);

        #[expect(clippy::expect_used, reason = "fails for secrets beyond 64 GiB or without random bytes")]
        let (nonce, tag) = self
            .0
            .seal
            .seal_in_place_separate_tag(Aad::from(context), &mut sealed[HEADER_BYTES..])
            .expect("a secret in memory is short enough to be sealed");
        sealed[1..HEADER_BYTES].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Decrypts what [`Vault::seal`] made with the same `context`.
    ///
    /// # Errors
    /// See [`VaultError`]; nothing of the contents is given out then.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Secret, VaultError> {
        let (version, rest) = sealed.split_first().ok_or(VaultError::Truncated)?;
        if *version != VERSION {
            return Err(VaultError::UnknownVersion(*version));
        }
        let (nonce, cipher) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Truncated)?;
        let clear_len = cipher.len().checked_sub(TAG_BYTES).ok_or(VaultError::Truncated)?;

        let mut buffer = Zeroizing::new(cipher.to_vec());
        self.0
            .seal
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut buffer)
            .map_err(|_| VaultError::NotAuthentic)?;
        buffer.truncate(clear_len);
        Ok(Secret::new(std::mem::take(&mut *buffer)))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(check:{})", hex::encode(self.check_value()))
    }
}
