//! The order of checks (section 6.5), and how refusals are answered (sections 1.4, 2.4, 4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tradewind_dialect::{Dialect, RawRequest};
use tradewind_domain::{PartnerState, Refusal};
use tradewind_signing::TripleDesKey;
use tradewind_sosopay::{decrypt, encrypt};

use crate::support::{BUSI_ID, CODE, NOW, Shop, code_of, dialect, golden, partner, post};

/// A body in which everything behind the first `faults` checks is wrong too.
const BAD_FIELDS: &str = r#"{"BUSI_ID":"0010000001","AMT":"-1","CHANNEL_TYPE":"1"}"#;

fn suspended() -> Shop {
    let mut partner = partner();
    partner.state = PartnerState::Suspended;
    Shop::with(partner, &[crate::support::KEY])
}

/// Each request has the fault of its row and those of all rows below.
#[test]
fn each_fault_hides_those_behind_it() {
    let shop = suspended();
    let stale = "00000000000000000000000000000000:1";
    let unknown = BAD_FIELDS.replace(BUSI_ID, "0099999999");
    let active = Shop::new();
    let not_enabled = BAD_FIELDS.replace("\"CHANNEL_TYPE\":\"1\"", "\"CHANNEL_TYPE\":\"4\"");
    let bad_amount = golden("order.request.json").replace("\"0.01\"", "\"0.001\"");
    let rows: Vec<(&str, &Shop, RawRequest, &str)> = vec![
        ("_type", &shop, post("order", &format!("sign={stale}&_type=yaml"), &unknown), "ILLEGAL_PARAMETER"),
        (
            "encrypt",
            &shop,
            post("order", &format!("sign={stale}&encrypt=AES"), &unknown),
            "ILLEGAL_PARAMETER",
        ),
        ("merchant", &shop, post("order", &format!("sign={stale}"), &unknown), "UNREGISTERED_BUSI"),
        (
            "merchant, unreadable",
            &shop,
            post("order", &format!("sign={stale}&busiCode=0099999999"), "?"),
            "UNREGISTERED_BUSI",
        ),
        (
            "decrypt",
            &shop,
            post("order", &format!("sign={stale}&encrypt=3DES&busiCode={BUSI_ID}"), "??"),
            "ILLEGAL_PARAMETER",
        ),
        (
            "parse",
            &shop,
            post("order", &format!("sign={stale}&busiCode={BUSI_ID}"), "{"),
            "ILLEGAL_PARAMETER",
        ),
        (
            "ids",
            &shop,
            post("order", &format!("sign={stale}&busiCode={BUSI_ID}"), &unknown),
            "ILLEGAL_PARAMETER",
        ),
        ("signature", &shop, post("order", &format!("sign={stale}"), BAD_FIELDS), "INVALID_SIGN"),
        ("contract", &shop, shop.post("order", BAD_FIELDS), "INVALID_CONTRACT"),
        ("channel", &active, active.post("order", &not_enabled), "INVALID_CONTRACT"),
        ("fields", &active, active.post("order", BAD_FIELDS), "ILLEGAL_PARAMETER"),
        ("amount", &active, active.post("order", &bad_amount), "AMT_ERROR"),
        ("engine", &active, active.post("order", &golden("order.request.json")), "DATABASE_ERROR"),
    ];
    for (fault, shop, request, expected) in rows {
        assert_eq!(shop.code("order", &request), expected, "{fault}");
    }
}

#[test]
fn channel_by_payer_code_is_a_matter_of_the_contract() {
    let shop = Shop::new();
    let body = r#"{"BUSI_ID":"0010000001","DYNAMIC_ID":"6214903060794755123","AMT":"x"}"#;
    assert_eq!(shop.code("preOrder", &shop.post("preOrder", body)), "INVALID_CONTRACT");
}

#[test]
fn a_suspended_merchant_is_refused_everywhere() {
    let shop = suspended();
    for (operation, golden_name) in [
        ("preOrder", "preOrder.request.json"),
        ("order", "order.request.json"),
        ("refund", "refund.request.json"),
    ] {
        assert_eq!(shop.code(operation, &shop.post(operation, &golden(golden_name))), "INVALID_CONTRACT");
    }
    for operation in ["query", "cancelTrade", "queryTrades", "payChannel"] {
        let request = shop.get(operation, CODE, "&pageNum=1&pageSize=10");
        assert_eq!(shop.code(operation, &request), "INVALID_CONTRACT", "{operation}");
    }
}

