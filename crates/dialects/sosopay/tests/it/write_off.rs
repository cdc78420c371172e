//! The write-off family and the app login (appendix A): fields of requests, their limits, and answers.

use tradewind_dialect::{Dialect, Method as Http, Notice, NoticeAbout, Notification};
use tradewind_domain::{
    About, Call, Device, Event, EventKind, ListRedemptions, Login, Method, Outcome, PartnerId, RedeemCall,
    Redemption, RedemptionId, RedemptionPage, Refusal, SignedIn, Span, Timestamp, User, UserId, UserState,
    Voucher, VoucherCall, VoucherCode, VoucherId, VoucherState,
};

use crate::support::{BUSI_ID, NOW, Shop, code_of, dialect, partner, post};

const GET_JSON: &str = r#"{"busiCode":"0010000001","tradeCode":"V1","goodsName":"Day ticket","goodsCode":"2010","goodsCount":2,"totalVerifyNumber":"10","orderDate":"2016-08-05","orderValidity":"2016-12-31","goodsSpec":"adult","amount":"158.00","remarks":"茶","busiCodeNums":[{"busiCodes":["0010000002","0010000003"],"verifyNumber":3},{"busiCodes":["0010000004"],"verifyNumber":"1"}],"notifyURL":"https://shop.example.test/n?_type=json"}"#;
const GET_XML: &str = "<VERIFY_REQ><busiCode>0010000001</busiCode><tradeCode>V1</tradeCode><goodsName>Day ticket</goodsName><goodsCode>2010</goodsCode><goodsCount>2</goodsCount><totalVerifyNumber>10</totalVerifyNumber><orderDate>2016-08-05</orderDate><orderValidity>2016-12-31</orderValidity><goodsSpec>adult</goodsSpec><amount>158.00</amount><remarks>茶</remarks><busiCodeNums><busiCodeNum><busiCodes><busiCode>0010000002</busiCode><busiCode>0010000003</busiCode></busiCodes><verifyNumber>3</verifyNumber></busiCodeNum><busiCodeNum><busiCodes><busiCode>0010000004</busiCode></busiCodes><verifyNumber>1</verifyNumber></busiCodeNum></busiCodeNums><notifyURL>https://shop.example.test/n?_type=json</notifyURL></VERIFY_REQ>";
const CHECK: &str =
    r#"{"busiCode":"0010000001","verifyCode":"0000000000005724","deviceCode":"gate1","immedyConfirm":true}"#;
const RESULTS: &str = r#"{"busiCode":"0010000001","deviceCode":"gate1","beginVerDate":"2016-08-01","endVerDate":"2016-08-05","pageNo":"1","pageSize":"10"}"#;
/// Well-formed requests.
pub(crate) const MESSAGES: [&str; 4] = [GET_JSON, GET_XML, CHECK, RESULTS];

fn code() -> VoucherCode {
    VoucherCode::of_payload(572).unwrap()
}

fn open(operation: &'static str, body: &str) -> Result<Call, Refusal> {
    let shop = Shop::new();
    shop.open(operation, &shop.post(operation, body))
}

/// A JSON request with the text of one member exchanged.
fn with(body: &str, old: &str, new: &str) -> String {
    assert!(body.contains(old), "{old} is not in {body}");
    body.replacen(old, new, 1)
}

