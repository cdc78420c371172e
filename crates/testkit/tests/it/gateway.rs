//! A gateway under test starts, moves its clock, and survives a restart.

use std::time::Duration;

use serde_json::json;
use tradewind_testkit::{Options, SHOP, START, TestGateway};

#[tokio::test]
async fn starts_moves_and_restarts() {
    let mut gateway = TestGateway::start(Options::default()).await;
    assert_eq!(gateway.now(), START);
    let url = gateway.url();

    gateway.advance(Duration::from_secs(90)).await;
    assert_eq!(gateway.now().ms(), START.ms() + 90_000);

    let added = gateway
        .ops()
        .post("/partners", json!({ "dialect": "sosopay", "key_id": "0010000042", "name": "New" }));
    assert_eq!(added.await.unwrap()["name"], "New");

    gateway.restart().await;
    assert_eq!(gateway.url(), url);
    assert_eq!(gateway.now().ms(), START.ms() + 90_000);
    for key_id in [SHOP.key_id, "0010000042"] {
        gateway.ops().get(&format!("/partners/{key_id}")).await.unwrap();
    }
    let unknown = gateway.ops().get("/partners/0019999999").await.unwrap_err();
    assert_eq!((unknown.status, unknown.code.as_str()), (404, "not_found"));
    gateway.ops().verify().await;
    gateway.shut_down().await;
}
