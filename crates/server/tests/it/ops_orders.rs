//! Orders, events, tasks, the clock and the proof, as operators see them.

use http::Method;
use serde_json::{Value, json};
use tradewind_domain::{Call, OrderRef, Revoke, RevokeMode};

use crate::client::post_form;
use crate::dialect::ATTEMPTS;
use crate::gateway::{Gateway, NOW};

#[tokio::test]
async fn an_order_is_found_by_each_of_its_names() {
    let gateway = Gateway::start().await;
    let (order, path) = gateway.order("A-1", 15_800).await;
    post_form(&gateway.url(&path), "action=pay").await;
    let story = gateway.ops(Method::GET, &format!("orders/{}", order.id), Value::Null).await;
    assert_eq!(story["order"]["id"], order.id.to_string());
    assert_eq!((&story["order"]["amount"], &story["order"]["currency"]), (&"158.00".into(), &"CNY".into()));
    assert_eq!((&story["order"]["stage"], &story["order"]["standing"]), (&"paid".into(), &"paid".into()));
    assert_eq!(story["payments"].as_array().map(Vec::len), Some(1));
    assert_eq!(story["events"][0]["kind"], "order.paid");
    assert_eq!(story["transfers"][0]["purpose"], "payment");
    for (name, partner) in [("A-1", "?partner=polly"), ("A-1", ""), (&order.id.to_string(), "?partner=polly")]
    {
        let same = gateway.ops(Method::GET, &format!("orders/{name}{partner}"), Value::Null).await;
        assert_eq!(same["order"], story["order"], "{name}{partner}");
    }
    let other = tradewind_dialects::all()[0].sandbox_partners()[0].key_id;
    let (status, _) = gateway.ops_raw(Method::GET, &format!("orders/A-1?partner={other}"), Value::Null).await;
    assert_eq!(status, 404, "another partner has no such order");
    gateway.stop().await;
}

