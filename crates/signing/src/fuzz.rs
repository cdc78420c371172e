//! Entry points for fuzzing. The ordinary tests call them with random bytes too.

use crate::{Secret, TripleDesKey, Vault};

/// Decrypts hostile bytes: whatever decrypts must encrypt to the same bytes again.
/// The first byte says how many of the following are the key text.
///
/// # Panics
/// When that does not hold.
pub fn fuzz_triple_des(bytes: &[u8]) {
    let Some((key_len, rest)) = bytes.split_first() else { return };
    let (key, cipher) = rest.split_at(usize::from(*key_len).min(rest.len()));
    let key = TripleDesKey::from_text(&String::from_utf8_lossy(key));
    if let Ok(clear) = key.decrypt_ecb_pkcs5(cipher) {
        assert_eq!(key.encrypt_ecb_pkcs5(&clear), cipher, "decryption is not the inverse of encryption");
    }
    let sealed = key.encrypt_ecb_pkcs5(cipher);
    assert_eq!(key.decrypt_ecb_pkcs5(sealed).as_deref(), Ok(cipher), "round trip");
}

/// Opens hostile bytes: nothing that this vault has not sealed may open.
///
/// # Panics
/// When something does.
pub fn fuzz_vault(bytes: &[u8]) {
    let vault = Vault::from_key([7; 32]);
    assert!(vault.open(b"fuzz", bytes).is_err(), "bytes that were never sealed have opened");
    let sealed = vault.seal(bytes, &Secret::new(bytes));
    assert_eq!(vault.open(bytes, &sealed).as_ref().map(Secret::expose), Ok(bytes), "round trip");
}
