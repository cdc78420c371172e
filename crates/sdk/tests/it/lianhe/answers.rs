//! Answers as platforms have been seen to write them (sections 2, 5, 6 and 9), and answers that are not to
//! be believed.

use tradewind_sdk::Error;
use tradewind_sdk::bytes::Bytes;
use tradewind_sdk::http::{Response, StatusCode};
use tradewind_sdk::lianhe::{
    Client, Code, OrderNames, OrderStatus, Prices, ProductQuery, PurchaseNote, ReStatus, RefundRequest,
    RefundRule, Refusal, TeamType, Told as Number, VoucherType,
};

use crate::lianhe::support::{
    CODES, DEAL, LH_ORDER, NUMBER, asking, at_vectors, changing, day, golden, golden_order, names, yuan,
};
use crate::support::{Told, Verdict, check_calls, verdict};

fn told(body: &str) -> Client {
    at_vectors(Told::body(body))
}

fn told_golden(name: &str) -> Client {
    told(&golden(name))
}

#[tokio::test]
async fn products() {
    let answer = told_golden("getTeam.response.json").products(&ProductQuery::page(0, 20)).await.unwrap();
    assert_eq!((answer.total, answer.products.len()), (Some(41), 2));
    let [dated, undated] = answer.products.as_slice() else { panic!("{answer:?}") };
    assert_eq!((dated.deal_id.as_str(), &dated.team_type), (DEAL, &TeamType::Subscribe));
    let amounts = ["200", "158.50", "120.05"].map(|text| Some(yuan(text)));
    let [market, sell, buy] = amounts;
    assert_eq!(dated.prices, Prices { market, sell, buy });
    assert_eq!(dated.refund_rule, Some(RefundRule::BeforeEnd { minutes: 1_440 }));
    assert_eq!((dated.stock, undated.stock), (None, Some(58)));
    assert_eq!((&undated.team_type, undated.can_refund), (&TeamType::Normal, Some(false)));
    assert_eq!(dated.note.as_ref().map(|note: &PurchaseNote| note.usage.as_str()), Some("凭短信验证码入园"));
    assert_eq!(answer.raw(), golden("getTeam.response.json"));

    let nothing = r#"{"code":10000,"partnerId":1985,"totalSize":0,"body":[]}"#;
    let nothing = told(nothing).products(&ProductQuery::ids(["7"])).await.unwrap();
    assert_eq!((nothing.total, nothing.products.len()), (Some(0), 0));
}

#[tokio::test]
async fn calendars_and_balances() {
    let (from, until) = (day("2016-08-05"), day("2016-11-05"));
    let days = told_golden("getPrice.response.json").prices(DEAL, from, until).await.unwrap();
    let told_days: Vec<_> =
        days.iter().map(|day| (day.day.to_string(), day.prices.sell, day.stock)).collect();
    let expected = [
        ("2016-08-06".to_owned(), Some(yuan("158.5")), Some(58)),
        ("2016-08-08".to_owned(), Some(yuan("218")), Some(0)),
    ];
    assert_eq!(told_days, expected);
    // A calendar of another product must not be sold from.
    let error = told_golden("getPrice.response.json").prices("20160002", from, until).await.unwrap_err();
    assert!(error.is_untrusted() && verdict(&error) == Verdict::Neither, "{error}");

    let balance = told_golden("getBalance.response.json").balance().await.unwrap();
    assert_eq!(*balance, yuan("-12.5"));
}

