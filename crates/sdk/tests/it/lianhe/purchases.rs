//! Buying, paying, looking and giving back, against a whole gateway.

use std::time::Duration;

use tradewind_domain::{RefundTerms, Review, Sku, Span, StockPlan, TicketRules, TravellerRule};
use tradewind_sdk::lianhe::{
    Client, Code, OrderNames, OrderRequest, OrderStatus, Placed, ReStatus, RefundRequest, Refusal, Resolved,
    SmsFrom, Told as Number, Visitor,
};
use tradewind_sdk::{Clock, Error};

use crate::lianhe::shop::{Shop, Ware, dated, money, plan, price, rules};
use crate::lianhe::support::{config, yuan};
use crate::support::{LosesAnswers, Verdict, loopback, verdict};

fn names(request: &OrderRequest, order: &Placed) -> OrderNames {
    request.names(&order.lh_order_id)
}

/// The refusal of a call that was refused and has done nothing that is not told.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    let error = result.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Rejected, "{error:?}");
    Refusal::of(&error).unwrap()
}

async fn stock(client: &Client, ware: &Ware) -> Option<i64> {
    let query = tradewind_sdk::lianhe::ProductQuery::ids([ware.deal_id()]);
    client.products(&query).await.unwrap().products[0].stock
}

#[tokio::test]
async fn buying_at_once() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let request = shop.order(&ware, 3).pay_id("P1");
    let bought = shop.client.new_order(&request).await.unwrap();
    assert_eq!((bought.status.known(), bought.vouchers.len()), (Some(OrderStatus::Paid), 3));
    assert_eq!(*shop.client.new_order(&request).await.unwrap(), *bought, "the same request, the same order");
    assert_eq!(stock(&shop.client, &ware).await, Some(97));

    let state = shop.client.query_order(&names(&request, &bought)).await.unwrap();
    assert_eq!((state.quantity, state.used, state.refunded), (3, Some(0), 0));
    assert_eq!((&state.vouchers, state.status.known()), (&bought.vouchers, Some(OrderStatus::Paid)));
    assert_eq!(shop.client.find_order(&names(&request, &bought).order_id).await.unwrap(), Some(state));
    assert_eq!(shop.client.find_order("nothing of this name").await.unwrap(), None);

    let changed = refused(shop.client.new_order(&request.clone().quantity(2)).await);
    assert_eq!((changed.code, changed.lh_order_id), (Number::Known(Code::Failure), None));
    let nothing = OrderNames::new("nothing of this name", &bought.lh_order_id);
    let refusal = refused(shop.client.query_order(&nothing).await);
    assert_eq!(refusal.status, Some(Number::Known(OrderStatus::Unknown)));
    shop.gateway.ops().verify().await;
}

#[tokio::test]
async fn buying_in_two_steps() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let request = shop.order(&ware, 2);
    let created = shop.client.create_order(&request).await.unwrap();
    assert_eq!((created.status.known(), created.vouchers.len()), (Some(OrderStatus::Created), 0));
    assert_eq!(*shop.client.create_order(&request).await.unwrap(), *created);
    assert_eq!(stock(&shop.client, &ware).await, Some(98), "they are held");

    let other = refused(shop.client.pay_order(&created.lh_order_id, &request.clone().quantity(1)).await);
    assert_eq!(other.status, Some(Number::Known(OrderStatus::PaymentFailed)));
    let silent = request.clone().sms_from(SmsFrom::Partner);
    let paid = shop.client.pay_order(&created.lh_order_id, &silent).await.unwrap();
    assert_eq!((paid.status.known(), paid.vouchers.len()), (Some(OrderStatus::Paid), 2));
    assert_eq!(*shop.client.pay_order(&created.lh_order_id, &silent).await.unwrap(), *paid);
    let elsewhere = refused(shop.client.pay_order("1", &request).await);
    assert_eq!(elsewhere.code, Code::Failure);

    // One that nobody pays lapses after half an hour.
    let request = shop.order(&ware, 5);
    let created = shop.client.create_order(&request).await.unwrap();
    assert_eq!(stock(&shop.client, &ware).await, Some(93));
    shop.gateway.advance(Duration::from_secs(31 * 60)).await;
    let refusal = refused(shop.client.pay_order(&created.lh_order_id, &request).await);
    assert_eq!(refusal.status, Some(Number::Known(OrderStatus::PaymentFailed)));
    let state = shop.client.query_order(&names(&request, &created)).await.unwrap();
    assert_eq!(state.status, OrderStatus::Refunded);
    assert_eq!(stock(&shop.client, &ware).await, Some(98));
    assert!(matches!(shop.client.resolve_new_order(&request).await.unwrap(), Resolved::Ended(_)));

    // One that is given up ends at once, and there is nothing to review.
    let request = shop.order(&ware, 5);
    let created = shop.client.create_order(&request).await.unwrap();
    assert!(matches!(shop.client.resolve_new_order(&request).await.unwrap(), Resolved::Unpaid(_)));
    let given_up = RefundRequest::new(names(&request, &created), 5);
    let ended = shop.client.cancel_order(&given_up).await.unwrap();
    assert_eq!(
        (ended.status.known(), ended.refund),
        (Some(OrderStatus::Refunded), Some(Number::Known(ReStatus::None)))
    );
    assert_eq!(stock(&shop.client, &ware).await, Some(98));
    shop.gateway.ops().verify().await;
}

