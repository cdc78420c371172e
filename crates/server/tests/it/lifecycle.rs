//! Starting, refusing to start, and stopping in order.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tradewind_server::{ServerConfig, StartError};

use crate::client::{Raw, get, send};
use crate::gateway::{Folder, Gateway, MASTER_KEY, config, try_start};

async fn refusal(config: ServerConfig, key: [u8; 32], folder: &Folder) -> StartError {
    match try_start(config, folder.store(), key).await {
        Ok(_) => panic!("the gateway starts"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_busy_port_is_named_with_its_option() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap();
    let check = |error: StartError, option: &str| {
        let expected =
            format!("{addr} is in use by another process; stop it, or choose another address with {option}");
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, StartError::PortBusy { .. }));
    };
    check(refusal(ServerConfig { listen: addr, ..config() }, MASTER_KEY, &folder).await, "--listen");
    check(refusal(ServerConfig { ops_listen: addr, ..config() }, MASTER_KEY, &folder).await, "--ops-listen");
    // Nothing was left running: the database can be opened again.
    Gateway::on(folder, config()).await.stop().await;
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let folder = Gateway::start().await.stop().await;
    let error = refusal(config(), [8; 32], &folder).await;
    assert!(matches!(error, StartError::WrongKey), "{error}");
    Gateway::on(folder, config()).await.stop().await;
}

#[tokio::test]
async fn a_restart_finds_all_as_it_was() {
    let gateway = Gateway::start().await;
    let before = gateway.ops(Method::GET, "partners?secrets=true", Value::Null).await;
    let published: usize =
        crate::gateway::dialects().iter().map(|dialect| dialect.sandbox_partners().len()).sum();
    // And the seller of the catalogue, who has no key.
    assert_eq!(before["partners"].as_array().map(Vec::len), Some(published + 1));
    let gateway = Gateway::on(gateway.stop().await, config()).await;
    let after = gateway.ops(Method::GET, "partners?secrets=true", Value::Null).await;
    assert_eq!(after, before, "the sandbox is filled once");
    gateway.stop().await;
}

#[tokio::test]
async fn a_sandbox_and_business_do_not_share_a_database() {
    let business = || ServerConfig { sandbox: None, ..config() };
    for (first, then) in [(config(), business()), (business(), config())] {
        let folder = Gateway::with(first).await.stop().await;
        let error = refusal(then, MASTER_KEY, &folder).await;
        assert!(matches!(error, StartError::Setting { option: "--sandbox", .. }), "{error}");
    }
}

#[tokio::test]
async fn without_a_sandbox_there_is_nobody_and_the_clock_is_the_systems() {
    let gateway = Gateway::with(ServerConfig { sandbox: None, ..config() }).await;
    let partners = gateway.ops(Method::GET, "partners", Value::Null).await;
    assert_eq!(partners["partners"], serde_json::json!([]));
    assert_eq!(gateway.ops(Method::GET, "clock", Value::Null).await["virtual"], false);
    for path in ["clock/freeze", "clock/resume", "clock/advance"] {
        let body = if path.ends_with("advance") { serde_json::json!({"by_ms": 1}) } else { Value::Null };
        assert_eq!(gateway.ops_raw(Method::POST, path, body).await.0, 409, "{path}");
    }
    assert_eq!(get(&gateway.url("/pay/1-2-00")).await.status, 404);
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_finished_and_new_ones_are_not_taken() {
    let gateway = Gateway::start().await;
    let (listen, url) = (gateway.running.listen, gateway.url("/parrot/methods/a"));
    assert_eq!(send(Method::POST, &url, &[], "").await.status, 200);
    let mut under_way = Raw::connect(listen).await;
    let head =
        "POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    under_way.send(head.as_bytes()).await;
    assert!(under_way.head().await.starts_with("HTTP/1.1 100 "));

    let stopping = tokio::spawn(gateway.stop());
    // The listener goes first.
    while tokio::net::TcpStream::connect(listen).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    under_way.send(b"ab").await;
    let answer = under_way.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut() {
    let shut_down_timeout = Duration::from_millis(50);
    let gateway = Gateway::with(ServerConfig { shut_down_timeout, ..config() }).await;
    let mut endless = Raw::connect(gateway.running.listen).await;
    let head =
        "POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    endless.send(head.as_bytes()).await;
    assert!(endless.head().await.starts_with("HTTP/1.1 100 "));
    gateway.stop().await;
    assert_eq!(endless.rest().await, "");
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_end() {
    let gateway = Gateway::start().await;
    let mut idle = Raw::connect(gateway.running.listen).await;
    idle.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!(idle.head().await.starts_with("HTTP/1.1 200 "));
    let silent = Raw::connect(gateway.running.listen).await;
    gateway.stop().await;
    assert_eq!(silent.rest().await, "");
}
