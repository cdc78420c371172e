//! Answers against the golden messages, byte for byte, in both formats, clear and in cipher.

use tradewind_dialect::{Dialect, Notice, NoticeAbout};
use tradewind_domain::{
    About, Device, Event, EventKind, Flow, Found, Method, OrderPage, Outcome, PartnerId, PayerAction,
    PaymentState, Refusal, SignedIn, Timestamp, User, UserId, UserState, WalletBridge,
};

use crate::support::{CODE, NOW, Shop, cny, dialect, golden, order, partner, payment, post, refund};

/// Checks the answer to a golden request in all four ways of packing.
fn check(name: &str, operation: &'static str, outcome: Result<Outcome, Refusal>) {
    let shop = Shop::new();
    for (format, content_type) in
        [("json", "application/json;charset=UTF-8"), ("xml", "text/xml;charset=UTF-8")]
    {
        let expected = golden(&format!("{name}.{format}"));
        for encrypted in [false, true] {
            let request = match operation {
                "preOrder" | "order" | "refund" => {
                    let body = golden(&format!("{operation}.request.json"));
                    if encrypted {
                        shop.post_encrypted(operation, &body)
                    } else {
                        shop.post(operation, &body)
                    }
                }
                _ => {
                    let cipher = if encrypted { "&encrypt=3DES" } else { "" };
                    shop.get(operation, CODE, &format!("&pageNum=1&pageSize=10{cipher}"))
                }
            };
            let request = tradewind_dialect::RawRequest {
                query: request.query.replace("_type=json", &format!("_type={format}")),
                ..request
            };
            let answer = shop.answer(operation, &request, outcome.as_ref());
            assert_eq!(answer.status, 200);
            let content_type = if encrypted { "text/plain;charset=UTF-8" } else { content_type };
            assert_eq!(answer.content_type, content_type, "{name} {format}");
            assert_eq!(shop.clear(&answer), expected, "{name} {format}");
            assert_eq!(answer.headers, [("x-sosopay-sign", shop.sign(&expected))], "{name} {format}");
        }
    }
}

fn found(refund: Option<tradewind_domain::Refund>) -> Outcome {
    Outcome::Found(Box::new(Found { order: order(), payment: payment(), refund }))
}

#[test]
fn a_scanned_payment() {
    let outcome = Outcome::Collected { order: Box::new(order()), payment: Box::new(payment()), action: None };
    check("preOrder.response", "preOrder", Ok(outcome));
}

fn waiting(flow: Flow, action: PayerAction) -> Outcome {
    let (mut order, mut payment) = (order(), payment());
    order.stage = tradewind_domain::OrderStage::Open;
    order.paid_at = None;
    payment.flow = flow;
    payment.state = PaymentState::Waiting;
    payment.bills.clear();
    payment.channel_number = None;
    Outcome::Collected { order: Box::new(order), payment: Box::new(payment), action: Some(action) }
}

#[test]
fn an_order_to_be_scanned() {
    let link = PayerAction::Link("https://pay.example.test/q?a=1&b=2".to_owned());
    check("order.response", "order", Ok(waiting(Flow::PayerScans, link)));
}

#[test]
fn an_order_inside_the_wallet() {
    let bridge = WalletBridge {
        app_id: "wx0000000000000001".to_owned(),
        timestamp: "1470360000".to_owned(),
        nonce: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS".to_owned(),
        package: "prepay_id=wx201608050920".to_owned(),
        sign_type: "MD5".to_owned(),
        sign: "C380BEC2BFD727A4B6845133519F3AD6".to_owned(),
        channel_number: None,
    };
    for flow in [Flow::InWallet, Flow::InApp] {
        check("order.jsapi.response", "order", Ok(waiting(flow, PayerAction::Bridge(bridge.clone()))));
    }
}

#[test]
fn a_refund() {
    let outcome = Outcome::Refunded {
        order: Box::new(order()),
        payment: Box::new(payment()),
        refund: Box::new(refund()),
    };
    check("refund.response", "refund", Ok(outcome));
}

#[test]
fn a_query() {
    check("query.response", "query", Ok(found(None)));
    check("query.refund.response", "query", Ok(found(Some(refund()))));
}

#[test]
fn a_revocation() {
    let mut order = order();
    order.stage = tradewind_domain::OrderStage::Revoked;
    check("cancelTrade.response", "cancelTrade", Ok(Outcome::Revoked { order: Box::new(order) }));
}

fn page() -> Outcome {
    Outcome::Listed(OrderPage { entries: vec![(order(), payment())], total: Some(11) })
}

#[test]
fn a_batch() {
    check("queryTrades.response", "queryTrades", Ok(page()));
}

