//! Secrets, random texts and passwords.

use std::collections::HashSet;

use tradewind_signing::{
    Secret, hash_password, random_bytes, random_token, verify_password, verify_password_dummy,
};

#[test]
fn a_secret_is_never_printed() {
    let secret = Secret::new("abc");
    // SHA-256 of "abc" begins ba7816bf.
    assert_eq!(secret.fingerprint(), "ba7816bf");
    assert_eq!(format!("{secret:?}"), "Secret(fp:ba7816bf)");
    assert_eq!(format!("{secret}"), "fp:ba7816bf");
    assert_eq!(format!("{:#?}", Some(secret.clone())).matches("abc").count(), 0);
    assert_eq!(secret.expose(), b"abc");
    assert_eq!(secret.expose_str(), Ok("abc"));
    assert!(Secret::new([0xff]).expose_str().is_err());
    assert_eq!(secret, Secret::new(b"abc".to_vec()));
    assert_ne!(secret, Secret::new("abd"));
}

#[test]
fn generated_texts_have_their_alphabet_and_length() {
    for len in [0, 1, 24, 32, 500] {
        let secret = Secret::generate_text(len);
        let text = secret.expose_str().unwrap();
        assert_eq!(text.len(), len);
        assert!(text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()), "{text}");
    }
    let letters: HashSet<u8> = Secret::generate_text(5000).expose().iter().copied().collect();
    assert_eq!(letters.len(), 36, "every letter and digit occurs");
}

#[test]
fn random_things_differ() {
    assert_ne!(random_bytes::<32>(), random_bytes::<32>());
    let token = random_token(16);
    assert_eq!(token.len(), 22);
    assert!(token.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'), "{token}");
    assert_ne!(token, random_token(16));
    assert_eq!(random_token(0), "");
}

#[test]
fn passwords() {
    let hash = hash_password("sandbox-cashier").unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_ne!(hash, hash_password("sandbox-cashier").unwrap(), "each hash has its own salt");
    assert!(verify_password(&hash, "sandbox-cashier"));
    for wrong in ["", "sandbox-cashie", "sandbox-cashier ", "Sandbox-cashier"] {
        assert!(!verify_password(&hash, wrong), "{wrong:?}");
    }
    for broken in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=1,t=0,p=1$AAAA$AAAA"] {
        assert!(!verify_password(broken, "sandbox-cashier"), "{broken:?}");
    }
    verify_password_dummy("anything");
}
