//! Nothing opens that was not signed, now, by one of the secrets.

use tradewind_dialect::{Dialect, DialectOptions, RawRequest};
use tradewind_domain::{Refusal, Span, Timestamp};
use tradewind_lianhe::{Lianhe, authorization};

use crate::support::{
    API_NAME, DATE, Distributor, NOW, OPERATIONS, PARTNER_ID, SECRET, partner, post, request_of, with_header,
};

const OTHER_SECRET: &str = "ffffffffffffffffffffffffffffffff";

fn refused(opened: &Result<tradewind_domain::Call, Refusal>) -> bool {
    matches!(opened, Err(Refusal::Signature { .. } | Refusal::UnknownPartner))
}

fn tampered(text: &str, at: usize, mask: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    *bytes.get_mut(at)? ^= mask;
    String::from_utf8(bytes).ok()
}

/// Every byte of what is signed, and of the signature itself.
#[test]
fn every_byte_matters() {
    let distributor = Distributor::new();
    for operation in OPERATIONS {
        let good = distributor.post(operation, &request_of(operation));
        assert!(distributor.open(operation, &good).is_ok(), "{operation}");
        let header = |name: &str| good.header(name).unwrap().to_owned();
        let parts: [(&str, String); 4] = [
            ("path", good.path.clone()),
            ("query", good.query.clone()),
            ("date", header("date")),
            ("authorization", header("authorization")),
        ];
        let changed = |part: &str, text: String| match part {
            "path" => RawRequest { path: text, ..good.clone() },
            "query" => RawRequest { query: text, ..good.clone() },
            name => with_header(good.clone(), name, Some(&text)),
        };
        for (part, text) in &parts {
            for at in 0..text.len() {
                for mask in [0x01, 0x02, 0x20, 0x40] {
                    let Some(text) = tampered(text, at, mask) else { continue };
                    let opened = distributor.open(operation, &changed(part, text));
                    assert!(refused(&opened), "{operation} {part} byte {at} ^ {mask:#x}: {opened:?}");
                }
                let shorter: String =
                    text.char_indices().filter(|(place, _)| *place != at).map(|(_, letter)| letter).collect();
                let opened = distributor.open(operation, &changed(part, shorter));
                assert!(refused(&opened), "{operation} {part} without byte {at}: {opened:?}");
            }
            for longer in [format!("{text} "), format!(" {text}"), format!("{text}&"), format!("{text}A")] {
                let opened = distributor.open(operation, &changed(part, longer.clone()));
                assert!(refused(&opened), "{operation} {part} {longer:?}: {opened:?}");
            }
        }
    }
}

#[test]
fn headers_that_are_missing_or_odd() {
    let distributor = Distributor::new();
    let good = distributor.post("send", &request_of("send"));
    for name in ["partnerid", "date", "authorization"] {
        for value in [None, Some(""), Some("x"), Some("\u{7f}"), Some("1986")] {
            let opened = distributor.open("send", &with_header(good.clone(), name, value));
            assert!(refused(&opened), "{name} {value:?}: {opened:?}");
        }
    }
    let signature = good.header("authorization").unwrap().rsplit(':').next().unwrap().to_owned();
    for odd in [
        signature.clone(),
        format!("demo:{signature}"),
        format!("lh demo:{signature}"),
        format!("LH  demo:{signature}"),
        format!("LH\tdemo:{signature}"),
        format!("LHdemo:{signature}"),
        format!("LH demo: {signature}"),
        format!("LH demo :{signature}"),
        format!("LH demo:{signature}="),
        format!("LH demo:x:{signature}"),
        format!("LH :{signature}"),
        format!("LH Demo:{signature}"),
        format!("LH 1985:{signature}"),
        format!("Bearer demo:{signature}"),
        "LH demo:".to_owned(),
        "LH demo".to_owned(),
    ] {
        let opened = distributor.open("send", &with_header(good.clone(), "authorization", Some(&odd)));
        assert!(matches!(opened, Err(Refusal::Signature { .. })), "{odd:?}: {opened:?}");
    }
    for partner_id in ["-1985", "+1985", " 1985", "1985 ", "１９８５", "0", "19850000000000000000", "1985.0"]
    {
        let opened = distributor.open("send", &with_header(good.clone(), "partnerid", Some(partner_id)));
        assert!(matches!(opened, Err(Refusal::Signature { .. })), "{partner_id:?}: {opened:?}");
    }
    let padded = distributor.open("send", &with_header(good, "partnerid", Some("001985")));
    assert!(padded.is_ok(), "it is a number: {padded:?}");
}