#[test]
fn a_batch_for_an_old_client() {
    let mut partner = partner();
    partner.settings = r#"{"other":{"x":1},"sosopay":{"batch_single_as_object":true}}"#.to_owned();
    let shop = Shop::with(partner, &[crate::support::KEY]);
    let request = shop.get("queryTrades", "", "&pageNum=1&pageSize=10");
    let answer = shop.answer("queryTrades", &request, Ok(&page()));
    assert_eq!(shop.clear(&answer), golden("queryTrades.single.response.json"));
    let two = Outcome::Listed(OrderPage { entries: vec![(order(), payment()); 2], total: Some(2) });
    let text = shop.clear(&shop.answer("queryTrades", &request, Ok(&two)));
    assert!(text.contains("\"charges\":[{") && text.contains("\"tradeInfos\":[{"), "{text}");
    // A total that is not known is not told.
    assert!(text.contains("\"totalSize\":2"), "{text}");
    let some = Outcome::Listed(OrderPage { entries: vec![(order(), payment()); 2], total: None });
    let text = shop.clear(&shop.answer("queryTrades", &request, Ok(&some)));
    assert!(text.contains("\"chargesSize\":2") && !text.contains("totalSize"), "{text}");
    let xml = tradewind_dialect::RawRequest { query: request.query.replace("=json", "=xml"), ..request };
    assert_eq!(
        shop.clear(&shop.answer("queryTrades", &xml, Ok(&page()))),
        golden("queryTrades.response.xml")
    );
}

#[test]
fn the_channels() {
    let methods =
        ["qq", "wechat", "alipay", "alipay", "something_else"].map(|name| Method::new(name).unwrap());
    check("payChannel.response", "payChannel", Ok(Outcome::Methods(methods.to_vec())));
}

#[test]
fn a_refusal() {
    check("refused.response", "order", Err(Refusal::NumberTaken { same: true }));
}

fn signed_in() -> SignedIn {
    let user = User {
        id: UserId::from_i64(7),
        partner: PartnerId::from_i64(1),
        login: "manager01".to_owned(),
        name: "Manager".to_owned(),
        password_hash: "never shown".to_owned(),
        state: UserState::Active,
        may_refund: true,
        device: Device {
            serial: "867068020000001".to_owned(),
            software: "1".to_owned(),
            version: "1.1.0".to_owned(),
        },
        // 2015-11-02 14:28:36 in GMT+8.
        signed_in_at: Some(Timestamp::from_ms(1_446_445_716_000)),
        created_at: NOW,
    };
    SignedIn { user, partner: partner(), key_id: "0010000001".to_owned(), methods: Vec::new() }
}

fn auth(outcome: Result<&Outcome, &Refusal>) -> String {
    let request = post("auth", "username=a&password=b&_type=xml&encrypt=3DES", "");
    let answer = Shop::new().answer("auth", &request, outcome);
    assert_eq!((answer.status, answer.content_type), (200, "application/json;charset=UTF-8"));
    assert!(answer.headers.is_empty());
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[test]
fn an_authentication() {
    assert_eq!(auth(Ok(&Outcome::SignedIn(Box::new(signed_in())))), golden("auth.response.json"));
    for refusal in [Refusal::SignIn, Refusal::UnknownPartner, Refusal::PartnerSuspended] {
        assert_eq!(auth(Err(&refusal)), golden("auth.refused.json"), "{refusal:?}");
    }
    let mut locked = signed_in();
    locked.user.state = UserState::Locked;
    let mut suspended = signed_in();
    suspended.partner.state = tradewind_domain::PartnerState::Suspended;
    for not_allowed in [locked, suspended] {
        assert_eq!(auth(Ok(&Outcome::SignedIn(Box::new(not_allowed)))), golden("auth.refused.json"));
    }
    assert_eq!(auth(Err(&Refusal::RateLimited)), r#"{"success":false,"message":"too many calls"}"#);
    let missing = Shop::new().answer("auth", &post("auth", "", ""), Err(&Refusal::Internal));
    assert_eq!(&missing.body[..], br#"{"success":false,"message":"username: is missing"}"#);
}

#[test]
fn a_notification() {
    let shop = Shop::new();
    let event = Event {
        partner: PartnerId::from_i64(1),
        number: 1,
        kind: EventKind::OrderPaid,
        about: About::Order(order().id),
        refund: None,
        redemption: None,
        at: NOW,
    };
    for (query, name, content_type) in [
        ("?_type=json", "notification.json", "application/json;charset=UTF-8"),
        ("?_type=XML", "notification.xml", "text/xml;charset=UTF-8"),
        ("", "notification.xml", "text/xml;charset=UTF-8"),
        ("?_type=json&encrypt=3DES", "notification.json", "text/plain;charset=UTF-8"),
        ("?encrypt=3DES&_type=", "notification.xml", "text/plain;charset=UTF-8"),
    ] {
        let mut order = order();
        order.notify_url = Some(format!("https://shop.example.test/n{query}"));
        // What became of the order since is not this event's news.
        order.refunded = cny(15_800);
        let notice = Notice {
            attempt: 1,
            event: &event,
            about: NoticeAbout::Order { order: &order, payment: &payment(), refund: None, redemption: None },
            partner: &shop.credentials.partner,
            credentials: &shop.credentials,
            endpoint: None,
        };
        let notification = dialect().notify(&notice, NOW).unwrap();
        let expected = golden(name);
        assert_eq!(notification.content_type, content_type, "{query}");
        let clear = match content_type {
            "text/plain;charset=UTF-8" => {
                tradewind_sosopay::decrypt(&shop.cipher(), &notification.body).unwrap()
            }
            _ => String::from_utf8(notification.body.to_vec()).unwrap(),
        };
        assert_eq!(clear, expected, "{query}");
        let separator = if query.is_empty() { '?' } else { '&' };
        let sign = shop.sign(&expected);
        assert_eq!(notification.url, format!("https://shop.example.test/n{query}{separator}sign={sign}"));
    }
}
