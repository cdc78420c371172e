//! The write-off and the app login (appendix A): what leaves the client, what missing fields keep from
//! leaving, and both against a whole gateway.

use std::sync::{Arc, Mutex};

use tradewind_sdk::bytes::Bytes;
use tradewind_sdk::http::{Request, Response};
use tradewind_sdk::sosopay::{Client, Config, Device, Encryption, Format, code};
use tradewind_sdk::{Error, Secret};
use tradewind_sosopay::{root_of_answer, sign};
use tradewind_testkit::{Behaviour, Options, Random, Receiver, SHOP, TestGateway};

use crate::support::{
    CODE, FORMS, Told, Verdict, cents, client, client_at_vectors, config, results, shop, verdict, voucher,
};

const URL: &str = "http://pay.example";

/// The first request that a client sends, whatever becomes of it.
async fn sent(config: Config, call: impl AsyncFn(&Client)) -> Request<Bytes> {
    let requests: Arc<Mutex<Vec<Request<Bytes>>>> = Arc::default();
    let caught = Arc::clone(&requests);
    let transport = Told::by(move |request, _| {
        caught.lock().unwrap().push(request);
        Ok(Response::new(Bytes::from_static(b"{}")))
    });
    call(&client_at_vectors(config, transport)).await;
    requests.lock().unwrap().remove(0)
}

#[tokio::test]
async fn messages_in_both_formats() {
    let full = || {
        let request = voucher("V1").valid_through("2016-12-31").amount(cents(15_800)).remarks("a < b");
        request.redeemers(["0010000002", "0010000003"], 2).redeemers(["0010000004"], 1)
    };
    let json = r#"{"busiCode":"0010000001","tradeCode":"V1","goodsName":"Day ticket","goodsCode":"2010","goodsCount":"1","totalVerifyNumber":"3","orderValidity":"2016-12-31","amount":"158.00","remarks":"a < b","busiCodeNums":[{"busiCodes":["0010000002","0010000003"],"verifyNumber":"2"},{"busiCodes":["0010000004"],"verifyNumber":"1"}]}"#;
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><VERIFY_REQ><busiCode>0010000001</busiCode><tradeCode>V1</tradeCode><goodsName>Day ticket</goodsName><goodsCode>2010</goodsCode><goodsCount>1</goodsCount><totalVerifyNumber>3</totalVerifyNumber><orderValidity>2016-12-31</orderValidity><amount>158.00</amount><remarks>a &lt; b</remarks><busiCodeNums><busiCodeNum><busiCodes><busiCode>0010000002</busiCode><busiCode>0010000003</busiCode></busiCodes><verifyNumber>2</verifyNumber></busiCodeNum><busiCodeNum><busiCodes><busiCode>0010000004</busiCode></busiCodes><verifyNumber>1</verifyNumber></busiCodeNum></busiCodeNums></VERIFY_REQ>";
    for (format, expected) in [(Format::Json, json), (Format::Xml, xml)] {
        let request = sent(Config { format, ..config(URL) }, async |client| {
            let _ = client.verify_get(&full()).await;
        })
        .await;
        assert_eq!(request.body(), expected);
        let key = Secret::new(SHOP.key);
        let sign = sign(&key, &[expected.as_bytes()], crate::support::VECTORS_AT).replace(':', "%3A");
        let format = if format == Format::Json { "json" } else { "xml" };
        let path = "/openGateway/openService/verify/get";
        let expected = format!("{URL}{path}?sign={sign}&_type={format}&busiCode=0010000001");
        assert_eq!(request.uri().to_string(), expected);
    }
    let check = sent(config(URL), async |client| {
        let _ = client.verify_check(CODE, "gate1").await;
    })
    .await;
    let expected = r#"{"busiCode":"0010000001","verifyCode":"0000000000005724","deviceCode":"gate1","immedyConfirm":"true"}"#;
    assert_eq!(check.body(), expected);
    assert_eq!(root_of_answer("verifyCheck"), Some("VERIFY_RESP"));
    let login = sent(config(URL), async |client| {
        let device = Device { imei: "8670".into(), app_version: "1.1".into(), ..Device::default() };
        let _ = client.login("cashier 01", &Secret::new("p&ss"), &device).await;
    })
    .await;
    assert_eq!(login.uri(), "http://pay.example/openGateway/openService/login");
    assert_eq!(
        login.body(),
        "username=cashier%2001&password=p%26ss&busiCode=0010000001&imei=8670&appVer=1.1"
    );
}

