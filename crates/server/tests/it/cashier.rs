//! The cashier page, read as a payer reads it.

use http::Method;
use serde_json::{Value, json};

use crate::client::{content_type, get, header, post_form, text};
use crate::gateway::{Gateway, config};

/// The text between the tags of `name`, in order.
fn texts(page: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    page.split(&open)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('>')?.1.split_once(&close)?.0.to_owned()))
        .collect()
}

/// The fact that stands beside a label.
fn fact(page: &str, label: &str) -> String {
    let labels = texts(page, "dt");
    let index = labels.iter().position(|text| text == label).unwrap_or_else(|| panic!("{label}: {page}"));
    texts(page, "dd")[index].clone()
}

async fn shown(gateway: &Gateway, path: &str) -> String {
    let response = get(&gateway.url(path)).await;
    assert_eq!(response.status, 200);
    text(&response)
}

#[tokio::test]
async fn a_payer_sees_the_order_pays_and_sees_that_it_is_paid() {
    let gateway = Gateway::start().await;
    let (order, path) = gateway.order("A-1", 15_800).await;
    let page = shown(&gateway, &path).await;
    assert_eq!(texts(&page, "h1"), ["Polly's Tea House"]);
    assert_eq!(fact(&page, "For"), "Oolong &amp; more");
    assert_eq!(fact(&page, "Order number"), "A-1");
    assert_eq!(fact(&page, "State"), "Waiting for payment");
    assert!(page.contains("You have 15 minutes left to pay."), "{page}");
    assert_eq!(texts(&page, "button"), ["Pay 158.00 CNY", "Refuse"]);

    let response = post_form(&gateway.url(&path), "action=pay").await;
    assert_eq!(response.status, 303, "{}", text(&response));
    assert_eq!(header(&response.headers, "location"), path);
    let page = shown(&gateway, &path).await;
    assert_eq!(fact(&page, "State"), "Paid");
    assert!(!page.contains("<form"), "{page}");

    let again = post_form(&gateway.url(&path), "action=refuse").await;
    assert_eq!(again.status, 409);
    assert_eq!(fact(&text(&again), "State"), "Paid", "what was paid stays paid");
    let story = gateway.ops(Method::GET, &format!("orders/{}", order.id), Value::Null).await;
    assert_eq!(story["payments"][0]["state"], "paid");
    assert_eq!(story["payments"][0]["bills"][0]["amount"], "158.00");
    gateway.stop().await;
}

#[tokio::test]
async fn a_payer_may_refuse() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    assert_eq!(post_form(&gateway.url(&path), "action=refuse").await.status, 303);
    let page = shown(&gateway, &path).await;
    assert_eq!(fact(&page, "State"), "Declined");
    assert_eq!(post_form(&gateway.url(&path), "action=pay").await.status, 409);
    gateway.stop().await;
}

#[tokio::test]
async fn an_order_whose_time_is_over_cannot_be_paid() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    gateway.ops(Method::POST, "clock/advance", json!({"by_ms": 14 * 60 * 1000 + 59_000})).await;
    assert!(shown(&gateway, &path).await.contains("You have 1 second left to pay."));
    gateway.ops(Method::POST, "clock/advance", json!({"by_ms": 1000})).await;
    assert_eq!(fact(&shown(&gateway, &path).await, "State"), "Expired");
    let late = post_form(&gateway.url(&path), "action=pay").await;
    assert_eq!(late.status, 409);
    assert_eq!(fact(&text(&late), "State"), "Expired");
    gateway.stop().await;
}

#[tokio::test]
async fn links_that_were_not_made_here_lead_nowhere() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    let other = if path.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{other}", &path[..path.len() - 1]);
    for path in ["/pay/no-such-token", &forged, "/pay/1-2-000000000000000000000000"] {
        let response = get(&gateway.url(path)).await;
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(texts(&text(&response), "h1"), ["Unknown link"], "{path}");
        assert_eq!(post_form(&gateway.url(path), "action=pay").await.status, 404, "{path}");
        assert_eq!(get(&gateway.url(&format!("{path}/qr.svg"))).await.status, 404, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn forms_of_others_change_nothing() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    for form in ["", "action=", "action=steal", "action=pay&action=pay&more=1", "pay"] {
        assert_eq!(post_form(&gateway.url(&path), form).await.status, 400, "{form:?}");
    }
    assert_eq!(fact(&shown(&gateway, &path).await, "State"), "Waiting for payment");
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_keeps_to_itself() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    let page = get(&gateway.url(&path)).await;
    assert_eq!(content_type(&page), "text/html; charset=utf-8");
    let policy = header(&page.headers, "content-security-policy");
    for part in ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(header(&page.headers, "referrer-policy"), "no-referrer");
    assert_eq!(header(&page.headers, "cache-control"), "no-store");
    assert_eq!(header(&page.headers, "x-content-type-options"), "nosniff");
    let style = get(&gateway.url("/assets/console.css")).await;
    assert_eq!((style.status, content_type(&style)), (200, "text/css; charset=utf-8"));
    assert!(text(&page).contains("href=\"/assets/console.css\""));
    let code = get(&gateway.url(&format!("{path}/qr.svg"))).await;
    assert_eq!((code.status, content_type(&code)), (200, "image/svg+xml"));
    gateway.stop().await;
}

#[tokio::test]
async fn links_outlive_a_restart() {
    let gateway = Gateway::start().await;
    let (_, path) = gateway.order("A-1", 15_800).await;
    let gateway = Gateway::on(gateway.stop().await, config()).await;
    assert_eq!(post_form(&gateway.url(&path), "action=pay").await.status, 303);
    assert_eq!(fact(&shown(&gateway, &path).await, "State"), "Paid");
    gateway.stop().await;
}
