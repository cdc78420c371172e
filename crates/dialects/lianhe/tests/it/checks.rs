//! Requests that are refused before the engine sees them, and what their answers say (sections 2 and 4).

use tradewind_dialect::{Dialect, RawRequest};
use tradewind_domain::{PurchaseProblem, Refusal};

use crate::calls::exchanged;
use crate::support::{
    Distributor, LH_ORDER, NOW, NUMBER, OPERATIONS, SECRET, dialect, partner, parts, post, request_of,
};

/// Code, text and body of the answer to the golden request with one text exchanged for another. The
/// engine would be busy, were it asked.
#[track_caller]
fn answer(operation: &'static str, from: &str, to: &str) -> (i64, String, String) {
    let distributor = Distributor::new();
    let request = distributor.post(operation, &exchanged(operation, from, to));
    parts(&distributor.answer(operation, &request, Err(&Refusal::Busy)))
}

#[track_caller]
fn malformed(operation: &'static str, from: &str, to: &str, field: &str) {
    let (code, describe, _) = answer(operation, from, to);
    let expected = format!("malformed request: {field}");
    assert!(code == 20_000 && describe.starts_with(&expected), "{operation} {to}: {code} {describe}");
}

#[test]
fn fields_that_are_missing() {
    for (operation, fields) in [
        ("getTeam", &["method", "currentPage", "pageSize"][..]),
        ("getPrice", &["LHDealId", "startDate", "endDate"]),
        ("creatOrder", &["orderId", "LHDealId", "sellPrice", "quantity", "visitor"]),
        ("payOrder", &["orderId", "LHOrderId", "LHDealId", "sellPrice", "quantity", "visitor"]),
        ("newOrder", &["orderId", "LHDealId", "sellPrice", "quantity", "visitor"]),
        ("queryOrder", &["orderId", "LHOrderId"]),
        ("cancelOrder", &["orderId", "LHOrderId", "quantity"]),
        ("send", &["orderId", "LHOrderId"]),
    ] {
        for field in fields {
            let name = format!("\"{field}\":");
            malformed(operation, &name, "\"other\":", &format!("{field}: is missing"));
            malformed(operation, &name, &format!("\"{field}\":null,\"other\":"), field);
            malformed(operation, &name, &format!("\"{field}\":{{}},\"other\":"), field);
        }
    }
    let multi = request_of("getTeam.multi").replace("LHDealIds", "LHDealId");
    let distributor = Distributor::new();
    let answer = distributor.answer("getTeam", &distributor.post("getTeam", &multi), Err(&Refusal::Busy));
    assert_eq!(parts(&answer).1, "malformed request: LHDealIds: is missing");
}

