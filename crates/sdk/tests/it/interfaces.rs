//! All ten interfaces against a whole gateway, in JSON and XML, clear and encrypted.

use std::time::Duration;

use tradewind_sdk::Secret;
use tradewind_sdk::sosopay::{
    BatchQueryRequest, Client, Config, Encryption, Format, Goods, Lookup, Revocation, State, code,
};
use tradewind_testkit::{Behaviour, Options, Random, Receiver, SHOP, TestGateway};

use crate::support::{
    FORMS, Verdict, cents, client, config, official, pay, precreate, refund, shop, verdict,
};

/// A gateway, and a client of it for every form, with numbers nobody has used.
async fn for_every_form(check: impl AsyncFn(&TestGateway, &Client, &mut Random)) {
    let gateway = TestGateway::start(Options::default()).await;
    let mut random = Random::new();
    for form in FORMS {
        println!("{form:?}");
        check(&gateway, &shop(&gateway, form), &mut random).await;
    }
    gateway.ops().verify().await;
}

#[tokio::test]
async fn merchant_scan_payment() {
    for_every_form(async |_, client, random| {
        let order = random.number("T");
        let request = pay(&order, &random.payer_code("28", "0000")).merchant_para("a+b/c==");
        let paid = client.pay(&request).await.unwrap();
        assert_eq!(paid.charge_code.as_deref(), Some(order.as_str()));
        assert_eq!((paid.amount, paid.channel_type), (Some(cents(15_800)), Some(1)));
        assert_eq!(paid.merchant_para.as_deref(), Some("a+b/c=="));
        assert_eq!(paid.fund_bills.iter().map(|bill| bill.amount.cents()).sum::<i64>(), 15_800);
        assert_eq!(paid.charge_down_code.as_ref().unwrap().len(), 20);
        assert!(paid.charge_third_code.is_some() && paid.begin_time.is_some());

        let again = client.pay(&request).await.unwrap_err();
        assert_eq!((verdict(&again), again.code()), (Verdict::Rejected, Some(code::SERIAL_REPEAT)));

        let declined = pay(&random.number("T"), &random.payer_code("10", "5101"));
        let error = client.pay(&declined).await.unwrap_err();
        assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some(code::FAIL)), "{error}");
    })
    .await;
}

#[tokio::test]
async fn consumer_scan_payment_and_its_notification() {
    let receiver = Receiver::start(Behaviour::accept()).await;
    let (receiver, form) = (&receiver, &std::cell::Cell::new(0));
    for_every_form(async |gateway, client, random| {
        let order = random.number("T");
        // Notifications are asked for in the same form.
        let format = if client.config().format == Format::Json { "json" } else { "xml" };
        let encrypt = if client.config().encryption == Encryption::TripleDes { "3DES" } else { "" };
        let notify_url = receiver.url(&format!("/n?shop=7&_type={format}&encrypt={encrypt}"));
        // An amount that ends in 81 is paid by itself after 3 seconds.
        let request = precreate(&order).amount(cents(15_881)).notify_url(notify_url).merchant_para("para");
        let created = client.precreate(&request).await.unwrap();
        assert_eq!(created.charge_code.as_deref(), Some(order.as_str()));
        assert!(created.bar_code.starts_with(&format!("{}/pay/", gateway.url())), "{}", created.bar_code);
        assert_eq!(client.query(&Lookup::charge_code(&order)).await.unwrap().state, State::Pending);

        gateway.advance(Duration::from_secs(5)).await;
        assert_eq!(client.query(&Lookup::charge_code(&order)).await.unwrap().state, State::Paid);

        form.set(form.get() + 1);
        let received = receiver.wait_for(form.get()).await.pop().unwrap();
        assert!(received.query.contains("shop=7"), "{}", received.query);
        let news = client.parse_notification(&received.query, &received.body).unwrap();
        assert_eq!((news.charge_code.as_str(), news.state), (order.as_str(), State::Paid));
        assert_eq!(Some(news.charge_down_code.as_str()), created.charge_down_code.as_deref());
        assert_eq!((news.amount, news.merchant_para.as_deref()), (cents(15_881), Some("para")));
        assert_eq!(news.fund_bills.iter().map(|bill| bill.amount.cents()).sum::<i64>(), 15_881);

        let mut tampered = received.body.to_vec();
        tampered[20] ^= 0x01;
        assert!(client.parse_notification(&received.query, &tampered).unwrap_err().is_untrusted());
        assert!(client.parse_notification("shop=7", &received.body).unwrap_err().is_untrusted());
        // It was acknowledged, so it does not come again.
        gateway.advance(Duration::from_secs(30)).await;
        assert_eq!(receiver.received().len(), form.get());
    })
    .await;
}

