//! The example programs do what they say.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{interval, timeout};
use tradewind_sdk::Clock;
use tradewind_testkit::{AMPLE, DISTRIBUTOR, Options, SHOP, TestGateway};

use crate::{lianhe_distributor, sosopay_shop};

/// The kinds of a partner's events, oldest first.
async fn kinds(gateway: &TestGateway, partner: &str) -> Vec<String> {
    let events = gateway.ops().get(&format!("/partners/{partner}/events")).await.unwrap();
    let events = events["events"].as_array().unwrap();
    events.iter().filter_map(|event| event["kind"].as_str().map(str::to_owned)).collect()
}

/// The example signs by the system's clock and waits for the sandbox to pay by itself, so this one
/// gateway runs in real time, for some three seconds.
#[tokio::test]
async fn a_day_at_the_shop() {
    let gateway = TestGateway::start(Options { clock: None, ..Options::default() }).await;
    sosopay_shop::run(&gateway.url()).await.unwrap();
    assert_eq!(kinds(&gateway, SHOP.key_id).await, ["order.paid", "order.paid", "refund.succeeded"]);
    gateway.ops().verify().await;
}

/// While the program waits, somebody goes through the gate and the time passes.
#[tokio::test]
async fn two_tickets_of_which_one_is_used() {
    const NUMBER: &str = "D1";
    let gateway = TestGateway::start(Options::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let endpoint = serde_json::json!({ "url": url, "events": ["voucher.redeemed"] });
    let path = format!("/partners/{}/endpoints", DISTRIBUTOR.key_id);
    gateway.ops().post(&path, endpoint).await.unwrap();

    let base_url = gateway.url();
    let clock = Clock::from_fn(gateway.clock());
    let program = lianhe_distributor::run(&base_url, clock, &listener, NUMBER);
    let gate = async {
        let code = timeout(AMPLE, code_of(&gateway, NUMBER)).await.expect("the order is bought");
        gateway.ops().post(&format!("/tickets/{code}/redeem"), serde_json::json!({})).await.unwrap();
        gateway.advance(Duration::from_secs(5 * 60)).await;
    };
    let (done, ()) = timeout(AMPLE, async { tokio::join!(program, gate) }).await.expect("it ends");
    done.unwrap();
    // The sandbox approves refunds of this ticket by itself after a minute.
    gateway.advance(Duration::from_secs(61)).await;
    let expected = ["order.paid", "voucher.redeemed", "refund.succeeded"];
    assert_eq!(kinds(&gateway, DISTRIBUTOR.key_id).await, expected);
    gateway.ops().verify().await;
}

/// The first code of an order, as soon as there is one.
async fn code_of(gateway: &TestGateway, number: &str) -> String {
    let path = format!("/orders/{number}?partner={}", DISTRIBUTOR.key_id);
    let mut again = interval(Duration::from_millis(5));
    loop {
        again.tick().await;
        let Ok(story) = gateway.ops().get(&path).await else { continue };
        if let Some(code) = story["vouchers"][0]["code"].as_str() {
            return code.to_owned();
        }
    }
}