/// Every code of section 6.1 that an order can be refused with.
#[tokio::test]
async fn refused_purchases() {
    let mut shop = Shop::open().await;
    let (today, tomorrow) = (shop.today(), shop.today().plus(1));
    let dear = StockPlan { price: Some(price("120", "100", "101")), ..plan(Some(tomorrow), 10) };
    let usual = shop.sell_undated().await;
    let by_day = shop.sell("Dated", dated(), vec![plan(Some(today), 3), dear]).await;
    let ahead = TicketRules { book_ahead_days: 1, ..dated() };
    let ahead = shop.sell("Ahead", ahead, vec![plan(Some(today), 3)]).await;
    let each = TicketRules { travellers: TravellerRule::Each, needs_document: true, ..rules() };
    let each = shop.sell("Real names", each, vec![plan(None, 10)]).await;
    let machine =
        shop.sell("Machine", TicketRules { counter_only: true, ..rules() }, vec![plan(None, 9)]).await;
    let change = |sku: Sku| Sku { order_min: 2, order_max: 4, ..sku };
    let several = shop.sell_changed("Several", rules(), vec![plan(None, 10)], change).await;
    let (poor, _) = shop.plain("89.99").await;

    let person = || Visitor::new("Han Meimei", "13800000002");
    let mut order = |ware: &Ware, quantity| shop.order(ware, quantity);
    let one_of_each = || {
        let nobody = OrderRequest::new().sell_price(yuan("100")).quantity(1);
        nobody.order_id("D of a real name").deal_id(each.deal_id())
    };
    let rows: Vec<(Code, OrderRequest)> = vec![
        (Code::PriceAbnormal, order(&by_day, 1).travel_date(tomorrow)),
        (Code::ConditionsNotMet, one_of_each().visitor(person().identity_card("110105194912310021"))),
        (Code::DateRequired, order(&by_day, 1)),
        (Code::DateRestricted, order(&by_day, 1).travel_date(today.plus(2))),
        (Code::DateRestricted, order(&by_day, 1).travel_date(today.plus(-1))),
        (Code::DateRestricted, order(&usual, 1).travel_date(today)),
        (Code::SellPriceDiffers, order(&usual, 1).sell_price(yuan("99.99"))),
        (Code::BuyPriceDiffers, order(&usual, 1).buy_price(yuan("89"))),
        (Code::TooLate, order(&ahead, 1).travel_date(today)),
        (Code::OutOfStock, order(&by_day, 4).travel_date(today)),
        (Code::MobileMissing, {
            let nobody = OrderRequest::new().order_id("D of nobody").deal_id(usual.deal_id());
            nobody.sell_price(yuan("100")).quantity(1).visitor(Visitor::new("Li Lei", ""))
        }),
        (Code::TooMany, order(&several, 5)),
        (Code::TooFew, order(&several, 1)),
        (
            Code::TravellersMissing,
            one_of_each().quantity(2).visitor(person().identity_card("11010519491231002X")),
        ),
        (Code::DocumentMissing, one_of_each().visitor(person())),
        (Code::MachinesOnly, order(&machine, 1)),
        (Code::Failure, order(&usual, 1).deal_id("1")),
    ];
    for (code, request) in rows {
        for result in [shop.client.new_order(&request).await, shop.client.create_order(&request).await] {
            let refusal = refused(result);
            assert_eq!(refusal.code, code, "{}", refusal.describe);
            assert_eq!(refusal.status, Some(Number::Known(OrderStatus::CreationFailed)));
            assert_eq!(refusal.lh_order_id, None);
        }
        assert_eq!(shop.client.resolve_new_order(&request).await.unwrap(), Resolved::NotThere, "{code:?}");
    }
    let good = one_of_each().visitor(person().identity_card("11010519491231002X"));
    shop.client.new_order(&good).await.unwrap();
    let refusal = refused(poor.new_order(&shop.order(&usual, 1)).await);
    assert_eq!(refusal.code, Code::BalanceTooLow);
    shop.gateway.ops().verify().await;
}