#[tokio::test]
async fn official_account_payment() {
    for_every_form(async |_, client, random| {
        let order = random.number("T");
        let request = official(&order).trade_type("JSAPI").sub_appid("wx8888888888888888").sub_openid("ox1");
        let created = client.official_account(&request).await.unwrap();
        assert_eq!(created.charge_code.as_deref(), Some(order.as_str()));
        let bridge = created.bridge.as_ref().unwrap();
        assert!(bridge.package.starts_with("prepay_id="), "{bridge:?}");
        assert_eq!(created.bar_code, None);

        let native =
            client.official_account(&official(&random.number("T")).trade_type("NATIVE")).await.unwrap();
        assert!(native.bridge.is_none() && native.bar_code.is_some());
    })
    .await;
}

#[tokio::test]
async fn refunds_and_queries() {
    for_every_form(async |gateway, client, random| {
        let (order, first, second) = (random.number("T"), random.number("R"), random.number("R"));
        let tea = Goods {
            id: "2010".into(),
            name: "Tea & <cakes>".into(),
            class: "food".into(),
            price: Some(cents(7_900)),
            subject: "茶　叶".into(),
            quantity: 2,
            show_url: Some("https://shop.example/tea?a=1&b=2".into()),
        };
        let request = pay(&order, &random.payer_code("13", "0000")).goods(tea.clone()).store("02016");
        let paid = client.pay(&request).await.unwrap();
        let down = paid.charge_down_code.clone().unwrap();

        for lookup in [Lookup::charge_code(&order), Lookup::charge_down_code(&down)] {
            let found = client.query(&lookup).await.unwrap();
            assert_eq!((found.state, found.amount), (State::Paid, cents(15_800)));
            assert_eq!((found.channel_type, found.store.as_deref()), (Some(2), Some("02016")));
            assert_eq!(found.goods, std::slice::from_ref(&tea));
            assert_eq!(found.busi_id.as_deref(), Some(SHOP.key_id));
        }

        let refunded = client.refund(&refund(&order, &first, cents(5_800))).await.unwrap();
        assert_eq!(
            (refunded.order_amount, refunded.refund_no.as_deref()),
            (Some(cents(15_800)), Some(first.as_str()))
        );
        assert_eq!(refunded.fund_bills.iter().map(|bill| bill.amount.cents()).sum::<i64>(), 5_800);
        assert_eq!(client.query(&Lookup::charge_code(&order)).await.unwrap().state, State::PartlyRefunded);
        for lookup in [Lookup::refund_no(&first), Lookup::charge_code(&first)] {
            let found = client.query(&lookup).await.unwrap();
            assert_eq!((found.state, found.amount), (State::RefundDone, cents(5_800)));
        }

        let too_much = client.refund(&refund(&order, &second, cents(10_001))).await.unwrap_err();
        assert_eq!((verdict(&too_much), too_much.code()), (Verdict::Rejected, Some(code::AMT_ERROR)));
        // By the platform's number; the customer's bank takes half a minute for amounts that end in 91.
        let pending = refund("", &second, cents(9_991)).charge_down_code(&down);
        client.refund(&pending).await.unwrap();
        assert_eq!(client.query(&Lookup::charge_code(&order)).await.unwrap().state, State::Refunding);
        assert_eq!(client.query(&Lookup::refund_no(&second)).await.unwrap().state, State::RefundPending);
        gateway.advance(Duration::from_secs(40)).await;
        assert_eq!(client.query(&Lookup::refund_no(&second)).await.unwrap().state, State::RefundDone);

        let nothing = client.query(&Lookup::charge_code("no/such order?")).await.unwrap_err();
        assert_eq!((verdict(&nothing), nothing.code()), (Verdict::Rejected, Some(code::CHARGE_NONEXISTENT)));
    })
    .await;
}

