//! Triple DES as one partner protocol prescribes it: EDE with a 24-byte key, ECB, PKCS#5 padding.
//!
//! The cipher is obsolete and ECB shows which blocks are equal. It protects a partner's
//! traffic no better than that, and nothing of our own may use it.

use std::fmt;

use des::TdesEde3;
use des::cipher::{Array, Block, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use zeroize::Zeroizing;

const BLOCK_BYTES: usize = 8;
const KEY_BYTES: usize = 24;

/// Why a cipher text could not be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// The cipher text is empty or no whole number of blocks.
    #[error("the cipher text of {0} bytes is not one or more blocks of 8")]
    Length(usize),
    /// The last block does not end in a valid padding: a wrong key, or changed bytes.
    #[error("the padding is invalid")]
    Padding,
}

/// A parsed Triple DES key: three key schedules, 384 bytes. Parsing costs about as much
/// as encrypting a dozen blocks, so keep it beside the credential; it is wiped on drop.
#[derive(Clone)]
pub struct TripleDesKey(TdesEde3);

impl TripleDesKey {
    /// Derives the key from a partner's key text: the low eight bits of each of the first
    /// 24 UTF-16 code units, filled up with zero bytes when there are fewer.
    #[must_use]
    pub fn from_text(text: &str) -> TripleDesKey {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        for (byte, unit) in key.iter_mut().zip(text.encode_utf16()) {
            *byte = unit.to_le_bytes()[0];
        }
        // Not the checked constructor: keys with equal thirds and zero-filled keys are
        // legal in this protocol, however weak they are.
        TripleDesKey(TdesEde3::new(&Array::from(*key)))
    }

    /// Encrypts `clear`. The result is 1 to 8 bytes longer, a multiple of 8.
    #[must_use]
    pub fn encrypt_ecb_pkcs5(&self, clear: &[u8]) -> Vec<u8> {
        let padding = BLOCK_BYTES - clear.len() % BLOCK_BYTES;
        let mut buffer = Vec::with_capacity(clear.len() + padding);
        buffer.extend_from_slice(clear);
        buffer.resize(clear.len() + padding, padding as u8);
        let (blocks, _) = Block::<TdesEde3>::slice_as_chunks_mut(&mut buffer);
        self.0.encrypt_blocks(blocks);
        buffer
    }

    /// Decrypts in place: an owned `Vec<u8>` is the buffer of the result, a slice is copied once.
    ///
    /// # Errors
    /// [`CipherError::Length`] before any work is done, [`CipherError::Padding`] after it.
    /// The caller should not let a stranger tell a bad padding from a bad signature.
    pub fn decrypt_ecb_pkcs5(&self, cipher: impl Into<Vec<u8>>) -> Result<Vec<u8>, CipherError> {
        let mut buffer = cipher.into();
        if buffer.is_empty() || !buffer.len().is_multiple_of(BLOCK_BYTES) {
            return Err(CipherError::Length(buffer.len()));
        }
        let (blocks, _) = Block::<TdesEde3>::slice_as_chunks_mut(&mut buffer);
        self.0.decrypt_blocks(blocks);
        let clear_len = unpadded_len(&buffer).ok_or(CipherError::Padding)?;
        buffer.truncate(clear_len);
        Ok(buffer)
    }
}

/// The length without the padding: 1 to 8 bytes, each of which says how many they are.
fn unpadded_len(padded: &[u8]) -> Option<usize> {
    let padding = usize::from(*padded.last()?);
    if !(1..=BLOCK_BYTES).contains(&padding) {
        return None;
    }
    let clear_len = padded.len().checked_sub(padding)?;
    padded[clear_len..].iter().all(|byte| usize::from(*byte) == padding).then_some(clear_len)
}

impl fmt::Debug for TripleDesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TripleDesKey(..)")
    }
}
