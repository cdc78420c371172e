//! What a lost answer means: unknown for calls that change something, never failed (section 10).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tradewind_sdk::sosopay::{Client, Config, Lookup, State};
use tradewind_sdk::{AddressPolicy, EgressTransport};
use tradewind_testkit::{AMPLE, Behaviour, Options, Random, Receiver, SHOP, TestGateway, nowhere};

use crate::support::{
    FORMS, Impatient, LosesAnswers, Verdict, asking, cents, changing, check_calls, client, config, loopback,
    pay, refund, shop, verdict,
};

/// For what must run out, but not before the request has left a busy machine.
const LONG_ENOUGH_TO_SEND: Duration = Duration::from_secs(2);

/// Calls everything, and compares the verdicts of all calls that change and all that ask.
async fn check(client: &Client, expected: (Verdict, Verdict), is_timeout: bool) {
    tokio::join!(
        check_calls(changing(client), expected.0, is_timeout),
        check_calls(asking(client), expected.1, is_timeout)
    );
}

#[tokio::test]
async fn cut_connections() {
    for behaviour in [Behaviour::Cut, Behaviour::CutInAnswer] {
        let receiver = Receiver::start(behaviour).await;
        let client = Client::over(config(&receiver.url("")), loopback()).unwrap();
        check(&client, (Verdict::Unknown, Verdict::Retryable), false).await;
        // Nothing was sent twice.
        assert_eq!(receiver.received().len(), 16);
    }
}

#[tokio::test]
async fn time_outs() {
    let receiver = Receiver::start(Behaviour::Hang).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let patience = LONG_ENOUGH_TO_SEND;
    let transport = Impatient { transport: loopback(), patience, asked: Arc::clone(&asked) };
    let client = Client::over(config(&receiver.url("")), transport).unwrap();
    check(&client, (Verdict::Unknown, Verdict::Retryable), true).await;
    let asked = asked.lock().unwrap();
    assert!(asked[0] >= Duration::from_secs(90), "a merchant-scan payment may take 80 s: {asked:?}");
    assert!(asked[1..].iter().all(|limit| *limit == Duration::from_secs(15)), "{asked:?}");
}

#[tokio::test]
async fn own_time_limits() {
    let receiver = Receiver::start(Behaviour::Hang).await;
    let time_limit = LONG_ENOUGH_TO_SEND;
    let client = Client::over(Config { time_limit, ..config(&receiver.url("")) }, loopback()).unwrap();
    let error = client.refund(&refund("T1", "R1", cents(1))).await.unwrap_err();
    assert!(error.is_unknown_outcome() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn nobody_there() {
    let client = Client::over(config(&format!("http://{}", nowhere().await)), loopback()).unwrap();
    check(&client, (Verdict::Retryable, Verdict::Retryable), false).await;
    // An address that must not be called will not be callable later.
    let forbidden = EgressTransport::with_policy(AddressPolicy::PublicOnly);
    let client = Client::over(config("http://127.0.0.1:1"), forbidden).unwrap();
    check(&client, (Verdict::Neither, Verdict::Neither), false).await;
}

#[tokio::test]
async fn redirects_and_floods() {
    let elsewhere = Receiver::start(Behaviour::accept()).await;
    let receiver = Receiver::start(Behaviour::Redirect(elsewhere.url("/"))).await;
    let client = Client::over(config(&receiver.url("")), loopback()).unwrap();
    check(&client, (Verdict::Rejected, Verdict::Rejected), false).await;
    assert!(elsewhere.received().is_empty());

    receiver.usually(Behaviour::Big(8 << 20));
    check(&client, (Verdict::Unknown, Verdict::Neither), false).await;
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_a_query() {
    let gateway = TestGateway::start(Options::default()).await;
    let mut random = Random::new();
    let (order, refund_no) = (random.number("T"), random.number("R"));
    let good = shop(&gateway, FORMS[0]);
    let losing = Client::over(config(&gateway.url()), LosesAnswers(loopback())).unwrap();
    let losing = losing.with_clock(tradewind_sdk::Clock::from_fn(gateway.clock()));

    let error = losing.pay(&pay(&order, &random.payer_code("28", "0000"))).await.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Unknown, "{error}");
    assert_eq!(good.query(&Lookup::charge_code(&order)).await.unwrap().state, State::Paid);

    let error = losing.refund(&refund(&order, &refund_no, cents(800))).await.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Unknown, "{error}");
    let refunded = good.query(&Lookup::refund_no(&refund_no)).await.unwrap();
    assert_eq!((refunded.state, refunded.amount), (State::RefundDone, cents(800)));
    gateway.ops().verify().await;
}

#[tokio::test]
async fn a_busy_gateway_says_when_to_come_back() {
    let mut options = Options::default();
    options.server.requests_in_flight_max = 1;
    let gateway = TestGateway::start(options).await;
    let mut random = Random::new();
    let client = client(&gateway, config(&gateway.url()));

    // The customer never confirms, so the gateway holds this call until 80 seconds have passed.
    let order = random.number("T");
    let held = pay(&order, &random.payer_code("28", "5901"));
    let paying = tokio::spawn({
        let client = client.clone();
        async move { client.pay(&held).await }
    });
    let path = format!("/orders/{order}?partner={}", SHOP.key_id);
    let kept = async { while gateway.ops().get(&path).await.is_err() {} };
    tokio::time::timeout(AMPLE, kept).await.unwrap();

    let error = client.channels().await.unwrap_err();
    assert_eq!((verdict(&error), error.http_status()), (Verdict::Retryable, Some(503)), "{error}");
    let error = client.pay(&pay(&random.number("T"), &random.payer_code("28", "0000"))).await.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Retryable, "{error}");

    gateway.advance(Duration::from_secs(81)).await;
    let error = paying.await.unwrap().unwrap_err();
    assert_eq!((verdict(&error), error.code()), (Verdict::Rejected, Some("FAIL")), "{error}");
}
