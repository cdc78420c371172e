//! The example program does what it says.

use tradewind_testkit::{Options, SHOP, TestGateway};

use crate::sosopay_shop;

/// The example signs by the system's clock and waits for the sandbox to pay by itself, so this one
/// gateway runs in real time, for some three seconds.
#[tokio::test]
async fn a_day_at_the_shop() {
    let gateway = TestGateway::start(Options { clock: None, ..Options::default() }).await;
    sosopay_shop::run(&gateway.url()).await.unwrap();
    let events = gateway.ops().get(&format!("/partners/{}/events", SHOP.key_id)).await.unwrap();
    let kinds: Vec<&str> =
        events["events"].as_array().unwrap().iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds, ["order.paid", "order.paid", "refund.succeeded"]);
    gateway.ops().verify().await;
}
