//! Two ways to call: a proper client, and bytes as they are.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Method, header};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, Request, Response, TlsRoots};

/// No test waits longer for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn egress(tls_roots: TlsRoots) -> Egress {
    let policy = AddressPolicy::AllowLoopback;
    Egress::new(EgressConfig { policy, tls_roots, ..EgressConfig::default() })
}

/// Sends one request and gives the answer. Redirects are not followed.
pub(crate) async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = Request::new(method, url, body.to_owned()).unwrap();
    for (name, value) in headers {
        request.headers.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    egress(TlsRoots::public()).send(request, LIMIT).await.unwrap()
}

pub(crate) async fn get(url: &str) -> Response {
    send(Method::GET, url, &[], "").await
}

/// Sends a form as a browser does.
pub(crate) async fn post_form(url: &str, form: &str) -> Response {
    send(Method::POST, url, &[("content-type", "application/x-www-form-urlencoded")], form).await
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.to_vec()).unwrap()
}

pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {}", text(response)))
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

pub(crate) fn content_type(response: &Response) -> &str {
    header(&response.headers, header::CONTENT_TYPE.as_str())
}

/// A connection on which bytes are sent as they are.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Raw {
        Raw(TcpStream::connect(addr).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Sends the same again and again, without ever reading, until the server closes.
    pub(crate) async fn flood(mut self, bytes: &[u8]) {
        let flooding = async { while self.0.write_all(bytes).await.is_ok() {} };
        tokio::time::timeout(LIMIT, flooding).await.expect("the server closes in time");
    }

    /// All that comes until the server closes.
    pub(crate) async fn rest(mut self) -> String {
        let mut answer = Vec::new();
        let read = tokio::time::timeout(LIMIT, self.0.read_to_end(&mut answer)).await;
        read.expect("the server closes in time").ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The head of one answer.
    pub(crate) async fn head(&mut self) -> String {
        let mut answer = Vec::new();
        let read = async {
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(self.0.read_u8().await.unwrap());
            }
        };
        tokio::time::timeout(LIMIT, read).await.expect("an answer comes in time");
        String::from_utf8(answer).unwrap()
    }
}
