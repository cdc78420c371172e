//! The life of a partner: added, looked at, changed, its key rotated, its users and endpoints.

use http::Method;
use serde_json::{Value, json};

use crate::client::{send, text};
use crate::gateway::Gateway;

/// What the parrot says to the holder of a key id.
async fn says(gateway: &Gateway, key_id: &str) -> String {
    let response = send(Method::POST, &gateway.url("/parrot/methods/-"), &[("x-key", key_id)], "").await;
    text(&response)
}

#[tokio::test]
async fn a_partner_is_added_and_can_call_at_once() {
    let gateway = Gateway::start().await;
    let new = json!({"dialect": "parrot", "key_id": "rex", "name": "Rex", "methods": ["alipay", "wechat"], "fee_ppm": 6000});
    let added = gateway.ops(Method::POST, "partners", new.clone()).await;
    assert_eq!(added["secret"], "cracker", "the secret that was made is told once");
    assert_eq!(says(&gateway, "rex").await, "rex -   [alipay, wechat]");

    let id = added["id"].as_str().unwrap().to_owned();
    for name in ["rex", &id] {
        let shown = gateway.ops(Method::GET, &format!("partners/{name}"), Value::Null).await;
        assert_eq!(
            (&shown["name"], &shown["fee_ppm"], &shown["state"]),
            (&"Rex".into(), &6000.into(), &"active".into())
        );
        assert!(!shown.to_string().contains("cracker"), "{shown}");
        let open = gateway.ops(Method::GET, &format!("partners/{name}?secrets=true"), Value::Null).await;
        assert_eq!(open["credentials"][0]["secret"], "cracker");
    }
    let (status, answer) = gateway.ops_raw(Method::POST, "partners", new).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &"exists".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_dialect_does_not_accept_is_refused() {
    let gateway = Gateway::start().await;
    for dialect in tradewind_dialects::all().iter() {
        let published = dialect.sandbox_partners().remove(0);
        let with = |change: Value| {
            let mut body = json!({"dialect": dialect.name(), "key_id": "0019999999", "name": "x", "secret": published.secret});
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            body
        };
        for change in [
            json!({"settings": {"no such switch": 1}}),
            json!({"secret": ""}),
            json!({"dialect": "nope"}),
            json!({"methods": ["Not A Method"]}),
            json!({"fee_ppm": 1_000_001}),
            json!({"name": ""}),
            json!({"nmae": "x"}),
        ] {
            let (status, answer) = gateway.ops_raw(Method::POST, "partners", with(change.clone())).await;
            assert_eq!((status, &answer["error"]["code"]), (400, &"invalid".into()), "{change}: {answer}");
        }
        let path = format!("partners/{}", published.key_id);
        let (status, answer) =
            gateway.ops_raw(Method::PATCH, &path, json!({"settings": {"no such switch": 1}})).await;
        assert_eq!(status, 400, "{answer}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_partner_is_changed_piece_by_piece() {
    let gateway = Gateway::start().await;
    let change = async |body: Value| gateway.ops(Method::PATCH, "partners/polly", body).await;
    assert_eq!(change(json!({"name": "Polly"})).await["name"], "Polly");
    assert_eq!(change(json!({"methods": ["wechat"]})).await["methods"], json!(["wechat"]));
    assert_eq!(says(&gateway, "polly").await, "polly -   [wechat]", "a change counts at once");
    let first = change(json!({"settings": {"loud": true, "tall": 1}})).await;
    assert_eq!(first["settings"], json!({"parrot": {"loud": true, "tall": 1}}));
    let second = change(json!({"settings": {"loud": null, "tall": 2}})).await;
    assert_eq!(second["settings"], json!({"parrot": {"tall": 2}}));
    let last = gateway.ops(Method::GET, "partners/polly", Value::Null).await;
    assert_eq!((&last["name"], &last["methods"]), (&"Polly".into(), &json!(["wechat"])));

    assert_eq!(gateway.ops(Method::POST, "partners/polly/disable", Value::Null).await["state"], "suspended");
    assert_eq!(gateway.ops(Method::POST, "partners/polly/enable", json!({})).await["state"], "active");
    gateway.stop().await;
}

#[tokio::test]
async fn a_rotated_key_leaves_the_old_one_for_a_while() {
    let gateway = Gateway::start().await;
    let rotated = gateway
        .ops(Method::POST, "partners/polly/rotate", json!({"secret": "biscuit", "overlap_s": 60}))
        .await;
    assert_eq!((&rotated["secret"], &rotated["key_id"]), (&"biscuit".into(), &"polly".into()));
    let shown = gateway.ops(Method::GET, "partners/polly?secrets=true", Value::Null).await;
    let keys = shown["credentials"].as_array().unwrap();
    assert_eq!(
        (keys.len(), &keys[0]["secret"], &keys[1]["secret"]),
        (2, &"biscuit".into(), &"cracker".into())
    );
    assert_eq!(keys[0]["expires_at_ms"], Value::Null);
    assert_eq!(keys[1]["expires_at_ms"], crate::gateway::NOW.ms() + 60_000);
    let (status, _) =
        gateway.ops_raw(Method::POST, "partners/polly/rotate", json!({"overlap_s": u32::MAX})).await;
    assert_eq!(status, 400);
    gateway.stop().await;
}

#[tokio::test]
async fn partners_are_listed_page_by_page() {
    let gateway = Gateway::start().await;
    for number in 0..5 {
        let new = json!({"dialect": "parrot", "key_id": format!("rex{number}"), "name": "Rex"});
        gateway.ops(Method::POST, "partners", new).await;
    }
    let all = gateway.ops(Method::GET, "partners", Value::Null).await;
    assert_eq!(all["next"], Value::Null);
    let mut paged = Vec::new();
    let mut path = "partners?limit=2".to_owned();
    loop {
        let page = gateway.ops(Method::GET, &path, Value::Null).await;
        let partners = page["partners"].as_array().unwrap();
        assert!(partners.len() <= 2);
        paged.extend(partners.clone());
        match page["next"].as_str() {
            Some(next) => path = format!("partners?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(Value::Array(paged), all["partners"]);
    gateway.stop().await;
}

#[tokio::test]
async fn users_come_and_go_and_their_passwords_are_never_told() {
    let gateway = Gateway::start().await;
    let ann = json!({"login": "ann", "password": "a-Long-passw0rd", "name": "Ann", "may_refund": true, "device": "IMEI-1"});
    let added = gateway.ops(Method::POST, "partners/polly/users", ann.clone()).await;
    assert_eq!(
        (&added["login"], &added["may_refund"], &added["device"]["serial"]),
        (&"ann".into(), &true.into(), &"IMEI-1".into())
    );
    assert_eq!(gateway.ops_raw(Method::POST, "partners/polly/users", ann).await.0, 409);
    gateway.ops(Method::POST, "partners/polly/users/ann/disable", json!({})).await;
    let listed = gateway.ops(Method::GET, "partners/polly/users", Value::Null).await;
    assert_eq!(listed["users"][0]["state"], "locked");
    assert!(!listed.to_string().contains("argon2") && !listed.to_string().contains("passw0rd"), "{listed}");
    let short = json!({"login": "bob", "password": "short", "name": "Bob", "may_refund": false});
    assert_eq!(gateway.ops_raw(Method::POST, "partners/polly/users", short).await.0, 400);
    gateway.stop().await;
}

#[tokio::test]
async fn endpoints_are_checked_before_they_are_kept() {
    let gateway = Gateway::start().await;
    for dialect in tradewind_dialects::all().iter() {
        let published = dialect.sandbox_partners().remove(0);
        let path = format!("partners/{}/endpoints", published.key_id);
        let event = dialect.notifies()[0].name();
        let url = "http://127.0.0.1:9/notify";
        let added = gateway.ops(Method::POST, &path, json!({"url": url, "events": [event]})).await;
        assert_eq!((&added["url"], &added["events"]), (&url.into(), &json!([event])));
        for (url, events) in [
            ("ftp://shop.example/", json!([event])),
            ("http://10.0.0.1/", json!([event])),
            ("http://169.254.169.254/", json!([event])),
            ("http://shop.example/", json!([])),
            ("http://shop.example/", json!(["order.eaten"])),
        ] {
            let body = json!({"url": url, "events": events});
            let (status, answer) = gateway.ops_raw(Method::POST, &path, body.clone()).await;
            assert_eq!((status, &answer["error"]["code"]), (400, &"invalid".into()), "{body}: {answer}");
        }
        let id = added["id"].as_str().unwrap();
        assert_eq!(gateway.ops(Method::GET, &path, Value::Null).await["endpoints"], json!([added]));
        gateway.ops(Method::DELETE, &format!("{path}/{id}"), Value::Null).await;
        assert_eq!(gateway.ops(Method::GET, &path, Value::Null).await["endpoints"], json!([]));
        assert_eq!(gateway.ops_raw(Method::DELETE, &format!("{path}/{id}"), Value::Null).await.0, 404);
    }
    gateway.stop().await;
}
