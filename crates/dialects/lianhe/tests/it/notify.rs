//! Notifications: what is told to whom, how it is signed, acknowledgements, schedule (section 8).

use bytes::Bytes;
use tradewind_dialect::{Ack, Dialect, Notice, NoticeAbout, Notification, RawResponse};
use tradewind_domain::{
    About, Endpoint, EndpointId, Event, EventKind, Order, PartnerId, Redemption, Refund, RefundState,
    Schedule, Span, Timestamp,
};
use tradewind_lianhe::authorization;
use tradewind_signing::Secret;

use crate::support::{
    DATE, Distributor, NOW, SECRET, dialect, order, partner, product, purchase, redemption, refund, sku,
    vouchers,
};

/// Something that happened.
pub(crate) enum Scene {
    /// The voucher of this place was redeemed.
    Redeemed(usize, Redemption),
    /// A refund was reviewed.
    Reviewed(Refund),
    /// A product was changed.
    Product(EventKind),
}

/// What the usual distributor is told of it.
pub(crate) fn told(scene: Scene) -> Option<Notification> {
    told_to(&Distributor::new(), &scene, &order(), 1, NOW)
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

fn endpoint() -> Endpoint {
    Endpoint {
        id: EndpointId::from_i64(1),
        partner: PartnerId::from_i64(1),
        dialect: "lianhe".to_owned(),
        url: "http://partner.example.test/hook?a=1".to_owned(),
        events: dialect().notifies().to_vec(),
        created_at: NOW,
    }
}

fn told_to(
    distributor: &Distributor,
    scene: &Scene,
    order: &Order,
    attempt: u32,
    now: Timestamp,
) -> Option<Notification> {
    let (vouchers, payment, sku, product) = (vouchers(), purchase().payment, sku(), product());
    let of_order = |refund, redemption| NoticeAbout::Order { order, payment: &payment, refund, redemption };
    let (kind, about) = match scene {
        Scene::Redeemed(place, redemption) => {
            (EventKind::VoucherRedeemed, of_order(None, Some((&vouchers[*place], redemption))))
        }
        Scene::Reviewed(refund) => {
            let kind = match refund.state {
                RefundState::Succeeded => EventKind::RefundSucceeded,
                _ => EventKind::RefundFailed,
            };
            (kind, of_order(Some(refund), None))
        }
        Scene::Product(kind) => (*kind, NoticeAbout::Sku { sku: &sku, product: &product }),
    };
    notice(distributor, kind, about, Some(&endpoint()), attempt, now)
}

fn notice(
    distributor: &Distributor,
    kind: EventKind,
    about: NoticeAbout<'_>,
    endpoint: Option<&Endpoint>,
    attempt: u32,
    now: Timestamp,
) -> Option<Notification> {
    let notice = Notice {
        event: &event(kind),
        about,
        partner: &distributor.credentials.partner,
        credentials: &distributor.credentials,
        attempt,
        endpoint,
    };
    dialect().notify(&notice, now)
}

fn scenes() -> [Scene; 5] {
    [
        Scene::Redeemed(0, redemption()),
        Scene::Reviewed(Refund { state: RefundState::Succeeded, ..refund() }),
        Scene::Reviewed(Refund { state: RefundState::Refused, ..refund() }),
        Scene::Product(EventKind::ProductListed),
        Scene::Product(EventKind::ProductDelisted),
    ]
}

/// Section 3.4: the account of the receiver, over the one target, whatever the address.
#[test]
fn all_are_signed_over_the_one_target() {
    for scene in scenes() {
        let told = told(scene).unwrap();
        assert_eq!(told.url, "http://partner.example.test/hook?a=1");
        assert_eq!(told.content_type, "application/json; charset=utf-8");
        let mut headers = told.headers;
        headers.sort();
        let expected = [
            ("authorization", "LH demo:XIYZ+fO1ZRc6Jq+9s231QzPS9t4="),
            ("date", DATE),
            ("partnerid", "1985"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
    }
}

/// Attempts differ in nothing but their date and signature, whatever has become of the order since.
#[test]
fn every_attempt_tells_the_same() {
    let distributor = Distributor::new();
    for scene in scenes() {
        let first = told_to(&distributor, &scene, &order(), 1, NOW).unwrap();
        let mut later = order();
        let line = later.line.as_mut().unwrap();
        (line.used, line.refunded, line.locked) = (1, 1, 1);
        later.refund_failed = true;
        let second = told_to(&distributor, &scene, &later, 11, NOW + Span::from_days(2)).unwrap();
        assert_eq!((&first.url, &first.body), (&second.url, &second.body));
        assert_ne!(first.headers, second.headers);
        let dates: Vec<_> = second.headers.iter().filter(|(name, _)| *name == "date").collect();
        assert_eq!(dates, [&("date", "Sun, 07 Aug 2016 01:20:00 GMT".to_owned())]);
    }
}

#[test]
fn keys_take_turns_while_they_are_rotated() {
    let new = "ffffffffffffffffffffffffffffffff";
    let distributor = Distributor::with(partner(), &[new, SECRET]);
    for (attempt, secret) in [(1, SECRET), (2, new), (3, SECRET)] {
        let told = told_to(&distributor, &scenes()[0], &order(), attempt, NOW).unwrap();
        let target = "/openapi/index.php?method=notify";
        let expected = authorization("demo", &Secret::new(secret), target, DATE);
        assert!(told.headers.contains(&("authorization", expected)), "{attempt}");
    }
}

#[test]
fn what_has_no_words_is_not_told() {
    let distributor = Distributor::new();
    let (order, payment, sku, product) = (order(), purchase().payment, sku(), product());
    let (vouchers, redemption, refund) = (vouchers(), redemption(), refund());
    let of_order =
        |refund, redemption| NoticeAbout::Order { order: &order, payment: &payment, refund, redemption };
    let own = NoticeAbout::Voucher { voucher: &vouchers[0], redemption: &redemption, redeemer: None };
    let of_sku = NoticeAbout::Sku { sku: &sku, product: &product };
    let whole = of_order(Some(&refund), Some((&vouchers[0], &redemption)));
    for kind in EventKind::ALL {
        let told = |about| notice(&distributor, kind, about, Some(&endpoint()), 1, NOW).is_some();
        use EventKind::{ProductChanged, ProductDelisted, ProductListed};
        let of_product = matches!(kind, ProductChanged | ProductListed | ProductDelisted);
        let known = dialect().notifies().contains(&kind);
        assert_eq!(told(whole), known && !of_product, "{kind:?}");
        assert_eq!(told(of_sku), of_product, "{kind:?}");
        assert!(!told(own), "{kind:?}: vouchers that belong to no order are not of this protocol");
        assert!(!told(of_order(None, None)), "{kind:?} without what it is about");
        assert!(notice(&distributor, kind, whole, None, 1, NOW).is_none(), "{kind:?} without an address");
        assert_eq!(dialect().ordered_by(kind).is_some(), known, "{kind:?}");
    }
    let mut switched_off = partner();
    switched_off.settings = r#"{"lianhe":{"api_name":"demo"}}"#.to_owned();
    let distributor = Distributor::with(switched_off, &[SECRET]);
    let told = notice(&distributor, EventKind::ProductChanged, of_sku, Some(&endpoint()), 1, NOW);
    assert!(told.is_none(), "teamNotify is behind a switch");
}

#[test]
fn news_of_a_kind_go_one_after_the_other() {
    let groups: Vec<_> = EventKind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind.name(), dialect().ordered_by(kind)?)))
        .collect();
    let expected = [
        ("refund.succeeded", "reNotify"),
        ("refund.failed", "reNotify"),
        ("voucher.redeemed", "snNotify"),
        ("product.changed", "teamNotify"),
        ("product.listed", "teamNotify"),
        ("product.delisted", "teamNotify"),
    ];
    assert_eq!(groups, expected);
}