#[test]
fn a_full_request_in_both_formats() {
    let wrapped = format!("{{\"VERIFY_REQ\":{GET_JSON}}}");
    let bare = with(GET_JSON, r#"["0010000004"]"#, r#""0010000004""#);
    let repeated = GET_XML
        .replace("<busiCodeNums>", "")
        .replace("</busiCodeNums>", "")
        .replace("busiCodeNum>", "busiCodeNums>");
    for body in [GET_JSON, GET_XML, &wrapped, &bare, &repeated] {
        let Ok(Call::IssueVoucher(call)) = open("verifyGet", body) else { panic!("{body}") };
        let fingerprint = call.fingerprint;
        let expected = VoucherCall {
            number: "V1".into(),
            fingerprint,
            subject: "Day ticket".into(),
            ordered: 10,
            // The day is included: until the first instant of 2017 in GMT+8.
            valid_until: Some(Timestamp::from_ms(1_483_200_000_000)),
            shares: vec![(vec!["0010000002".into(), "0010000003".into()], 3), (vec!["0010000004".into()], 1)],
            notify_url: Some("https://shop.example.test/n?_type=json".into()),
            details: Some(
                r#"{"c":"2010","n":"2","s":"adult","d":"2016-08-05","v":"2016-12-31","a":"158.00","r":"茶"}"#
                    .into(),
            ),
        };
        assert_eq!(*call, expected, "{body}");
    }
    let prints = [GET_JSON, &with(GET_JSON, "adult", "child")].map(|body| match open("verifyGet", body) {
        Ok(Call::IssueVoucher(call)) => call.fingerprint,
        other => panic!("{other:?}"),
    });
    assert_ne!(prints[0], prints[1], "the number is bound to its content");
}

#[test]
fn what_may_be_left_out() {
    let least = r#"{"busiCode":"0010000001","tradeCode":"V1","goodsName":"A","goodsCode":"B","goodsCount":"1","totalVerifyNumber":"1","notifyURL":"null","busiCodeNums":[],"remarks":""}"#;
    let Ok(Call::IssueVoucher(call)) = open("verifyGet", least) else { panic!() };
    assert_eq!((call.valid_until, call.notify_url, call.shares.len()), (None, None, 0));
    assert_eq!(call.details.as_deref(), Some(r#"{"c":"B","n":"1"}"#));
    let second = with(GET_JSON, "2016-12-31", "2016-08-05 09:20:00");
    let Ok(Call::IssueVoucher(call)) = open("verifyGet", &second) else { panic!() };
    assert_eq!(call.valid_until, Some(Timestamp::from_ms(1_470_360_001_000)), "the second is included");
    let without = with(CHECK, r#""busiCode":"0010000001","#, "");
    let shop = Shop::new();
    let mut request = shop.post("verifyCheck", &without);
    assert!(shop.open("verifyCheck", &request).is_err(), "nobody is named");
    request.query.push_str("&busiCode=0010000001");
    assert!(matches!(shop.open("verifyCheck", &request), Ok(Call::RedeemVoucher(_))));
    request.query.push('1');
    assert_eq!(shop.open("verifyCheck", &request), Err(Refusal::UnknownPartner));
}

#[test]
fn what_is_wrong_with_a_request() {
    let check = |operation: &'static str, body: &str, old: &str, new: &str, field: &str| match open(
        operation,
        &with(body, old, new),
    ) {
        Err(Refusal::Field { field: found, .. }) => assert_eq!(found, field, "{new}"),
        other => panic!("{new}: {other:?}"),
    };
    let get = |old: &str, new: &str, field: &str| check("verifyGet", GET_JSON, old, new, field);
    get(r#""tradeCode":"V1","#, "", "tradeCode");
    get(r#""V1""#, &format!("\"{}\"", "x".repeat(65)), "tradeCode");
    get(r#""V1""#, r#""V\n1""#, "tradeCode");
    get(r#""goodsName":"Day ticket","#, "", "goodsName");
    get(r#""Day ticket""#, &format!("\"{}\"", "x".repeat(257)), "goodsName");
    get(r#""goodsCode":"2010","#, "", "goodsCode");
    get(r#""goodsCount":2"#, r#""goodsCount":0"#, "goodsCount");
    get(r#""goodsCount":2"#, r#""goodsCount":"2.5""#, "goodsCount");
    get(r#""totalVerifyNumber":"10""#, r#""totalVerifyNumber":"0""#, "totalVerifyNumber");
    get(r#""totalVerifyNumber":"10""#, r#""totalVerifyNumber":"1000001""#, "totalVerifyNumber");
    get(r#""totalVerifyNumber":"10","#, "", "totalVerifyNumber");
    get("2016-12-31", "2016-13-31", "orderValidity");
    get("2016-12-31", "2016-08-04", "orderValidity");
    get("2016-12-31", "2016-08-05 09:19:59", "orderValidity");
    get(r#""茶""#, &format!("\"{}\"", "茶".repeat(1025)), "remarks");
    get("https://", "gopher://", "notifyURL");
    get("_type=json", "_type=yaml", "notifyURL");
    get("0010000003", "0010000002", "busiCodes");
    get("0010000004", "0010000002", "busiCodes");
    get(r#"["0010000004"]"#, "[]", "busiCodes");
    get(r#"["0010000004"]"#, "[{}]", "busiCodes");
    get(r#"{"busiCodes":["0010000004"],"verifyNumber":"1"}"#, "7", "busiCodeNums");
    get(r#""verifyNumber":3"#, r#""verifyNumber":0"#, "verifyNumber");
    get(r#","verifyNumber":3"#, "", "verifyNumber");
    let many: Vec<String> = (0..101).map(|n| format!("\"{n}\"")).collect();
    get(r#"["0010000004"]"#, &format!("[{}]", many.join(",")), "busiCodes");
    get(r#""busiCode":"0010000001""#, r#""busiCode":["0010000001"]"#, "busiCode");

    let of_check = |old: &str, new: &str, field: &str| check("verifyCheck", CHECK, old, new, field);
    of_check("0000000000005724", "0000000000005723", "verifyCode");
    of_check("0000000000005724", "572", "verifyCode");
    of_check("0000000000005724", "", "verifyCode");
    of_check("gate1", "", "deviceCode");
    of_check("true", "\"\"", "immedyConfirm");
    of_check("true", "\"yes\"", "immedyConfirm");

    let results = |old: &str, new: &str, field: &str| check("verifyResults", RESULTS, old, new, field);
    results("gate1", "", "deviceCode");
    results("2016-08-01", "", "beginVerDate");
    results("2016-08-01", "1.8.2016", "beginVerDate");
    results("2016-08-01", "2016-08-06", "beginVerDate");
    results("2016-08-01", "2016-05-01", "beginVerDate");
    results("2016-08-05", "", "endVerDate");
    results("2016-08-05", "today", "endVerDate");
    results(r#""pageNo":"1""#, r#""pageNo":"0""#, "pageNo");
    results(r#""pageNo":"1","#, "", "pageNo");
    results(r#""pageSize":"10""#, r#""pageSize":"101""#, "pageSize");
    results(r#""pageNo""#, r#""verifySerial":"1","pageNo""#, "verifySerial");
    results(r#""pageNo""#, r#""verifyCode":"1","pageNo""#, "verifyCode");
}

#[test]
fn the_other_calls() {
    let redeem = |confirm| {
        Ok(Call::RedeemVoucher(RedeemCall { code: code(), device: "gate1".into(), count: 1, confirm }))
    };
    for (text, confirm) in
        [("true", true), ("\"TRUE\"", true), ("1", true), ("false", false), ("\"0\"", false)]
    {
        assert_eq!(open("verifyCheck", &with(CHECK, "true", text)), redeem(confirm), "{text}");
    }
    let typed = with(CHECK, "0000000000005724", "0000 0000-0000 5724");
    assert_eq!(open("verifyCheck", &typed), redeem(true), "as people type it");
    let named = r#"{"busiCode":"0010000001","tradeCode":"V1"}"#;
    assert_eq!(open("verifyQuery", named), Ok(Call::FindVoucher { number: "V1".into() }));
    let cancel = r#"{"busiCode":"0010000001","tradeCode":"V1","verifyCode":"0000000000005724"}"#;
    assert_eq!(open("verifyCancel", cancel), Ok(Call::CancelVoucher { number: "V1".into(), code: code() }));
    let list = ListRedemptions {
        device: "gate1".into(),
        // Whole days of GMT+8.
        from: Timestamp::from_ms(1_469_980_800_000),
        until: Timestamp::from_ms(1_470_412_800_000),
        id: None,
        code: None,
        page: 1,
        page_size: 10,
    };
    assert_eq!(open("verifyResults", RESULTS), Ok(Call::ListRedemptions(list.clone())));
    let filtered = with(
        RESULTS,
        "\"pageNo\"",
        "\"verifySerial\":\"20160805336001230000\",\"verifyCode\":\"0000000000005724\",\"pageNo\"",
    );
    let list = ListRedemptions { id: Some(redemption().id), code: Some(code()), ..list };
    assert_eq!(open("verifyResults", &filtered), Ok(Call::ListRedemptions(list)));
}

fn voucher() -> Voucher {
    Voucher {
        id: VoucherId::from_i64(14_703_600_001_230_000),
        partner: PartnerId::from_i64(1),
        dialect: "sosopay".into(),
        number: "V1".into(),
        fingerprint: 0,
        code: code(),
        subject: "Day <ticket>".into(),
        ordered: 10,
        used: 3,
        refunded: 0,
        locked: 0,
        state: VoucherState::Active,
        order: None,
        seller: None,
        valid_from: None,
        valid_until: None,
        cancelled_at: None,
        shares: Vec::new(),
        notify_url: Some("https://shop.example.test/n?_type=json".into()),
        details: Some(
            r#"{"c":"2010","n":"2","s":"adult","d":"2016-08-05","v":"2016-12-31","a":"158.00","r":"茶"}"#
                .into(),
        ),
    }
}

fn redemption() -> Redemption {
    Redemption {
        id: RedemptionId::from_i64(14_703_600_001_230_000),
        voucher: voucher().id,
        partner: PartnerId::from_i64(1),
        by: PartnerId::from_i64(1),
        device: "gate1".into(),
        count: 1,
        used_so_far: 3,
        left: 7,
    }
}

fn answer(operation: &'static str, body: &str, query: &str, outcome: Result<&Outcome, &Refusal>) -> String {
    let shop = Shop::new();
    let sign = shop.sign(body);
    let answer = shop.answer(operation, &post(operation, &format!("sign={sign}{query}"), body), outcome);
    assert!(answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("X-Sosopay-Sign")));
    shop.clear(&answer)
}

#[test]
fn answers_in_both_formats() {
    let issued = Outcome::Voucher(Box::new(voucher()));
    let told = |operation, body, outcome: &Outcome| {
        let by_default = answer(operation, body, "", Ok(outcome));
        assert_eq!(answer(operation, body, "&_type=JSON", Ok(outcome)), by_default);
        (by_default, answer(operation, body, "&_type=xml", Ok(outcome)))
    };
    let ok = r#"{"VERIFY_RESP":{"RESULT":{"CODE":"SUCCESS","INFO":"ok"}"#;
    let xml_ok = r#"<?xml version="1.0" encoding="UTF-8"?><VERIFY_RESP><RESULT><CODE>SUCCESS</CODE><INFO>ok</INFO></RESULT>"#;
    let (json, xml) = told("verifyGet", GET_JSON, &issued);
    assert_eq!(json, format!(r#"{ok},"verifyCode":"0000000000005724"}}}}"#));
    assert_eq!(xml, format!("{xml_ok}<verifyCode>0000000000005724</verifyCode></VERIFY_RESP>"));

    let info = r#""tradeCode":"V1","orderDate":"2016-08-05","orderValidity":"2016-12-31","goodsName":"Day <ticket>","goodsSpec":"adult","usedTime":"3","goodsCount":"2","amount":"158.00","remarks":"茶""#;
    let query = r#"{"busiCode":"0010000001","tradeCode":"V1"}"#;
    let (json, xml) = told("verifyQuery", query, &issued);
    assert_eq!(json, format!(r#"{ok},"goodsINFO":{{{info},"isActive":"1"}}}}}}"#));
    assert!(xml.contains("<goodsINFO><tradeCode>V1</tradeCode>"), "{xml}");
    assert!(xml.contains("<goodsName>Day &lt;ticket&gt;</goodsName>"), "{xml}");

    let redeemed = Outcome::Redeemed(Box::new(voucher()), Box::new(redemption()));
    let (json, _) = told("verifyCheck", CHECK, &redeemed);
    assert_eq!(
        json,
        format!(r#"{ok},"goodsINFO":{{{info},"verifySerial":"20160805336001230000","isActive":"1"}}}}}}"#)
    );
    for (usable, active) in [(0, "0"), (2, "1")] {
        let (json, _) = told("verifyCheck", CHECK, &Outcome::Redeemable(Box::new(voucher()), usable));
        assert_eq!(json, format!(r#"{ok},"goodsINFO":{{{info},"isActive":"{active}"}}}}}}"#));
    }

    let cancel = r#"{"busiCode":"0010000001","tradeCode":"V1","verifyCode":"0000000000005724"}"#;
    assert_eq!(told("verifyCancel", cancel, &issued).0, format!("{ok}}}}}"));

    let page = RedemptionPage { entries: vec![(redemption(), voucher())], total: Some(12) };
    let (json, xml) = told("verifyResults", RESULTS, &Outcome::Redemptions(page));
    let row = format!(
        r#"{{"verifySerial":"20160805336001230000","verifyDate":"2016-08-05 09:20:00","verifyCode":"0000000000005724","tradeInfo":{{{info},"verifySerial":"20160805336001230000","isActive":"1"}}}}"#
    );
    assert_eq!(json, format!(r#"{ok},"totalSize":12,"results":[{row}]}}}}"#));
    assert!(xml.contains("<totalSize>12</totalSize><results><result><verifySerial>"), "{xml}");
    let (json, xml) = told(
        "verifyResults",
        RESULTS,
        &Outcome::Redemptions(RedemptionPage { total: Some(0), ..RedemptionPage::default() }),
    );
    assert_eq!(json, format!(r#"{ok},"totalSize":0,"results":[]}}}}"#));
    assert!(xml.ends_with("<results></results></VERIFY_RESP>"), "{xml}");
}

#[test]
fn whether_it_is_active() {
    let active = |change: fn(&mut Voucher)| {
        let mut voucher = voucher();
        change(&mut voucher);
        let query = r#"{"busiCode":"0010000001","tradeCode":"V1"}"#;
        answer("verifyQuery", query, "", Ok(&Outcome::Voucher(Box::new(voucher))))
            .contains("\"isActive\":\"1\"")
    };
    assert!(active(|_| {}));
    assert!(active(|voucher| voucher.valid_until = Some(NOW + Span::from_ms(1))));
    assert!(!active(|voucher| voucher.valid_until = Some(NOW)));
    assert!(!active(|voucher| voucher.used = 10));
    assert!(!active(|voucher| voucher.state = VoucherState::Cancelled));
}

#[test]
fn refusals_and_foreign_outcomes() {
    let code = |outcome: Result<&Outcome, &Refusal>| code_of(&answer("verifyCheck", CHECK, "", outcome));
    assert_eq!(code(Err(&Refusal::NotFound { what: "voucher" })), "CHARGE_NONEXISTENT");
    assert_eq!(code(Err(&Refusal::WrongState { problem: "all of the voucher has been used" })), "FAIL");
    assert_eq!(code(Err(&Refusal::AlreadyRevoked)), "AREADY_REVOKED");
    assert_eq!(code(Err(&Refusal::NumberTaken { same: false })), "SERIAL_REPEAT");
    assert_eq!(code(Err(&Refusal::PartnerSuspended)), "INVALID_CONTRACT");
    assert_eq!(code(Ok(&Outcome::Methods(Vec::new()))), "EXCEPTION");
    assert_eq!(code(Ok(&Outcome::Redemptions(RedemptionPage::default()))), "EXCEPTION");
    // What an order would echo is no field of these.
    let body = with(CHECK, "{", r#"{"CHARGE_CODE":"T1","#);
    assert!(!answer("verifyCheck", &body, "", Err(&Refusal::Busy)).contains("T1"));
}

#[test]
fn a_redemption_is_told() {
    let shop = Shop::new();
    let event = Event {
        partner: PartnerId::from_i64(1),
        number: 1,
        kind: EventKind::VoucherRedeemed,
        about: About::Voucher(voucher().id),
        refund: None,
        redemption: Some(redemption().id),
        at: NOW,
    };
    let told = |url: Option<&str>, redeemer, kind, used| -> Option<Notification> {
        let voucher = Voucher { notify_url: url.map(str::to_owned), used, ..voucher() };
        let redemption = redemption();
        let notice = Notice {
            event: &Event { kind, ..event.clone() },
            about: NoticeAbout::Voucher { voucher: &voucher, redemption: &redemption, redeemer },
            partner: &shop.credentials.partner,
            credentials: &shop.credentials,
            endpoint: None,
            attempt: 1,
        };
        dialect().notify(&notice, NOW)
    };
    let kind = EventKind::VoucherRedeemed;
    let clear = r#"{"VERIFY_NOTIFY":{"busiCode":"0010000001","tradeCode":"V1","goodsCode":"2010","verifyCode":"0000000000005724","verifySerial":"20160805336001230000","verifyDate":"2016-08-05 09:20:00","verifyNumber":"1","verifyBusiCode":"0010000002","deviceCode":"gate1"}}"#;
    let url = "https://shop.example.test/n?_type=json";
    let json = told(Some(url), Some("0010000002"), kind, 3).unwrap();
    assert_eq!(json.body, clear);
    assert_eq!(json.url, format!("{url}&sign={}", shop.sign(clear)));
    assert_eq!(told(Some(url), Some("0010000002"), kind, 9).unwrap().body, clear, "and not what came after");
    let xml = told(Some("https://shop.example.test/n"), None, kind, 3).unwrap();
    let text = String::from_utf8(xml.body.to_vec()).unwrap();
    assert!(text.contains("<VERIFY_NOTIFY><busiCode>0010000001</busiCode>"), "{text}");
    assert!(!text.contains("verifyBusiCode"), "{text}");
    assert!(told(None, None, kind, 3).is_none());
    assert!(told(Some(url), None, EventKind::OrderPaid, 3).is_none(), "words of another event");
    assert!(dialect().notifies().contains(&kind));
    assert_eq!(dialect().schedule(kind), dialect().schedule(EventKind::OrderPaid));
}

#[test]
fn app_logins() {
    let shop = Shop::new();
    let expected = |device: [&str; 3]| {
        let [serial, software, version] = device.map(str::to_owned);
        let (login, password) = ("cashier01".to_owned(), "a b&c".to_owned());
        let device = Some(Device { serial, software, version });
        Ok(Call::SignIn(Login { key_id: Some(BUSI_ID.to_owned()), login, password, device }))
    };
    let query = "username=cashier01&password=a%20b%26c&busiCode=0010000001";
    let mut get = post("login", &format!("{query}&IMEI=8670&appver=1.1&teType=1&_type=yaml"), "");
    get.method = Http::Get;
    assert_eq!(shop.open("login", &get), expected(["8670", "1", "1.1"]));
    assert_eq!(shop.open("login", &post("login", query, "")), expected(["", "", ""]));
    assert_eq!(shop.open("login", &post("login", "", &format!("{query}&imei=8"))), expected(["8", "", ""]));
    let json = r#"{"username":"cashier01","password":"a b&c","busiCode":"0010000001","imei":"8","appVer":"2","teType":1}"#;
    assert_eq!(shop.open("login", &post("login", "", json)), expected(["8", "1", "2"]));
    let long = format!("{query}&imei={}", "1".repeat(65));
    for bad in ["", "username=a", "password=secret", &long] {
        let refused = shop.open("login", &post("login", bad, "")).unwrap_err();
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}

#[test]
fn the_channels_of_a_login() {
    let user = User {
        id: UserId::from_i64(7),
        partner: PartnerId::from_i64(1),
        login: "cashier01".into(),
        name: "Cashier".into(),
        password_hash: "never shown".into(),
        state: UserState::Active,
        may_refund: false,
        device: Device::default(),
        signed_in_at: Some(NOW),
        created_at: NOW,
    };
    let methods = ["wechat", "alipay", "something_else"].map(|name| Method::new(name).unwrap()).to_vec();
    let signed_in = SignedIn { user, partner: partner(), key_id: BUSI_ID.into(), methods };
    let answer = |signed_in: Result<SignedIn, Refusal>| {
        let outcome = signed_in.map(|signed_in| Outcome::SignedIn(Box::new(signed_in)));
        let request = post("login", "username=a&password=b&_type=xml&encrypt=3DES", "");
        let answer = Shop::new().answer("login", &request, outcome.as_ref());
        assert_eq!((answer.status, answer.content_type), (200, "application/json;charset=UTF-8"));
        assert!(answer.headers.is_empty(), "unsigned, like auth");
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    assert_eq!(
        answer(Ok(signed_in.clone())),
        r#"{"success":true,"channels":[{"sortNo":1,"channel":{"paymentType":1,"paymentName":"Alipay"}},{"sortNo":2,"channel":{"paymentType":2,"paymentName":"WeChat Pay"}}]}"#
    );
    let refused = r#"{"success":false,"message":"Account/password error"}"#;
    assert_eq!(answer(Err(Refusal::SignIn)), refused);
    let mut locked = signed_in;
    locked.user.state = UserState::Locked;
    assert_eq!(answer(Ok(locked)), refused);
}
