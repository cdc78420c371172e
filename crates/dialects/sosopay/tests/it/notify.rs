//! Notifications: addresses, where the signature goes, acknowledgements, schedule (section 8).

use bytes::Bytes;
use tradewind_dialect::codec::Format;
use tradewind_dialect::{Ack, Dialect, Notice, NoticeAbout, RawResponse};
use tradewind_domain::{About, Endpoint, EndpointId, Event, EventKind, PartnerId, Schedule, Span, Timestamp};
use tradewind_sosopay::NotifyUrl;

use crate::support::{NOW, Shop, dialect, order, payment};

#[test]
fn where_the_signature_goes() {
    const SIGN: &str = "0a1b:147";
    for (url, expected) in [
        ("http://a/n", "http://a/n?sign=0a1b:147"),
        ("http://a", "http://a?sign=0a1b:147"),
        ("http://a/n?", "http://a/n?sign=0a1b:147"),
        ("http://a/n?x=1", "http://a/n?x=1&sign=0a1b:147"),
        ("http://a/n?x=1&", "http://a/n?x=1&sign=0a1b:147"),
        (
            "http://a/n?_type=json&shop=7&note=a%20b%2Fc&flag",
            "http://a/n?_type=json&shop=7&note=a%20b%2Fc&flag&sign=0a1b:147",
        ),
        ("http://a/n?sign={sign}&b=2", "http://a/n?sign=0a1b:147&b=2"),
        ("http://a/n?sign=%7Bsign%7D", "http://a/n?sign=0a1b:147"),
        ("http://a/n?sign=%7bsign%7d&c", "http://a/n?sign=0a1b:147&c"),
        ("http://a/n?token={sign}&_type=json", "http://a/n?token=0a1b:147&_type=json"),
        ("http://a/{sign}/in?_type=json", "http://a/0a1b:147/in?_type=json"),
        ("http://a/{sign}", "http://a/0a1b:147"),
        ("http://a/n?sign=old&b=2", "http://a/n?sign=0a1b:147&b=2"),
        ("http://a/n?b=2&sign=", "http://a/n?b=2&sign=0a1b:147"),
        ("http://a/n?sign=old&b=2&sign=older", "http://a/n?sign=0a1b:147&b=2"),
        ("http://a/n?design=1", "http://a/n?design=1&sign=0a1b:147"),
        ("http://a/n?x=1#part", "http://a/n?x=1&sign=0a1b:147"),
        ("http://a/n#part?x=1", "http://a/n?sign=0a1b:147"),
    ] {
        assert_eq!(NotifyUrl::parse(url).unwrap().signed(SIGN), expected, "{url}");
    }
}

#[test]
fn what_the_query_says() {
    for (query, format, encrypted) in [
        ("", Format::Xml, false),
        ("?_type=json", Format::Json, false),
        ("?_TYPE=JSON", Format::Json, false),
        ("?_type=xml", Format::Xml, false),
        ("?_type=", Format::Xml, false),
        ("?my_type=json", Format::Xml, false),
        ("?_type=xml&_type=json", Format::Json, false),
        ("?encrypt=3DES", Format::Xml, true),
        ("?_type=json&encrypt=3DES", Format::Json, true),
        ("?encrypt=", Format::Xml, false),
        ("?encrypt", Format::Xml, false),
    ] {
        let url = format!("https://a.example.test/n{query}");
        let url = NotifyUrl::parse(&url).unwrap();
        assert_eq!((url.format(), url.encrypted()), (format, encrypted), "{query}");
    }
}

