//! Secrets at rest.

use proptest::prelude::{any, prop_assert_eq, prop_assert_ne, proptest};
use tradewind_signing::{Secret, Vault, VaultError, fuzz_vault};

const CONTEXT: &[u8] = b"credential/crd_1763780000000010100";

fn vault() -> Vault {
    Vault::from_key([42; 32])
}

#[test]
fn opens_what_it_sealed_and_only_there() {
    let secret = Secret::new("K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8");
    let sealed = vault().seal(CONTEXT, &secret);
    assert_eq!(sealed.len(), secret.expose().len() + 29);
    assert_ne!(sealed, vault().seal(CONTEXT, &secret), "each sealing has its own nonce");
    assert!(
        !sealed.windows(8).any(|part| part == &secret.expose()[..8]),
        "no clear text in the sealed bytes"
    );

    let check = |vault: &Vault, context: &[u8], expected| assert_eq!(vault.open(context, &sealed), expected);
    check(&vault(), CONTEXT, Ok(secret.clone()));
    check(&vault().clone(), CONTEXT, Ok(secret.clone()));
    check(&vault(), b"credential/crd_1763780000000010200", Err(VaultError::NotAuthentic));
    check(&vault(), b"", Err(VaultError::NotAuthentic));
    check(&Vault::from_key([43; 32]), CONTEXT, Err(VaultError::NotAuthentic));
}

#[test]
fn malformed_bytes() {
    let check =
        |sealed: &[u8], expected| assert_eq!(vault().open(CONTEXT, sealed), Err(expected), "{sealed:?}");
    check(&[], VaultError::Truncated);
    check(&[1], VaultError::Truncated);
    check(&[1; 28], VaultError::Truncated);
    check(&[1; 29], VaultError::NotAuthentic);
    check(&[0; 40], VaultError::UnknownVersion(0));
    check(&[2; 40], VaultError::UnknownVersion(2));
}

/// The value is stored beside the sealed secrets: it may never change for a key.
#[test]
fn check_value_belongs_to_the_key() {
    assert_eq!(vault().check_value(), vault().check_value());
    assert_ne!(vault().check_value(), Vault::from_key([43; 32]).check_value());
    assert_ne!(vault().check_value(), [42; 16]);
    assert_eq!(format!("{:?}", vault()), format!("Vault(check:{})", hex::encode(vault().check_value())));
    assert_ne!(Vault::generate_key(), Vault::generate_key());
}

proptest! {
    #[test]
    fn hostile_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        fuzz_vault(&bytes);
    }

    #[test]
    fn round_trip(context in proptest::collection::vec(any::<u8>(), 0..40), clear in proptest::collection::vec(any::<u8>(), 0..100)) {
        let sealed = vault().seal(&context, &Secret::new(clear.clone()));
        prop_assert_eq!(vault().open(&context, &sealed), Ok(Secret::new(clear)));
    }

    #[test]
    fn every_change_is_noticed(clear in proptest::collection::vec(any::<u8>(), 0..40), position in any::<proptest::sample::Index>(), flip in 1_u8..) {
        let mut sealed = vault().seal(CONTEXT, &Secret::new(clear));
        let position = position.index(sealed.len());
        sealed[position] ^= flip;
        let opened = vault().open(CONTEXT, &sealed);
        prop_assert_ne!(opened.as_ref().err(), None, "byte {} changed", position);
        sealed[position] ^= flip;
        sealed.truncate(position);
        prop_assert_ne!(vault().open(CONTEXT, &sealed).err(), None, "cut to {}", position);
    }
}
