//! Nothing opens that was not signed, now, by one of the keys.

use tradewind_dialect::{Dialect, DialectOptions};
use tradewind_domain::{Refusal, Span, Timestamp};
use tradewind_sosopay::Sosopay;

use crate::support::{BUSI_ID, CODE, KEY, NOW, Shop, golden, partner, post};

const OTHER_KEY: &str = "SHORTKEY0123456";

fn s1() -> (String, String) {
    (golden("vectors/S1.plain"), golden("vectors/S1.sign"))
}

#[test]
fn every_byte_of_the_body_matters() {
    let shop = Shop::new();
    let (body, sign) = s1();
    for query in [format!("sign={sign}"), format!("sign={sign}&busiCode={BUSI_ID}")] {
        assert!(shop.open("order", &post("order", &query, &body)).is_ok());
        for at in 0..body.len() {
            for mask in [0x01_u8, 0x02, 0x40] {
                let mut bytes = body.clone().into_bytes();
                bytes[at] ^= mask;
                let mut request = post("order", &query, "");
                request.body = bytes.into();
                assert!(shop.open("order", &request).is_err(), "byte {at} ^ {mask:#x}");
            }
            let mut shorter = body.clone();
            // White space is not signed, not even inside values (section 3.1).
            if shorter.remove(at) == ' ' {
                continue;
            }
            assert!(shop.open("order", &post("order", &query, &shorter)).is_err(), "without byte {at}");
        }
    }
}

#[test]
fn every_byte_of_the_cipher_text_matters() {
    let shop = Shop::new();
    let (_, sign) = s1();
    let cipher = golden("vectors/E5.base64");
    let query = format!("sign={sign}&encrypt=3DES&busiCode={BUSI_ID}");
    assert!(shop.open("order", &post("order", &query, &cipher)).is_ok());
    for at in 0..cipher.len() {
        let mut bytes = cipher.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(bytes).unwrap();
        assert!(shop.open("order", &post("order", &query, &tampered)).is_err(), "byte {at}");
    }
}

#[test]
fn every_byte_of_the_signature_matters() {
    let shop = Shop::new();
    let (body, sign) = s1();
    for at in 0..sign.len() {
        let mut bytes = sign.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let tampered = String::from_utf8(bytes).unwrap();
        let got = shop.open("order", &post("order", &format!("sign={tampered}"), &body));
        assert!(matches!(got, Err(Refusal::Signature { .. })), "byte {at}: {got:?}");
    }
    for bad in [
        "",
        ":",
        "x",
        &sign[..32],
        &sign[33..],
        &format!("{sign}0"),
        &format!(" {sign}"),
        &sign.replace(':', ";"),
        &format!("{}:-1", &sign[..32]),
        &format!("{}:+1470360000123", &sign[..32]),
        &format!("{}:99999999999999999999", &sign[..32]),
    ] {
        let got = shop.open("order", &post("order", &format!("sign={}", bad.replace('+', "%2B")), &body));
        assert!(matches!(got, Err(Refusal::Signature { .. })), "{bad:?}: {got:?}");
    }
    let unsigned = shop.open("order", &post("order", "_type=json", &body));
    assert!(matches!(unsigned, Err(Refusal::Signature { .. })), "{unsigned:?}");
}