/// A refund whose application named no serial is told by the order's number, and one without a reason in
/// words of ours.
#[test]
fn refunds_without_serial_or_reason() {
    let text = |refund| String::from_utf8(told(Scene::Reviewed(refund)).unwrap().body.to_vec()).unwrap();
    let unnamed = Refund {
        number: format!("{}/{}", order().id.get(), order().number),
        state: RefundState::Refused,
        reason: Some(String::new()),
        ..refund()
    };
    let told = text(unnamed);
    assert!(told.contains(r#""refundId":"D20160805000001"}"#), "{told}");
    assert!(told.contains(r#""code":20000,"describe":"执行失败""#), "{told}");
}

#[test]
fn acknowledgements() {
    let answer = |status: u16, body: &str| RawResponse {
        status,
        content_type: "",
        headers: Vec::new(),
        body: Bytes::from(body.to_owned()),
    };
    for body in ["success", "SUCCESS", "Success", " success\r\n", "\"success\"", " \"SUCCESS\" "] {
        assert_eq!(dialect().acknowledged(&answer(200, body)), Ack::Received, "{body:?}");
    }
    for (status, body) in [
        (200, ""),
        (200, "fail"),
        (200, "success."),
        (200, "success success"),
        (200, "\"success"),
        (200, "success\""),
        (200, "\"\"success\"\""),
        (200, "'success'"),
        (200, "{\"code\":10000}"),
        (200, "\u{feff}success"),
        (201, "success"),
        (204, "success"),
        (302, "success"),
        (404, "success"),
        (500, "success"),
    ] {
        let ack = dialect().acknowledged(&answer(status, body));
        assert!(matches!(ack, Ack::TryAgain(_)), "{status} {body:?}");
    }
}

/// Section 8.5: the first look after the event, then 3, 6, 12, ... minutes after each failure, each put off
/// to the next look.
#[test]
fn eleven_sends_at_the_looks_of_a_job() {
    for kind in dialect().notifies() {
        let schedule = dialect().schedule(*kind);
        let expected =
            Schedule::Polled { poll: Span::from_mins(5), first_wait: Span::from_mins(3), attempts: 11 };
        assert_eq!(schedule, expected);
        let minutes = |minutes: i64| Timestamp::from_ms(1_470_360_000_000) + Span::from_mins(minutes);
        // An event a moment after a look; each attempt fails at once.
        let mut now = minutes(0) + Span::from_ms(1);
        let mut sends = Vec::new();
        for done in 0..20 {
            let Some(due) = schedule.next(minutes(0) + Span::from_ms(1), done, now) else { break };
            sends.push((due - minutes(0)).ms() / 60_000);
            now = due;
        }
        assert_eq!(sends, [5, 10, 20, 35, 60, 110, 210, 405, 790, 1560, 3100]);
    }
}
