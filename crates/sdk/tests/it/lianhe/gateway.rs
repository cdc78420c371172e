//! The catalogue, the balance, and who is served, against a whole gateway.

use std::time::Duration;

use tradewind_app::Rate;
use tradewind_domain::{RefundTerms, RefundUntil, Review, Sku, Span, StockPlan, TicketRules, TravellerRule};
use tradewind_sdk::lianhe::{
    Client, Code, Config, Prices, ProductQuery, RefundRule, Refusal, ServicePhone, TeamType,
};
use tradewind_sdk::{Clock, Secret, Timestamp};
use tradewind_testkit::Options;

use crate::lianhe::shop::{Shop, dated, money, plan, price, rules};
use crate::lianhe::support::{asking, changing, config, names, order, yuan};
use crate::support::{Verdict, check_calls, verdict};

fn prices(market: &str, sell: &str, buy: &str) -> Prices {
    Prices { market: Some(yuan(market)), sell: Some(yuan(sell)), buy: Some(yuan(buy)) }
}

#[tokio::test]
async fn products() {
    let shop = Shop::open().await;
    let today = shop.today();
    let undated = shop.sell_undated().await;
    let strict = TicketRules {
        book_ahead_days: 2,
        usable_after: Span::from_mins(30),
        travellers: TravellerRule::Each,
        needs_document: true,
        valid_until: Some(Timestamp::from_ms(1_798_732_800_000)),
        refund: RefundTerms {
            refundable: true,
            whole_only: true,
            until: RefundUntil::BeforeEnd(Span::from_mins(90)),
            review: Review::Manual,
        },
        ..dated()
    };
    let change = |sku: Sku| Sku { order_min: 2, order_max: 5, ..sku };
    let tour = shop.sell_changed("夜游", strict, vec![plan(Some(today), 7)], change).await;

    let ids = [tour.deal_id(), "1".into(), "x".into(), undated.deal_id()];
    let found = shop.client.products(&ProductQuery::ids(ids.clone())).await.unwrap();
    let mut found_ids: Vec<&str> = found.products.iter().map(|product| product.deal_id.as_str()).collect();
    found_ids.sort_unstable();
    assert_eq!(found_ids, [&undated.deal_id(), &tour.deal_id()], "ids that nobody has are skipped");
    let of = |deal_id: String| found.products.iter().find(|product| product.deal_id == deal_id).unwrap();

    let plain = of(undated.deal_id());
    assert_eq!((plain.name.as_str(), &plain.team_type), ("Day ticket", &TeamType::Normal));
    assert_eq!(plain.supplier_id, Some(shop.seller.get().to_string()));
    assert_eq!((plain.prices, plain.stock), (prices("120", "100", "90"), Some(100)));
    assert_eq!((plain.refund_rule, plain.can_refund), (Some(RefundRule::AnyTime), Some(true)));
    assert_eq!(plain.note.as_ref().unwrap().usage, "Show the code at the gate.");
    let phone = ServicePhone { phone: "400-000-0000".into(), hours: "09:00-18:00".into() };
    assert_eq!((plain.service_phones.as_slice(), plain.pictures.len()), (&[phone][..], 1));

    let night = of(tour.deal_id());
    assert_eq!((night.name.as_str(), &night.team_type, night.stock), ("夜游", &TeamType::Subscribe, None));
    assert_eq!((night.book_ahead_days, night.usable_after_minutes), (Some(2), Some(30)));
    assert_eq!((night.order_min, night.order_max), (Some(2), Some(5)));
    assert_eq!((night.needs_every_visitor, night.needs_document), (Some(true), Some(true)));
    assert_eq!(night.whole_refund_only, Some(true));
    assert_eq!(night.refund_rule, Some(RefundRule::BeforeEnd { minutes: 90 }));
    assert_eq!(night.valid_until, Some(Timestamp::from_ms(1_798_732_800_000)));

    let simple = shop.client.products(&ProductQuery::ids(ids).without_notes()).await.unwrap();
    assert!(simple.products.iter().all(|product| product.note.is_none()), "{simple:?}");

    // Page by page: everything once, the sandbox's own products among it.
    let mut all = Vec::new();
    for page in 0.. {
        let found = shop.client.products(&ProductQuery::page(page, 2)).await.unwrap();
        let total = usize::try_from(found.total.unwrap()).unwrap();
        all.extend(found.into_inner().products.into_iter().map(|product| product.deal_id));
        if all.len() >= total {
            break;
        }
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    assert!(all.contains(&undated.deal_id()) && all.contains(&tour.deal_id()), "{all:?}");
    let elsewhere = ProductQuery::page(0, 2).system("elsewhere");
    assert_eq!(shop.client.products(&elsewhere).await.unwrap().total, Some(0));

    let error = shop.client.products(&ProductQuery::page(0, 101)).await.unwrap_err();
    assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some("20000")), "{error}");
}