#[test]
fn merchant_ids_must_agree() {
    let shop = Shop::new();
    let body = golden("order.request.json");
    let sign = shop.sign(&body);
    let agree = post("order", &format!("sign={sign}&busiCode={BUSI_ID}"), &body);
    assert!(shop.open("order", &agree).is_ok());
    for operation in ["query", "cancelTrade", "payChannel"] {
        assert!(
            shop.open(operation, &shop.get(operation, CODE, "&busiCode=0010000001")).is_ok(),
            "{operation}"
        );
        let mut elsewhere = shop.get(operation, CODE, "&busiCode=0010000001");
        elsewhere.params.retain(|(name, _)| name != "busiId");
        elsewhere.params.push(("busiId".to_owned(), "0010000002".to_owned()));
        assert_eq!(shop.code(operation, &elsewhere), "ILLEGAL_PARAMETER", "{operation}");
    }
    let nobody = post("order", &format!("sign={sign}"), "{}");
    assert_eq!(shop.code("order", &nobody), "ILLEGAL_PARAMETER", "no merchant at all");
    let hidden = post("order", &format!("sign={sign}&encrypt=3DES"), &encrypt(&shop.cipher(), &body));
    assert_eq!(shop.code("order", &hidden), "ILLEGAL_PARAMETER", "a cipher text without busiCode");
    let mut list = shop.get("queryTrades", "", "&pageNum=1&pageSize=10");
    list.query = list.query.replace("&busiCode=0010000001", "");
    assert_eq!(shop.code("queryTrades", &list), "ILLEGAL_PARAMETER", "a batch query without busiCode");
}

