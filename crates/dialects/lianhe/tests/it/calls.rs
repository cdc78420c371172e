//! Requests to calls (section 5), by the golden requests and by changing one thing of them.

use tradewind_domain::{
    ApplyCall, Call, ListSkus, OrderId, PayCall, PurchaseCall, PurchaseRef, SkuChoice, SkuId, StockKey,
    Traveller,
};

use crate::support::{DEAL, Distributor, LH_ORDER, NUMBER, request_of, yuan};

/// The call of the golden request with one text exchanged for another.
#[track_caller]
pub(crate) fn call(operation: &'static str, from: &str, to: &str) -> Call {
    let body = exchanged(operation, from, to);
    Distributor::new().call(operation, &body).unwrap_or_else(|refusal| panic!("{refusal}: {body}"))
}

#[track_caller]
pub(crate) fn exchanged(operation: &str, from: &str, to: &str) -> String {
    let golden = request_of(operation);
    assert!(golden.contains(from), "{from} is not in {golden}");
    golden.replacen(from, to, 1)
}

fn stock() -> StockKey {
    StockKey { sku: SkuId::from_i64(DEAL), day: Some("2016-08-06".parse().unwrap()) }
}

fn order() -> PurchaseRef {
    PurchaseRef { number: NUMBER.to_owned(), order: Some(OrderId::from_i64(LH_ORDER)) }
}

fn travellers() -> Vec<Traveller> {
    let traveller = |name: &str, mobile: &str, document_kind: &str, document: &str| Traveller {
        name: name.to_owned(),
        mobile: mobile.to_owned(),
        document_kind: document_kind.to_owned(),
        document: document.to_owned(),
        address: String::new(),
        postcode: String::new(),
        email: String::new(),
    };
    let first = Traveller {
        address: "北京市东城区1号".to_owned(),
        postcode: "100010".to_owned(),
        email: "zhang@example.test".to_owned(),
        ..traveller("张三", "13800000001", "0", "11010519491231002X")
    };
    vec![
        first,
        traveller("李四", "13800000002", "0", "440524188001010014"),
        traveller("Wang Wu", "13800000003", "1", "G12345678"),
    ]
}

