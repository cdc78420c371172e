//! Notifications (section 8): the vector, every way of tampering with it, and the oddities that platforms
//! have been seen to write.

use std::time::Duration;

use tradewind_lianhe::authorization;
use tradewind_sdk::http::HeaderMap;
use tradewind_sdk::lianhe::{
    Change, Client, Config, News, Notification, OrderStatus, ReStatus, Told as Number, ack, try_again,
};
use tradewind_sdk::{Clock, Error, Secret, Timestamp};

use crate::lianhe::support::{CODES, DEAL, LH_ORDER, NUMBER, at_vectors, config, golden};
use crate::support::{Told, VECTORS_AT};

const DATE: &str = "Fri, 05 Aug 2016 01:20:00 GMT";
/// The vector of section 3.5.
const SIGNED: &str = "LH demo:XIYZ+fO1ZRc6Jq+9s231QzPS9t4=";
const TARGET: &str = "/openapi/index.php?method=notify";

fn receiving(config: Config) -> Client {
    Client::over(config, Told::body("")).unwrap().with_clock(Clock::from_fn(|| VECTORS_AT))
}

fn headers(of: [(&'static str, &str); 3]) -> HeaderMap {
    of.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn good() -> HeaderMap {
    headers([("PartnerId", "1985"), ("Date", DATE), ("Authorization", SIGNED)])
}

fn parse(client: &Client, headers: &HeaderMap, body: &str) -> Result<Notification, Error> {
    client.parse_notification(|name| headers.get(name)?.to_str().ok(), body.as_bytes())
}

fn read(body: &str) -> Result<Notification, Error> {
    parse(&at_vectors(Told::body("")), &good(), body)
}

#[test]
fn each_kind_is_read() {
    let order = |order_id: &str, lh_order_id: &str| assert_eq!((order_id, lh_order_id), (NUMBER, LH_ORDER));

    let told = read(&golden("snNotify.json")).unwrap();
    let News::Redeemed(news) = &told.news else { panic!("{told:?}") };
    order(&news.order_id, &news.lh_order_id);
    assert_eq!((news.ordered, news.used, news.status.known()), (3, 1, Some(OrderStatus::PartlyUsed)));
    assert_eq!(news.codes, &CODES[..1]);
    assert_eq!(told.key(), Some("snNotify 14703600001230000 1"));
    assert_eq!(told.raw, golden("snNotify.json"));
    let last = read(&golden("snNotify.last.json")).unwrap();
    assert_ne!(last.key(), told.key());

    let told = read(&golden("reNotify.json")).unwrap();
    let News::Refunded(news) = &told.news else { panic!("{told:?}") };
    order(&news.order_id, &news.lh_order_id);
    assert_eq!(
        (news.quantity, news.refunded, news.status.known()),
        (1, Some(2), Some(OrderStatus::Refunded))
    );
    assert_eq!(news.refund, Some(Number::Known(ReStatus::Refunded)));
    assert_eq!(news.refund_id.as_deref(), Some("R20160805000001"));
    assert_eq!(told.key(), Some("reNotify 14703600001230000 2/R20160805000001"));

    let told = read(&golden("reNotify.rejected.json")).unwrap();
    let News::RefundRejected(news) = &told.news else { panic!("{told:?}") };
    order(&news.order_id, &news.lh_order_id);
    assert_eq!((news.status.known(), news.reason.as_str()), (Some(OrderStatus::RefundFailed), "景区已核销"));
    assert_eq!(news.refund, Some(Number::Known(ReStatus::Rejected)));

    for (name, change) in
        [("changed", Change::Content), ("listed", Change::OnSale), ("delisted", Change::OffSale)]
    {
        let told = read(&golden(&format!("teamNotify.{name}.json"))).unwrap();
        let News::ProductChanged(news) = &told.news else { panic!("{told:?}") };
        assert_eq!((news.deal_id.as_str(), news.change.known()), (DEAL, Some(change)));
        assert_eq!(told.key(), None);
    }
    assert_eq!((ack(), try_again()), ("success", "fail"));
}

#[test]
fn no_byte_of_what_is_signed_can_be_changed() {
    let body = golden("snNotify.json");
    let client = at_vectors(Told::body(""));
    for (name, value) in [("partnerid", "1985"), ("date", DATE), ("authorization", SIGNED)] {
        for at in 0..value.len() {
            for mask in [0x01, 0x02, 0x20] {
                let mut changed = value.as_bytes().to_vec();
                changed[at] ^= mask;
                let Ok(changed) = tradewind_sdk::http::HeaderValue::from_bytes(&changed) else { continue };
                let mut headers = good();
                headers.insert(name, changed.clone());
                let error = parse(&client, &headers, &body).unwrap_err();
                assert!(error.is_untrusted(), "{name} {changed:?}: {error}");
            }
        }
        let mut headers = good();
        headers.remove(name);
        assert!(parse(&client, &headers, &body).unwrap_err().is_untrusted(), "without {name}");
    }
}

#[test]
fn what_is_not_for_this_partner_now_is_not_believed() {
    let body = golden("snNotify.json");
    let check = |client: Client, headers: HeaderMap, part: &str| {
        let error = parse(&client, &headers, &body).unwrap_err();
        assert!(error.is_untrusted() && error.to_string().contains(part), "{error}");
        assert!(!error.is_rejected() && !error.is_retryable() && !error.is_unknown_outcome(), "{error}");
    };
    let base = || config("http://ticket.example");
    check(receiving(Config { partner_id: 1986, ..base() }), good(), "another partner");
    check(receiving(Config { api_name: "1985".into(), ..base() }), good(), "signing account");
    check(receiving(Config { secret: Secret::new("another secret"), ..base() }), good(), "does not match");
    // Signed for a call instead of a notification.
    let secret = base().secret;
    let call = authorization("demo", &secret, "/openapi/index.php?method=newOrder", DATE);
    let headers = headers([("PartnerId", "1985"), ("Date", DATE), ("Authorization", &call)]);
    check(receiving(base()), headers, "does not match");
    // The body is not signed, but it must not contradict what is.
    let error = read(&body.replace("1985", "1986")).unwrap_err();
    assert!(error.is_untrusted() && error.raw().is_some(), "{error}");

    let minutes = 60_000;
    // The date is that of a whole second.
    let at = |offset: i64| {
        let now = Timestamp::from_ms(1_470_360_000_000 + offset);
        receiving(base()).with_clock(Clock::from_fn(move || now))
    };
    check(at(15 * minutes + 1), good(), "date out of range");
    check(at(-5 * minutes - 1), good(), "date out of range");
    for offset in [15 * minutes, 0, -5 * minutes] {
        parse(&at(offset), &good(), &body).unwrap();
    }
    let ageless = receiving(Config { signature_age_max: Duration::ZERO, ..base() });
    let years_later = Clock::from_fn(|| Timestamp::from_ms(2 * VECTORS_AT.ms()));
    parse(&ageless.with_clock(years_later), &good(), &body).unwrap();
}

#[test]
fn a_secret_may_be_changed_under_way() {
    let base = config("http://ticket.example");
    let secrets_accepted = vec![Secret::new("an older one"), base.secret.clone()];
    let client = receiving(Config { secret: Secret::new("one of tomorrow"), secrets_accepted, ..base });
    parse(&client, &good(), &golden("snNotify.json")).unwrap();
}

/// One-digit days are signed as they are written.
#[test]
fn the_date_is_taken_as_it_was_sent() {
    let date = "Fri, 5 Aug 2016 01:20:00 GMT";
    let signed = "LH demo:9/Sx8P9iY1tNT+9R6jC+wV1tk+M=";
    let headers = headers([("PartnerId", "1985"), ("Date", date), ("Authorization", signed)]);
    parse(&at_vectors(Told::body("")), &headers, &golden("snNotify.json")).unwrap();
    let secret = config("http://ticket.example").secret;
    assert_eq!(authorization("demo", &secret, TARGET, date), signed);
}

#[test]
fn platforms_write_in_several_ways() {
    let old = r#"{"code":"200","describe":"","method":"snNotify","body":{"orderId":7,"LHOrderId":8,"orderStatus":"8","orderQuantity":"3","useQuantity":1,"sncode":" a ,b,"}}"#;
    let told = read(old).unwrap();
    let News::Redeemed(news) = &told.news else { panic!("{told:?}") };
    assert_eq!((news.order_id.as_str(), news.lh_order_id.as_str(), news.used), ("7", "8", 1));
    assert_eq!((news.codes.join("+"), news.status.known()), ("a+b".to_owned(), Some(OrderStatus::Used)));

    let before_2_2 = r#"{"code":10000,"method":"reNotify","body":{"orderId":"7","LHOrderId":"8","orderStatus":16,"quantity":1}}"#;
    let told = read(before_2_2).unwrap();
    let News::Refunded(news) = &told.news else { panic!("{told:?}") };
    assert_eq!((news.refunded, news.refund, news.refund_id.as_deref()), (None, None, None));
    assert_eq!(news.status, Number::Other(16));

    let rejected = r#"{"code":300,"describe":"no","method":"reNotify","body":{"orderId":"7","LHOrderId":"8","orderStatus":7}}"#;
    let told = read(rejected).unwrap();
    assert!(matches!(&told.news, News::RefundRejected(news) if news.reason == "no"), "{told:?}");
    assert_eq!(told.key(), Some("reNotify 8 /"));

    let change = r#"{"code":10000,"method":"teamNotify","body":{"LHDealId":7,"type":4}}"#;
    let told = read(change).unwrap();
    assert!(matches!(&told.news, News::ProductChanged(news) if news.change == Number::Other(4)), "{told:?}");
}

#[test]
fn what_cannot_be_understood_is_not_a_forgery() {
    let check = |body: &str, part: &str| {
        let error = read(body).unwrap_err();
        assert!(!error.is_untrusted() && error.to_string().contains(part), "{error}");
        assert_eq!(error.raw(), Some(body));
    };
    let redeemed = golden("snNotify.json");
    for name in ["orderId", "LHOrderId", "orderStatus", "orderQuantity", "usedQuantity"] {
        check(&redeemed.replace(&format!("\"{name}\""), "\"x\""), &format!("{name} is missing"));
    }
    let refunded = golden("reNotify.json");
    for name in ["orderId", "LHOrderId", "orderStatus", "quantity"] {
        check(&refunded.replace(&format!("\"{name}\""), "\"x\""), &format!("{name} is missing"));
    }
    check(&redeemed.replace(":3,", ":\"three\","), "orderQuantity is not a whole number");
    check(&redeemed.replace("snNotify", "newNotify"), "`newNotify`");
    check(&redeemed.replace("method", "mothod"), "method is missing");
    check("success", "neither JSON nor XML");
    check("", "empty");
    check("<a/>", "not JSON");
    let client = at_vectors(Told::body(""));
    let headers = good();
    let error = client.parse_notification(|name| headers.get(name)?.to_str().ok(), b"\xff").unwrap_err();
    assert!(!error.is_untrusted() && error.to_string().contains("UTF-8"), "{error}");
}
