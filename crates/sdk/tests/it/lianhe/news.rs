//! Notifications of a whole gateway, as a partner's web server takes them.

use std::time::Duration;

use tradewind_domain::{Product, ProductState};
use tradewind_sdk::lianhe::{
    Change, Client, Config, News, Notification, OrderStatus, ReStatus, RefundRequest, Told as Number, ack,
    try_again,
};
use tradewind_sdk::{Error, Secret};
use tradewind_testkit::{Behaviour, Received, Receiver};

use crate::lianhe::shop::Shop;
use crate::lianhe::support::config;

/// Longer than it takes until the next look for what is due.
const POLL: Duration = Duration::from_secs(5 * 60);

fn parse(client: &Client, received: &Received) -> Result<Notification, Error> {
    assert_eq!(received.method, "POST");
    client.parse_notification(|name| received.header(name), &received.body)
}

#[tokio::test]
async fn redemptions_and_refunds_are_told() {
    let mut shop = Shop::open().await;
    let receiver = Receiver::start(Behaviour::answer(ack())).await;
    let ware = shop.sell_undated().await;
    shop.listen(receiver.url("/lianhe/news?shop=7")).await;
    let request = shop.order(&ware, 3);
    let bought = shop.client.new_order(&request).await.unwrap();
    let told = async |count: usize| {
        shop.gateway.advance(POLL).await;
        let received = receiver.wait_for(count).await;
        assert_eq!(received.len(), count);
        let received = received.last().unwrap();
        (parse(&shop.client, received).unwrap(), received.clone())
    };
    shop.redeem(&bought.vouchers[1]).await;
    let (notification, received) = told(1).await;
    let News::Redeemed(news) = &notification.news else { panic!("{notification:?}") };
    assert_eq!((news.ordered, news.used, news.status.known()), (3, 1, Some(OrderStatus::PartlyUsed)));
    assert_eq!((&news.lh_order_id, news.codes.as_slice()), (&bought.lh_order_id, &bought.vouchers[1..2]));
    assert_eq!(notification.key().unwrap(), format!("snNotify {} 1", bought.lh_order_id));

    // Whoever cannot prove it is not believed; nor is this partner's own news by another.
    let strangers = [
        Config { secret: Secret::new("another secret"), ..config(&shop.gateway.url()) },
        Config { partner_id: 1986, ..config(&shop.gateway.url()) },
        Config { api_name: "1985".into(), ..config(&shop.gateway.url()) },
    ];
    for stranger in strangers {
        assert!(parse(&shop.other(stranger), &received).unwrap_err().is_untrusted());
    }

    assert_eq!(news.order_id, request.names("").order_id);
    let order = request.names(&news.lh_order_id);
    let apply = |refund_id: &str| RefundRequest::new(order.clone(), 1).refund_id(refund_id);
    shop.client.cancel_order(&apply("R1")).await.unwrap();
    shop.review(&bought, false, "it was used").await;
    let (notification, _) = told(2).await;
    let News::RefundRejected(news) = &notification.news else { panic!("{notification:?}") };
    assert_eq!((news.reason.as_str(), news.refund_id.as_deref()), ("it was used", Some("R1")));
    assert_eq!(
        (news.status.known(), news.refund),
        (Some(OrderStatus::RefundFailed), Some(Number::Known(ReStatus::Rejected)))
    );

    shop.client.cancel_order(&apply("R2")).await.unwrap();
    shop.review(&bought, true, "").await;
    let (notification, _) = told(3).await;
    let News::Refunded(news) = &notification.news else { panic!("{notification:?}") };
    assert_eq!((news.quantity, news.refunded, news.refund_id.as_deref()), (1, Some(1), Some("R2")));
    assert_eq!(
        (news.status.known(), news.refund),
        (Some(OrderStatus::Refunded), Some(Number::Known(ReStatus::Refunded)))
    );
    shop.gateway.ops().verify().await;
}

/// The same news come again until they are acknowledged, and are known by their key.
#[tokio::test]
async fn news_come_again() {
    let mut shop = Shop::open().await;
    let receiver = Receiver::start(Behaviour::answer(ack())).await;
    let ware = shop.sell_undated().await;
    shop.listen(receiver.url("/")).await;
    let request = shop.order(&ware, 2);
    let bought = shop.client.new_order(&request).await.unwrap();
    receiver.next([Behaviour::answer(try_again()), Behaviour::status(500)]);
    for code in &bought.vouchers {
        shop.redeem(code).await;
    }
    shop.gateway.advance(Duration::from_secs(60 * 60)).await;
    let ageless = Config { signature_age_max: Duration::ZERO, ..config(&shop.gateway.url()) };
    let client = shop.other(ageless);
    let received = receiver.received();
    let told: Vec<Notification> = received.iter().map(|received| parse(&client, received).unwrap()).collect();
    let used: Vec<u32> = told
        .iter()
        .map(|told| match &told.news {
            News::Redeemed(news) => news.used,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(used, [1, 1, 1, 2], "the second waits for the first");
    assert_eq!(told[0].key(), told[2].key());
    assert_ne!(told[2].key(), told[3].key());
    // They were signed anew each time, so an old one that comes again is too old.
    let error = parse(&shop.client, &received[0]).unwrap_err();
    assert!(error.is_untrusted() && error.to_string().contains("date out of range"), "{error}");
}

#[tokio::test]
async fn changes_of_products_are_told() {
    let shop = Shop::open().await;
    let receiver = Receiver::start(Behaviour::answer(ack())).await;
    let ware = shop.sell_undated().await;
    shop.listen(receiver.url("/")).await;
    let mut count = 0;
    let state = |state| Product { state, ..ware.product.clone() };
    let renamed = Product { name: "Night ticket".into(), ..ware.product.clone() };
    for (product, expected) in [
        (state(ProductState::OffSale), Change::OffSale),
        (state(ProductState::OnSale), Change::OnSale),
        (renamed, Change::Content),
    ] {
        shop.app().save_product(product).await.unwrap();
        shop.gateway.advance(POLL).await;
        count += 1;
        let received = receiver.wait_for(count).await;
        assert_eq!(received.len(), count);
        let told = parse(&shop.client, received.last().unwrap()).unwrap();
        let News::ProductChanged(news) = &told.news else { panic!("{told:?}") };
        assert_eq!((news.deal_id.as_str(), news.change), (ware.deal_id().as_str(), Number::Known(expected)));
    }
}
