//! A small server that does what it is told: answers, lies, stalls and hangs up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, EgressError, Request, Response};

/// Longer than any test takes on a busy machine.
pub(crate) const AMPLE: Duration = Duration::from_secs(60);
/// For what must run out, but not before a busy machine has connected and sent.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

/// What the server does with each request.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Sends these bytes and waits for the next request.
    Answer(Bytes),
    /// Sends these bytes and closes the connection.
    AnswerAndClose(Bytes),
    /// Sends these bytes and nothing more, the connection stays open.
    AnswerAndStall(Bytes),
}

pub(crate) fn answer(text: &str) -> Behaviour {
    Behaviour::Answer(Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) fn answer_and_close(text: &str) -> Behaviour {
    Behaviour::AnswerAndClose(Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) fn answer_and_stall(text: &str) -> Behaviour {
    Behaviour::AnswerAndStall(Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Server {
    pub(crate) async fn start(behaviour: Behaviour) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let server = Server { address, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.connections.fetch_add(1, Ordering::Relaxed);
                let (behaviour, seen) = (behaviour.clone(), Arc::clone(&seen));
                tokio::spawn(async move { serve(stream, behaviour, |text| seen.push(text)).await });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// All requests so far, head and body as received.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

impl Seen {
    fn push(&self, text: String) {
        self.requests.lock().unwrap().push(text);
    }
}

/// Serves one connection until it, or the behaviour, ends.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    behaviour: Behaviour,
    seen: impl Fn(String),
) {
    while let Some(request) = read_request(&mut stream).await {
        seen(request);
        let (Behaviour::Answer(bytes) | Behaviour::AnswerAndClose(bytes) | Behaviour::AnswerAndStall(bytes)) =
            &behaviour;
        if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match behaviour {
            Behaviour::Answer(_) => {}
            Behaviour::AnswerAndClose(_) => {
                let _ = stream.shutdown().await;
                return;
            }
            Behaviour::AnswerAndStall(_) => std::future::pending().await,
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut text = String::new();
    while !is_complete(&text) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            // What is no text is no HTTP either, for instance a TLS greeting.
            Ok(n) => text.push_str(std::str::from_utf8(&buffer[..n]).ok()?),
        }
    }
    Some(text)
}

fn is_complete(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

pub(crate) fn config() -> EgressConfig {
    EgressConfig { policy: AddressPolicy::AllowLoopback, ..EgressConfig::default() }
}

pub(crate) fn egress() -> Egress {
    Egress::new(config())
}

pub(crate) async fn post(egress: &Egress, url: &str, limit: Duration) -> Result<Response, EgressError> {
    egress.send(Request::new(Method::POST, url, "{\"STATE\":1}").unwrap(), limit).await
}