#[tokio::test]
async fn orders() {
    let request = golden_order();
    let created = told_golden("creatOrder.response.json").create_order(&request).await.unwrap();
    assert_eq!((created.lh_order_id.as_str(), created.vouchers.len()), (LH_ORDER, 0));
    assert_eq!(created.status, OrderStatus::Created);
    for paid in [
        told_golden("newOrder.response.json").new_order(&request).await.unwrap(),
        told_golden("payOrder.response.json").pay_order(LH_ORDER, &request).await.unwrap(),
    ] {
        assert_eq!((paid.lh_order_id.as_str(), paid.status.known()), (LH_ORDER, Some(OrderStatus::Paid)));
        assert_eq!(
            (paid.voucher_type.known(), paid.vouchers.as_slice()),
            (Some(VoucherType::Text), &CODES.map(str::to_owned)[..])
        );
    }
    let state = told_golden("queryOrder.partly.response.json").query_order(&names()).await.unwrap();
    assert_eq!((state.order_id.as_deref(), state.lh_order_id.as_str()), (Some(NUMBER), LH_ORDER));
    assert_eq!((state.quantity, state.used, state.refunded, state.ordered()), (2, Some(1), 1, 3));
    assert_eq!(
        (state.status.known(), state.refund),
        (Some(OrderStatus::PartlyUsed), Some(Number::Known(ReStatus::Refunded)))
    );
    let refund = RefundRequest::new(names(), 1);
    let applied = told_golden("cancelOrder.response.json").cancel_order(&refund).await.unwrap();
    assert_eq!((applied.quantity, applied.status.known()), (Some(1), Some(OrderStatus::Refunded)));
    assert_eq!(applied.refund, Some(Number::Known(ReStatus::UnderReview)));
    let resent = told_golden("send.response.json").send(&names()).await.unwrap();
    assert_eq!(resent.vouchers, CODES);
}

/// Section 9 no. 2, 7, 8 and 23, and numbers where texts are usual.
#[tokio::test]
async fn platforms_write_in_several_ways() {
    let old = r#"{"code":200,"describe":"ok","body":{"LHOrderId":14703600001230000,"orderStatus":"3","voucher":" 1, 2 ,","voucherType":1}}"#;
    let bought = told(old).new_order(&golden_order()).await.unwrap();
    // The manual's own sample: a success is a success whatever status it tells.
    assert_eq!(
        (bought.lh_order_id.as_str(), bought.status.known()),
        (LH_ORDER, Some(OrderStatus::CreationFailed))
    );
    assert_eq!(
        (bought.voucher_type.known(), bought.vouchers.as_slice()),
        (Some(VoucherType::QrCode), &["1".to_owned(), "2".to_owned()][..])
    );

    let other = r#"{"code":"200","body":{"LHOrderId":"14703600001230000","orderStatus":8,"orderQuantity":6,"usedQuantity":3,"voucherType":7,"reStatus":9}}"#;
    let state = told(other).query_order(&names()).await.unwrap();
    assert_eq!((state.quantity, state.used, state.refunded), (6, Some(3), 0));
    assert_eq!((state.voucher_type, state.refund), (Number::Other(7), Some(Number::Other(9))));
    assert_eq!(state.order_id, None);
    assert_eq!((state.voucher_type.to_string(), state.status.to_string()), ("7".into(), "Used".into()));
}

#[tokio::test]
async fn answers_about_something_else() {
    let swap = |name: &str| golden(name).replace(LH_ORDER, "14703600001230001");
    let refund = RefundRequest::new(names(), 1);
    let changing: [Error; 3] = [
        told(&swap("payOrder.response.json")).pay_order(LH_ORDER, &golden_order()).await.unwrap_err(),
        told(&swap("cancelOrder.response.json")).cancel_order(&refund).await.unwrap_err(),
        told(&golden("newOrder.response.json").replace("1985", "1986"))
            .new_order(&golden_order())
            .await
            .unwrap_err(),
    ];
    for error in changing {
        assert!(error.is_untrusted(), "{error}");
        assert_eq!(
            verdict(&error),
            Verdict::Unknown,
            "somebody answered, and what the platform did is not known"
        );
    }
    let state = golden("queryOrder.response.json");
    for text in [swap("queryOrder.response.json"), state.replace(NUMBER, "D2"), state.replace("1985", "1")] {
        let error = told(&text).query_order(&names()).await.unwrap_err();
        assert!(error.is_untrusted() && verdict(&error) == Verdict::Neither, "{error}");
        assert_eq!(error.raw(), Some(text.as_str()));
    }
}

