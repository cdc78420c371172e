//! A web server that lies when it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::AMPLE;

/// What a receiver does with a request once it has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// Never answers, and keeps the connection.
    Hang,
    /// Closes the connection without a word.
    Cut,
    /// Begins an answer and closes the connection in the middle of its body.
    CutInAnswer,
    /// Answers that it is elsewhere.
    Redirect(String),
    /// Answers with a body of so many bytes.
    Big(usize),
}

impl Behaviour {
    /// Status 200 and this body.
    pub fn answer(body: impl Into<Bytes>) -> Behaviour {
        Behaviour::Answer { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// Takes a notification.
    pub fn accept() -> Behaviour {
        Behaviour::answer("SUCCESS")
    }

    /// Does not take a notification.
    pub fn refuse() -> Behaviour {
        Behaviour::answer("fail")
    }

    /// This status and an empty body.
    pub fn status(status: u16) -> Behaviour {
        Behaviour::Answer { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// The same answer with one more header.
    ///
    /// # Panics
    /// For a behaviour that is no answer.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Behaviour {
        match &mut self {
            Behaviour::Answer { headers, .. } => headers.push((name.to_owned(), value.to_owned())),
            other => panic!("{other:?} has no headers"),
        }
        self
    }
}

/// A request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent, without `?`; empty when there is none.
    pub query: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Received {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }
}

/// A partner's web server on loopback. It stops when this value goes.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug)]
struct State {
    /// For the next requests, one each.
    next: VecDeque<Behaviour>,
    /// For all others.
    usual: Behaviour,
    received: Vec<Received>,
}

impl Receiver {
    /// Starts one that treats every request in the same way.
    pub async fn start(usual: Behaviour) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { next: VecDeque::new(), usual, received: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), came: Notify::new() });
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Receiver { address, shared, serving }
    }

    /// A URL of this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How to treat the next requests, one after the other, before it is as usual again.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().next.extend(behaviours);
    }

    /// How to treat requests from now on.
    pub fn usually(&self, behaviour: Behaviour) {
        self.shared.lock().usual = behaviour;
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// All requests so far, as soon as there are `count` of them.
    ///
    /// # Panics
    /// When there are not, within an ample bound.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let enough = async {
            loop {
                let came = self.shared.came.notified();
                let received = self.received();
                if received.len() >= count {
                    return received;
                }
                came.await;
            }
        };
        let waited = timeout(AMPLE, enough).await;
        waited.unwrap_or_else(|_| panic!("{} requests came instead of {count}", self.received().len()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An address where nobody listens.
pub async fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address")
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request and says how to treat it.
    fn take(&self, request: Received) -> Behaviour {
        let mut state = self.lock();
        state.received.push(request);
        let behaviour = state.next.pop_front().unwrap_or_else(|| state.usual.clone());
        drop(state);
        self.came.notify_waiters();
        behaviour
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
    }
}

/// Serves one connection until it, or a behaviour, ends it.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = BytesMut::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let answer = match shared.take(request) {
            Behaviour::Answer { status, headers, body } => answer(status, &headers, &body),
            Behaviour::Redirect(to) => answer(302, &[("location".to_owned(), to)], b""),
            Behaviour::Big(bytes) => answer(200, &[], &vec![b'x'; bytes]),
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Cut => return,
            Behaviour::CutInAnswer => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{").await;
                return;
            }
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn answer(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Told\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// Reads one request with its body; `None` when the connection ends or holds no HTTP.
async fn read_request(stream: &mut TcpStream, buffer: &mut BytesMut) -> Option<Received> {
    let head_bytes = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = buffer.split_to(head_bytes + 4);
    let mut request = parse_head(std::str::from_utf8(&head).ok()?)?;
    let length: usize = request.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    request.body = buffer.split_to(length).freeze();
    Some(request)
}

fn parse_head(head: &str) -> Option<Received> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?, first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    Some(Received {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect(),
        body: Bytes::new(),
    })
}