#[tokio::test]
async fn revocations() {
    for_every_form(async |gateway, client, random| {
        let (unpaid, paid, reviewed) = (random.number("T"), random.number("T"), random.number("T"));
        client.precreate(&precreate(&unpaid)).await.unwrap();
        client.pay(&pay(&paid, &random.payer_code("28", "0000"))).await.unwrap();
        client.pay(&pay(&reviewed, &random.payer_code("28", "0000"))).await.unwrap();

        for order in [&unpaid, &paid] {
            let revoked = client.cancel(order, Revocation::RealTime).await.unwrap();
            assert!(!revoked.was_revoked_already);
            assert_eq!(client.query(&Lookup::charge_code(order)).await.unwrap().state, State::Revoked);
            assert!(client.cancel(order, Revocation::RealTime).await.unwrap().was_revoked_already);
        }
        client.cancel(&reviewed, Revocation::Application).await.unwrap();
        let state = client.query(&Lookup::charge_code(&reviewed)).await.unwrap().state;
        assert_eq!(state, State::RevocationApplied);
        let path = format!("/orders/{reviewed}/revocation/approve?partner={}", SHOP.key_id);
        gateway.ops().post(&path, serde_json::json!({})).await.unwrap();
        assert_eq!(client.query(&Lookup::charge_code(&reviewed)).await.unwrap().state, State::Revoked);

        let error = client.cancel("no such order", Revocation::RealTime).await.unwrap_err();
        assert_eq!(error.code(), Some(code::CHARGE_NONEXISTENT));
        let refunded = client.refund(&refund(&paid, &random.number("R"), cents(100))).await.unwrap_err();
        assert_eq!(refunded.code(), Some(code::AREADY_REVOKED));
    })
    .await;
}

#[tokio::test]
async fn batch_queries() {
    for_every_form(async |gateway, client, random| {
        let operator = random.number("o");
        let mut orders: Vec<String> = (0..3).map(|_| random.number("T")).collect();
        for order in &orders {
            let request = pay(order, &random.payer_code("28", "0000")).operator(&operator);
            client.pay(&request).await.unwrap();
            gateway.advance(Duration::from_secs(1)).await;
        }
        orders.reverse();
        let mine = BatchQueryRequest::new().operator(&operator);
        let numbers = async |request: BatchQueryRequest| -> Vec<String> {
            let page = client.batch_query(&request).await.unwrap();
            assert!(
                page.trades.iter().all(|trade| trade.amount == cents(15_800) && trade.state == State::Paid)
            );
            page.trades.iter().map(|trade| trade.charge_code.clone().unwrap()).collect()
        };
        assert_eq!(numbers(mine.clone()).await, orders);
        assert_eq!(numbers(mine.clone().page_size(2)).await, orders[..2]);
        assert_eq!(numbers(mine.clone().page_size(2).page(2)).await, orders[2..]);
        assert_eq!(numbers(mine.clone().charge_code(&orders[1])).await, orders[1..2]);
        assert!(numbers(mine.clone().state(7)).await.is_empty());
        let hour = 3_600_000;
        let now = gateway.now();
        let at = |offset: i64| tradewind_sdk::Timestamp::from_ms(now.ms() + offset);
        assert_eq!(numbers(mine.clone().between(at(-hour), at(hour))).await, orders);
        assert!(numbers(mine.between(at(-2 * hour), at(-hour))).await.is_empty());
        let page =
            client.batch_query(&BatchQueryRequest::new().operator(&operator).page_size(1)).await.unwrap();
        assert_eq!((page.trades.len(), page.total), (1, Some(3)));
    })
    .await;
}