#[tokio::test]
async fn refusals_tell_what_is_known() {
    let refused = async |name: &str| {
        let client = told_golden(name);
        let error = match name.split_once('.').unwrap().0 {
            "creatOrder" => client.create_order(&golden_order()).await.unwrap_err(),
            "newOrder" => client.new_order(&golden_order()).await.unwrap_err(),
            "payOrder" => client.pay_order(LH_ORDER, &golden_order()).await.unwrap_err(),
            "queryOrder" => client.query_order(&names()).await.unwrap_err(),
            "cancelOrder" => client.cancel_order(&RefundRequest::new(names(), 3)).await.unwrap_err(),
            "send" => client.send(&names()).await.unwrap_err(),
            other => panic!("{other}"),
        };
        assert_eq!(verdict(&error), Verdict::Rejected, "{name}: {error}");
        let refusal = Refusal::of(&error).unwrap();
        assert_eq!(error.info(), Some(refusal.describe.as_str()));
        refusal
    };
    let known = |refusal: &Refusal| {
        let status = refusal.status.map(|status| status.known().unwrap());
        (refusal.code.known().unwrap(), refusal.lh_order_id.clone(), status)
    };
    let ours = Some(LH_ORDER.to_owned());
    use OrderStatus::{CreationFailed, PaymentFailed, RefundFailed, Unknown, Used};
    for (name, expected) in [
        ("creatOrder.refused", (Code::OutOfStock, None, Some(CreationFailed))),
        ("newOrder.refused", (Code::TooMany, None, Some(CreationFailed))),
        ("newOrder.declined", (Code::BalanceTooLow, ours.clone(), Some(PaymentFailed))),
        ("payOrder.declined", (Code::BalanceTooLow, ours.clone(), Some(PaymentFailed))),
        ("payOrder.refused", (Code::Failure, ours.clone(), Some(PaymentFailed))),
        ("queryOrder.refused", (Code::Failure, ours.clone(), Some(Unknown))),
        ("cancelOrder.refused", (Code::Failure, ours.clone(), Some(RefundFailed))),
        ("cancelOrder.used", (Code::Failure, ours, Some(Used))),
        ("send.refused", (Code::Failure, None, None)),
    ] {
        assert_eq!(known(&refused(&format!("{name}.response.json")).await), expected, "{name}");
    }
    let refusal = refused("cancelOrder.refused.response.json").await;
    assert_eq!((refusal.refundable, refusal.refund), (Some(2), Some(Number::Known(ReStatus::Refused))));
    assert_eq!(refused("queryOrder.refused.response.json").await.order_id.as_deref(), Some(NUMBER));

    // What is no refusal is not made one.
    let garbage = told("<html>").send(&names()).await.unwrap_err();
    assert_eq!(Refusal::of(&garbage), None);
    let unsent = told("").send(&OrderNames::new("", "")).await.unwrap_err();
    assert_eq!(Refusal::of(&unsent), None);
    let odd = r#"{"code":10002,"describe":5,"body":{"orderStatus":[]}}"#;
    let odd = Refusal::of(&told(odd).new_order(&golden_order()).await.unwrap_err()).unwrap();
    assert_eq!((odd.code.known(), odd.describe.as_str(), odd.status), (Some(Code::PriceAbnormal), "5", None));
}