#[test]
fn values_that_are_odd() {
    let long = format!("\"{}\"", "x".repeat(65));
    for (operation, from, values, field) in [
        (
            "newOrder",
            "\"quantity\":3",
            &["0", "-1", "1.0", "1e2", "\"3\"", "\"\"", "true", "[3]"][..],
            "quantity",
        ),
        (
            "newOrder",
            "\"sellPrice\":158.5",
            &["158.505", "-1", "\"158.5\"", "true", "1e99", "[]"],
            "sellPrice",
        ),
        ("newOrder", "\"smsfrom\":1", &["2", "\"1\"", "true", "0.5"], "smsfrom"),
        (
            "newOrder",
            "\"travelDate\":\"2016-08-06\"",
            &[
                "\"2016-8-6\"",
                "\"2016-02-30\"",
                "\"2016/08/06\"",
                "\"2016-08-06 \"",
                "\"2016-08-06 00:00:00\"",
                "20160806",
            ],
            "travelDate",
        ),
        (
            "newOrder",
            "\"orderId\":\"D20160805000001\"",
            &["\"\"", "1.5", "-1", "1e3", "true", "[]", "\"a\\nb\"", &long],
            "orderId",
        ),
        ("newOrder", "\"LHDealId\":\"20160001\"", &["\"\"", "1.5", "{}", "false"], "LHDealId"),
        ("newOrder", "\"payId\":\"P20160805000001\"", &["1.5", "{}", &long], "payId"),
        ("payOrder", "\"payId\":\"P20160805000001\"", &["[]"], "payId"),
        ("cancelOrder", "\"quantity\":1", &["0", "-1", "\"1\""], "quantity"),
        ("cancelOrder", "\"refundId\":\"R20160805000001\"", &["{}", &long], "refundId"),
        ("queryOrder", "\"LHDealId\":\"20160001\"", &["[]"], "LHDealId"),
        ("getTeam", "\"method\":\"page\"", &["\"pages\"", "\"Page\"", "1"], "method"),
        ("getTeam", "\"currentPage\":0", &["-1", "\"0\"", "0.5"], "currentPage"),
        ("getTeam", "\"pageSize\":20", &["0", "101", "-1", "\"20\""], "pageSize"),
        ("getTeam", "\"simples\":0", &["2", "\"0\"", "false"], "simples"),
        ("getTeam", "\"system\":false", &["true", "1", "[]"], "system"),
        ("getPrice", "\"startDate\":\"2016-08-05\"", &["\"2016-08\"", "20160805", "\"\""], "startDate"),
        (
            "getPrice",
            "\"endDate\":\"2016-11-05\"",
            &["\"2016-11-06\"", "\"2016-08-04\"", "\"2017-08-05\"", "\"9999-12-31\""],
            "endDate",
        ),
    ] {
        let name = from.split_once(':').unwrap().0;
        for value in values {
            malformed(operation, from, &format!("{name}:{value}"), field);
        }
    }
    let list = r#"["20160001","20160002"]"#;
    let many = format!("[{}1]", "1,".repeat(100));
    for bad in ["\"20160001\"", "{}", "[1.5]", "[null]", "[[]]", "true", many.as_str()] {
        let distributor = Distributor::new();
        let request = distributor.post("getTeam", &request_of("getTeam.multi").replace(list, bad));
        let (code, describe, body) = parts(&distributor.answer("getTeam", &request, Err(&Refusal::Busy)));
        assert!(describe.starts_with("malformed request: LHDealIds"), "{bad}: {describe}");
        assert_eq!((code, body.as_str()), (20_000, "{}"), "{bad}");
    }
}

#[test]
fn travellers_that_are_odd() {
    let golden = request_of("newOrder");
    let list = golden.split_once("\"visitor\":").unwrap().1.strip_suffix("}}").unwrap().to_owned();
    let many = format!("[{}{{\"name\":\"x\"}}]", "{\"name\":\"x\"},".repeat(200));
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(257));
    for (bad, field) in [
        ("1", "visitor"),
        ("\"x\"", "visitor"),
        ("[1]", "visitor"),
        ("[[]]", "visitor"),
        ("[null]", "visitor"),
        ("{}", "visitor"),
        ("[{\"name\":\"\"}]", "visitor"),
        ("[{\"mobile\":\"1\"}]", "visitor"),
        ("{\"name\":1}", "name"),
        ("{\"name\":\"a\\u0000b\"}", "the message cannot be read: it has a zero byte"),
        ("{\"name\":\"x\",\"mobile\":true}", "mobile"),
        ("{\"name\":\"x\",\"mobile\":1.5}", "mobile"),
        ("{\"name\":\"x\",\"address\":1}", "address"),
        ("{\"name\":\"x\",\"email\":[]}", "email"),
        ("{\"name\":\"x\",\"credentials\":{}}", "credentials"),
        ("{\"name\":\"x\",\"credentialstype\":0.5}", "credentialstype"),
        (many.as_str(), "visitor"),
        (long.as_str(), "name"),
    ] {
        malformed("newOrder", &list, bad, field);
    }
}

