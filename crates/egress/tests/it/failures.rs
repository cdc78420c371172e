//! Exchanges that fail, and what is known about the request afterwards.

use std::time::Duration;

use http::Method;
use tokio::net::TcpListener;
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, EgressError, Request, UrlProblem};

use crate::server::{
    AMPLE, Behaviour, SHORT, Server, answer, answer_and_close, answer_and_stall, config, egress, post,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nSUCCESS";

fn with_policy(policy: AddressPolicy) -> Egress {
    Egress::new(EgressConfig { policy, ..EgressConfig::default() })
}

#[tokio::test]
async fn forbidden_addresses_are_never_dialled() {
    let server = Server::start(answer(OK)).await;
    let port = server.address.port();
    let check = async |policy, host: &str| {
        let url = format!("http://{host}:{port}/");
        let error = post(&with_policy(policy), &url, AMPLE).await.unwrap_err();
        assert!(matches!(error, EgressError::ForbiddenAddress { .. }), "{url}: {error}");
        assert!(!error.request_may_have_arrived());
    };
    // Also in the disguises that name services understand.
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0x7f.1", "2130706433"] {
        check(AddressPolicy::PublicOnly, host).await;
    }
    for host in ["10.0.0.1", "192.168.0.1", "[fd00::1]", "100.64.0.1"] {
        check(AddressPolicy::AllowLoopback, host).await;
    }
    for host in ["169.254.169.254", "0.0.0.0", "[::]", "[fe80::1]", "224.0.0.1", "255.255.255.255"] {
        check(AddressPolicy::AllowPrivate, host).await;
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn endpoints_are_checked_at_registration() {
    let egress = with_policy(AddressPolicy::PublicOnly);
    assert!(egress.check_url("https://shop.example/notify").is_ok());
    assert!(egress.check_url("https://1.1.1.1/notify").is_ok());
    assert!(matches!(egress.check_url("http://127.0.0.1/"), Err(EgressError::ForbiddenAddress { .. })));
    assert!(matches!(egress.check_url("http://[::1]/"), Err(EgressError::ForbiddenAddress { .. })));
    assert!(matches!(egress.check_url("ftp://shop.example/"), Err(EgressError::BadUrl(UrlProblem::Scheme))));
}

#[tokio::test]
async fn requests_nobody_can_send() {
    let mut request = Request::new(Method::CONNECT, "http://127.0.0.1/", "").unwrap();
    let error = egress().send(request.clone(), AMPLE).await.unwrap_err();
    assert!(matches!(error, EgressError::BadUrl(UrlProblem::Method)), "{error}");

    // A URL that was not made by `Request::new` is checked all the same.
    request.method = Method::POST;
    request.url = "http://user:secret@127.0.0.1/".parse().unwrap();
    let error = egress().send(request, AMPLE).await.unwrap_err();
    assert!(matches!(error, EgressError::BadUrl(UrlProblem::UserInfo)), "{error}");
    assert!(!error.request_may_have_arrived());
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test]
async fn a_refused_connection_brought_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = post(&egress(), &url, AMPLE).await.unwrap_err();
    assert!(matches!(error, EgressError::Connect(_)), "{error}");
    assert!(!error.request_may_have_arrived());
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_name_without_address() {
    // A label of 64 characters is no name: no name service needs to be asked.
    let name = format!("{}.invalid", "a".repeat(64));
    let error = post(&egress(), &format!("http://{name}/"), AMPLE).await.unwrap_err();
    assert!(matches!(&error, EgressError::Resolve { host, .. } if *host == name), "{error}");
    assert!(!error.request_may_have_arrived());
}

#[tokio::test]
async fn broken_answers_leave_the_outcome_unknown() {
    let check = async |behaviour: Behaviour| {
        let server = Server::start(behaviour).await;
        let error = post(&egress(), &server.url("/"), AMPLE).await.unwrap_err();
        assert!(matches!(error, EgressError::Broken(_)), "{error}");
        assert!(error.request_may_have_arrived());
        assert_eq!(server.requests().len(), 1, "sent once");
    };
    check(answer_and_close("")).await;
    check(answer_and_close("HTTP/1.1 200")).await;
    check(answer_and_close("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")).await;
    check(answer_and_close("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab")).await;
    check(answer_and_close("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")).await;
    check(answer("SMTP is spoken here\r\n\r\n")).await;
    check(answer(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200)))).await;
    check(answer(&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(200_000)))).await;
}

#[tokio::test]
async fn time_runs_out_after_sending() {
    for text in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nSUCC"] {
        let server = Server::start(answer_and_stall(text)).await;
        let error = post(&egress(), &server.url("/"), SHORT).await.unwrap_err();
        assert!(matches!(error, EgressError::Timeout { after_sent: true }), "{text:?}: {error}");
        assert!(error.request_may_have_arrived());
    }
}

/// The only connection allowed is in use, so the second request never gets one.
#[tokio::test]
async fn time_runs_out_before_sending() {
    let server = Server::start(answer_and_stall("")).await;
    let check = async |connect_timeout, limit| {
        let egress = Egress::new(EgressConfig { connections_max: 1, connect_timeout, ..config() });
        let url = server.url("/");
        let (seen, holder) = (server.requests().len(), egress.clone());
        let first = tokio::spawn(async move { post(&holder, &url, AMPLE).await });
        while server.requests().len() == seen {
            tokio::task::yield_now().await;
        }
        let error = post(&egress, &server.url("/never"), limit).await.unwrap_err();
        assert!(matches!(error, EgressError::Timeout { after_sent: false }), "{error}");
        assert!(!error.request_may_have_arrived());
        first.abort();
    };
    check(AMPLE, SHORT).await;
    check(SHORT, AMPLE).await;
    assert!(server.requests().iter().all(|request| !request.contains("/never")), "nothing has arrived");
}

#[tokio::test]
async fn too_large_answers_are_not_read() {
    let check = async |text: String, fits: bool| {
        let server = Server::start(answer(&text)).await;
        let egress = Egress::new(EgressConfig { response_bytes_max: 1000, ..config() });
        match post(&egress, &server.url("/"), AMPLE).await {
            Ok(response) => assert!(fits && response.body.len() == 1000),
            Err(EgressError::TooLarge { status: 200, limit_bytes: 1000 }) => assert!(!fits, "{text:.60}"),
            Err(other) => panic!("{text:.60}: {other}"),
        }
    };
    let sized = |n: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {n}\r\n\r\n{}", "x".repeat(n));
    let chunked = |n: usize| {
        let chunks = format!("a\r\n{}\r\n", "x".repeat(10)).repeat(n / 10);
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    check(sized(1000), true).await;
    check(sized(1001), false).await;
    check(chunked(1000), true).await;
    check(chunked(1010), false).await;
    check(chunked(1_000_000), false).await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551000\r\n\r\n".to_owned(), false).await;
}

#[test]
fn messages_are_one_line_and_say_why() {
    let timeout = EgressError::Timeout { after_sent: true };
    assert_eq!(timeout.to_string(), "no answer in time (the request was sent)");
    assert!(EgressError::TooLarge { status: 200, limit_bytes: 9 }.request_may_have_arrived());
    assert!(EgressConfig::default().connect_timeout >= Duration::from_secs(1));
}