#[tokio::test]
async fn missing_fields_are_found_before_anything_is_sent() {
    let client = client_at_vectors(config(URL), Told::by(|_, _| panic!("it was sent")));
    let check = |result: Result<(), Error>, field: &str| {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.missing_field()), (Some(code::MISSING), Some(field)), "{error}");
    };
    check(client.verify_get(&voucher("")).await.map(drop), "tradeCode");
    check(client.verify_get(&voucher("V1").goods_name("")).await.map(drop), "goodsName");
    check(client.verify_get(&voucher("V1").redeemers([""; 0], 1)).await.map(drop), "busiCodes");
    check(client.verify_query("").await.map(drop), "tradeCode");
    check(client.verify_check("", "gate1").await.map(drop), "verifyCode");
    check(client.verify_look(CODE, "").await.map(drop), "deviceCode");
    check(client.verify_cancel("", CODE).await.map(drop), "tradeCode");
    check(client.verify_cancel("V1", "").await.map(drop), "verifyCode");
    check(client.verify_results(&results("")).await.map(drop), "deviceCode");
    check(client.verify_results(&results("gate1").end_date("")).await.map(drop), "endVerDate");
    let device = Device::default();
    check(client.login("", &Secret::new("x"), &device).await.map(drop), "username");
    check(client.login("x", &Secret::new(""), &device).await.map(drop), "password");
}