/// Format, cipher and signature of refusals.
#[test]
fn refusals_are_packed_as_the_caller_wants_or_can_read() {
    let shop = Shop::new();
    let body = golden("order.request.json");
    let sign = shop.sign(&body);
    let busi = format!("&busiCode={BUSI_ID}");
    let cipher = encrypt(&shop.cipher(), &body);
    let bad = body.replace("0.01", "0");
    let bad_cipher = encrypt(&shop.cipher(), &bad);
    let bad_sign = shop.sign(&bad);
    let not_utf8 = STANDARD.encode(shop.cipher().encrypt_ecb_pkcs5(&[0xff, 0xfe]));
    const JSON: &str = "application/json;charset=UTF-8";
    const XML: &str = "text/xml;charset=UTF-8";
    const PLAIN: &str = "text/plain;charset=UTF-8";
    let rows: Vec<(&str, String, &str, &str, bool)> = vec![
        ("default", format!("sign=x{busi}"), &body, XML, true),
        ("json", format!("sign=x&_type=JSON{busi}"), &body, JSON, true),
        ("xml", format!("sign=x&_type=Xml{busi}"), &body, XML, true),
        ("empty switches", format!("sign=x&_type=&encrypt={busi}"), &body, XML, true),
        ("unknown format", format!("sign={sign}&_type=yaml{busi}"), &body, JSON, false),
        ("unknown cipher", format!("sign={sign}&_type=xml&encrypt=DES{busi}"), &body, XML, false),
        ("cipher is case-sensitive", format!("sign={sign}&encrypt=3des{busi}"), &body, XML, false),
        ("unknown merchant", format!("sign={sign}&encrypt=3DES&busiCode=0099999999"), &cipher, XML, false),
        ("undecryptable", format!("sign={sign}&encrypt=3DES{busi}"), "????", XML, true),
        ("not UTF-8 inside", format!("sign={sign}&encrypt=3DES{busi}"), &not_utf8, XML, true),
        ("decrypted, wrong signature", format!("sign=x&encrypt=3DES{busi}"), &cipher, PLAIN, true),
        ("decrypted, wrong amount", format!("sign={bad_sign}&encrypt=3DES{busi}"), &bad_cipher, PLAIN, true),
    ];
    for (case, query, body, content_type, signed) in rows {
        let answer = shop.answer("order", &post("order", &query, body), Err(&Refusal::Internal));
        assert_eq!(answer.status, 200, "{case}");
        assert_eq!(answer.content_type, content_type, "{case}");
        let clear = shop.clear(&answer);
        match content_type {
            JSON => assert!(clear.starts_with(r#"{"ORDER_RESP":{"RESULT":{"CODE":"#), "{case}: {clear}"),
            _ => assert!(
                clear.starts_with(r#"<?xml version="1.0" encoding="UTF-8"?><ORDER_RESP><RESULT><CODE>"#),
                "{case}: {clear}"
            ),
        }
        let expected = signed.then(|| ("x-sosopay-sign", shop.sign(&clear)));
        assert_eq!(answer.headers, Vec::from_iter(expected), "{case}");
    }
}

#[test]
fn parse_failures_after_decryption_are_answered_in_cipher() {
    let shop = Shop::new();
    let request = shop.post_encrypted("order", "no message");
    let answer = shop.answer("order", &request, Err(&Refusal::Internal));
    assert_eq!(answer.content_type, "text/plain;charset=UTF-8");
    assert_eq!(code_of(&decrypt(&shop.cipher(), &answer.body).unwrap()), "ILLEGAL_PARAMETER");
}

#[test]
fn the_order_is_echoed_where_it_is_known() {
    let shop = Shop::new();
    let echo = r#""CHARGE_CODE":"T20160805000001""#;
    let wrong = golden("order.request.json").replace("0.01", "0.001");
    for (operation, request, refusal, expected) in [
        (
            "order",
            shop.post("order", &golden("order.request.json")),
            Refusal::NumberTaken { same: true },
            true,
        ),
        ("order", shop.post("order", &wrong), Refusal::Internal, true),
        ("order", shop.post_encrypted("order", &wrong), Refusal::Internal, true),
        ("refund", shop.post("refund", &golden("refund.request.json")), Refusal::OrderNotFound, true),
        ("query", shop.get("query", CODE, ""), Refusal::OrderNotFound, true),
        ("query", shop.get("query", CODE, "&serType=2"), Refusal::OrderNotFound, false),
        ("query", shop.get("query", CODE, "&serType=9"), Refusal::Internal, false),
        ("cancelTrade", shop.get("cancelTrade", CODE, ""), Refusal::OrderNotFound, false),
        ("order", post("order", "sign=x&_type=json", &wrong), Refusal::Internal, false),
    ] {
        let answer = shop.clear(&shop.answer(operation, &request, Err(&refusal)));
        assert_eq!(answer.contains(echo), expected, "{operation} {refusal:?}: {answer}");
    }
}

/// The inner variant (section 4.2): only the content of the root element is encrypted.
#[test]
fn inner_cipher_text_is_understood() {
    let shop = Shop::new();
    let clear = golden("refund.request.xml");
    let (head, rest) = clear.split_once("<REFUND_REQ>").unwrap();
    let inside = rest.strip_suffix("</REFUND_REQ>").unwrap();
    let cipher = encrypt(&TripleDesKey::from_text(crate::support::KEY), inside);
    let query = format!("sign={}&encrypt=3DES&busiCode={BUSI_ID}", shop.sign(&clear));
    let request = post("refund", &query, &format!("{head}<REFUND_REQ>{cipher}</REFUND_REQ>"));
    assert!(shop.open("refund", &request).is_ok());
}

#[test]
fn operations_that_do_not_exist_are_refused() {
    let request = post("order", "", "{}");
    assert_eq!(dialect().identify("nothing", &request), Err(Refusal::Internal));
    assert_eq!(dialect().refuse("nothing", &request, None, &Refusal::Internal, NOW).status, 404);
}

#[test]
fn documents_with_declarations_are_refused() {
    let shop = Shop::new();
    for prolog in [
        "<!DOCTYPE ORDER_REQ>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<?xml-stylesheet href='x'?>",
    ] {
        let body = format!("{prolog}<ORDER_REQ><BUSI_ID>0010000001</BUSI_ID><AMT>&x;</AMT></ORDER_REQ>");
        assert_eq!(shop.code("order", &shop.post("order", &body)), "ILLEGAL_PARAMETER", "{prolog}");
    }
}
