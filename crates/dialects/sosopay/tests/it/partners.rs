//! What operators set, what sandboxes start with, what the dialect says of itself.

use tradewind_dialect::{Claim, Dialect, Method as Http};
use tradewind_domain::Refusal;

use crate::support::{BUSI_ID, KEY, NOW, Shop, dialect, partner};

#[test]
fn partners_are_checked_when_they_are_set() {
    let check =
        |key_id: &str, secret: &str, settings: &str| dialect().check_partner(key_id, secret, settings);
    for settings in [
        "{}",
        r#"{"success_literal":"SUCCESS"}"#,
        r#"{"success_literal":"SUCESS","batch_single_as_object":true}"#,
        r#"{"batch_single_as_object":false}"#,
    ] {
        assert_eq!(check(BUSI_ID, KEY, settings), Ok(()), "{settings}");
    }
    for settings in [
        "",
        "[]",
        "null",
        "{",
        r#"{"success_literal":"OK"}"#,
        r#"{"batch_single_as_object":"yes"}"#,
        r#"{"unknown":1}"#,
    ] {
        assert!(check(BUSI_ID, KEY, settings).is_err(), "{settings}");
    }
    let long = "1".repeat(33);
    for (key_id, secret) in [
        ("", KEY),
        (long.as_str(), KEY),
        ("001000000x", KEY),
        ("００１", KEY),
        (BUSI_ID, ""),
        (BUSI_ID, "SEVEN77"),
        (BUSI_ID, "eight 88"),
        (BUSI_ID, "schlüssel1"),
        (BUSI_ID, "12345678\n"),
    ] {
        assert!(check(key_id, secret, "{}").is_err(), "{key_id:?} {secret:?}");
    }
    assert!(check("1", "8 chars!".replace(' ', "_").as_str(), "{}").is_ok());
    assert!(check(&"1".repeat(32), &"x".repeat(64), "{}").is_ok());
    assert!(check("1", &"x".repeat(65), "{}").is_err());
}

#[test]
fn fresh_secrets_are_accepted_and_differ() {
    let (one, two) = (dialect().new_secret(), dialect().new_secret());
    assert_ne!(one, two);
    assert_eq!(one.len(), 32);
    assert_eq!(dialect().check_partner(BUSI_ID, &one, "{}"), Ok(()));
}

#[test]
fn the_sandbox_has_its_published_partners() {
    let partners = dialect().sandbox_partners();
    let rows: Vec<_> =
        partners.iter().map(|partner| (partner.key_id, partner.secret, partner.suspended)).collect();
    assert_eq!(
        rows,
        [
            ("0010000001", KEY, false),
            ("0010000002", "SHORTKEY0123456", false),
            ("0010000009", "Q9W8E7R6T5Y4U3I2O1P0A9S8D7F6G5H4", true),
        ]
    );
    assert_eq!(partners[0].name, "Sandbox Shop");
    assert_eq!(partners[0].methods, dialect().default_methods());
    assert_eq!(partners[1].methods.len(), 2);
    let users: Vec<_> = partners[0]
        .users
        .iter()
        .map(|user| (user.login, user.password, user.may_refund, user.locked))
        .collect();
    assert_eq!(
        users,
        [
            ("cashier01", "sandbox-cashier", false, false),
            ("manager01", "sandbox-manager", true, false),
            ("locked01", "sandbox-locked", false, true),
        ]
    );
}

#[test]
fn every_route_has_a_sample_that_opens() {
    let shop = Shop::with(partner(), &[KEY]);
    for route in dialect().routes() {
        let request = dialect().sample(route.operation, &shop.credentials, NOW).unwrap();
        let claim = dialect().identify(route.operation, &request).unwrap();
        let expected = match route.operation {
            "auth" | "login" => Claim::Anonymous,
            _ => Claim::Key(BUSI_ID.to_owned()),
        };
        assert_eq!(claim, expected, "{}", route.operation);
        let opened = shop.open(route.operation, &request);
        assert!(opened.is_ok(), "{}: {opened:?}", route.operation);
        let head = route.path.split('{').next().unwrap();
        assert!(request.path.starts_with(head), "{} is not below {head}", request.path);
    }
    assert!(dialect().sample("nothing", &shop.credentials, NOW).is_none());
}

#[test]
fn every_interface_has_its_route() {
    let routes: Vec<_> = dialect().routes().iter().map(|route| (route.method, route.path)).collect();
    for (method, path) in [
        (Http::Post, "preOrder"),
        (Http::Post, "order"),
        (Http::Post, "refund"),
        (Http::Get, "query/{chargeCode}/{busiId}"),
        (Http::Post, "query/{chargeCode}/{busiId}"),
        (Http::Get, "cancelTrade/{chargeCode}/{busiId}"),
        (Http::Post, "cancelTrade/{chargeCode}/{busiId}"),
        (Http::Get, "queryTrades"),
        (Http::Post, "queryTrades"),
        (Http::Get, "payChannel/{busiId}"),
        (Http::Post, "payChannel/{busiId}"),
        (Http::Get, "auth"),
        (Http::Post, "auth"),
        (Http::Get, "login"),
        (Http::Post, "login"),
        (Http::Post, "verify/get"),
        (Http::Post, "verify/query"),
        (Http::Post, "verify/check"),
        (Http::Post, "verify/cancel"),
        (Http::Post, "verify/queryResults"),
    ] {
        let path = format!("/openGateway/openService/{path}");
        assert!(routes.contains(&(method, path.as_str())), "{method:?} {path}");
    }
    assert_eq!(routes.len(), 20);
    let ids: Vec<_> = dialect().interfaces().iter().map(|interface| interface.id.to_owned()).collect();
    let numbered = (1..=10).map(|number| format!("sosopay.{number}"));
    let of_appendix = ["login", "get", "query", "check", "cancel", "queryResults"];
    let of_appendix = of_appendix.into_iter().map(|name| format!("sosopay.a.{name}"));
    assert_eq!(ids, numbered.chain(of_appendix).collect::<Vec<_>>());
}

#[test]
fn settings_that_cannot_be_read_are_the_usual_ones() {
    for settings in ["", "{", "[]", r#"{"sosopay":7}"#, r#"{"sosopay":{"unknown":1}}"#, r#"{"other":{}}"#] {
        let mut partner = partner();
        partner.settings = settings.to_owned();
        let shop = Shop::with(partner, &[KEY]);
        let answer = shop.answer("payChannel", &shop.get("payChannel", "", ""), Err(&Refusal::Busy));
        assert_eq!(answer.status, 200, "{settings}");
    }
}
