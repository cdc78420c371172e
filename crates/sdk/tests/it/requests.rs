//! What leaves the client, byte for byte, by the specification's vectors (sections 3.4 and 4.3), and
//! what does not leave because a field is missing (section 6.5, code 99999).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tradewind_sdk::bytes::Bytes;
use tradewind_sdk::http::{Request, Response};
use tradewind_sdk::sosopay::{
    BatchQueryRequest, Config, Encryption, Format, Goods, Lookup, OfficialAccountRequest, PayRequest,
    PrecreateRequest, RefundRequest, Revocation, code,
};
use tradewind_sdk::{Error, Secret};

use crate::support::{Call, Told, cents, client_at_vectors, config, official, pay, precreate, refund};

const URL: &str = "http://pay.example";
const SERVICE: &str = "http://pay.example/openGateway/openService";

type Sent = Arc<Mutex<Vec<(Request<Bytes>, Duration)>>>;

/// A client whose requests are caught.
fn catching(config: Config) -> (tradewind_sdk::sosopay::Client, Sent) {
    let sent = Sent::default();
    let caught = Arc::clone(&sent);
    let transport = Told::by(move |request, time_limit| {
        caught.lock().unwrap().push((request, time_limit));
        Ok(Response::new(Bytes::from_static(b"{}")))
    });
    (client_at_vectors(config, transport), sent)
}

/// S1 as the specification writes it: one precreate request, in the order of its fields.
fn s1() -> PrecreateRequest {
    PrecreateRequest::new()
        .operator("oper01")
        .device("dev01")
        .amount(cents(1))
        .channel_type(1)
        .charge_code("T20160805000001")
        .subject("test order")
}

const S1: &str = r#"{"BUSI_ID":"0010000001","OPER_ID":"oper01","DEV_ID":"dev01","AMT":"0.01","CHANNEL_TYPE":"1","CHARGE_CODE":"T20160805000001","PAY_SUBJECT":"test order"}"#;
const E5: &str = "0wTUmwcJ2yFTGSh+3hw0lxry3+e3O+EeW6qJD6h0UHd8iuQ+5tUq0UVGb8mqlplnxboq1gqWWZB3mRHuMhJ9aaX/lbSysE0inVZr867vbWMguky4Ym26e5KKRbV2S4d+3HcWLm/bf/LIId1oyaQdjN94iO+w7a+QH2Ucgfu6XXh+UF3mSVqvq+HpqhG1a/SJaUhPPmOz7ug=";

#[tokio::test]
async fn a_message_is_signed_and_encrypted_as_the_vectors_say() {
    let check = async |encryption, query: &str, content_type: &str, body: &str| {
        let (client, sent) = catching(Config { encryption, ..config(URL) });
        let _ = client.precreate(&s1()).await;
        let (request, time_limit) = sent.lock().unwrap().remove(0);
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri().to_string(), format!("{SERVICE}/order?{query}"));
        assert_eq!(request.headers()["content-type"], content_type);
        assert_eq!(request.body(), body);
        assert_eq!(time_limit, Duration::from_secs(15));
    };
    let signed = "sign=349f94e5f924b6374a9cac533d32a9e3%3A1470360000123&_type=json&busiCode=0010000001";
    check(Encryption::None, signed, "application/json;charset=UTF-8", S1).await;
    check(Encryption::TripleDes, &format!("{signed}&encrypt=3DES"), "text/plain;charset=UTF-8", E5).await;
}

#[tokio::test]
async fn questions_sign_what_the_vectors_say() {
    let (client, sent) = catching(config(URL));
    let check = async |call: Call<'_>, path: &str, sign: &str, more: &str| {
        let _ = call.await;
        let (request, _) = sent.lock().unwrap().remove(0);
        assert_eq!(request.method(), "GET");
        let expected =
            format!("{SERVICE}/{path}?sign={sign}%3A1470360000123&_type=json&busiCode=0010000001{more}");
        assert_eq!(request.uri().to_string(), expected);
        assert!(request.body().is_empty());
    };
    let client = &client;
    let query =
        |lookup: Lookup| -> Call<'_> { Box::pin(async move { client.query(&lookup).await.map(drop) }) };
    let s4 = "8b043a5031184f4a86479039f206e154";
    let path = "query/T20160805000001/0010000001";
    check(query(Lookup::charge_code("T20160805000001")), path, s4, "").await;
    check(query(Lookup::charge_down_code("T20160805000001")), path, s4, "&serType=1").await;
    check(query(Lookup::refund_no("T20160805000001")), path, s4, "&serType=2").await;

    let cancel = |revocation: Revocation| -> Call<'_> {
        Box::pin(async move { client.cancel("T20160805000001", revocation).await.map(drop) })
    };
    let s5 = "bc1938d7e4681755e9d3c09db0b67dd2";
    let path = "cancelTrade/T20160805000001/0010000001";
    check(cancel(Revocation::RealTime), path, s5, "").await;
    check(cancel(Revocation::Application), path, s5, "&opType=ACO").await;

    let batch = BatchQueryRequest::new().state(1).begin_date("2016-01-01 00:00:00").operator("a&b");
    let call: Call<'_> = Box::pin(async { client.batch_query(&batch).await.map(drop) });
    let more = "&state=1&beginDate=2016-01-01%2000%3A00%3A00&userId=a%26b&pageNum=1&pageSize=10";
    check(call, "queryTrades", "f75d4b14b3fa5de2e1f1aea345a0e2f4", more).await;

    let call: Call<'_> = Box::pin(async { client.channels().await.map(drop) });
    check(call, "payChannel/0010000001", "2636ef6a333cc9f96273fae773dcde66", "").await;
}