#[tokio::test]
async fn channels() {
    for_every_form(async |_, client, _| {
        let channels = client.channels().await.unwrap();
        let types: Vec<u32> = channels.iter().map(|channel| channel.channel_type).collect();
        assert!(types.starts_with(&[1, 2]) && types.contains(&31) && !types.contains(&32), "{types:?}");
        assert!(channels.iter().all(|channel| channel.name.is_some()));
    })
    .await;
}

#[tokio::test]
async fn permission_authentication() {
    for_every_form(async |_, client, _| {
        let manager = client.auth("manager01", &Secret::new("sandbox-manager")).await.unwrap();
        assert_eq!(manager.user_type.as_deref(), Some("2"));
        assert!(manager.may_refund_order_of(SHOP.key_id) && !manager.may_refund_order_of("0010000002"));
        let cashier = client.auth("cashier01", &Secret::new("sandbox-cashier")).await.unwrap();
        assert!(!cashier.may_refund_order_of(SHOP.key_id));
        for (login, password) in [("manager01", "wrong"), ("nobody", "x"), ("locked01", "sandbox-locked")] {
            let error = client.auth(login, &Secret::new(password)).await.unwrap_err();
            assert_eq!(verdict(&error), Verdict::Rejected, "{login}: {error}");
        }
    })
    .await;
}

#[tokio::test]
async fn partners_that_are_not_served() {
    let gateway = TestGateway::start(Options::default()).await;
    let check = async |busi_id: &str, key: &str, expected: &str| {
        for (format, encryption) in FORMS {
            let (busi_id, key) = (busi_id.to_owned(), Secret::new(key));
            let client =
                client(&gateway, Config { busi_id, key, format, encryption, ..config(&gateway.url()) });
            let error = client.query(&Lookup::charge_code("T1")).await.unwrap_err();
            assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some(expected)), "{error}");
        }
    };
    check("0019999999", SHOP.key, code::UNREGISTERED_BUSI).await;
    check("0010000009", "Q9W8E7R6T5Y4U3I2O1P0A9S8D7F6G5H4", code::INVALID_CONTRACT).await;

    // With a wrong key nothing can be proven: neither the request to the gateway nor its answer to us.
    let key = Secret::new("another key of this shop");
    let client = client(&gateway, Config { key, ..config(&gateway.url()) });
    let error = client.query(&Lookup::charge_code("T1")).await.unwrap_err();
    assert!(error.is_untrusted() || error.code() == Some(code::INVALID_SIGN), "{error}");
}

#[tokio::test]
async fn odd_partners_are_understood() {
    // This one is told SUCESS, and pages of one order collapse to an object.
    let gateway = TestGateway::start(Options::default()).await;
    let mut random = Random::new();
    for (format, encryption) in FORMS {
        let (busi_id, key) = ("0010000002".to_owned(), Secret::new("SHORTKEY0123456"));
        let client = client(&gateway, Config { busi_id, key, format, encryption, ..config(&gateway.url()) });
        let order = random.number("T");
        let paid = client.pay(&pay(&order, &random.payer_code("28", "0000"))).await.unwrap();
        assert!(paid.raw().contains("SUCESS"), "{}", paid.raw());
        let page = client.batch_query(&BatchQueryRequest::new().charge_code(&order)).await.unwrap();
        assert_eq!(page.trades.len(), 1, "{}", page.raw());
        assert_eq!(client.channels().await.unwrap().len(), 2);
    }
}
