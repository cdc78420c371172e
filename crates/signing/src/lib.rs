//! Every cipher, digest and secret of the gateway, and nothing else.
//!
//! No other crate names a cryptographic library, so that the choice of one, the
//! rule of comparing in constant time and the wiping of key material can be read
//! in one place. The crate is pure: bytes in, bytes out. The only thing it asks
//! of the world is random bytes.
//!
//! * [`Secret`] holds key material that no log line can print.
//! * [`md5_hex_parts`], [`Md5`], [`hmac_sha1`], [`TripleDesKey`] are the old schemes that partner
//!   protocols prescribe; they are spoken because deployed clients speak them.
//! * [`sha256`], [`hmac_sha256`], [`content_fingerprint`] are what the gateway uses
//!   for its own ends.
//! * [`Vault`] encrypts secrets before they are written to the database.
//! * [`hash_password`], [`verify_password`] keep the passwords of people.

#![forbid(unsafe_code)]

mod digest;
mod fuzz;
mod password;
mod random;
mod secret;
mod triple_des;
mod vault;

pub use digest::{
    Md5, constant_time_eq, content_fingerprint, hmac_sha1, hmac_sha256, hmac_sha256_verify, md5_hex_parts,
    sha256,
};
pub use fuzz::{fuzz_triple_des, fuzz_vault};
pub use password::{PasswordError, hash_password, verify_password, verify_password_dummy};
pub use random::{random_bytes, random_token};
pub use secret::Secret;
pub use triple_des::{CipherError, TripleDesKey};
pub use vault::{Vault, VaultError};
