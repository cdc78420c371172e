//! Which outcome is told how (sections 5 to 7).

use tradewind_domain::{
    CodeRule, Order, OrderStage, Outcome, PaymentState, Purchase, Refund, RefundKind, RefundProblem,
    RefundState, RefundTerms, RefundUntil, Refusal, Review, Sku, SkuKind, SkuListing, SkuPage, Span, Stock,
    TicketRules, TravellerRule,
};

use crate::support::{
    Distributor, LH_ORDER, OPERATIONS, codes, declined, listings, parts, purchase, refund, rules, sku, stock,
    unpaid,
};

fn told(operation: &'static str, outcome: &Outcome) -> (i64, serde_json::Value) {
    let answer = Distributor::new().answer_golden(operation, Ok(outcome));
    let (code, _, body) = parts(&answer);
    (code, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {answer}")))
}

/// `code` and `orderStatus` of an operation that creates or pays.
fn status(operation: &'static str, purchase: Purchase) -> (i64, i64) {
    let (code, body) = told(operation, &Outcome::Purchase(Box::new(purchase)));
    assert_eq!(body["LHOrderId"], LH_ORDER.to_string());
    (code, body["orderStatus"].as_i64().unwrap())
}

fn with_units(used: u32, refunded: u32, locked: u32) -> Purchase {
    let mut purchase = purchase();
    let line = purchase.order.line.as_mut().unwrap();
    (line.used, line.refunded, line.locked) = (used, refunded, locked);
    purchase
}

fn ended() -> Purchase {
    let mut purchase = unpaid();
    purchase.order.stage = OrderStage::Closed;
    purchase.payment.state = PaymentState::Cancelled;
    purchase
}

/// Nothing but money is a success of what pays, whatever the number led to before.
#[test]
fn only_money_is_success() {
    for operation in ["payOrder", "newOrder"] {
        assert_eq!(status(operation, purchase()), (10_000, 4), "{operation}");
        assert_eq!(status(operation, declined()), (10_001, 5), "{operation}");
        assert_eq!(status(operation, unpaid()), (20_000, 2), "{operation}: made by creatOrder, not paid yet");
        assert_eq!(status(operation, ended()), (20_000, 6), "{operation}");
        for (used, refunded) in [(1, 0), (3, 0), (0, 3), (1, 2)] {
            let repeated = with_units(used, refunded, 0);
            assert_eq!(status(operation, repeated), (10_000, 4), "{operation} again, later");
        }
    }
    assert_eq!(status("creatOrder", unpaid()), (10_000, 2));
    assert_eq!(status("creatOrder", declined()), (10_000, 2), "it is still created");
    assert_eq!(status("creatOrder", purchase()), (10_000, 4), "again, after it was paid");
    assert_eq!(status("creatOrder", ended()), (10_000, 6), "again, after it has lapsed");
}

/// Sections 6.2 and 7.1: the state of the tickets, by the units.
#[test]
fn order_status_of_a_query() {
    let rows = [
        // used, refunded, locked, of three
        (0, 0, 0, 4),
        (0, 0, 3, 4),
        (0, 1, 0, 4),
        (0, 2, 1, 4),
        (0, 3, 0, 6),
        (1, 0, 0, 9),
        (1, 1, 0, 9),
        (1, 1, 1, 9),
        (2, 0, 1, 9),
        (1, 2, 0, 8),
        (2, 1, 0, 8),
        (3, 0, 0, 8),
    ];
    for (used, refunded, locked, expected) in rows {
        let (code, body) =
            told("queryOrder", &Outcome::Purchase(Box::new(with_units(used, refunded, locked))));
        assert_eq!(
            (code, body["orderStatus"].as_i64()),
            (10_000, Some(expected)),
            "{used} {refunded} {locked}"
        );
        assert_eq!(body["orderQuantity"], 3 - refunded);
        assert_eq!(body["useQuantity"], used);
        assert_eq!(
            body.get("reQuantity").and_then(serde_json::Value::as_i64),
            (refunded > 0).then_some(i64::from(refunded))
        );
    }
    for (purchase, expected) in [(unpaid(), 2), (declined(), 5), (ended(), 6)] {
        let (code, body) = told("queryOrder", &Outcome::Purchase(Box::new(purchase)));
        assert_eq!((code, body["orderStatus"].as_i64()), (10_000, Some(expected)));
        assert_eq!((body["voucher"].as_str(), body["reStatus"].as_i64()), (Some(""), Some(0)));
    }
}

/// Section 6.3: the latest application counts.
#[test]
fn re_status_of_a_query() {
    let of = |state| Refund { state, ..refund() };
    let other = Refund { kind: RefundKind::LateSuccess, ..refund() };
    use RefundState::{Cancelled, Pending, Refused, Succeeded, Unknown};
    for (refunds, expected) in [
        (vec![], 0),
        (vec![other.clone()], 0),
        (vec![of(Pending)], 1),
        (vec![of(Unknown)], 1),
        (vec![of(Succeeded)], 3),
        (vec![of(Refused)], 4),
        (vec![of(Cancelled)], 4),
        (vec![of(Succeeded), of(Pending)], 1),
        (vec![of(Refused), of(Succeeded)], 3),
        (vec![of(Succeeded), of(Refused)], 4),
        (vec![of(Refused), other], 4),
    ] {
        let purchase = Purchase { refunds, ..purchase() };
        let (_, body) = told("queryOrder", &Outcome::Purchase(Box::new(purchase)));
        assert_eq!(body["reStatus"], expected);
    }
}

#[test]
fn codes_are_joined() {
    let joined = codes().map(|code| code.to_string()).join(",");
    for operation in ["payOrder", "newOrder", "queryOrder", "send"] {
        let (_, body) = told(operation, &Outcome::Purchase(Box::new(purchase())));
        assert_eq!(
            (body["voucher"].as_str(), body["voucherType"].as_i64()),
            (Some(joined.as_str()), Some(0))
        );
        let mut one = purchase();
        one.vouchers.truncate(1);
        one.order.line.as_mut().unwrap().codes = CodeRule::PerOrder;
        let (_, body) = told(operation, &Outcome::Purchase(Box::new(one)));
        assert_eq!(body["voucher"], codes()[0].to_string());
    }
}

/// Section 5.7.
#[test]
fn applications_for_refunds() {
    let apply = |refund: Option<Refund>| {
        told("cancelOrder", &Outcome::Applied(Box::new(purchase()), refund.map(Box::new)))
    };
    // A repeated application gets its first answer, whatever came of it since.
    for state in RefundState::ALL {
        let (code, body) = apply(Some(Refund { state, units: 2, ..refund() }));
        let expected = serde_json::json!({
            "LHOrderId": LH_ORDER.to_string(), "orderStatus": 6, "reQuantity": 2, "reStatus": 1,
        });
        assert_eq!((code, body), (10_000, expected), "{state:?}");
    }
    let (code, body) = apply(None);
    let unpaid = serde_json::json!({
        "LHOrderId": LH_ORDER.to_string(), "orderStatus": 6, "reQuantity": 1, "reStatus": 0,
    });
    assert_eq!((code, body), (10_000, unpaid), "an unpaid order ends at once");

    let rows = [
        (RefundProblem::WrongState, 7, "order state does not allow this"),
        (RefundProblem::NotRefundable, 7, "order state does not allow this: it cannot be given back"),
        (
            RefundProblem::WholeOnly,
            7,
            "order state does not allow this: only all that is left can be given back",
        ),
        (RefundProblem::Quantity, 7, "refund quantity too large"),
        (RefundProblem::TimeOver, 7, "refund period over"),
        (RefundProblem::UnderReview, 7, "refund already applied for"),
        (RefundProblem::AllRefunded, 7, "order state does not allow this: all has been refunded"),
        (RefundProblem::AllUsed, 8, "order state does not allow this: all has been used"),
        (
            RefundProblem::NumberTaken,
            7,
            "refund already applied for: the refund number stands for another application",
        ),
    ];
    for (why, order_status, describe) in rows {
        for refundable in [0, 2] {
            let refusal = Refusal::NotRefundable { why, refundable };
            let answer = Distributor::new().answer_golden("cancelOrder", Err(&refusal));
            let body = format!(
                r#"{{"LHOrderId":"{LH_ORDER}","orderStatus":{order_status},"reQuantity":{refundable},"reStatus":2}}"#
            );
            assert_eq!(parts(&answer), (20_000, describe.to_owned(), body), "{why:?}");
        }
    }
}

/// Section 5.1: every field by the rule it tells.
#[test]
fn fields_of_a_product() {
    let product = |change: &dyn Fn(&mut Sku, &mut TicketRules)| {
        let SkuListing { mut sku, product, .. } = listings().remove(0);
        let mut rules = rules();
        change(&mut sku, &mut rules);
        sku.kind = SkuKind::Ticket(rules);
        let page = SkuPage { entries: vec![SkuListing { sku, product, stock: None }], total: 1 };
        told("getTeam", &Outcome::Skus(page)).1[0].clone()
    };
    let terms = |refundable, until| {
        let terms = RefundTerms { refundable, whole_only: false, until, review: Review::Manual };
        let told = product(&|_, rules| rules.refund = terms);
        (told["canRefund"].as_i64().unwrap(), told["refundRule"].to_string())
    };
    let until = RefundUntil::BeforeEnd(Span::from_secs(61));
    for (refundable, until, can, rule) in [
        (true, RefundUntil::AnyTime, 1, r#"{"minutes":0,"type":0}"#),
        (true, until, 1, r#"{"minutes":2,"type":1}"#),
        (true, RefundUntil::Never, 0, r#"{"minutes":0,"type":2}"#),
        (false, RefundUntil::AnyTime, 0, r#"{"minutes":0,"type":2}"#),
        (false, until, 0, r#"{"minutes":0,"type":2}"#),
    ] {
        assert_eq!(terms(refundable, until), (can, rule.to_owned()), "{refundable} {until:?}");
    }
    assert_eq!(product(&|_, rules| rules.refund.whole_only = true)["fullRefund"], 1);
    assert_eq!(product(&|_, rules| rules.usable_after = Span::from_ms(1))["aftertime"], 1);
    assert_eq!(product(&|_, rules| rules.travellers = TravellerRule::Contact)["needVisitor"], 0);
    assert_eq!(product(&|_, rules| rules.needs_document = false)["needCredentials"], 0);
    assert_eq!(product(&|_, rules| rules.book_ahead_days = 7)["allowday"], 7);
    assert_eq!(product(&|sku, _| sku.order_max = u32::MAX)["maxBuy"], 100, "no order has more");
    assert_eq!(product(&|_, rules| rules.dated = false)["teamType"], "normal");
    assert_eq!(product(&|_, rules| rules.dated = false)["stock"], 0, "without a stock there is nothing");
    assert!(product(&|_, _| {}).get("stock").is_none(), "the calendar tells it");

    for texts in ["", "[]", "{", "{\"usage\":1}", "{}"] {
        let mut listing = listings().remove(0);
        listing.product.texts = texts.to_owned();
        let (_, body) = told("getTeam", &Outcome::Skus(SkuPage { entries: vec![listing], total: 1 }));
        assert_eq!(body[0]["purchaseNote"]["usage"], "", "{texts}");
    }
    let (code, body) = told("getTeam", &Outcome::Skus(SkuPage::default()));
    assert_eq!((code, body.to_string().as_str()), (10_000, "[]"));
}

#[test]
fn days_of_a_calendar() {
    let days = |stocks: Vec<Stock>| {
        let (code, body) = told("getPrice", &Outcome::Calendar(Box::new(sku()), stocks));
        assert_eq!(code, 10_000);
        body.as_array().unwrap().iter().map(|day| day["stock"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(days(vec![]), [0; 0]);
    assert_eq!(days(vec![stock(None)]), [0; 0], "what has no day is not of the calendar");
    assert_eq!(days(vec![Stock { closed: true, ..stock(Some("2016-08-06")) }]), [0; 0]);
    assert_eq!(
        days(vec![stock(Some("2016-08-06")), Stock { total: 2, ..stock(Some("2016-08-07")) }]),
        [58, 0]
    );
}

/// An outcome of another call than the one that was opened is our fault, and no orders are made up for it.
#[test]
fn outcomes_of_other_calls() {
    for operation in OPERATIONS {
        let answer = Distributor::new().answer_golden(operation, Ok(&Outcome::Methods(Vec::new())));
        assert_eq!(parts(&answer), (20_000, "internal error".to_owned(), "{}".to_owned()), "{operation}");
    }
    let plain = Purchase { order: Order { line: None, ..purchase().order }, ..purchase() };
    let answer = Distributor::new().answer_golden("queryOrder", Ok(&Outcome::Purchase(Box::new(plain))));
    assert_eq!(parts(&answer).1, "internal error", "an order that buys nothing from the catalogue");
}
