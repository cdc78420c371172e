//! Notifications (section 8): the vectors, every way of tampering with them, and the oddities that
//! platforms have been seen to write.

use tradewind_sdk::sosopay::{Client, Config, FundBill, State, ack, try_again};
use tradewind_sdk::{Clock, Secret, Timestamp};
use tradewind_sosopay::sign;

use crate::support::{Told, VECTORS_AT, cents, client_at_vectors, config};

/// S8 of the specification.
const S8: &str = r#"{"PAY_NODIFY":{"BUSI_ID":"0010000001","CHARGE_CODE":"T20160805000001","CHARGE_DOWN_CODE":"20160805000000000001","CHANNEL_TYPE":1,"STATE":1,"AMT":1}}"#;
const S8_QUERY: &str = "_type=json&sign=a0a2a2344db014843935a79e6ef3b9b6:1470360000123";
/// E6: S8 encrypted; the signature stays the same.
const E6: &str = "GEKzUeximzbIsN0Zw5NtETWmnxIbnXTZOqf6huUg664ALDG43tsJOA3B6cghk7uSycWuvJcK6hBvKuhZ35qjNgAsMbje2wk4DjlEIn47RjZ7RdBjnkN2rhXK0ir032u1zrDVskw7Kusa8t/ntzvhHpDJo+jx5nwWGS9Lya6qkNccU7/C7C/sTClPTUYxflPbqH5VO3VsHJc=";

fn receiving(config: Config) -> Client {
    client_at_vectors(config, Told::body(""))
}

fn shop() -> Client {
    receiving(config("http://pay.example"))
}

/// Signs a body as the platform would.
fn query_for(body: &str) -> String {
    let key = Secret::new("K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8");
    format!("shop=7&sign={}", sign(&key, &[body.as_bytes()], VECTORS_AT))
}

#[test]
fn the_vectors_are_read() {
    let check = |query: &str, body: &str| {
        let news = shop().parse_notification(query, body.as_bytes()).unwrap();
        assert_eq!(news.key(), ("20160805000000000001", State::Paid));
        assert_eq!((news.busi_id.as_str(), news.charge_code.as_str()), ("0010000001", "T20160805000001"));
        assert_eq!((news.amount, news.channel_type), (cents(1), Some(1)));
        assert_eq!(news.raw, S8);
    };
    check(S8_QUERY, S8);
    check(&format!("?{}", S8_QUERY.replace(':', "%3a")), S8);
    check(&S8_QUERY.replace("sign=a0", "SIGN=A0"), S8);
    check(&format!("{S8_QUERY}&encrypt=3DES"), E6);
    // What begins like clear text is clear text (section 4.2).
    check(&format!("{S8_QUERY}&encrypt=3DES"), S8);
    assert_eq!((ack(), try_again()), ("SUCCESS", "fail"));
}

#[test]
fn no_byte_can_be_changed() {
    let client = shop();
    let encrypted_query = format!("{S8_QUERY}&encrypt=3DES");
    for (query, body) in [(S8_QUERY, S8), (encrypted_query.as_str(), E6)] {
        for at in 0..body.len() {
            let mut changed = body.as_bytes().to_vec();
            // Flips a bit that makes no white space, which would not be signed.
            changed[at] ^= 0x40;
            let error = client.parse_notification(query, &changed).unwrap_err();
            assert!(error.is_untrusted(), "byte {at}: {error}");
        }
    }
    let signature = S8_QUERY.find("a0a2").unwrap()..S8_QUERY.len();
    for at in signature {
        let mut changed = S8_QUERY.to_owned().into_bytes();
        changed[at] ^= 0x01;
        let changed = String::from_utf8(changed).unwrap();
        let error = client.parse_notification(&changed, S8.as_bytes()).unwrap_err();
        assert!(error.is_untrusted(), "{changed}: {error}");
    }
}

#[test]
fn what_is_not_for_this_shop_now_is_not_believed() {
    let check = |client: Client, query: &str, body: &str, part: &str| {
        let error = client.parse_notification(query, body.as_bytes()).unwrap_err();
        assert!(error.is_untrusted() && error.to_string().contains(part), "{error}");
    };
    check(shop(), "_type=json", S8, "no parameter sign");
    check(shop(), "sign=", S8, "no parameter sign");
    check(shop(), &format!("{S8_QUERY}&encrypt=3DES"), "", "decrypted");
    let other = Config { busi_id: "0010000002".into(), ..config("http://pay.example") };
    check(receiving(other), S8_QUERY, S8, "another merchant");
    let key = Config { key: Secret::new("SHORTKEY0123456"), ..config("http://pay.example") };
    check(receiving(key), S8_QUERY, S8, "does not match");

    let minutes = 60_000;
    let at = |offset: i64| {
        let now = Timestamp::from_ms(VECTORS_AT.ms() + offset);
        shop().with_clock(Clock::from_fn(move || now))
    };
    check(at(15 * minutes + 1), S8_QUERY, S8, "too far");
    check(at(-15 * minutes - 1), S8_QUERY, S8, "too far");
    for offset in [15 * minutes, -15 * minutes] {
        at(offset).parse_notification(S8_QUERY, S8.as_bytes()).unwrap();
    }
    let ageless = Config { signature_age_max: std::time::Duration::ZERO, ..config("http://pay.example") };
    let years_later = Clock::from_fn(|| Timestamp::from_ms(2 * VECTORS_AT.ms()));
    receiving(ageless).with_clock(years_later).parse_notification(S8_QUERY, S8.as_bytes()).unwrap();
}

