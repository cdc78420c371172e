//! The specification's vectors (sections 3.4 and 4.3), alone and as requests.

use tradewind_domain::{
    Call, FindOrder, Flow, LookUp, Method, MethodChoice, OrderRef, Refusal, Revoke, RevokeMode, Span,
};
use tradewind_signing::{Secret, TripleDesKey};
use tradewind_sosopay::{decrypt, encrypt, sign, verify};

use crate::support::{BUSI_ID, CODE, KEY, NOW, Shop, cny, golden, post};

fn vector(name: &str) -> (String, String) {
    (golden(&format!("vectors/{name}.plain")), golden(&format!("vectors/{name}.sign")))
}

#[test]
fn signatures() {
    let key = Secret::new(KEY);
    for name in ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"] {
        let (plain, expected) = vector(name);
        assert_eq!(sign(&key, &[plain.as_bytes()], NOW), expected, "{name}");
        assert!(
            verify(&key, Some(&expected), &[plain.as_bytes()], NOW, Span::from_mins(15)).is_ok(),
            "{name}"
        );
        let upper = expected.to_uppercase();
        assert!(
            verify(&key, Some(&upper), &[plain.as_bytes()], NOW, Span::from_mins(15)).is_ok(),
            "{name} upper"
        );
        let other = format!("{plain}x");
        assert!(
            verify(&key, Some(&expected), &[other.as_bytes()], NOW, Span::from_mins(15)).is_err(),
            "{name} other"
        );
    }
}

#[test]
fn parts_are_signed_as_one() {
    let key = Secret::new(KEY);
    let (plain, expected) = vector("S2");
    for cut in (0..=plain.len()).filter(|cut| plain.is_char_boundary(*cut)) {
        let (head, tail) = plain.split_at(cut);
        assert_eq!(sign(&key, &[head.as_bytes(), tail.as_bytes()], NOW), expected, "{cut}");
    }
}

#[test]
fn only_ascii_white_space_is_stripped() {
    let key = Secret::new(KEY);
    let bare = sign(&key, &[b"ab"], NOW);
    for space in ["\t", "\n", "\u{b}", "\u{c}", "\r", " "] {
        assert_eq!(sign(&key, &[format!("a{space}b").as_bytes()], NOW), bare, "{space:?}");
    }
    for kept in ["\u{3000}", "\u{a0}", "\u{85}", "\u{1f}", "\0"] {
        assert_ne!(sign(&key, &[format!("a{kept}b").as_bytes()], NOW), bare, "{kept:?}");
    }
}

#[test]
fn ciphers() {
    for name in ["E1", "E2", "E3", "E4", "E5", "E6"] {
        let part = |part: &str| golden(&format!("vectors/{name}.{part}"));
        let key = TripleDesKey::from_text(&part("key"));
        assert_eq!(encrypt(&key, &part("plain")), part("base64"), "{name}");
        assert_eq!(decrypt(&key, part("base64").as_bytes()).as_ref(), Ok(&part("plain")), "{name}");
        let broken_into_lines: String = part("base64").chars().flat_map(|c| [c, '\r', '\n']).collect();
        assert_eq!(
            decrypt(&key, broken_into_lines.as_bytes()).as_ref(),
            Ok(&part("plain")),
            "{name} in lines"
        );
        let inner = format!("<?xml version='1.0'?>\n<ORDER_REQ>{}</ORDER_REQ >", part("base64"));
        let expected = format!("<?xml version='1.0'?>\n<ORDER_REQ>{}</ORDER_REQ >", part("plain"));
        assert_eq!(decrypt(&key, inner.as_bytes()), Ok(expected), "{name} inside an element");
    }
}

#[test]
fn what_is_no_cipher_text() {
    let key = TripleDesKey::from_text(KEY);
    for body in [
        "",
        " ",
        "x",
        "nSW1LeNr9N",
        "nSW1LeNr9NQ",
        "nSW1LeNr9NQ=x",
        "AAAA",
        "nSW1LeNr9NR=",
        "{\"a\":1}",
        "<a><b/></a>",
        "<a/>",
        "<a>",
        "<a>x</a>",
    ] {
        assert!(decrypt(&key, body.as_bytes()).is_err(), "{body:?}");
    }
}

#[test]
fn s1_and_e5_open_as_requests() {
    let shop = Shop::new();
    let (s1, sign) = vector("S1");
    let clear = post("order", &format!("sign={sign}&_type=json"), &s1);
    let query = format!("sign={sign}&_type=json&encrypt=3DES&busiCode={BUSI_ID}");
    let encrypted = post("order", &query, &golden("vectors/E5.base64"));
    for request in [clear, encrypted] {
        let Ok(Call::Collect(collect)) = shop.open("order", &request) else { panic!("not a payment") };
        assert_eq!(collect.number, CODE);
        assert_eq!(collect.amount, cny(1));
        assert_eq!(collect.subject, "test order");
        assert_eq!(collect.method, MethodChoice::Named(Method::ALIPAY));
        assert_eq!(collect.flow, Flow::PayerScans);
        assert_eq!(collect.expires_in, Span::from_mins(120));
        assert_eq!(collect.terminal.operator, "oper01");
        assert_eq!(collect.terminal.device, "dev01");
        assert_eq!(collect.terminal.store, None);
        assert_eq!((&collect.payer_code, &collect.notify_url, &collect.details), (&None, &None, &None));
    }
}

#[test]
fn s4_to_s7_open_as_requests() {
    let shop = Shop::new();
    let sign = |name: &str| vector(name).1.replace(':', "%3A");
    let open = |operation, name: &str, rest: &str| {
        let mut request = shop.get(operation, CODE, "");
        request.query = format!("sign={}{rest}", sign(name));
        shop.open(operation, &request)
    };
    let found = FindOrder { by: LookUp::OrderElseRefund(CODE.to_owned()) };
    assert_eq!(open("query", "S4", ""), Ok(Call::FindOrder(found)));
    let revoke = Revoke { order: OrderRef::Number(CODE.to_owned()), mode: RevokeMode::Now };
    assert_eq!(open("cancelTrade", "S5", ""), Ok(Call::Revoke(revoke)));
    let listed = open("queryTrades", "S6", "&busiCode=0010000001&pageNum=1&pageSize=10");
    assert!(matches!(listed, Ok(Call::ListOrders(_))), "{listed:?}");
    assert_eq!(open("payChannel", "S7", ""), Ok(Call::ListMethods));
}

/// S2, S3, S8 and S9 are no complete orders: their signature holds, their fields do not.
#[test]
fn other_vectors_pass_the_signature() {
    let shop = Shop::new();
    for name in ["S2", "S3", "S8"] {
        let (plain, sign) = vector(name);
        let request = post("order", &format!("sign={sign}&busiCode={BUSI_ID}"), &plain);
        assert!(matches!(shop.open("order", &request), Err(Refusal::Field { .. })), "{name}");
        let (_, wrong) = vector("S1");
        let request = post("order", &format!("sign={wrong}&busiCode={BUSI_ID}"), &plain);
        assert!(matches!(shop.open("order", &request), Err(Refusal::Signature { .. })), "{name}");
    }
    let (plain, sign) = vector("S9");
    let request = post("order", &format!("sign={sign}&busiCode={BUSI_ID}"), &plain);
    assert!(matches!(shop.open("order", &request), Err(Refusal::Unreadable { .. })), "S9 has another root");
}
