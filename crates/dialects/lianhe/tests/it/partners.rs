//! What operators set, what sandboxes start with, what the dialect says of itself.

use tradewind_dialect::{Claim, Dialect, Method as Http};
use tradewind_domain::{Method, Refusal};
use tradewind_lianhe::{Code, OrderStatus, ReStatus};

use crate::support::{Distributor, NOW, OPERATIONS, PARTNER_ID, SECRET, dialect, partner};

#[test]
fn partners_are_checked_when_they_are_set() {
    let check =
        |key_id: &str, secret: &str, settings: &str| dialect().check_partner(key_id, secret, settings);
    for settings in [
        "{}",
        r#"{"api_name":"demo"}"#,
        r#"{"api_name":null}"#,
        r#"{"get_balance":true,"team_notify":false,"api_name":"A-1_b.c@d"}"#,
    ] {
        assert_eq!(check(PARTNER_ID, SECRET, settings), Ok(()), "{settings}");
    }
    let long = format!(r#"{{"api_name":"{}"}}"#, "x".repeat(65));
    for settings in [
        "",
        "[]",
        "null",
        "{",
        r#"["demo"]"#,
        r#"{"api_name":""}"#,
        r#"{"api_name":"a:b"}"#,
        r#"{"api_name":"a b"}"#,
        r#"{"api_name":"名"}"#,
        r#"{"api_name":7}"#,
        long.as_str(),
        r#"{"get_balance":1}"#,
        r#"{"team_notify":"yes"}"#,
        r#"{"unknown":1}"#,
    ] {
        assert!(check(PARTNER_ID, SECRET, settings).is_err(), "{settings}");
    }
    for (key_id, secret) in [
        ("", SECRET),
        ("0", SECRET),
        ("01985", SECRET),
        ("-1", SECRET),
        ("198x", SECRET),
        ("１９８５", SECRET),
        ("1234567890123456789", SECRET),
        (PARTNER_ID, ""),
        (PARTNER_ID, "seven77"),
        (PARTNER_ID, "eight 88"),
        (PARTNER_ID, "schlüssel1"),
        (PARTNER_ID, "12345678\n"),
    ] {
        assert!(check(key_id, secret, "{}").is_err(), "{key_id:?} {secret:?}");
    }
    assert!(check("1", "8_chars!", "{}").is_ok());
    assert!(check("123456789012345678", &"x".repeat(64), "{}").is_ok());
    assert!(check("1", &"x".repeat(65), "{}").is_err());
}

#[test]
fn fresh_secrets_are_accepted_and_differ() {
    let (one, two) = (dialect().new_secret(), dialect().new_secret());
    assert_ne!(one, two);
    assert!(one.len() == 32 && one.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{one}");
    assert_eq!(dialect().check_partner(PARTNER_ID, &one, "{}"), Ok(()));
}

#[test]
fn the_sandbox_has_its_published_partners() {
    let partners = dialect().sandbox_partners();
    let rows: Vec<_> =
        partners.iter().map(|partner| (partner.key_id, partner.secret, partner.suspended)).collect();
    assert_eq!(
        rows,
        [
            (PARTNER_ID, SECRET, false),
            ("1986", "8c1f5e2b7d904a36b1e8f0c2d5a79346", false),
            ("1999", "f3a9d0c47b6e82159c04e7d1a8b25f60", true),
        ]
    );
    assert_eq!(partners[0].settings, r#"{"api_name":"demo","get_balance":true,"team_notify":true}"#);
    assert!(partners.iter().all(|partner| partner.methods == [Method::BALANCE] && partner.users.is_empty()));
    assert_eq!(dialect().default_methods(), [Method::BALANCE]);
}

#[test]
fn every_operation_has_a_sample_that_opens() {
    let distributor = Distributor::with(partner(), &[SECRET]);
    for operation in OPERATIONS {
        let request = dialect().sample(operation, &distributor.credentials, NOW).unwrap();
        assert_eq!(dialect().identify(operation, &request), Ok(Claim::Key(PARTNER_ID.to_owned())));
        let opened = distributor.open(operation, &request);
        assert!(opened.is_ok(), "{operation}: {opened:?}");
        let route = dialect().routes().iter().find(|route| route.takes(&request.query)).unwrap();
        assert_eq!((route.operation, route.path), (operation, request.path.as_str()));
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(!text.contains("20160805000001"), "two samples are two orders: {text}");
    }
    for none in ["unknown", "nothing"] {
        assert!(dialect().sample(none, &distributor.credentials, NOW).is_none());
    }
    // Of a partner with another id and without a signing account of its own.
    let mut other = partner();
    other.settings = "{}".to_owned();
    let secret = tradewind_signing::Secret::new(SECRET);
    let credentials = tradewind_dialect::Credentials::new(other.into(), "77".to_owned(), vec![secret]);
    let request = dialect().sample("newOrder", &credentials, NOW).unwrap();
    assert!(dialect().open("newOrder", &request, Some(&credentials), NOW).is_ok());
}

/// Section 1.1: one path, told apart by `method`, whose case matters.
#[test]
fn every_operation_has_its_route() {
    let found = |query: &str| {
        let mut fits = dialect().routes().iter().filter(|route| route.query.is_some() && route.takes(query));
        let found = fits.next().map_or("unknown", |route| route.operation);
        assert!(fits.next().is_none(), "{query}");
        found
    };
    for operation in OPERATIONS {
        assert_eq!(found(&format!("method={operation}")), operation);
    }
    assert_eq!(found("method=createOrder"), "creatOrder", "the alias");
    for query in ["", "method=", "method=neworder", "method=NEWORDER", "METHOD=newOrder", "method=notify"] {
        assert_eq!(found(query), "unknown", "{query}");
    }
    let routes = dialect().routes();
    assert!(routes.iter().all(|route| (route.method, route.path) == (Http::Post, "/openapi/index.php")));
    let fallbacks: Vec<_> = routes.iter().filter(|route| route.query.is_none()).collect();
    assert_eq!(fallbacks.len(), 1);
    assert_eq!(fallbacks[0].operation, "unknown");
    assert_eq!(dialect().headers(), ["partnerid", "date", "authorization"]);
}

/// The list for the coverage table, against section 1.1 and the tables of the code.
#[test]
fn everything_of_the_specification_is_listed() {
    let mut ids: Vec<String> = dialect().interfaces().iter().map(|row| row.id.to_owned()).collect();
    let mut expected: Vec<String> = OPERATIONS
        .iter()
        .chain(&["snNotify", "reNotify", "teamNotify"])
        .map(|name| format!("lianhe.{name}"))
        .collect();
    expected.extend(Code::ALL.map(|code| format!("lianhe.code.{}", code.number())));
    // 1 is reserved.
    let told = OrderStatus::ALL.into_iter().filter(|status| *status != OrderStatus::Creating);
    expected.extend(told.map(|status| format!("lianhe.orderStatus.{}", status.number())));
    expected.extend(ReStatus::ALL.map(|status| format!("lianhe.reStatus.{}", status.number())));
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn settings_that_cannot_be_read_are_the_usual_ones() {
    for settings in ["", "{", "[]", r#"{"lianhe":7}"#, r#"{"lianhe":{"unknown":1}}"#, r#"{"other":{}}"#] {
        let mut partner = partner();
        partner.settings = settings.to_owned();
        let distributor = Distributor::with(partner, &[SECRET]);
        let request = dialect().sample("getBalance", &distributor.credentials, NOW).unwrap();
        let opened = distributor.open("getBalance", &request);
        assert_eq!(opened, Err(Refusal::NotFound { what: "method" }), "{settings}");
    }
}