#[test]
fn a_key_may_be_changed_under_way() {
    let keys_accepted = vec![Secret::new("SHORTKEY0123456"), config("http://pay.example").key];
    let key = Secret::new("a key of tomorrow");
    let client = receiving(Config { key, keys_accepted, ..config("http://pay.example") });
    client.parse_notification(S8_QUERY, S8.as_bytes()).unwrap();
    client.parse_notification(&format!("{S8_QUERY}&encrypt=3DES"), E6.as_bytes()).unwrap();
}

#[test]
fn platforms_write_in_several_ways() {
    let json = r#"{"PAY_NODIFY": {"BUSI_ID":"0010000001","OPER_ID":"o","DEV_ID":"d","AMT":"15800",
        "CHANNEL_TYPE":"2","CHARGE_CODE":"T1","CHARGE_DOWN_CODE":"1435736619488",
        "charge_THIRD_CODE":"2016071521001004510282746866","PAY_SUBJECT":"tea\/2","STATE":"1",
        "FUND_BILL_LIST":{"TRADEFUNDBILL":{"AMOUNT":158.0,"FUND_CHANNEL":"11"}},"MERCHANTPARA":null,
        "BEGIN_TIME":"2016-08-05 09:20:00","buyerId":"ox","weixin":{"openid":"ox"},"ali":[1]}}"#;
    let xml = "<?xml version='1.0' encoding='utf-8' ?><PAY_NODIFY ><BUSI_ID>0010000001</BUSI_ID>\
        <OPER_ID>o</OPER_ID><DEV_ID>d</DEV_ID><AMT> 15800 </AMT><CHANNEL_TYPE>2</CHANNEL_TYPE>\
        <CHARGE_CODE>T1</CHARGE_CODE><CHARGE_DOWN_CODE>1435736619488</CHARGE_DOWN_CODE>\
        <Charge_Third_Code>2016071521001004510282746866</Charge_Third_Code>\
        <PAY_SUBJECT><![CDATA[tea/2]]></PAY_SUBJECT><STATE>1</STATE><MERCHANTPARA/>\
        <FUND_BILL_LIST><TRADEFUNDBILL><AMOUNT>158.00</AMOUNT><FUND_CHANNEL>11</FUND_CHANNEL></TRADEFUNDBILL>\
        </FUND_BILL_LIST><BEGIN_TIME>2016-08-05 09:20:00</BEGIN_TIME><buyerId>ox</buyerId></PAY_NODIFY >";
    for body in [json, xml] {
        let news = shop().parse_notification(&query_for(body), body.as_bytes()).unwrap();
        assert_eq!(news.charge_third_code.as_deref(), Some("2016071521001004510282746866"));
        assert_eq!((news.amount, news.state, news.channel_type), (cents(15_800), State::Paid, Some(2)));
        assert_eq!(news.fund_bills, [FundBill { amount: cents(15_800), channel: "11".into() }]);
        assert_eq!((news.subject.as_deref(), news.merchant_para.as_deref()), (Some("tea/2"), None));
        assert_eq!(news.begin_time, Some(Timestamp::from_ms(1_470_360_000_000)));
        assert_eq!((news.buyer_id.as_deref(), news.raw.as_str()), (Some("ox"), body));
    }
}

#[test]
fn what_cannot_be_understood_is_not_a_forgery() {
    let check = |body: &str, part: &str| {
        let error = shop().parse_notification(&query_for(body), body.as_bytes()).unwrap_err();
        assert!(!error.is_untrusted() && error.to_string().contains(part), "{error}");
        assert_eq!(error.raw(), Some(body));
    };
    check("SUCCESS", "neither JSON nor XML");
    check(
        r#"{"PAY_NODIFY":{"BUSI_ID":"0010000001","CHARGE_CODE":"T1","CHARGE_DOWN_CODE":"1","AMT":1}}"#,
        "STATE",
    );
    check(
        r#"{"PAY_NODIFY":{"BUSI_ID":"0010000001","CHARGE_CODE":"T1","CHARGE_DOWN_CODE":"1","STATE":1,"AMT":1.5}}"#,
        "AMT",
    );
    check("<ORDER_RESP><BUSI_ID>0010000001</BUSI_ID></ORDER_RESP>", "PAY_NODIFY");
    check("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><PAY_NODIFY/>", "document types");
    let error = shop().parse_notification(&format!("{S8_QUERY}&encrypt=AES"), S8.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("`AES`"), "{error}");
}