#[test]
fn addresses() {
    for good in [
        "http://a",
        "HTTPS://Shop.example.test:8443/n?x=1",
        "http://127.0.0.1:1/n",
        "http://[::1]:9000/n",
        "http://[2001:db8::1]",
        "http://a_b.test/",
        "http://a/n?x={y}|[z]",
        "http://xn--fiqs8s.test/",
    ] {
        assert!(NotifyUrl::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "null",
        "a",
        "/n",
        "//a/n",
        "ftp://a/",
        "httpx://a",
        "http:/a",
        "http://",
        "http:///n",
        "http://?x",
        "http://a b/",
        "http://a/\n",
        "http://a/茶",
        "http://user:pass@a/",
        "http://a@b/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:/",
        "http://a:x/",
        "http://[::1",
        "http://[x]/",
        "http://[::1]x/",
        "http://a/\"",
        "http://a/<",
        "javascript:alert(1)",
        " http://a/",
        "http://a\\b/",
        "http://{sign}/",
    ] {
        assert!(NotifyUrl::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn acknowledgements() {
    let answer = |status: u16, body: &str| RawResponse {
        status,
        content_type: "",
        headers: Vec::new(),
        body: Bytes::from(body.to_owned()),
    };
    for body in [
        "SUCCESS",
        " success\n",
        "200",
        "{\"resultcode\":200}",
        "",
        "<xml>ok</xml>",
        "not fail",
        "fai",
        "\u{feff}ok",
    ] {
        assert_eq!(dialect().acknowledged(&answer(200, body)), Ack::Received, "{body:?}");
    }
    for (status, body) in [
        (200, "fail"),
        (200, "FAIL"),
        (200, " \r\nFailure: database"),
        (200, "fail:x"),
        (201, "SUCCESS"),
        (204, ""),
        (302, "SUCCESS"),
        (404, "SUCCESS"),
        (500, ""),
    ] {
        let ack = dialect().acknowledged(&answer(status, body));
        assert!(matches!(ack, Ack::TryAgain(_)), "{status} {body:?}");
    }
}

#[test]
fn thirty_attempts_five_seconds_apart() {
    let schedule = dialect().schedule(EventKind::OrderPaid);
    assert_eq!(schedule, Schedule::Every { every: Span::from_secs(5), attempts: 30 });
    assert_eq!(schedule.next(NOW, 29, NOW), Some(NOW + Span::from_secs(145)));
    assert_eq!(schedule.next(NOW, 30, NOW), None);
}

fn event(kind: EventKind) -> Event {
    Event {
        partner: PartnerId::from_i64(1),
        number: 1,
        kind,
        about: About::Order(order().id),
        refund: None,
        redemption: None,
        at: NOW,
    }
}

#[test]
fn only_payments_are_told_and_only_where_somebody_listens() {
    let shop = Shop::new();
    let endpoint = Endpoint {
        id: EndpointId::from_i64(1),
        partner: PartnerId::from_i64(1),
        dialect: "sosopay".to_owned(),
        url: "http://endpoint.example.test/n?_type=json".to_owned(),
        events: vec![EventKind::OrderPaid],
        created_at: NOW,
    };
    let told = |kind, url: Option<&str>, endpoint: Option<&Endpoint>, now: Timestamp| {
        let mut order = order();
        order.notify_url = url.map(str::to_owned);
        let notice = Notice {
            attempt: 1,
            event: &event(kind),
            about: NoticeAbout::Order { order: &order, payment: &payment(), refund: None, redemption: None },
            partner: &shop.credentials.partner,
            credentials: &shop.credentials,
            endpoint,
        };
        dialect().notify(&notice, now)
    };
    for kind in EventKind::ALL {
        let expected = kind == EventKind::OrderPaid;
        assert_eq!(told(kind, Some("http://a/"), None, NOW).is_some(), expected, "{kind:?}");
        let of_order = kind != EventKind::VoucherRedeemed;
        assert!(!of_order || dialect().notifies().contains(&kind) == expected, "{kind:?}");
    }
    assert_eq!(told(EventKind::OrderPaid, None, None, NOW), None);
    assert_eq!(told(EventKind::OrderPaid, Some("gopher://a/"), None, NOW), None);
    let at_endpoint = told(EventKind::OrderPaid, Some("http://a/"), Some(&endpoint), NOW).unwrap();
    assert!(
        at_endpoint.url.starts_with("http://endpoint.example.test/n?_type=json&sign="),
        "{}",
        at_endpoint.url
    );

    let (first, later) = (NOW, NOW + Span::from_secs(145));
    let (one, two) = (
        told(EventKind::OrderPaid, Some("http://a/"), None, first).unwrap(),
        told(EventKind::OrderPaid, Some("http://a/"), None, later).unwrap(),
    );
    assert_eq!(one.body, two.body, "every attempt tells the same");
    assert!(two.url.ends_with(&format!(":{}", later.ms())), "and is signed anew: {}", two.url);
}