#[track_caller]
fn bought(call: Call) -> PurchaseCall {
    match call {
        Call::Purchase(call) => *call,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn paid(call: Call) -> PayCall {
    match call {
        Call::PayPurchase(call) => *call,
        other => panic!("{other:?}"),
    }
}

#[test]
fn products() {
    let page =
        |choice, system: Option<&str>| Call::ListSkus(ListSkus { choice, system: system.map(str::to_owned) });
    let first = SkuChoice::Page { page: 0, page_size: 20 };
    assert_eq!(call("getTeam", "", ""), page(first.clone(), None));
    for own in [",\"system\":false", ",\"system\":null", ",\"system\":\"\"", ""] {
        assert_eq!(call("getTeam", ",\"system\":false", own), page(first.clone(), None), "{own}");
    }
    assert_eq!(call("getTeam", "false", "\"ticketsoft\""), page(first, Some("ticketsoft")));
    let last = SkuChoice::Page { page: 4_294_967_295, page_size: 100 };
    let body = exchanged(
        "getTeam",
        "\"currentPage\":0,\"pageSize\":20",
        "\"currentPage\":99999999999,\"pageSize\":100",
    );
    assert_eq!(Distributor::new().call("getTeam", &body), Ok(page(last, None)));

    let ids = |ids: &[i64]| page(SkuChoice::Ids(ids.iter().copied().map(SkuId::from_i64).collect()), None);
    let multi = |list: &str| {
        let body = request_of("getTeam.multi").replace(r#"["20160001","20160002"]"#, list);
        Distributor::new().call("getTeam", &body)
    };
    assert_eq!(multi(r#"["20160001","20160002"]"#), Ok(ids(&[DEAL, DEAL + 1])));
    assert_eq!(multi("[20160002,\"20160001\"]"), Ok(ids(&[DEAL + 1, DEAL])), "numbers are ids too");
    let odd = r#"["x","","-1","0","020160001","20160001.0","99999999999999999999","20160001"]"#;
    assert_eq!(multi(odd), Ok(ids(&[DEAL])), "what no id is, is skipped");
    assert_eq!(multi("[]"), Ok(ids(&[])));
}

#[test]
fn a_calendar() {
    let calendar = |until: &str| Call::ShowCalendar {
        sku: SkuId::from_i64(DEAL),
        from: "2016-08-05".parse().unwrap(),
        until: until.parse().unwrap(),
    };
    assert_eq!(call("getPrice", "", ""), calendar("2016-11-05"));
    assert_eq!(call("getPrice", "2016-11-05", "2016-08-05"), calendar("2016-08-05"), "one day");
    assert_eq!(call("getPrice", "\"20160001\"", "20160001"), calendar("2016-11-05"));
    // The last day of the third month, when it is a short one.
    for (from, until) in
        [("2015-11-30", "2016-02-29"), ("2016-11-30", "2017-02-28"), ("2016-10-31", "2017-01-31")]
    {
        let body = request_of("getPrice").replace("2016-08-05", from).replace("2016-11-05", until);
        assert!(Distributor::new().call("getPrice", &body).is_ok(), "{from} {until}");
    }
}

#[test]
fn orders() {
    let created = bought(call("creatOrder", "", ""));
    let expected = PurchaseCall {
        number: NUMBER.to_owned(),
        fingerprint: created.fingerprint,
        stock: stock(),
        quantity: 3,
        sell: yuan("158.50"),
        cost: None,
        travellers: travellers(),
        send_codes: true,
        pay: None,
        details: None,
    };
    assert_eq!(created, expected);
    let paid_at_once = bought(call("newOrder", "", ""));
    let expected =
        PurchaseCall { send_codes: false, pay: Some(Some("P20160805000001".to_owned())), ..expected };
    assert_eq!(paid_at_once, expected);
}

#[test]
fn what_may_be_left_out_or_written_otherwise() {
    let one = |from: &str, to: &str| bought(call("newOrder", from, to));
    assert_eq!(one("\"payId\":\"P20160805000001\",", "").pay, Some(None));
    assert_eq!(one("\"P20160805000001\"", "77").pay, Some(Some("77".to_owned())));
    assert!(one("\"smsfrom\":1,", "").send_codes);
    assert!(one("\"smsfrom\":1", "\"smsfrom\":0").send_codes);
    for absent in ["", "\"travelDate\":null,", "\"travelDate\":\"\","] {
        assert_eq!(one("\"travelDate\":\"2016-08-06\",", absent).stock.day, None, "{absent:?}");
    }
    assert_eq!(one("\"D20160805000001\"", "20160805000001").number, "20160805000001");
    assert_eq!(one("\"D20160805000001\"", "\"订单 1\"").number, "订单 1");
    assert_eq!(one("\"sellPrice\":", "\"buyPrice\":120.05,\"sellPrice\":").cost, Some(yuan("120.05")));
    assert_eq!(one("\"quantity\":3", "\"quantity\":99999999999").quantity, u32::MAX);
    for price in ["158.5", "158.50", "158.500", "1.585E2", "15850e-2"] {
        assert_eq!(one("158.5", price).sell, yuan("158.5"), "{price}");
    }
    assert_eq!(one("158.5", "0").sell, yuan("0"), "the price of the product tells that this is none");
    // Old clients send more (section 2.1), and the last of several members counts.
    assert_eq!(one("{\"partnerId\"", "{\"errCode\":1,\"errMsg\":null,\"x\":[{}],\"partnerId\"").quantity, 3);
    assert_eq!(one("\"quantity\":3", "\"quantity\":1,\"quantity\":2").quantity, 2);
    assert_eq!(one("\"partnerId\":1985", "\"partnerId\":\"1985\"").quantity, 3);
}

/// Section 4.1: an object or a list, everywhere.
#[test]
fn travellers_in_both_shapes() {
    let golden = request_of("newOrder");
    let list = golden.split_once("\"visitor\":").unwrap().1.strip_suffix("}}").unwrap().to_owned();
    let one = |visitor: &str| bought(call("newOrder", &list, visitor)).travellers;
    let object = r#"{"name":"张三","mobile":13800000001}"#;
    let [named] = &one(object)[..] else { panic!("one") };
    assert_eq!((named.name.as_str(), named.mobile.as_str()), ("张三", "13800000001"));
    assert_eq!((named.document_kind.as_str(), named.document.as_str()), ("0", ""));
    assert_eq!(one(&format!("[{object},{object}]")).len(), 2);
    assert_eq!(one("[]"), []);
    // What is not told is for the rules of the product to judge.
    for unreachable in [r#"{"name":"x"}"#, r#"{"name":"x","mobile":""}"#, r#"{"name":"x","mobile":null}"#] {
        assert_eq!(one(unreachable)[0].mobile, "", "{unreachable}");
    }
    let kinds = |kind: &str| {
        one(&format!(r#"{{"name":"x","mobile":"1","credentialstype":{kind}}}"#))[0].document_kind.clone()
    };
    assert_eq!(["0", "\"0\"", "\"\"", "null", "3", "\"护照\""].map(kinds), ["0", "0", "0", "0", "3", "护照"]);

    let object =
        request_of("payOrder").split_once("\"visitor\":").unwrap().1.strip_suffix("}}").unwrap().to_owned();
    let pay = |visitor: &str| paid(call("payOrder", &object, visitor)).traveller;
    assert_eq!(pay(&object), travellers().into_iter().next());
    assert_eq!(pay(&list), travellers().into_iter().next(), "the first");
}

#[test]
fn paying() {
    let expected = PayCall {
        order: order(),
        stock: stock(),
        quantity: 3,
        sell: yuan("158.5"),
        payment: Some("P20160805000001".to_owned()),
        traveller: travellers().into_iter().next(),
        send_codes: true,
    };
    assert_eq!(paid(call("payOrder", "", "")), expected);
    assert!(!paid(call("payOrder", "\"smsfrom\":0", "\"smsfrom\":1")).send_codes);
    let number = format!("\"{LH_ORDER}\"");
    assert_eq!(paid(call("payOrder", &number, &LH_ORDER.to_string())).order, order());
    assert_eq!(paid(call("payOrder", "\"payId\":\"P20160805000001\",", "")).payment, None);
}

#[test]
fn looking_and_sending_again() {
    assert_eq!(call("queryOrder", "", ""), Call::FindPurchase(order()));
    assert_eq!(call("queryOrder", ",\"LHDealId\":\"20160001\"", ""), Call::FindPurchase(order()));
    let lost = PurchaseRef { order: None, ..order() };
    let number = format!("\"{LH_ORDER}\"");
    assert_eq!(call("queryOrder", &number, "\"\""), Call::FindPurchase(lost), "after a lost answer");
    assert_eq!(call("send", "", ""), Call::ResendCodes(order()));
}

#[test]
fn refunds() {
    let apply = |number: &str, quantity| {
        Call::ApplyRefund(ApplyCall { order: order(), number: format!("{LH_ORDER}/{number}"), quantity })
    };
    assert_eq!(call("cancelOrder", "", ""), apply("R20160805000001", 1));
    assert_eq!(call("cancelOrder", "\"R20160805000001\"", "7"), apply("7", 1));
    for absent in ["", "\"refundId\":\"\",", "\"refundId\":null,"] {
        assert_eq!(call("cancelOrder", "\"refundId\":\"R20160805000001\",", absent), apply(NUMBER, 1));
    }
    assert_eq!(call("cancelOrder", ",\"sellPrice\":158.5", ""), apply("R20160805000001", 1));
    assert_eq!(call("cancelOrder", "158.5", "\"ignored\""), apply("R20160805000001", 1));
    assert_eq!(call("cancelOrder", "\"quantity\":1", "\"quantity\":9"), apply("R20160805000001", 9));
}

#[test]
fn the_balance() {
    for body in ["{}", "[]", "null", "\"\"", "{\"x\":1}"] {
        assert_eq!(call("getBalance", "\"body\":{}", &format!("\"body\":{body}")), Call::ShowBalance);
    }
    assert_eq!(call("getBalance", ",\"body\":{}", ""), Call::ShowBalance);
}

/// Section 4: a number is bound to deal, quantity, price and date, and to nothing else.
#[test]
fn what_a_number_is_bound_to() {
    let fingerprint = |operation, from: &str, to: &str| bought(call(operation, from, to)).fingerprint;
    let bound = fingerprint("newOrder", "", "");
    for (from, to) in [
        ("158.5", "158.50"),
        ("\"20160001\"", "20160001"),
        ("\"smsfrom\":1", "\"smsfrom\":0"),
        ("P20160805000001", "P2"),
        ("张三", "张四"),
        ("D20160805000001", "D2"),
    ] {
        assert_eq!(fingerprint("newOrder", from, to), bound, "{to}");
    }
    assert_eq!(fingerprint("creatOrder", "", ""), bound, "whichever operation used it");
    for (from, to) in [
        ("158.5", "158.51"),
        ("\"20160001\"", "\"20160002\""),
        ("\"quantity\":3", "\"quantity\":2"),
        ("2016-08-06", "2016-08-07"),
        ("\"travelDate\":\"2016-08-06\",", ""),
    ] {
        assert_ne!(fingerprint("newOrder", from, to), bound, "{to}");
    }
}
