//! Who may use the operator API, and how it says no.

use http::Method;
use serde_json::{Value, json};

use crate::client::{content_type, header, json as read, send};
use crate::gateway::{Gateway, TOKEN};

/// Every resource, with a method that it has.
const RESOURCES: &[(&str, &str)] = &[
    ("GET", "status"),
    ("GET", "partners"),
    ("POST", "partners"),
    ("GET", "partners/polly"),
    ("PATCH", "partners/polly"),
    ("POST", "partners/polly/rotate"),
    ("POST", "partners/polly/enable"),
    ("POST", "partners/polly/disable"),
    ("GET", "partners/polly/users"),
    ("POST", "partners/polly/users"),
    ("POST", "partners/polly/users/ann/disable"),
    ("GET", "partners/polly/endpoints"),
    ("POST", "partners/polly/endpoints"),
    ("DELETE", "partners/polly/endpoints/end_1"),
    ("GET", "partners/polly/events"),
    ("POST", "partners/polly/tasks/tsk_1/retry"),
    ("POST", "partners/polly/tasks/tsk_1/cancel"),
    ("GET", "tasks"),
    ("POST", "tasks/retry"),
    ("GET", "orders/A-1"),
    ("POST", "orders/A-1/revocation/approve"),
    ("POST", "orders/A-1/revocation/reject"),
    ("GET", "clock"),
    ("POST", "clock/advance"),
    ("POST", "clock/freeze"),
    ("POST", "clock/resume"),
    ("POST", "retention/page"),
    ("POST", "retention/forget"),
    ("POST", "verify"),
    ("GET", "nope"),
];

#[tokio::test]
async fn nothing_opens_without_the_token() {
    let gateway = Gateway::start().await;
    for (method, path) in RESOURCES {
        let url = format!("http://{}/ops/v1/{path}", gateway.running.ops);
        for authorization in [None, Some("Bearer wrong"), Some("Basic b3BzOm9wcw==")] {
            let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
            let response = send(method.parse().unwrap(), &url, &headers, "").await;
            assert_eq!(response.status, 401, "{method} {path} {authorization:?}");
            assert_eq!(read(&response)["error"]["code"], "unauthorised");
            assert_eq!(header(&response.headers, "www-authenticate"), "Bearer");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn answers_are_json_with_an_id_and_not_kept() {
    let gateway = Gateway::start().await;
    let url = format!("http://{}/ops/v1/status", gateway.running.ops);
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("x-request-id", "my-id")];
    let response = send(Method::GET, &url, &headers, "").await;
    assert_eq!((response.status, content_type(&response)), (200, "application/json"));
    assert_eq!(header(&response.headers, "x-request-id"), "my-id");
    assert_eq!(header(&response.headers, "cache-control"), "no-store");
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said_with_a_code() {
    let gateway = Gateway::start().await;
    let check = async |method: Method, path: &str, body: Value, status: u16, code: &str| {
        let (found, answer) = gateway.ops_raw(method.clone(), path, body.clone()).await;
        assert_eq!(
            (found, &answer["error"]["code"]),
            (status, &code.into()),
            "{method} {path} {body}: {answer}"
        );
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    };
    let none = || Value::Null;
    check(Method::GET, "nope", none(), 404, "not_found").await;
    check(Method::DELETE, "status", none(), 405, "wrong_method").await;
    check(Method::GET, "partners/nobody", none(), 404, "not_found").await;
    check(Method::GET, "partners/par_1", none(), 404, "not_found").await;
    check(Method::POST, "partners/nobody/disable", none(), 404, "not_found").await;
    check(Method::POST, "partners/nobody/rotate", none(), 404, "not_found").await;
    check(Method::GET, "partners/nobody/users", none(), 404, "not_found").await;
    check(Method::POST, "partners/polly/users/nobody/disable", none(), 404, "not_found").await;
    check(Method::DELETE, "partners/polly/endpoints/end_1", none(), 404, "not_found").await;
    check(Method::DELETE, "partners/polly/endpoints/par_1", none(), 400, "invalid").await;
    check(Method::POST, "partners/polly/tasks/tsk_1/retry", none(), 404, "not_found").await;
    check(Method::GET, "orders/none", none(), 404, "not_found").await;
    check(Method::GET, "orders/ord_1", none(), 404, "not_found").await;
    check(Method::GET, "orders/none?partner=polly", none(), 404, "not_found").await;
    check(Method::POST, "orders/none/revocation/approve", none(), 404, "not_found").await;
    check(Method::GET, "partners?limit=0", none(), 400, "invalid").await;
    check(Method::GET, "partners?limit=1001", none(), 400, "invalid").await;
    check(Method::GET, "partners?limits=1", none(), 400, "invalid").await;
    check(Method::GET, "tasks?state=broken", none(), 400, "invalid").await;
    check(Method::GET, "tasks?kind=send", none(), 400, "invalid").await;
    check(Method::GET, "tasks?after=par_7:tsk_8", none(), 400, "invalid").await;
    check(Method::GET, "tasks?partner=polly&after=tsk_8", none(), 404, "not_found").await;
    check(Method::POST, "tasks/retry", json!({"state": "done"}), 400, "invalid").await;
    check(Method::POST, "clock/advance", json!({"by_ms": -1}), 400, "invalid").await;
    check(Method::POST, "clock/advance", json!({"by_ms": i64::MAX}), 400, "invalid").await;
    check(Method::POST, "clock/advance", json!({}), 400, "invalid").await;
    check(Method::POST, "clock/freeze", json!({"now": true}), 400, "invalid").await;
    check(Method::POST, "partners", json!([]), 400, "invalid").await;
    check(Method::POST, "partners", json!({"name": "x"}), 400, "invalid").await;
    check(Method::POST, "partners", json!({"name": "x".repeat(70_000)}), 413, "too_large").await;
    gateway.stop().await;
}