/// What the dialect itself can tell to be none of ours.
#[test]
fn ids_that_cannot_be_ours() {
    for bad in ["x", "0", "-5", "020160001", "20160001 ", "99999999999999999999", "1e3"] {
        let deal = format!("\"{bad}\"");
        for operation in ["creatOrder", "newOrder", "payOrder", "getPrice"] {
            let (code, describe, _) = answer(operation, "\"20160001\"", &deal);
            assert_eq!(
                (code, describe.as_str()),
                (20_000, "product not found or not on sale"),
                "{operation} {bad}"
            );
        }
        for operation in ["payOrder", "queryOrder", "cancelOrder", "send"] {
            let (code, describe, _) = answer(operation, &format!("\"{LH_ORDER}\""), &deal);
            assert_eq!((code, describe.as_str()), (20_000, "order not found"), "{operation} {bad}");
        }
    }
    let (code, _, body) = answer("queryOrder", &LH_ORDER.to_string(), "x1");
    let expected = format!(r#"{{"orderId":"{NUMBER}","LHOrderId":"x1","orderStatus":0}}"#);
    assert_eq!((code, body), (20_000, expected));
}

/// 10010 of `payOrder`, whose traveller takes the place of one that was checked.
#[test]
fn nobody_to_call() {
    for (from, to) in [("\"13800000001\"", "\"\""), ("13800000001", " "), ("\"mobile\"", "\"phone\"")] {
        let body = exchanged("payOrder", from, to);
        let missing = Refusal::Purchase(PurchaseProblem::MobileMissing);
        assert_eq!(Distributor::new().call("payOrder", &body), Err(missing), "{to}");
    }
    let golden = request_of("payOrder");
    let object = golden.split_once("\"visitor\":").unwrap().1.strip_suffix("}}").unwrap();
    assert_eq!(answer("payOrder", object, "[]").0, 10_010);
}

#[test]
fn envelopes() {
    for operation in OPERATIONS {
        for (body, problem) in [
            ("", "the message cannot be read: it is empty"),
            ("[]", "the message cannot be read: it is neither JSON nor XML"),
            ("<a><partnerId>1985</partnerId></a>", "the message cannot be read: it is not JSON"),
            ("{", "the message cannot be read: it is not well-formed JSON"),
            ("{\"partnerId\":1985,\"body\":{},}", "the message cannot be read: it is not well-formed JSON"),
            (
                "\u{feff}{\"partnerId\":1985,\"body\":{}}",
                "the message cannot be read: it is neither JSON nor XML",
            ),
            ("{\"body\":{}}", "partnerId: is missing"),
            ("{\"partnerId\":null,\"body\":{}}", "partnerId: is missing"),
            ("{\"partnerId\":1986,\"body\":{}}", "partnerId: is not that of the header PartnerId"),
            ("{\"partnerId\":\"1986\",\"body\":{}}", "partnerId: is not that of the header PartnerId"),
            ("{\"partnerId\":1985.0,\"body\":{}}", "partnerId: is not a number"),
            ("{\"partnerId\":\"x\",\"body\":{}}", "partnerId: is not a number"),
            ("{\"partnerId\":[1985],\"body\":{}}", "partnerId: is not a number"),
        ] {
            let distributor = Distributor::new();
            let request = distributor.post(operation, body);
            let (code, describe, _) = parts(&distributor.answer(operation, &request, Err(&Refusal::Busy)));
            assert_eq!(
                (code, describe),
                (20_000, format!("malformed request: {problem}")),
                "{operation} {body}"
            );
        }
        if operation == "getBalance" {
            continue;
        }
        for (body, problem) in [
            ("{\"partnerId\":1985}", "is missing"),
            ("{\"partnerId\":1985,\"body\":[]}", "is not an object"),
            ("{\"partnerId\":1985,\"body\":null}", "is not an object"),
            ("{\"partnerId\":1985,\"body\":\"{}\"}", "is not an object"),
        ] {
            let opened = Distributor::new().call(operation, body);
            let expected = Refusal::Field { field: "body".to_owned(), problem: problem.to_owned() };
            assert_eq!(opened, Err(expected), "{operation} {body}");
        }
    }
    let distributor = Distributor::new();
    let request = RawRequest { body: vec![0xff, 0xfe].into(), ..distributor.post("send", "") };
    let (_, describe, _) = parts(&distributor.answer("send", &request, Err(&Refusal::Busy)));
    // Not what was signed is at fault: the body is not.
    assert_eq!(describe, "malformed request: the message cannot be read: it is not UTF-8");
}

/// What each operation says after a failure that was judged (sections 5.3 to 5.8).
#[test]
fn bodies_of_malformed_requests() {
    let created = r#"{"LHOrderId":"","orderStatus":3,"voucherType":0,"voucher":""}"#.to_owned();
    for (operation, expected) in [
        ("getTeam", "{}".to_owned()),
        ("getPrice", "{}".to_owned()),
        ("creatOrder", created.clone()),
        ("newOrder", created),
        ("payOrder", format!(r#"{{"LHOrderId":"{LH_ORDER}","orderStatus":5,"voucherType":0,"voucher":""}}"#)),
        ("queryOrder", format!(r#"{{"orderId":"{NUMBER}","LHOrderId":"{LH_ORDER}"}}"#)),
        ("cancelOrder", format!(r#"{{"LHOrderId":"{LH_ORDER}","orderStatus":7,"reStatus":2}}"#)),
        ("send", r#"{"voucherType":0,"voucher":""}"#.to_owned()),
        ("getBalance", "{}".to_owned()),
    ] {
        let (_, describe, body) = answer(operation, "1985", "1986");
        assert!(describe.starts_with("malformed request"), "{describe}");
        assert_eq!(body, expected, "{operation}");
    }
    // What cannot be read is not echoed.
    let (_, _, body) = answer("queryOrder", "\"D20160805000001\"", "[]");
    assert_eq!(body, format!(r#"{{"LHOrderId":"{LH_ORDER}"}}"#));
}

/// Who could not be heard is not told that there is no order: there may be one from an earlier attempt.
#[test]
fn what_was_not_judged_says_nothing_of_orders() {
    for operation in OPERATIONS {
        for refusal in [
            Refusal::Busy,
            Refusal::RateLimited,
            Refusal::Storage,
            Refusal::Internal,
            Refusal::PartnerSuspended,
            Refusal::UnknownPartner,
        ] {
            let answer = Distributor::new().answer_golden(operation, Err(&refusal));
            let (code, _, body) = parts(&answer);
            assert_eq!((code, body.as_str()), (20_000, "{}"), "{operation} {refusal:?}");
        }
    }
}

/// What to do is told to programs by a header: they must not read texts.
#[test]
fn hints_stand_beside_the_answer() {
    let distributor = Distributor::new();
    let outcome =
        |operation, request: &_, refusal| distributor.response(operation, request, Err(&refusal)).headers;
    for operation in OPERATIONS {
        let good = distributor.post(operation, &request_of(operation));
        let later = ("retry-after", "1".to_owned());
        assert_eq!(outcome(operation, &good, Refusal::Busy), std::slice::from_ref(&later));
        assert_eq!(outcome(operation, &good, Refusal::RateLimited), [later]);
        let mend = ("www-authenticate", "LH".to_owned());
        assert_eq!(outcome(operation, &good, Refusal::PartnerSuspended), std::slice::from_ref(&mend));
        let forged = crate::support::with_header(good.clone(), "authorization", Some("LH demo:x"));
        assert_eq!(outcome(operation, &forged, Refusal::Busy), [mend]);
        for refusal in [Refusal::Storage, Refusal::OrderNotFound, Refusal::BalanceTooLow] {
            assert!(outcome(operation, &good, refusal).is_empty(), "{operation}");
        }
    }
}

#[test]
fn strangers_are_named_as_they_call_themselves() {
    let distributor = Distributor::new();
    let stranger = |value: Option<&str>| {
        let request = distributor.post("send", &request_of("send"));
        let request = crate::support::with_header(request, "partnerid", value);
        distributor.answer("send", &request, Err(&Refusal::Busy))
    };
    for (value, partner_id, describe) in [
        (Some("4711"), "4711", "authentication failed: the caller is not known"),
        (Some("x"), "0", "authentication failed: the header PartnerId is not a number"),
        (None, "0", "authentication failed: the header PartnerId is missing"),
    ] {
        let expected =
            format!(r#"{{"code":20000,"describe":"{describe}","partnerId":{partner_id},"body":{{}}}}"#);
        assert_eq!(stranger(value), expected, "{value:?}");
    }
    let stale = distributor.post("send", &request_of("send"));
    let later = NOW + tradewind_domain::Span::from_days(1);
    let refusal = distributor.open_at("send", &stale, later).unwrap_err();
    let answer = dialect().refuse("send", &stale, None, &refusal, later);
    assert!(String::from_utf8(answer.body.to_vec()).unwrap().contains("\"describe\":\"date out of range\""));
}

#[test]
fn the_balance_is_behind_a_switch() {
    let mut partner = partner();
    partner.settings = r#"{"lianhe":{"api_name":"demo"}}"#.to_owned();
    let distributor = Distributor::with(partner, &[SECRET]);
    let request = distributor.post("getBalance", &request_of("getBalance"));
    let answer = distributor.answer("getBalance", &request, Err(&Refusal::Busy));
    assert_eq!(answer, crate::support::golden("unknown.response.json"));
}

#[test]
fn operations_that_do_not_exist_are_refused() {
    let request = post("send", "", "", "{}");
    assert_eq!(dialect().identify("nothing", &request), Err(Refusal::Internal));
    assert_eq!(dialect().refuse("nothing", &request, None, &Refusal::Internal, NOW).status, 404);
}
