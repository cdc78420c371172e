//! Which outcome is told how (sections 5 and 6).

use tradewind_domain::{Call, Flow, Found, OrderStage, Outcome, PaymentState, Refund, RefundState, Refusal};

use crate::support::{CODE, Shop, bill, cny, code_of, golden, order, payment, refund};

fn pre_order(change: impl FnOnce(&mut tradewind_domain::Order, &mut tradewind_domain::Payment)) -> String {
    let (mut order, mut payment) = (order(), payment());
    change(&mut order, &mut payment);
    let shop = Shop::new();
    let outcome = Outcome::Collected { order: Box::new(order), payment: Box::new(payment), action: None };
    let request = shop.post("preOrder", &golden("preOrder.request.json"));
    shop.clear(&shop.answer("preOrder", &request, Ok(&outcome)))
}

#[test]
fn only_money_is_success() {
    let rows = [
        (OrderStage::Paid, PaymentState::Paid, true, "SUCCESS"),
        (OrderStage::Closed, PaymentState::Declined, false, "FAIL"),
        (OrderStage::Closed, PaymentState::Cancelled, false, "FAIL"),
        (OrderStage::Revoked, PaymentState::Cancelling, false, "FAIL"),
        (OrderStage::Revoked, PaymentState::Cancelled, false, "FAIL"),
        // The money came after the end and goes straight back.
        (OrderStage::Revoked, PaymentState::Paid, false, "FAIL"),
        (OrderStage::Revoked, PaymentState::Paid, true, "FAIL"),
        (OrderStage::Open, PaymentState::Declined, false, "FAIL"),
        // Unknown is never told as failed.
        (OrderStage::Open, PaymentState::Unknown, false, "EXCEPTION"),
        (OrderStage::Open, PaymentState::Waiting, false, "EXCEPTION"),
    ];
    for (stage, state, paid, expected) in rows {
        let answer = pre_order(|order, payment| {
            (order.stage, payment.state) = (stage, state);
            order.paid_at = order.paid_at.filter(|_| paid);
            payment.reason = Some("balance too low".to_owned()).filter(|_| state == PaymentState::Declined);
        });
        assert_eq!(code_of(&answer), expected, "{stage:?} {state:?}");
        assert!(answer.contains(CODE), "{answer}");
        assert_eq!(answer.contains("balance too low"), state == PaymentState::Declined, "{answer}");
        assert_eq!(answer.contains("FUND_BILL_LIST"), expected == "SUCCESS", "{answer}");
    }
}

#[test]
fn an_order_that_the_channel_did_not_take_is_no_success() {
    let shop = Shop::new();
    for (stage, expected) in [(OrderStage::Open, "EXCEPTION"), (OrderStage::Closed, "FAIL")] {
        let (mut order, mut payment) = (order(), payment());
        order.stage = stage;
        (payment.flow, payment.state) = (Flow::PayerScans, PaymentState::Unknown);
        let outcome = Outcome::Collected { order: Box::new(order), payment: Box::new(payment), action: None };
        let request = shop.post("order", &golden("order.request.json"));
        assert_eq!(code_of(&shop.clear(&shop.answer("order", &request, Ok(&outcome)))), expected);
    }
}

fn refunded(change: impl FnOnce(&mut tradewind_domain::Order, &mut Refund)) -> String {
    let (mut order, mut refund) = (order(), refund());
    change(&mut order, &mut refund);
    let shop = Shop::new();
    let outcome =
        Outcome::Refunded { order: Box::new(order), payment: Box::new(payment()), refund: Box::new(refund) };
    let request = shop.post("refund", &golden("refund.request.json"));
    shop.clear(&shop.answer("refund", &request, Ok(&outcome)))
}

#[test]
fn refunds_by_their_state() {
    for (state, expected) in [
        (RefundState::Succeeded, "SUCCESS"),
        (RefundState::Pending, "SUCCESS"),
        (RefundState::Unknown, "SUCCESS"),
        (RefundState::Refused, "FAIL"),
        (RefundState::Cancelled, "FAIL"),
    ] {
        let answer = refunded(|_, refund| {
            refund.state = state;
            refund.reason = Some("not enough funds".to_owned());
        });
        assert_eq!(code_of(&answer), expected, "{state:?}");
        assert!(answer.contains("\"AMT\":15800") && answer.contains("\"OUT_REFUND_NO\":\"R20160805000001\""));
        assert_eq!(answer.contains("not enough funds"), state == RefundState::Refused);
    }
}