/// The one forgery that MD5 leaves open: the signed content, its padding, and anything behind it. The
/// padding is no UTF-8, whatever signature it comes with.
#[test]
fn extended_messages_are_not_read() {
    let shop = Shop::new();
    let (body, _) = s1();
    let mut extended = body.into_bytes();
    extended.extend_from_slice(&[0x80, 0, 0, 0]);
    extended.extend_from_slice(br#""AMT":"999"}"#);
    let sign = tradewind_sosopay::sign(&shop.key, &[&extended], NOW);
    let mut request = post("order", &format!("sign={sign}&busiCode={BUSI_ID}"), "");
    request.body = extended.into();
    let got = shop.open("order", &request);
    assert!(matches!(got, Err(Refusal::Unreadable { .. })), "{got:?}");
}

#[test]
fn calls_without_a_message_are_bound_to_their_path() {
    let shop = Shop::new();
    for operation in ["query", "cancelTrade"] {
        let mut request = shop.get(operation, CODE, "");
        assert!(shop.open(operation, &request).is_ok(), "{operation}");
        request.params.retain(|(name, _)| name != "chargeCode");
        request.params.push(("chargeCode".to_owned(), "T20160805000002".to_owned()));
        assert!(matches!(shop.open(operation, &request), Err(Refusal::Signature { .. })), "{operation}");
    }
}

#[test]
fn another_key_opens_nothing() {
    let (stranger, shop) = (Shop::with(partner(), &[OTHER_KEY]), Shop::new());
    let (body, _) = s1();
    let got = shop.open("order", &stranger.post("order", &body));
    assert!(matches!(got, Err(Refusal::Signature { .. })), "{got:?}");
    assert!(shop.open("order", &stranger.post_encrypted("order", &body)).is_err());
    for operation in ["query", "cancelTrade", "queryTrades", "payChannel"] {
        let request = stranger.get(operation, CODE, "&pageNum=1&pageSize=10");
        assert!(matches!(shop.open(operation, &request), Err(Refusal::Signature { .. })), "{operation}");
    }
}

/// While a key is being rotated, both open, and the answer uses the one that the caller used.
#[test]
fn rotated_keys_overlap() {
    let shop = Shop::with(partner(), &[OTHER_KEY, KEY]);
    let (body, _) = s1();
    let clear = shop.post("order", &body);
    let encrypted = shop.post_encrypted("order", &body);
    for request in [&clear, &encrypted] {
        assert!(shop.open("order", request).is_ok());
        let answer = shop.answer("order", request, Err(&Refusal::NumberTaken { same: true }));
        let text = shop.clear(&answer);
        let expected = tradewind_sosopay::sign(&shop.key, &[text.as_bytes()], NOW);
        assert_eq!(answer.headers, [("x-sosopay-sign", expected)]);
    }
    // Also when it is refused for a field.
    let wrong = body.replace("\"0.01\"", "\"0\"");
    let answer = shop.answer("order", &shop.post_encrypted("order", &wrong), Err(&Refusal::Internal));
    assert!(shop.clear(&answer).contains("AMT_ERROR"));
}

#[test]
fn stale_and_future_signatures() {
    let shop = Shop::new();
    let (body, sign) = s1();
    let request = post("order", &format!("sign={sign}"), &body);
    for (distance_ms, expected) in [
        (0, true),
        (15 * 60_000, true),
        (-15 * 60_000, true),
        (15 * 60_000 + 1, false),
        (-15 * 60_000 - 1, false),
        (86_400_000, false),
        (i64::MAX - NOW.ms(), false),
        (i64::MIN, false),
    ] {
        let now = Timestamp::from_ms(NOW.ms() + distance_ms);
        assert_eq!(shop.open_at("order", &request, now).is_ok(), expected, "{distance_ms}");
    }
    let always =
        Sosopay::new(DialectOptions { signature_age_max: Span::default(), ..DialectOptions::default() });
    let much_later = NOW + Span::from_days(3650);
    assert!(
        always.open("order", &request, Some(&shop.credentials), much_later).is_ok(),
        "0 switches the check off"
    );
    let short =
        Sosopay::new(DialectOptions { signature_age_max: Span::from_secs(1), ..DialectOptions::default() });
    assert!(short.open("order", &request, Some(&shop.credentials), NOW + Span::from_ms(1_001)).is_err());
}

#[test]
fn a_claim_without_credentials_opens_nothing() {
    let shop = Shop::new();
    let (body, sign) = s1();
    let got = dialect_open("order", &post("order", &format!("sign={sign}"), &body));
    assert_eq!(got, Some(Refusal::UnknownPartner));
    assert_eq!(dialect_open("query", &shop.get("query", CODE, "")), Some(Refusal::UnknownPartner));
}

fn dialect_open(operation: &'static str, request: &tradewind_dialect::RawRequest) -> Option<Refusal> {
    Sosopay::default().open(operation, request, None, NOW).err()
}
