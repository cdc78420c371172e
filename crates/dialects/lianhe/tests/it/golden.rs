//! Answers and notifications against the golden messages, byte for byte.

use tradewind_domain::{
    Outcome, Price, PurchaseProblem, RefundProblem, RefundState, Refusal, SkuPage, Stock,
};

use crate::notify::{Scene, told};
use crate::support::{
    Distributor, declined, golden, listings, post, purchase, redemption, refund, request_of, sku, stock,
    unpaid, yuan,
};

#[track_caller]
fn check(operation: &'static str, outcome: Result<Outcome, Refusal>, expected: &str) {
    let distributor = Distributor::new();
    assert_eq!(distributor.answer_golden(operation, outcome.as_ref()), golden(expected));
}

fn bought(purchase: tradewind_domain::Purchase) -> Result<Outcome, Refusal> {
    Ok(Outcome::Purchase(Box::new(purchase)))
}

#[test]
fn products() {
    let page = |total| Outcome::Skus(SkuPage { entries: listings(), total });
    check("getTeam", Ok(page(41)), "getTeam.response.json");
    let distributor = Distributor::new();
    let request = distributor.post("getTeam", &request_of("getTeam.multi"));
    assert_eq!(distributor.answer("getTeam", &request, Ok(&page(2))), golden("getTeam.multi.response.json"));
}

#[test]
fn a_calendar() {
    let dearer = Price { market: yuan("260"), sell: yuan("218"), cost: yuan("180") };
    let days = vec![
        stock(Some("2016-08-06")),
        Stock { closed: true, ..stock(Some("2016-08-07")) },
        Stock { price: Some(dearer), sold: 59, ..stock(Some("2016-08-08")) },
    ];
    check("getPrice", Ok(Outcome::Calendar(Box::new(sku()), days)), "getPrice.response.json");
}

#[test]
fn orders() {
    check("creatOrder", bought(unpaid()), "creatOrder.response.json");
    let sold_out = Refusal::Purchase(PurchaseProblem::SoldOut);
    check("creatOrder", Err(sold_out), "creatOrder.refused.response.json");
    for operation in ["payOrder", "newOrder"] {
        check(operation, bought(purchase()), &format!("{operation}.response.json"));
        check(operation, bought(declined()), &format!("{operation}.declined.response.json"));
    }
    let lapsed = Refusal::WrongState { problem: "the order has lapsed" };
    check("payOrder", Err(lapsed), "payOrder.refused.response.json");
    let too_many = Refusal::Purchase(PurchaseProblem::TooMany);
    check("newOrder", Err(too_many), "newOrder.refused.response.json");
}

#[test]
fn a_query() {
    check("queryOrder", bought(purchase()), "queryOrder.response.json");
    let mut partly = purchase();
    let line = partly.order.line.as_mut().unwrap();
    (line.used, line.refunded) = (1, 1);
    partly.refunds.push(tradewind_domain::Refund { state: RefundState::Succeeded, ..refund() });
    check("queryOrder", bought(partly), "queryOrder.partly.response.json");
    check("queryOrder", Err(Refusal::OrderNotFound), "queryOrder.refused.response.json");
}

#[test]
fn a_refund() {
    let mut locked = purchase();
    locked.order.line.as_mut().unwrap().locked = 1;
    locked.refunds.push(refund());
    let applied = Outcome::Applied(Box::new(locked), Some(Box::new(refund())));
    check("cancelOrder", Ok(applied), "cancelOrder.response.json");
    let too_many = Refusal::NotRefundable { why: RefundProblem::Quantity, refundable: 2 };
    check("cancelOrder", Err(too_many), "cancelOrder.refused.response.json");
    let used = Refusal::NotRefundable { why: RefundProblem::AllUsed, refundable: 0 };
    check("cancelOrder", Err(used), "cancelOrder.used.response.json");
}

#[test]
fn codes_again_and_the_balance() {
    check("send", bought(purchase()), "send.response.json");
    check("send", Err(Refusal::OrderNotFound), "send.refused.response.json");
    let below = tradewind_domain::Money::from_micros(-12_500_000, tradewind_domain::Currency::CNY);
    check("getBalance", Ok(Outcome::Balance(below)), "getBalance.response.json");
}

#[test]
fn what_no_operation_is() {
    let distributor = Distributor::new();
    let request = distributor.post("getTeams", "no message");
    assert_eq!(distributor.answer("unknown", &request, Err(&Refusal::Busy)), golden("unknown.response.json"));
    let date = crate::support::DATE;
    let request = post("newOrder", date, "LH demo:lIj2tLKuQdm64pGv2o4ZfO28Yaw=", &request_of("newOrder"));
    assert_eq!(
        distributor.answer("newOrder", &request, Err(&Refusal::Busy)),
        golden("untrusted.response.json")
    );
}

#[test]
fn notifications() {
    let text = |scene| String::from_utf8(told(scene).unwrap().body.to_vec()).unwrap();
    assert_eq!(text(Scene::Redeemed(0, redemption())), golden("snNotify.json"));
    let last = tradewind_domain::Redemption { used_so_far: 3, left: 0, ..redemption() };
    assert_eq!(text(Scene::Redeemed(2, last)), golden("snNotify.last.json"));
    let refunded = tradewind_domain::Refund { state: RefundState::Succeeded, units_so_far: 2, ..refund() };
    assert_eq!(text(Scene::Reviewed(refunded)), golden("reNotify.json"));
    let rejected = tradewind_domain::Refund {
        state: RefundState::Refused,
        reason: Some("景区已核销".to_owned()),
        ..refund()
    };
    assert_eq!(text(Scene::Reviewed(rejected)), golden("reNotify.rejected.json"));
    use tradewind_domain::EventKind::{ProductChanged, ProductDelisted, ProductListed};
    for (kind, name) in
        [(ProductChanged, "changed"), (ProductListed, "listed"), (ProductDelisted, "delisted")]
    {
        assert_eq!(text(Scene::Product(kind)), golden(&format!("teamNotify.{name}.json")));
    }
}
