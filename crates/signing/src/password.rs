//! Passwords of people: Argon2id with a salt of its own for each.
//!
//! One hash takes 19 MiB and tens of milliseconds of a processor on purpose. Callers run
//! these functions on a blocking thread and bound how many run at once.

use std::hint::black_box;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A password could not be hashed; it says why. Does not contain the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct PasswordError(String);

/// Hashes a new password to a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`).
///
/// # Errors
/// When the password is longer than 4 GiB or no random salt can be had.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let hash = hasher()?.hash_password(password.as_bytes()).map_err(|e| PasswordError(e.to_string()))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that `hash`, a PHC string, was made from. The cost
/// settings are those of the hash, so that older hashes stay valid when the settings
/// rise. A hash that cannot be read matches nothing.
#[must_use]
pub fn verify_password(hash: &str, password: &str) -> bool {
    let Ok(hasher) = hasher() else { return false };
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    hasher.verify_password(password.as_bytes(), &hash).is_ok()
}

/// Spends the time of [`verify_password`] when there is no such user, so that nobody
/// learns from the clock which logins exist.
pub fn verify_password_dummy(password: &str) {
    let mut output = [0; 32];
    if let Ok(hasher) = hasher() {
        let outcome = hasher.hash_password_into(password.as_bytes(), b"nobody has this salt", &mut output);
        black_box((outcome.is_ok(), output));
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| PasswordError(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