/// An answer without what it is for is none that can be relied on.
#[tokio::test]
async fn empty_successes() {
    let client =
        client_at_vectors(config(URL), Told::body(r#"{"VERIFY_RESP":{"RESULT":{"CODE":"SUCCESS"}}}"#));
    assert_eq!(verdict(&client.verify_get(&voucher("V1")).await.unwrap_err()), Verdict::Unknown);
    assert_eq!(verdict(&client.verify_check(CODE, "gate1").await.unwrap_err()), Verdict::Unknown);
    let other =
        r#"{"VERIFY_RESP":{"RESULT":{"CODE":"SUCCESS"},"goodsINFO":{"tradeCode":"V2","isActive":"1"}}}"#;
    let client = client_at_vectors(config(URL), Told::body(other));
    assert!(client.verify_query("V1").await.unwrap_err().is_untrusted(), "it is about another voucher");
}

#[tokio::test]
async fn a_voucher_against_a_whole_gateway() {
    let gateway = TestGateway::start(Options::default()).await;
    let receiver = Receiver::start(Behaviour::accept()).await;
    let mut random = Random::new();
    let other = || {
        let (busi_id, key) = ("0010000002".to_owned(), Secret::new("SHORTKEY0123456"));
        client(&gateway, Config { busi_id, key, ..config(&gateway.url()) })
    };
    for (round, form) in FORMS.into_iter().enumerate() {
        println!("{form:?}");
        let client = shop(&gateway, form);
        let (number, device) = (random.number("V"), random.number("gate"));
        let format = if form.0 == Format::Json { "json" } else { "xml" };
        let encrypt = if form.1 == Encryption::TripleDes { "3DES" } else { "" };
        let notify_url = receiver.url(&format!("/n?_type={format}&encrypt={encrypt}"));
        let request =
            voucher(&number).amount(cents(15_800)).redeemers(["0010000002"], 1).notify_url(notify_url);
        let code_of_voucher = client.verify_get(&request).await.unwrap().into_inner();
        assert_eq!(*client.verify_get(&request).await.unwrap(), code_of_voucher);
        let changed = client.verify_get(&request.clone().uses(4)).await.unwrap_err();
        assert_eq!((verdict(&changed), changed.code()), (Verdict::Rejected, Some(code::SERIAL_REPEAT)));

        let known = client.verify_query(&number).await.unwrap();
        assert_eq!((known.used, known.goods_count, known.is_active), (Some(0), Some(1), true));
        assert_eq!(known.amount, Some(cents(15_800)));
        assert!(client.verify_look(&code_of_voucher, &device).await.unwrap().is_active);

        let redeemed = client.verify_check(&code_of_voucher, &device).await.unwrap();
        assert_eq!((redeemed.voucher.used, redeemed.voucher.is_active), (Some(1), true));
        let received = receiver.wait_for(2 * round + 1).await.pop().unwrap();
        let news = client.parse_redemption(&received.query, &received.body).unwrap();
        assert_eq!((&news.serial, &news.trade_code, news.uses), (&redeemed.serial, &number, 1));
        assert_eq!(news.redeemer.as_deref(), Some(SHOP.key_id));
        assert!(client.parse_redemption("", &received.body).unwrap_err().is_untrusted());
        assert!(other().parse_redemption(&received.query, &received.body).is_err());

        let theirs = other().verify_check(&code_of_voucher, &device).await.unwrap();
        assert!(!theirs.voucher.is_active, "its quota is used up");
        receiver.wait_for(2 * round + 2).await;
        let error = other().verify_check(&code_of_voucher, &device).await.unwrap_err();
        assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some(code::FAIL)));
        let error = other().verify_query(&number).await.unwrap_err();
        assert_eq!(error.code(), Some(code::CHARGE_NONEXISTENT));

        let today = tradewind_dialect::codec::date::datetime_gmt8(gateway.now());
        let mine = results(&device).begin_date(&today[..10]).end_date(&today[..10]);
        let page = client.verify_results(&mine).await.unwrap();
        let [row] = page.redemptions.as_slice() else { panic!("{page:?}") };
        assert_eq!((&row.serial, &row.code, page.total), (&redeemed.serial, &code_of_voucher, Some(1)));
        assert_eq!(row.voucher.trade_code.as_deref(), Some(number.as_str()));
        assert!(client.verify_results(&mine.serial(&theirs.serial)).await.unwrap().redemptions.is_empty());

        assert!(!client.verify_cancel(&number, &code_of_voucher).await.unwrap().was_revoked_already);
        assert!(client.verify_cancel(&number, &code_of_voucher).await.unwrap().was_revoked_already);
        assert!(!client.verify_query(&number).await.unwrap().is_active);
        let error = client.verify_check(&code_of_voucher, &device).await.unwrap_err();
        assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some(code::AREADY_REVOKED)));
    }
    gateway.ops().verify().await;
}

#[tokio::test]
async fn app_logins() {
    let gateway = TestGateway::start(Options::default()).await;
    let client = shop(&gateway, FORMS[3]);
    let device =
        Device { imei: "867068020000001".into(), app_version: "1.1.0".into(), terminal_type: "1".into() };
    let channels = client.login("manager01", &Secret::new("sandbox-manager"), &device).await.unwrap();
    assert_eq!(*channels, *client.channels().await.unwrap());
    let user = client.auth("manager01", &Secret::new("sandbox-manager")).await.unwrap();
    assert_eq!((user.imei.as_deref(), user.app_version.as_deref()), (Some("867068020000001"), Some("1.1.0")));
    let error = client.login("manager01", &Secret::new("wrong"), &device).await.unwrap_err();
    assert_eq!((verdict(&error), error.info()), (Verdict::Rejected, Some("Account/password error")));
}