/// The bills of a pending refund sum to it and take up the payment's sources where earlier refunds
/// ended.
#[test]
fn bills_of_pending_refunds() {
    for (gone, amount, expected) in [
        (0, 5_800, r#"[{"AMOUNT":"58.00","FUND_CHANNEL":"10"}]"#),
        (10_000, 5_800, r#"[{"AMOUNT":"50.00","FUND_CHANNEL":"10"},{"AMOUNT":"8.00","FUND_CHANNEL":"00"}]"#),
        (15_000, 800, r#"[{"AMOUNT":"8.00","FUND_CHANNEL":"00"}]"#),
        (15_100, 700, r#"[{"AMOUNT":"7.00","FUND_CHANNEL":"00"}]"#),
    ] {
        let answer = refunded(|order, refund| {
            (order.refunded, refund.amount) = (cny(gone), cny(amount));
            (refund.state, refund.bills) = (RefundState::Pending, Vec::new());
        });
        assert!(answer.contains(&format!("\"TRADEFUNDBILL\":{expected}")), "{gone} {amount}: {answer}");
    }
}

#[test]
fn revocations_by_what_became_of_the_order() {
    let shop = Shop::new();
    let zero = || cny(0);
    for (stage, applied, refunding, failed, expected) in [
        (OrderStage::Revoked, false, zero(), false, "SUCCESS"),
        (OrderStage::Open, true, zero(), false, "SUCCESS"),
        (OrderStage::Paid, true, zero(), false, "SUCCESS"),
        (OrderStage::Paid, false, cny(15_800), false, "SUCCESS"),
        (OrderStage::Paid, false, zero(), true, "FAIL"),
    ] {
        let mut order = order();
        (order.stage, order.revocation_applied, order.refunding, order.refund_failed) =
            (stage, applied, refunding, failed);
        let outcome = Outcome::Revoked { order: Box::new(order) };
        let request = shop.get("cancelTrade", CODE, "");
        let answer = shop.clear(&shop.answer("cancelTrade", &request, Ok(&outcome)));
        assert_eq!(code_of(&answer), expected, "{stage:?}");
        assert!(!answer.contains("CHARGE_CODE"), "the result alone: {answer}");
    }
}

fn queried(change: impl FnOnce(&mut Found)) -> String {
    let mut found = Found { order: order(), payment: payment(), refund: None };
    change(&mut found);
    let shop = Shop::new();
    shop.clear(&shop.answer("query", &shop.get("query", CODE, ""), Ok(&Outcome::Found(Box::new(found)))))
}

#[test]
fn unpaid_orders_show_no_bills() {
    let unpaid = queried(|found| {
        found.order.stage = OrderStage::Open;
        found.order.paid_at = None;
        found.payment.channel_number = None;
        found.payment.bills.clear();
        found.payment.flow = Flow::PayerScans;
        found.payment.payer_code = None;
    });
    for part in [r#""STATE":0"#, r#""FUND_BILL_LIST":{"TRADEFUNDBILL":[]}"#, r#""CHARGE_THIRD_CODE":"""#] {
        assert!(unpaid.contains(part), "{part} in {unpaid}");
    }
    for absent in ["DYNAMIC_ID", "END_TIME", "OUT_REFUND_NO", "null"] {
        assert!(!unpaid.contains(absent), "{absent} in {unpaid}");
    }
    let late = queried(|found| {
        found.order.stage = OrderStage::Revoked;
        found.order.paid_at = None;
    });
    assert!(late.contains(r#""STATE":2"#) && late.contains(r#""TRADEFUNDBILL":[]"#), "{late}");
}

#[test]
fn refund_lookups_show_the_refund() {
    for (state, code, bills) in [
        (RefundState::Unknown, 10, true),
        (RefundState::Succeeded, 11, true),
        (RefundState::Cancelled, 12, false),
        (RefundState::Refused, 13, false),
    ] {
        let answer = queried(|found| found.refund = Some(Refund { state, bills: Vec::new(), ..refund() }));
        assert!(answer.contains(&format!("\"STATE\":{code},")), "{answer}");
        assert!(answer.contains("\"AMT\":5800"), "{answer}");
        assert_eq!(answer.contains("58.00"), bills, "{answer}");
    }
}

#[test]
fn texts_survive_both_formats() {
    let text = "a & b <c> \"d\" 'e' /f\\ 茶　叶 \u{1f600}";
    let json = queried(|found| found.order.subject = text.to_owned());
    assert!(json.contains(r#""PAY_SUBJECT":"a & b <c> \"d\" 'e' /f\\ 茶　叶 😀""#), "{json}");
    let shop = Shop::new();
    let request = shop.get("query", CODE, "&_type=xml");
    let mut order = order();
    order.subject = text.to_owned();
    let found = Outcome::Found(Box::new(Found { order, payment: payment(), refund: None }));
    let xml = shop.clear(&shop.answer("query", &request, Ok(&found)));
    assert!(xml.contains("<PAY_SUBJECT>a &amp; b &lt;c&gt; \"d\" 'e' /f\\ 茶　叶 😀</PAY_SUBJECT>"), "{xml}");
}

#[test]
fn sources_of_money_are_told_by_code() {
    let answer = pre_order(|_, payment| payment.bills = vec![bill("wechat", 15_700), bill("brand new", 100)]);
    let bills = r#"{"TRADEFUNDBILL":[{"AMOUNT":"157.00","FUND_CHANNEL":"11"},{"AMOUNT":"1.00","FUND_CHANNEL":"9001"}]}"#;
    assert!(answer.contains(bills), "{answer}");
}

#[test]
fn success_is_spelled_as_the_partner_wants() {
    let mut partner = crate::support::partner();
    partner.settings = r#"{"sosopay":{"success_literal":"SUCESS"}}"#.to_owned();
    let shop = Shop::with(partner, &[crate::support::KEY]);
    let request = shop.get("payChannel", "", "");
    assert_eq!(
        code_of(&shop.clear(&shop.answer("payChannel", &request, Ok(&Outcome::Methods(Vec::new()))))),
        "SUCESS"
    );
    let refused = shop.answer("payChannel", &request, Err(&Refusal::Busy));
    assert_eq!(code_of(&shop.clear(&refused)), "SERVICE_UNAVAILABLE");
}

/// An outcome of some other call cannot be told; it must not be told as success.
#[test]
fn a_foreign_outcome_is_an_exception() {
    let shop = Shop::new();
    let request = shop.get("query", CODE, "");
    assert!(matches!(shop.open("query", &request), Ok(Call::FindOrder(_))));
    let answer = shop.answer("query", &request, Ok(&Outcome::Methods(Vec::new())));
    assert_eq!(code_of(&shop.clear(&answer)), "EXCEPTION");
}