/// All calls, answered with the same code, body and header.
async fn check_codes(
    code: i64,
    body: &str,
    header: Option<(&'static str, &'static str)>,
    expected: (Verdict, Verdict),
) {
    let text =
        Bytes::from(format!(r#"{{"code":{code},"describe":"because","partnerId":1985,"body":{body}}}"#));
    let client = at_vectors(Told::by(move |_, _| {
        let mut answer = Response::new(text.clone());
        if let Some((name, value)) = header {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        Ok(answer)
    }));
    for (calls, expected) in [(changing(&client), expected.0), (asking(&client), expected.1)] {
        for (name, call) in calls {
            // A catalogue has no orders to speak of, so it is not silent about them.
            let is_catalogue = ["products", "prices", "balance"].contains(&name);
            let expected = if is_catalogue && header.is_none() { Verdict::Rejected } else { expected };
            let error = call.await.unwrap_err();
            assert_eq!(verdict(&error), expected, "{code} {body} {header:?} {name}: {error:?}");
            assert_eq!(error.is_unauthorized(), header.is_some_and(|(name, _)| name == "www-authenticate"));
            let number = if code == 300 { 20_000 } else { code };
            assert_eq!(error.code(), Some(number.to_string().as_str()));
        }
    }
}

/// Section 6.1: only 10000 is a success, and what else is told decides what a failure means.
#[tokio::test]
async fn codes_decide() {
    let rejected = (Verdict::Rejected, Verdict::Rejected);
    for code in (10_001..=10_013).chain(10_016..=10_017) {
        check_codes(code, "{}", None, rejected).await;
    }
    // The texts of 20000 are not for programs. An order that is spoken of was looked at.
    let open = (Verdict::Unknown, Verdict::Retryable);
    for code in [20_000, 300, 10_014, 10_015, 0, -1, 99_999] {
        check_codes(code, r#"{"orderStatus":3}"#, None, rejected).await;
        check_codes(code, r#"{"voucherType":0,"voucher":""}"#, None, rejected).await;
        check_codes(code, "{}", None, open).await;
        check_codes(code, "null", None, open).await;
        check_codes(code, r#"{"orderStatus":"failed"}"#, None, open).await;
    }
    let passing = (Verdict::Retryable, Verdict::Retryable);
    check_codes(20_000, "{}", Some(("retry-after", "1")), passing).await;
    check_codes(20_000, "{}", Some(("www-authenticate", "LH")), rejected).await;
    check_codes(300, "{}", Some(("www-authenticate", "LH")), rejected).await;
}

/// Successes that lack what they are for, and what is no answer at all.
#[tokio::test]
async fn answers_that_cannot_be_understood() {
    for body in [
        "",
        "success",
        "<html></html>",
        "{}",
        "[]",
        "{\"code\":10000",
        r#"{"code":"yes","body":{}}"#,
        r#"{"code":null}"#,
        r#"{"code":10000,}"#,
        r#"{"code":10000,"body":{"LHOrderId":{},"orderStatus":4,"orderQuantity":1,"voucherType":[]}}"#,
        r#"{"code":10000,"body":{"LHOrderId":"1","orderStatus":"paid","orderQuantity":"x","voucherType":"x"}}"#,
        r#"{"code":10000,"totalSize":"many","body":[{"LHDealId":"1","sellPrice":0.001}]}"#,
        "\u{1}",
    ] {
        let client = told(body);
        check_calls(changing(&client), Verdict::Unknown, false).await;
        check_calls(asking(&client), Verdict::Neither, false).await;
    }
    let request = golden_order();
    let lacking = [
        r#"{"code":10000,"body":{"orderStatus":4}}"#,
        r#"{"code":10000,"body":{"LHOrderId":"","orderStatus":4}}"#,
        r#"{"code":10000,"body":{"LHOrderId":"1"}}"#,
        r#"{"code":10000,"body":[]}"#,
        r#"{"code":10000}"#,
    ];
    for body in lacking {
        let client = told(body);
        for error in [
            client.new_order(&request).await.unwrap_err(),
            client.create_order(&request).await.unwrap_err(),
            client.pay_order("1", &request).await.unwrap_err(),
            client.cancel_order(&RefundRequest::new(names(), 1)).await.unwrap_err(),
        ] {
            assert_eq!((verdict(&error), error.raw()), (Verdict::Unknown, Some(body)), "{error}");
        }
        let error = client.query_order(&names()).await.unwrap_err();
        assert_eq!(verdict(&error), Verdict::Neither, "{error}");
    }
    let no_text = at_vectors(Told::by(|_, _| Ok(Response::new(Bytes::from_static(b"{\"code\":\"\xff\"}")))));
    check_calls(changing(&no_text), Verdict::Unknown, false).await;
}

#[tokio::test]
async fn statuses_of_http() {
    let check = async |status: u16, expected: (Verdict, Verdict)| {
        let client = at_vectors(Told::by(move |_, _| {
            let mut answer = Response::new(Bytes::from(golden("newOrder.response.json")));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok(answer)
        }));
        check_calls(changing(&client), expected.0, false).await;
        check_calls(asking(&client), expected.1, false).await;
        assert_eq!(client.send(&names()).await.unwrap_err().http_status(), Some(status));
    };
    for open in [201, 500, 502, 503, 504] {
        check(open, (Verdict::Unknown, Verdict::Retryable)).await;
    }
    for refused in [302, 400, 404, 405, 413] {
        check(refused, (Verdict::Rejected, Verdict::Rejected)).await;
    }
    check(429, (Verdict::Retryable, Verdict::Retryable)).await;
}
