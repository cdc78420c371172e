//! Triple DES against the vectors of the sosopay specification, section 4.3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{any, prop_assert_eq, proptest};
use tradewind_signing::{CipherError, TripleDesKey, fuzz_triple_des};

const KEY: &str = "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8";
const SHORT_KEY: &str = "SHORTKEY0123456";

const S1: &str = r#"{"BUSI_ID":"0010000001","OPER_ID":"oper01","DEV_ID":"dev01","AMT":"0.01","CHANNEL_TYPE":"1","CHARGE_CODE":"T20160805000001","PAY_SUBJECT":"test order"}"#;
const S8: &str = r#"{"PAY_NODIFY":{"BUSI_ID":"0010000001","CHARGE_CODE":"T20160805000001","CHARGE_DOWN_CODE":"20160805000000000001","CHANNEL_TYPE":1,"STATE":1,"AMT":1}}"#;

#[test]
fn specification_vectors() {
    let check = |id: &str, key: &str, clear: &str, base64: &str| {
        let key = TripleDesKey::from_text(key);
        assert_eq!(STANDARD.encode(key.encrypt_ecb_pkcs5(clear.as_bytes())), base64, "{id} encrypt");
        let cipher = STANDARD.decode(base64).unwrap();
        assert_eq!(key.decrypt_ecb_pkcs5(cipher).as_deref(), Ok(clear.as_bytes()), "{id} decrypt");
    };
    check("E1", KEY, "abc", "nSW1LeNr9NQ=");
    check("E2", KEY, "12345678", "jjPqYmj9dQP/oCfeXw0QkQ==");
    check("E3", KEY, "嗖", "0/n38HpLeKw=");
    check("E4", SHORT_KEY, "abc", "SUC9DNnFo1U=");
    check(
        "E5",
        KEY,
        S1,
        "0wTUmwcJ2yFTGSh+3hw0lxry3+e3O+EeW6qJD6h0UHd8iuQ+5tUq0UVGb8mqlplnxboq1gqWWZB3mRHuMhJ9aaX/lbSysE0inVZr867vbWMguky4Ym26e5KKRbV2S4d+3HcWLm/bf/LIId1oyaQdjN94iO+w7a+QH2Ucgfu6XXh+UF3mSVqvq+HpqhG1a/SJaUhPPmOz7ug=",
    );
    check(
        "E6",
        KEY,
        S8,
        "GEKzUeximzbIsN0Zw5NtETWmnxIbnXTZOqf6huUg664ALDG43tsJOA3B6cghk7uSycWuvJcK6hBvKuhZ35qjNgAsMbje2wk4DjlEIn47RjZ7RdBjnkN2rhXK0ir032u1zrDVskw7Kusa8t/ntzvhHpDJo+jx5nwWGS9Lya6qkNccU7/C7C/sTClPTUYxflPbqH5VO3VsHJc=",
    );
}

/// Section 4.1: the low byte of each of the first 24 code units, then zero bytes.
#[test]
fn key_derivation() {
    let encrypt = |key: &str| TripleDesKey::from_text(key).encrypt_ecb_pkcs5(b"key derivation");
    assert_eq!(encrypt(KEY), encrypt("K7Q2M9X4T1V8B3N6L5R0Z2C7"), "24 characters count");
    assert_eq!(encrypt(SHORT_KEY), encrypt(&format!("{SHORT_KEY}{}", "\0".repeat(9))), "zero fill");
    assert_eq!(encrypt("\u{4141}\u{ff42}"), encrypt("AB"), "the low eight bits of a code unit");
    // U+1F600 is the surrogate pair D83D DE00: two code units, hence two key bytes.
    assert_eq!(encrypt("\u{1f600}"), encrypt("\u{3d}\u{0}"), "code units, not characters");
    assert_ne!(encrypt(KEY), encrypt(SHORT_KEY));
}

/// Keys that a checked constructor refuses are legal here.
#[test]
fn weak_keys_are_legal() {
    for key in [
        "",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "ABCDEFGHABCDEFGHABCDEFGH",
        "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}",
    ] {
        let key = TripleDesKey::from_text(key);
        assert_eq!(key.decrypt_ecb_pkcs5(key.encrypt_ecb_pkcs5(b"weak")).as_deref(), Ok(&b"weak"[..]));
    }
}

#[test]
fn bad_cipher_texts() {
    let key = TripleDesKey::from_text(KEY);
    let check =
        |cipher: &[u8], expected| assert_eq!(key.decrypt_ecb_pkcs5(cipher), Err(expected), "{cipher:?}");
    for len in [0, 1, 7, 9, 15] {
        check(&vec![0; len], CipherError::Length(len));
    }
    let good = key.encrypt_ecb_pkcs5(b"two blocks");
    check(&good[..8], CipherError::Padding);

    // Blocks that end in every possible wrong padding. Encrypting a whole block puts it
    // first, without the padding block that follows it.
    let raw = |block: [u8; 8]| key.encrypt_ecb_pkcs5(&block)[..8].to_vec();
    check(&raw([1, 2, 3, 4, 5, 6, 7, 0]), CipherError::Padding);
    check(&raw([9; 8]), CipherError::Padding);
    check(&raw([255; 8]), CipherError::Padding);
    check(&raw([1, 2, 3, 4, 5, 6, 1, 2]), CipherError::Padding);
    check(&raw([7, 8, 8, 8, 8, 8, 8, 8]), CipherError::Padding);
    assert_eq!(
        key.decrypt_ecb_pkcs5(raw([8; 8])).as_deref(),
        Ok(&b""[..]),
        "a padding block alone is the empty text"
    );
}

#[test]
fn a_key_is_never_printed() {
    assert_eq!(format!("{:?}", TripleDesKey::from_text(KEY)), "TripleDesKey(..)");
}

proptest! {
    #[test]
    fn hostile_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        fuzz_triple_des(&bytes);
    }

    #[test]
    fn round_trip(key in any::<String>(), clear in proptest::collection::vec(any::<u8>(), 0..200)) {
        let key = TripleDesKey::from_text(&key);
        let cipher = key.encrypt_ecb_pkcs5(&clear);
        prop_assert_eq!(cipher.len(), clear.len() / 8 * 8 + 8);
        prop_assert_eq!(key.decrypt_ecb_pkcs5(cipher), Ok(clear));
    }
}