/// An order that could not be paid waits for the money.
#[tokio::test]
async fn too_low_a_balance() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let (poor, partner) = shop.plain("100").await;
    let request = shop.order(&ware, 2);
    let refusal = refused(poor.new_order(&request).await);
    assert_eq!(
        (refusal.code, refusal.status),
        (Number::Known(Code::BalanceTooLow), Some(Number::Known(OrderStatus::PaymentFailed)))
    );
    let lh_order_id = refusal.lh_order_id.unwrap();
    assert!(
        matches!(poor.resolve_new_order(&request).await.unwrap(), Resolved::Unpaid(order) if order.lh_order_id == lh_order_id)
    );
    assert_eq!(refused(poor.pay_order(&lh_order_id, &request).await).code, Code::BalanceTooLow);
    shop.deposit(partner, "bank 1", money("80")).await;
    let paid = poor.pay_order(&lh_order_id, &request).await.unwrap();
    assert_eq!((paid.status.known(), paid.vouchers.len()), (Some(OrderStatus::Paid), 2));
    assert!(matches!(poor.resolve_new_order(&request).await.unwrap(), Resolved::Bought(_)));
    shop.gateway.ops().verify().await;
}

#[tokio::test]
async fn a_lost_answer_is_resolved() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let losing = Client::over(config(&shop.gateway.url()), LosesAnswers(loopback())).unwrap();
    let losing = losing.with_clock(Clock::from_fn(shop.gateway.clock()));
    let before = *shop.client.balance().await.unwrap();

    let request = shop.order(&ware, 2);
    let never_sent = shop.client.resolve_new_order(&request).await.unwrap();
    assert_eq!(never_sent, Resolved::NotThere);
    let error = losing.new_order(&request).await.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Unknown, "{error:?}");
    let Resolved::Bought(found) = shop.client.resolve_new_order(&request).await.unwrap() else {
        panic!("it was bought");
    };
    assert_eq!((found.vouchers.len(), found.ordered()), (2, 2));
    // To send the same request again buys nothing more.
    let again = shop.client.new_order(&request).await.unwrap();
    assert_eq!((&again.lh_order_id, &again.vouchers), (&found.lh_order_id, &found.vouchers));
    assert_eq!(*shop.client.balance().await.unwrap(), before.minus(yuan("180")).unwrap());
    // One's own number, taken for something else before.
    let clash = request.clone().quantity(3);
    assert!(matches!(shop.client.resolve_new_order(&clash).await.unwrap(), Resolved::Unclear(_)));

    let refund = RefundRequest::new(names(&request, &again), 1).refund_id("R1");
    assert_eq!(verdict(&losing.cancel_order(&refund).await.unwrap_err()), Verdict::Unknown);
    let applied = shop.client.cancel_order(&refund).await.unwrap();
    assert_eq!((applied.quantity, applied.refund), (Some(1), Some(Number::Known(ReStatus::UnderReview))));
    shop.gateway.ops().verify().await;
}