#[tokio::test]
async fn events_are_numbered_and_paged() {
    let gateway = Gateway::start().await;
    for number in 0..4 {
        let (_, path) = gateway.order(&format!("A-{number}"), 100).await;
        post_form(&gateway.url(&path), "action=pay").await;
    }
    let all = gateway.ops(Method::GET, "partners/polly/events", Value::Null).await;
    let numbers: Vec<i64> =
        all["events"].as_array().unwrap().iter().map(|e| e["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(all["events"][0]["at_ms"], NOW.ms());
    let page = gateway.ops(Method::GET, "partners/polly/events?after=1&limit=2", Value::Null).await;
    assert_eq!(page["events"].as_array().unwrap()[..], all["events"].as_array().unwrap()[1..3]);
    gateway.stop().await;
}

/// A gateway with an order that was paid, of which an endpoint is to be told that does not answer.
async fn untold() -> (Gateway, Value) {
    let gateway = Gateway::start().await;
    let endpoint = json!({"url": "http://127.0.0.1:9/", "events": ["order.paid"]});
    gateway.ops(Method::POST, "partners/polly/endpoints", endpoint).await;
    let (order, path) = gateway.order("A-1", 15_800).await;
    post_form(&gateway.url(&path), "action=pay").await;
    // No time passes, and all that is due now is done.
    gateway.ops(Method::POST, "clock/advance", json!({"by_ms": 0})).await;
    let listed = gateway.ops(Method::GET, "tasks?kind=deliver&partner=polly", Value::Null).await;
    let task = listed["tasks"][0].clone();
    assert_eq!(
        (&task["order"], &task["state"]),
        (&order.id.to_string().into(), &"pending".into()),
        "{listed}"
    );
    assert_eq!((&task["attempts"], &task["due_at_ms"]), (&1.into(), &(NOW.ms() + 60_000).into()), "{listed}");
    assert!(task["last_result"].as_str().is_some_and(|result| !result.is_empty()), "{listed}");
    (gateway, task)
}

async fn count(gateway: &Gateway, state: &str) -> Option<usize> {
    let listed = gateway.ops(Method::GET, &format!("tasks?kind=deliver&state={state}"), Value::Null).await;
    listed["tasks"].as_array().map(Vec::len)
}

#[tokio::test]
async fn a_delivery_is_called_off_and_run_again() {
    let (gateway, task) = untold().await;
    let path = format!("partners/polly/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(gateway.ops(Method::POST, &format!("{path}/cancel"), Value::Null).await["state"], "cancelled");
    assert_eq!((count(&gateway, "cancelled").await, count(&gateway, "pending").await), (Some(1), Some(0)));
    let again = gateway.ops(Method::POST, &format!("{path}/retry"), json!({})).await;
    assert_eq!((&again["state"], &again["attempts"]), (&"pending".into(), &0.into()));
    gateway.stop().await;
}

#[tokio::test]
async fn failed_deliveries_are_run_again_by_filter() {
    let (gateway, _) = untold().await;
    let beyond = 60_000 * i64::from(ATTEMPTS);
    gateway.ops(Method::POST, "clock/advance", json!({"by_ms": beyond})).await;
    assert_eq!(count(&gateway, "failed").await, Some(1));
    let retry = async |body: Value| gateway.ops(Method::POST, "tasks/retry", body).await["retried"].clone();
    assert_eq!(retry(json!({"state": "failed", "kind": "follow_refund"})).await, 0);
    assert_eq!(retry(json!({"state": "cancelled"})).await, 0);
    assert_eq!(retry(json!({"state": "failed", "kind": "deliver", "partner": "polly"})).await, 1);
    assert_eq!(count(&gateway, "failed").await, Some(0));
    gateway.stop().await;
}

#[tokio::test]
async fn a_revocation_that_was_applied_for_is_approved_or_rejected() {
    let gateway = Gateway::start().await;
    let check = async |number: &str, decision: &str, stage: &str, refunded: &str| {
        let (order, path) = gateway.order(number, 15_800).await;
        post_form(&gateway.url(&path), "action=pay").await;
        let revoke = Revoke { order: OrderRef::Id(order.id), mode: RevokeMode::Application };
        gateway.execute(Call::Revoke(revoke)).await;
        let path = format!("orders/{number}/revocation/{decision}?partner=polly");
        let decided = gateway.ops(Method::POST, &path, Value::Null).await;
        assert_eq!(decided["order"]["stage"], stage, "{decided}");
        assert_eq!(decided["order"]["revocation_applied"], false, "{decided}");
        let story = gateway.ops(Method::GET, &format!("orders/{}", order.id), Value::Null).await;
        assert_eq!(story["order"]["refunded"], refunded, "{story}");
        let (status, answer) = gateway.ops_raw(Method::POST, &path, Value::Null).await;
        assert_eq!(status, 409, "a decision is made once: {answer}");
    };
    check("A-1", "approve", "revoked", "158.00").await;
    check("A-2", "reject", "paid", "0.00").await;
    gateway.stop().await;
}

#[tokio::test]
async fn tasks_are_listed_page_by_page() {
    let gateway = Gateway::start().await;
    for number in 0..5 {
        gateway.order(&format!("A-{number}"), 100).await;
    }
    let all = gateway.ops(Method::GET, "tasks?state=pending", Value::Null).await;
    assert_eq!(all["tasks"].as_array().map(Vec::len), Some(5));
    let first = gateway.ops(Method::GET, "tasks?state=pending&limit=3", Value::Null).await;
    let next = first["next"].as_str().unwrap();
    let second =
        gateway.ops(Method::GET, &format!("tasks?state=pending&limit=3&after={next}"), Value::Null).await;
    assert_eq!(second["next"], Value::Null);
    let mut paged = first["tasks"].as_array().unwrap().clone();
    paged.extend(second["tasks"].as_array().unwrap().clone());
    assert_eq!(Value::Array(paged), all["tasks"]);
    let last = first["tasks"][2]["id"].as_str().unwrap();
    let named = gateway
        .ops(Method::GET, &format!("tasks?state=pending&partner=polly&after={last}"), Value::Null)
        .await;
    assert_eq!(named["tasks"], second["tasks"]);
    // All lists of a partner tell where they go on.
    for list in ["events", "users", "endpoints"] {
        let path = format!("partners/polly/{list}?limit=1");
        let page = gateway.ops(Method::GET, &path, Value::Null).await;
        let full = page[list].as_array().is_some_and(|rows| rows.len() == 1);
        assert_eq!(page["next"].is_string(), full, "{list}: {page}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_clock_moves_when_told() {
    let gateway = Gateway::start().await;
    let clock = async |method: Method, path: &str, body: Value| gateway.ops(method, path, body).await;
    let start = clock(Method::GET, "clock", Value::Null).await;
    assert_eq!(start, json!({"now_ms": NOW.ms(), "virtual": true, "frozen": true}));
    let moved = clock(Method::POST, "clock/advance", json!({"by_ms": 90_000})).await;
    assert_eq!(moved, json!({"now_ms": NOW.ms() + 90_000, "virtual": true, "frozen": true}));
    assert_eq!(clock(Method::POST, "clock/resume", Value::Null).await["frozen"], false);
    let frozen = clock(Method::POST, "clock/freeze", Value::Null).await;
    assert_eq!(frozen["frozen"], true);
    assert_eq!(clock(Method::GET, "clock", Value::Null).await, frozen);
    gateway.stop().await;
}

#[tokio::test]
async fn moving_the_clock_lets_due_work_happen() {
    let gateway = Gateway::start().await;
    // An amount that ends in 81 cents pays itself after three seconds.
    let (order, _) = gateway.order("A-1", 181).await;
    let stage = async || {
        gateway.ops(Method::GET, &format!("orders/{}", order.id), Value::Null).await["order"]["stage"].clone()
    };
    gateway.ops(Method::POST, "clock/advance", json!({"by_ms": 2_000})).await;
    assert_eq!(stage().await, "open");
    gateway.ops(Method::POST, "clock/advance", json!({"by_ms": 60_000})).await;
    assert_eq!(stage().await, "paid");
    gateway.stop().await;
}

#[tokio::test]
async fn the_books_are_proven() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    post_form(&gateway.url(&path), "action=pay").await;
    let proof = gateway.ops(Method::POST, "verify", Value::Null).await;
    assert_eq!((&proof["clean"], &proof["findings"]), (&true.into(), &json!([])));
    assert!(proof["checked"].as_object().is_some_and(|checked| !checked.is_empty()), "{proof}");
    gateway.stop().await;
}