#[tokio::test]
async fn xml_goods_and_awkward_texts() {
    let (client, sent) = catching(Config { format: Format::Xml, ..config(URL) });
    let goods = Goods {
        id: "2010".into(),
        name: "Fish & <chips>".into(),
        class: "food".into(),
        price: Some(cents(499_900)),
        subject: "茶".into(),
        quantity: 1,
        show_url: None,
    };
    let _ = client.pay(&pay("T1", "284214903060790000").goods(goods)).await;
    let (request, time_limit) = sent.lock().unwrap().remove(0);
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ORDER_REQ><BUSI_ID>0010000001</BUSI_ID>\
                <OPER_ID>oper01</OPER_ID><DEV_ID>dev01</DEV_ID><AMT>158.00</AMT>\
                <DYNAMIC_ID>284214903060790000</DYNAMIC_ID><CHARGE_CODE>T1</CHARGE_CODE>\
                <PAY_SUBJECT>two coffees</PAY_SUBJECT><GOODS_DETAIL><GOODS_INFO><GOOD_ID>2010</GOOD_ID>\
                <GOOD_NAME>Fish &amp; &lt;chips&gt;</GOOD_NAME><GOOD_CLASS>food</GOOD_CLASS>\
                <GOOD_PRICE>4999.00</GOOD_PRICE><GOOD_SUBJECT>茶</GOOD_SUBJECT>\
                <GOOD_QUANTITY>1</GOOD_QUANTITY></GOODS_INFO></GOODS_DETAIL></ORDER_REQ>";
    assert_eq!(request.body(), body);
    assert_eq!(request.headers()["content-type"], "text/xml;charset=UTF-8");
    // The platform may hold this one call for 80 seconds.
    assert!(time_limit >= Duration::from_secs(90), "{time_limit:?}");
}

#[tokio::test]
async fn passwords_travel_in_the_body_to_their_own_address() {
    let auth_base_url = Some("https://auth.example/".to_owned());
    let (client, sent) = catching(Config { auth_base_url, encryption: Encryption::TripleDes, ..config(URL) });
    let _ = client.auth("cashier 01", &Secret::new("p&ss=wörd")).await;
    let (request, _) = sent.lock().unwrap().remove(0);
    assert_eq!(request.uri(), "https://auth.example/openGateway/openService/auth");
    assert_eq!(request.method(), "POST");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.body(), "username=cashier%2001&password=p%26ss%3Dw%C3%B6rd&busiCode=0010000001");
}

#[tokio::test]
async fn missing_fields_are_found_before_anything_is_sent() {
    let (client, sent) = catching(config(URL));
    let check = |result: Result<(), Error>, field: &str| {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.missing_field()), (Some(code::MISSING), Some(field)), "{error}");
        assert!(!error.is_retryable() && !error.is_unknown_outcome() && !error.is_rejected(), "{error}");
    };

    type Spoil<T> = fn(T) -> T;
    let cases: [(&str, Spoil<PayRequest>); 6] = [
        ("OPER_ID", |request| request.operator("")),
        ("DEV_ID", |request| request.device("")),
        ("DYNAMIC_ID", |request| request.payer_code("")),
        ("CHARGE_CODE", |request| request.charge_code("")),
        ("PAY_SUBJECT", |request| request.subject("")),
        ("GOOD_ID", |request| request.goods(Goods::default())),
    ];
    for (field, spoil) in cases {
        check(client.pay(&spoil(pay("T1", "284214903060790000"))).await.map(drop), field);
    }
    check(client.pay(&PayRequest::new().operator("o").device("d")).await.map(drop), "AMT");

    let unnamed =
        PrecreateRequest::new().operator("o").device("d").amount(cents(1)).charge_code("T1").subject("s");
    check(client.precreate(&unnamed).await.map(drop), "CHANNEL_TYPE");
    check(client.precreate(&precreate("")).await.map(drop), "CHARGE_CODE");

    check(client.official_account(&official("T1").trade_type("JSAPI")).await.map(drop), "subOpenid");
    check(client.official_account(&OfficialAccountRequest::new()).await.map(drop), "OPER_ID");

    check(client.refund(&refund("", "R1", cents(1))).await.map(drop), "CHARGE_CODE");
    check(
        client.refund(&RefundRequest::new().operator("o").device("d")).await.map(drop),
        "CHARGE_REFUND_FEE",
    );
    check(client.refund(&refund("T1", "R1", cents(1)).reason("")).await.map(drop), "REFUND_SUBJECT");

    check(client.query(&Lookup::charge_code("")).await.map(drop), "CHARGE_CODE");
    check(client.query(&Lookup::charge_down_code("")).await.map(drop), "CHARGE_DOWN_CODE");
    check(client.query(&Lookup::refund_no("")).await.map(drop), "OUT_REFUND_NO");
    check(client.cancel("", Revocation::RealTime).await.map(drop), "CHARGE_CODE");
    check(client.auth("", &Secret::new("x")).await.map(drop), "username");
    check(client.auth("x", &Secret::new("")).await.map(drop), "password");
    assert!(sent.lock().unwrap().is_empty());

    // By the platform's number alone is enough.
    let _ = client.refund(&refund("", "R1", cents(1)).charge_down_code("20160805000000000001")).await;
    assert_eq!(sent.lock().unwrap().len(), 1);
}