#[tokio::test]
async fn using_and_giving_back() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let request = shop.order(&ware, 4);
    let bought = shop.client.new_order(&request).await.unwrap();
    let order = names(&request, &bought);
    let state = async || {
        let state = shop.client.query_order(&order).await.unwrap().into_inner();
        let refund = state.refund.unwrap().known().unwrap();
        (state.status.known().unwrap(), state.quantity, state.used.unwrap(), state.refunded, refund)
    };
    assert_eq!(state().await, (OrderStatus::Paid, 4, 0, 0, ReStatus::None));
    shop.redeem(&bought.vouchers[0]).await;
    assert_eq!(state().await, (OrderStatus::PartlyUsed, 4, 1, 0, ReStatus::None));

    let apply = |quantity, refund_id: &str| RefundRequest::new(order.clone(), quantity).refund_id(refund_id);
    let refusal = refused(shop.client.cancel_order(&apply(4, "R1")).await);
    assert_eq!(
        (refusal.status, refusal.refundable),
        (Some(Number::Known(OrderStatus::RefundFailed)), Some(3))
    );
    assert_eq!(refusal.refund, Some(Number::Known(ReStatus::Refused)));

    let applied = shop.client.cancel_order(&apply(1, "R1")).await.unwrap();
    assert_eq!((applied.status.known(), applied.quantity), (Some(OrderStatus::Refunded), Some(1)));
    assert_eq!(*shop.client.cancel_order(&apply(1, "R1")).await.unwrap(), *applied, "the first answer");
    assert_eq!(state().await, (OrderStatus::PartlyUsed, 4, 1, 0, ReStatus::UnderReview));
    refused(shop.client.cancel_order(&apply(1, "R2")).await);
    shop.review(&bought, false, "the park says no").await;
    assert_eq!(state().await, (OrderStatus::PartlyUsed, 4, 1, 0, ReStatus::Rejected));

    shop.client.cancel_order(&apply(2, "R2")).await.unwrap();
    shop.review(&bought, true, "").await;
    assert_eq!(state().await, (OrderStatus::PartlyUsed, 2, 1, 2, ReStatus::Refunded));
    // Which of the codes are left tells the ticket at the gate; the last usable ones were given back.
    shop.redeem(&bought.vouchers[1]).await;
    assert_eq!(state().await, (OrderStatus::Used, 2, 2, 2, ReStatus::Refunded));
    let refusal = refused(shop.client.cancel_order(&apply(1, "R3")).await);
    assert_eq!((refusal.status, refusal.refundable), (Some(Number::Known(OrderStatus::Used)), Some(0)));
    let found = shop.client.resolve_new_order(&request).await.unwrap();
    assert!(matches!(found, Resolved::Bought(_)), "{found:?}");
    shop.gateway.ops().verify().await;
}

/// A refund that nobody has to look at.
#[tokio::test]
async fn refunds_that_approve_themselves() {
    let mut shop = Shop::open().await;
    let refund = RefundTerms { review: Review::Automatic(Span::from_secs(60)), ..rules().refund };
    let ware = shop.sell("Day ticket", TicketRules { refund, ..rules() }, vec![plan(None, 10)]).await;
    let request = shop.order(&ware, 2);
    let bought = shop.client.new_order(&request).await.unwrap();
    let before = *shop.client.balance().await.unwrap();
    shop.client.cancel_order(&RefundRequest::new(names(&request, &bought), 2)).await.unwrap();
    shop.gateway.advance(Duration::from_secs(61)).await;
    let state = shop.client.query_order(&names(&request, &bought)).await.unwrap();
    assert_eq!((state.status.known(), state.quantity, state.refunded), (Some(OrderStatus::Refunded), 0, 2));
    assert_eq!(*shop.client.balance().await.unwrap(), before.plus(yuan("180")).unwrap());
    assert!(matches!(shop.client.resolve_new_order(&request).await.unwrap(), Resolved::Ended(_)));
    shop.gateway.ops().verify().await;
}

#[tokio::test]
async fn codes_are_sent_again() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let request = shop.order(&ware, 1);
    let bought = shop.client.new_order(&request).await.unwrap();
    let order = names(&request, &bought);
    // Sending is due work: moving the clock waits for it.
    shop.gateway.advance(Duration::from_secs(1)).await;
    assert_eq!(shop.gateway.messages().len(), 1);
    let resent = shop.client.send(&order).await.unwrap();
    assert_eq!(resent.vouchers, bought.vouchers);
    shop.gateway.advance(Duration::from_secs(1)).await;
    let messages = shop.gateway.messages();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|text| text.contains(&bought.vouchers[0])), "{messages:?}");

    let refusal = refused(shop.client.send(&order).await);
    assert_eq!(refusal.code, Code::Failure, "not twice in a minute");
    shop.gateway.advance(Duration::from_secs(61)).await;
    shop.client.send(&order).await.unwrap();
    refused(shop.client.send(&OrderNames::new("nothing", "1")).await);
    shop.gateway.ops().verify().await;
}
