//! Exchanges that succeed.

use http::{HeaderValue, Method, header};
use tradewind_egress::Request;

use crate::server::{AMPLE, Server, answer, answer_and_close, config, egress, post};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nx-kept: yes\r\n\r\nSUCCESS";

#[tokio::test]
async fn a_request_arrives_as_it_was_given() {
    let server = Server::start(answer(OK)).await;
    let mut request = Request::new(Method::POST, &server.url("/notify?sign=a:1&_type=json"), "body").unwrap();
    request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Framing and addressing are not the caller's.
    request.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("99"));
    request.headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    request.headers.insert(header::HOST, HeaderValue::from_static("other.example"));
    let response = egress().send(request, AMPLE).await.unwrap();

    assert_eq!((response.status, &response.body[..]), (200, &b"SUCCESS"[..]));
    assert_eq!(response.headers["x-kept"], "yes");
    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /notify?sign=a:1&_type=json HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    assert_eq!(lines, ["content-length: 4", "content-type: application/json", host.as_str()]);
    assert_eq!(body, "body");
}

#[tokio::test]
async fn bodies_in_every_framing() {
    let check = async |text: &str, close: bool, expected: &str| {
        let server = Server::start(if close { answer_and_close(text) } else { answer(text) }).await;
        let response = post(&egress(), &server.url("/"), AMPLE).await.unwrap();
        assert_eq!(response.body, expected, "{text:?}");
    };
    check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false, "").await;
    check("HTTP/1.1 204 No Content\r\n\r\n", false, "").await;
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nSUC\r\n4\r\nCESS\r\n0\r\n\r\n",
        false,
        "SUCCESS",
    )
    .await;
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n", false, "abc").await;
    check("HTTP/1.1 200 OK\r\n\r\nuntil the end", true, "until the end").await;
    check("HTTP/1.0 200 OK\r\n\r\nold", true, "old").await;
    check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", false, "ok").await;
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let other = Server::start(answer(OK)).await;
    for status in [301, 302, 303, 307, 308] {
        let location = other.url("/elsewhere");
        let server = Server::start(answer(&format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        )))
        .await;
        let response = post(&egress(), &server.url("/"), AMPLE).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.headers[header::LOCATION], location);
    }
    assert_eq!(other.connections(), 0, "nobody has gone there");
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let server = Server::start(answer(OK)).await;
    let egress = egress();
    for _ in 0..50 {
        post(&egress, &server.url("/"), AMPLE).await.unwrap();
    }
    assert_eq!(server.requests().len(), 50);
    assert_eq!(server.connections(), 1);
}

/// The idle connection is closed by the server between two requests: the second one
/// must not fail, and each request is seen once.
#[tokio::test]
async fn a_closed_idle_connection_is_replaced() {
    let server = Server::start(answer_and_close(OK)).await;
    let egress = egress();
    for round in 1..=20 {
        // The close may also be noticed while a request is being written: then it is
        // reported as broken, never sent again behind the caller's back.
        match post(&egress, &server.url("/"), AMPLE).await {
            Ok(response) => assert_eq!(response.body, "SUCCESS", "round {round}"),
            Err(error) => assert!(error.request_may_have_arrived(), "round {round}: {error}"),
        }
    }
    assert!(server.requests().len() <= 20, "no request arrived twice");
}

#[tokio::test]
async fn idle_connections_are_bounded() {
    let server = Server::start(answer(OK)).await;
    let egress =
        tradewind_egress::Egress::new(tradewind_egress::EgressConfig { idle_per_host_max: 0, ..config() });
    for _ in 0..3 {
        post(&egress, &server.url("/"), AMPLE).await.unwrap();
    }
    assert_eq!(server.connections(), 3, "none was kept");
}

#[tokio::test]
async fn idle_connections_make_room_for_other_hosts() {
    let servers = [Server::start(answer(OK)).await, Server::start(answer(OK)).await];
    let egress =
        tradewind_egress::Egress::new(tradewind_egress::EgressConfig { connections_max: 1, ..config() });
    // One after the other: the connection to the other host is idle.
    for server in servers.iter().cycle().take(6) {
        assert_eq!(post(&egress, &server.url("/"), AMPLE).await.unwrap().status, 200);
    }
    // At the same time: it becomes idle while somebody waits.
    let urls = servers.each_ref().map(|server| server.url("/"));
    for _ in 0..20 {
        let (one, two) = tokio::join!(post(&egress, &urls[0], AMPLE), post(&egress, &urls[1], AMPLE));
        assert_eq!((one.unwrap().status, two.unwrap().status), (200, 200));
    }
    let requests: usize = servers.iter().map(|server| server.requests().len()).sum();
    assert_eq!(requests, 46, "no request arrived twice");
}

#[tokio::test]
async fn many_at_a_time() {
    let server = Server::start(answer(OK)).await;
    let egress = egress();
    let url = server.url("/");
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (egress, url) = (egress.clone(), url.clone());
            tokio::spawn(async move {
                for _ in 0..20 {
                    assert_eq!(post(&egress, &url, AMPLE).await.unwrap().status, 200);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(server.requests().len(), 32 * 20);
    assert!(server.connections() <= 32, "{} connections for 32 callers", server.connections());
}