#[tokio::test]
async fn calendars() {
    let shop = Shop::open().await;
    let today = shop.today();
    let day = |days| Some(today.plus(days));
    let plans = vec![
        plan(day(0), 10),
        StockPlan { price: Some(price("150", "130", "110")), ..plan(day(1), 20) },
        StockPlan { closed: true, ..plan(day(2), 30) },
        plan(day(4), 0),
        plan(day(100), 40),
    ];
    let ware = shop.sell("Day ticket", dated(), plans).await;
    let deal_id = ware.deal_id();
    let days = shop.client.prices(&deal_id, today, today.plus(30)).await.unwrap();
    let read: Vec<_> = days.iter().map(|day| (day.day, day.prices, day.stock)).collect();
    let usual = prices("120", "100", "90");
    let expected = [
        (today, usual, Some(10)),
        (today.plus(1), prices("150", "130", "110"), Some(20)),
        (today.plus(4), usual, Some(0)),
    ];
    assert_eq!(read, expected, "what is closed is not shown");

    let rejected = async |deal_id: &str, until| {
        let error = shop.client.prices(deal_id, today, until).await.unwrap_err();
        assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some("20000")), "{error}");
    };
    rejected(&deal_id, today.plus(93)).await;
    rejected(&deal_id, today.plus(-1)).await;
    rejected("1", today).await;
    rejected("x", today).await;
}

#[tokio::test]
async fn balances() {
    let mut shop = Shop::open().await;
    let ware = shop.sell_undated().await;
    let before = *shop.client.balance().await.unwrap();
    shop.deposit(shop.partner, "bank 1", money("12.34")).await;
    let request = shop.order(&ware, 2);
    shop.client.new_order(&request).await.unwrap();
    let spent = before.plus(yuan("12.34")).unwrap().minus(yuan("180")).unwrap();
    assert_eq!(*shop.client.balance().await.unwrap(), spent);

    // It is behind a switch that new partners do not have.
    let (plain, _) = shop.plain("0").await;
    let error = plain.balance().await.unwrap_err();
    assert_eq!((verdict(&error), error.is_unauthorized()), (Verdict::Rejected, false), "{error}");
    shop.gateway.ops().verify().await;
}

/// Every call of a client that cannot prove who it is.
async fn check_stranger(client: &Client) {
    for (name, call) in changing(client).into_iter().chain(asking(client)) {
        let error = call.await.unwrap_err();
        assert_eq!(verdict(&error), Verdict::Rejected, "{name}: {error:?}");
        assert!(error.is_unauthorized(), "{name}: {error:?}");
        assert_eq!(Refusal::of(&error).unwrap().code, Code::Failure);
    }
}

#[tokio::test]
async fn partners_that_are_not_served() {
    let shop = Shop::open().await;
    let base = || config(&shop.gateway.url());
    check_stranger(&shop.other(Config { secret: Secret::new("another secret"), ..base() })).await;
    check_stranger(&shop.other(Config { api_name: "1985".into(), ..base() })).await;
    check_stranger(&shop.other(Config { partner_id: 4711, ..base() })).await;
    let now = shop.gateway.now();
    for offset_ms in [-16 * 60_000, 6 * 60_000] {
        let clock = Clock::from_fn(move || Timestamp::from_ms(now.ms() + offset_ms));
        check_stranger(&shop.client.clone().with_clock(clock)).await;
    }
    // A suspended partner proves who it is; it may look, and not buy.
    let secret = Secret::new("f3a9d0c47b6e82159c04e7d1a8b25f60");
    let suspended = shop.other(Config::new(1999, secret, shop.gateway.url()));
    let error = suspended.new_order(&order("D1", "1")).await.unwrap_err();
    assert!(error.is_unauthorized() && error.is_rejected(), "{error:?}");
    let error = suspended.query_order(&names()).await.unwrap_err();
    assert!(!error.is_unauthorized() && error.is_rejected(), "{error:?}");
}

#[tokio::test]
async fn too_many_calls() {
    let mut options = Options::default();
    options.server.app.rate_per_partner = Some(Rate { count: 1, per: Span::from_mins(1), burst: 1 });
    let mut shop = Shop::open_with(options).await;
    let ware = shop.sell("Day ticket", rules(), vec![plan(None, 100)]).await;
    let request = shop.order(&ware, 1);
    let bought = shop.client.new_order(&request).await.unwrap();

    check_calls(changing(&shop.client), Verdict::Retryable, false).await;
    check_calls(asking(&shop.client), Verdict::Retryable, false).await;
    let error = shop.client.new_order(&request).await.unwrap_err();
    assert!(error.is_retryable() && !error.is_unauthorized(), "nothing was done: {error:?}");
    shop.gateway.advance(Duration::from_secs(61)).await;
    assert_eq!(*shop.client.new_order(&request).await.unwrap(), *bought);
}
