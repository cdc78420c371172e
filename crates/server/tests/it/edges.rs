//! What is answered before a dialect has a say: paths, methods, sizes, times, crowds.

use std::time::Duration;

use http::Method;
use tradewind_server::ServerConfig;

use crate::client::{LIMIT, Raw, content_type, get, header, send, text};
use crate::gateway::{Gateway, config};

#[tokio::test]
async fn a_request_reaches_its_dialect_and_comes_back_sealed() {
    let gateway = Gateway::start().await;
    let url = gateway.url("/parrot/methods/a%20word?x=%20y");
    let response = send(Method::POST, &url, &[], "the body").await;
    assert_eq!(response.status, 200);
    assert_eq!(text(&response), "polly a word x=%20y the body [alipay]", "the query is as it was sent");
    assert_eq!(content_type(&response), "text/plain");
    assert_eq!(header(&response.headers, "x-parrot"), "squawk");

    let unknown = send(Method::POST, &url, &[("x-key", "rex")], "").await;
    assert_eq!(text(&unknown), "refused nobody unknown_partner");
    gateway.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_have_no_body() {
    let gateway = Gateway::start().await;
    let check = async |method: Method, path: &str, status: u16, allow: &str| {
        let response = send(method.clone(), &gateway.url(path), &[], "").await;
        assert_eq!(response.status, status, "{method} {path}");
        assert_eq!(header(&response.headers, "allow"), allow, "{method} {path}");
        assert_eq!(text(&response), "", "{method} {path}");
        assert!(!header(&response.headers, "x-request-id").is_empty(), "{method} {path}");
    };
    check(Method::GET, "/", 404, "").await;
    check(Method::GET, "/nope", 404, "").await;
    check(Method::GET, "/ops/v1/status", 404, "").await;
    check(Method::POST, "/parrot/methods/a/b", 404, "").await;
    check(Method::POST, "/parrot/methods/%ff", 404, "").await;
    check(Method::GET, "/parrot/methods/a", 405, "POST").await;
    check(Method::POST, "/parrot/open", 405, "GET").await;
    check(Method::PUT, "/parrot/open", 405, "GET").await;
    check(Method::HEAD, "/parrot/open", 405, "GET").await;
    check(Method::POST, "/healthz", 405, "GET,HEAD").await;
    gateway.stop().await;
}

#[tokio::test]
async fn request_ids_are_taken_over_when_well_formed() {
    let gateway = Gateway::start().await;
    let answered = async |id: &str| {
        let response =
            send(Method::POST, &gateway.url("/parrot/methods/a"), &[("x-request-id", id)], "").await;
        header(&response.headers, "x-request-id").to_owned()
    };
    assert_eq!(answered("order-4711").await, "order-4711");
    let replaced = answered("two words").await;
    assert!(!replaced.is_empty() && replaced != "two words");
    let first = get(&gateway.url("/healthz")).await;
    let second = get(&gateway.url("/healthz")).await;
    assert_ne!(header(&first.headers, "x-request-id"), header(&second.headers, "x-request-id"));
    gateway.stop().await;
}

#[tokio::test]
async fn bodies_are_read_up_to_the_limit() {
    let gateway = Gateway::with(ServerConfig { body_bytes_max: 100, ..config() }).await;
    let url = gateway.url("/parrot/methods/a");
    let full = send(Method::POST, &url, &[], &"x".repeat(100)).await;
    assert_eq!(full.status, 200);
    assert!(text(&full).contains(&"x".repeat(100)));
    let over = send(Method::POST, &url, &[], &"x".repeat(101)).await;
    assert_eq!((over.status, text(&over).as_str()), (413, ""));
    gateway.stop().await;
}

#[tokio::test]
async fn bodies_that_do_not_say_how_long_they_are_are_measured() {
    let gateway = Gateway::with(ServerConfig { body_bytes_max: 100, ..config() }).await;
    let check = async |chunks: &[usize], expected: &str| {
        let mut raw = Raw::connect(gateway.running.listen).await;
        let head = "POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\nconnection: close\r\n";
        raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await;
        for size in chunks {
            raw.send(format!("{size:x}\r\n{}\r\n", "x".repeat(*size)).as_bytes()).await;
        }
        raw.send(b"0\r\n\r\n").await;
        let answer = raw.rest().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{chunks:?}: {answer}");
        let received: usize = chunks.iter().sum();
        assert_eq!(answer.matches('x').count() > received, expected == "200 OK", "{chunks:?}: {answer}");
    };
    check(&[], "200 OK").await;
    check(&[100], "200 OK").await;
    check(&[40, 30, 30], "200 OK").await;
    check(&[101], "413 Payload Too Large").await;
    check(&[50, 50, 1], "413 Payload Too Large").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_far_too_large_is_refused_without_being_read() {
    let gateway = Gateway::with(ServerConfig { body_bytes_max: 100, ..config() }).await;
    let mut raw = Raw::connect(gateway.running.listen).await;
    let head = "POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000000\r\nexpect: 100-continue\r\n\r\n";
    raw.send(head.as_bytes()).await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let body_timeout = Duration::from_millis(50);
    let gateway = Gateway::with(ServerConfig { body_timeout, ..config() }).await;
    let mut raw = Raw::connect(gateway.running.listen).await;
    raw.send(b"POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nab").await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_form_that_does_not_come_is_not_waited_for() {
    let body_timeout = Duration::from_millis(50);
    let gateway = Gateway::with(ServerConfig { body_timeout, ..config() }).await;
    let (_, path) = gateway.order("A-1", 100).await;
    let mut raw = Raw::connect(gateway.running.listen).await;
    let kind = "content-type: application/x-www-form-urlencoded";
    raw.send(
        format!("POST {path} HTTP/1.1\r\nhost: h\r\n{kind}\r\ncontent-length: 10\r\n\r\nact").as_bytes(),
    )
    .await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let header_timeout = Duration::from_millis(50);
    let gateway = Gateway::with(ServerConfig { header_timeout, ..config() }).await;
    let mut raw = Raw::connect(gateway.running.listen).await;
    raw.send(b"POST /parrot/methods/a HTTP/1.1\r\nho").await;
    raw.rest().await;
    gateway.stop().await;
}

const COLLECT: &[u8] = b"POST /parrot/collect/N1 HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn more_requests_than_allowed_are_sent_away_at_once() {
    let gateway = Gateway::with(ServerConfig { requests_in_flight_max: 1, ..config() }).await;
    let mut waiting = Raw::connect(gateway.running.listen).await;
    waiting.send(COLLECT).await;
    gateway.until_metric("tradewind_waiting_calls 1").await;

    let refused = send(Method::POST, &gateway.url("/parrot/methods/b"), &[], "").await;
    assert_eq!((refused.status, text(&refused).as_str()), (503, ""));
    assert_eq!(header(&refused.headers, "retry-after"), "1");
    assert_eq!(get(&gateway.url("/pay/some")).await.status, 503);
    assert_eq!(get(&gateway.url("/healthz")).await.status, 200, "probes are answered all the same");
    drop(waiting);
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_gives_its_places_back() {
    let gateway = Gateway::with(ServerConfig { requests_in_flight_max: 1, ..config() }).await;
    let mut waiting = Raw::connect(gateway.running.listen).await;
    waiting.send(COLLECT).await;
    gateway.until_metric("tradewind_waiting_calls 1").await;
    drop(waiting);
    gateway.until_metric("tradewind_waiting_calls 0").await;
    gateway.until_metric("tradewind_requests_in_flight 0").await;
    let left = "tradewind_requests_total{dialect=\"parrot\",operation=\"collect\",result=\"gone\"} 1";
    gateway.until_metric(left).await;
    assert_eq!(send(Method::POST, &gateway.url("/parrot/methods/b"), &[], "").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn heads_without_bodies_keep_nobody_out() {
    let gateway = Gateway::with(ServerConfig { requests_in_flight_max: 1, ..config() }).await;
    let mut idle = Vec::new();
    // The server asks for the body as soon as it has taken the request on.
    for path in ["/parrot/methods/a", "/pay/some"] {
        let mut raw = Raw::connect(gateway.running.listen).await;
        let head = "HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
        raw.send(format!("POST {path} {head}").as_bytes()).await;
        assert!(raw.head().await.starts_with("HTTP/1.1 100 "));
        idle.push(raw);
    }
    assert_eq!(send(Method::POST, &gateway.url("/parrot/methods/b"), &[], "").await.status, 200);
    for mut raw in idle {
        raw.send(b"ab").await;
        let answer = raw.head().await;
        assert!(!answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn long_bodies_share_a_bound() {
    let config = ServerConfig { body_bytes_max: 100_000, bodies_bytes_max: 100_000, ..config() };
    let gateway = Gateway::with(config).await;
    let url = gateway.url("/parrot/methods/a");
    let status = async |bytes: usize| send(Method::POST, &url, &[], &"x".repeat(bytes)).await.status;
    assert_eq!(status(100_000).await, 200);
    let mut slow = Raw::connect(gateway.running.listen).await;
    let head = "POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: 90000\r\n\r\n";
    slow.send(head.as_bytes()).await;
    slow.send(&[b'x'; 89_999]).await;
    // How much of it has been read already shows in nothing else.
    let full = async { while status(100_000).await != 503 {} };
    tokio::time::timeout(LIMIT, full).await.unwrap();
    assert_eq!(status(16_000).await, 200, "what is ordinary always fits");
    drop(slow);
    let free = async { while status(100_000).await != 200 {} };
    tokio::time::timeout(LIMIT, free).await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_does_not_wait_for_those_to_later_requests() {
    let shut_down_timeout = Duration::from_millis(50);
    let gateway = Gateway::with(ServerConfig { shut_down_timeout, ..config() }).await;
    let quick = b"POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n".as_slice();
    let mut raw = Raw::connect(gateway.running.listen).await;
    raw.send(&[quick, COLLECT, quick].concat()).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 200 "));
    gateway.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let write_timeout = Duration::from_millis(50);
    let gateway = Gateway::with(ServerConfig { write_timeout, ..config() }).await;
    let body = "x".repeat(60_000);
    let head = format!("POST /parrot/methods/a HTTP/1.1\r\nhost: h\r\ncontent-length: {}", body.len());
    let request = format!("{head}\r\n\r\n{body}");
    Raw::connect(gateway.running.listen).await.flood(request.as_bytes()).await;
    gateway.until_metric("tradewind_connections 0").await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_answered_and_closed() {
    let gateway = Gateway::start().await;
    let mut raw = Raw::connect(gateway.running.listen).await;
    raw.send(b"\x16\x03\x01 hello\r\n\r\n").await;
    let answer = raw.rest().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    gateway.stop().await;
}