#[test]
fn an_account_may_have_another_name_or_none() {
    for (settings, name, expected) in [
        (r#"{"lianhe":{"api_name":"shop"}}"#, "shop", true),
        (r#"{"lianhe":{"api_name":"shop"}}"#, PARTNER_ID, false),
        ("{}", PARTNER_ID, true),
        ("{}", API_NAME, false),
        (r#"{"lianhe":{"unknown":1}}"#, PARTNER_ID, true),
    ] {
        let mut partner = partner();
        partner.settings = settings.to_owned();
        let distributor = Distributor::with(partner, &[SECRET]);
        let target = tradewind_lianhe::target("send");
        let request =
            post("send", DATE, &authorization(name, &distributor.secret, &target, DATE), &request_of("send"));
        assert_eq!(distributor.open("send", &request).is_ok(), expected, "{settings} {name}");
    }
}

#[test]
fn another_secret_opens_nothing() {
    let (stranger, distributor) = (Distributor::with(partner(), &[OTHER_SECRET]), Distributor::new());
    for operation in OPERATIONS {
        let opened = distributor.open(operation, &stranger.post(operation, &request_of(operation)));
        assert!(matches!(opened, Err(Refusal::Signature { .. })), "{operation}: {opened:?}");
    }
    let rotating = Distributor::with(partner(), &[OTHER_SECRET, SECRET]);
    for secret in [&distributor, &stranger] {
        assert!(rotating.open("send", &secret.post("send", &request_of("send"))).is_ok());
    }
}

/// The signature of an operation opens no other one, and the server's choice of operation is none of the
/// caller's.
#[test]
fn a_signature_is_bound_to_its_operation() {
    let distributor = Distributor::new();
    let query = distributor.post("queryOrder", &request_of("cancelOrder"));
    let cancel = RawRequest { query: "method=cancelOrder".to_owned(), ..query };
    let opened = distributor.open("cancelOrder", &cancel);
    assert!(matches!(opened, Err(Refusal::Signature { .. })), "{opened:?}");
}

/// Section 3.3: fifteen minutes back, five ahead.
#[test]
fn stale_and_future_dates() {
    let distributor = Distributor::new();
    let request = distributor.post("send", &request_of("send"));
    // The date has no fractions.
    let sent = Timestamp::from_ms(1_470_360_000_000);
    for (distance_ms, expected) in [
        (0, true),
        (15 * 60_000, true),
        (15 * 60_000 + 1, false),
        (-5 * 60_000, true),
        (-5 * 60_000 - 1, false),
        (86_400_000, false),
        (-86_400_000, false),
        (i64::MAX - sent.ms(), false),
        (i64::MIN, false),
    ] {
        let now = Timestamp::from_ms(sent.ms() + distance_ms);
        let opened = distributor.open_at("send", &request, now);
        assert_eq!(opened.is_ok(), expected, "{distance_ms}: {opened:?}");
        let out_of_range = Refusal::Signature { problem: "date out of range".to_owned() };
        assert!(expected || opened == Err(out_of_range), "{distance_ms}");
    }
    let open = |age_max, now| {
        let options = DialectOptions { signature_age_max: age_max, ..DialectOptions::default() };
        Lianhe::new(options).open("send", &request, Some(&distributor.credentials), now).is_ok()
    };
    assert!(open(Span::default(), NOW + Span::from_days(3650)), "0 switches the check off");
    assert!(!open(Span::from_secs(1), sent + Span::from_ms(1_001)));
    assert!(!open(Span::from_secs(1), sent - Span::from_ms(1_001)), "never further ahead than back");
    assert!(!open(Span::from_days(1), sent - Span::from_mins(6)), "and never more than five minutes");
}

/// Section 3.3: dates are signed as they were sent, and only then read.
#[test]
fn dates_in_all_their_spellings() {
    let distributor = Distributor::new();
    let target = tradewind_lianhe::target("send");
    let open = |date: &str| {
        let signed = authorization(API_NAME, &distributor.secret, &target, date);
        distributor.open("send", &post("send", date, &signed, &request_of("send")))
    };
    for good in [DATE, "Fri, 5 Aug 2016 01:20:00 GMT", "Fri, 05 Aug 2016 01:20:00 UTC"] {
        assert!(open(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "now",
        "2016-08-05 09:20:00",
        "1470360000",
        "Sat, 05 Aug 2016 01:20:00 GMT",
        "Fri, 05 Aug 2016 09:20:00 +0800",
        "Fri, 05 Aug 2016 01:20:00",
        "Fri, 05 Aug 2016 01:20:00 CST",
        "Friday, 05-Aug-16 01:20:00 GMT",
        "Fri Aug  5 01:20:00 2016",
        "fri, 05 aug 2016 01:20:00 gmt",
    ] {
        let opened = open(bad);
        assert!(matches!(opened, Err(Refusal::Signature { .. })), "{bad}: {opened:?}");
    }
}

/// What is not proven is not read: no body can change how a stranger is refused.
#[test]
fn the_body_is_read_after_the_signature() {
    let distributor = Distributor::new();
    let wrong = "LH demo:AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for operation in OPERATIONS {
        let whole = request_of(operation);
        for body in ["", "{", "<a/>", "\u{0}", whole.as_str()] {
            let request = post(operation, DATE, wrong, body);
            let answer = distributor.answer(operation, &request, Err(&Refusal::Busy));
            let expected = r#"{"code":20000,"describe":"authentication failed: the signature does not match","partnerId":1985,"body":{}}"#;
            assert_eq!(answer, expected, "{operation} {body:?}");
        }
    }
}

#[test]
fn a_claim_without_credentials_opens_nothing() {
    let distributor = Distributor::new();
    let request = distributor.post("send", &request_of("send"));
    let opened = Lianhe::default().open("send", &request, None, NOW).err();
    assert_eq!(opened, Some(Refusal::UnknownPartner));
    let other = with_header(request, "partnerid", Some("1986"));
    let opened = Lianhe::default().open("send", &other, Some(&distributor.credentials), NOW).err();
    assert_eq!(opened, Some(Refusal::UnknownPartner), "credentials of another");
}
