//! A partner's notification address: reads, counts, answers `SUCCESS`; one thread, polled sockets.
//!
//! Besides notifications it answers three small requests of the load generator:
//! `GET /stats?run=PREFIX`, `GET /hold` (stay silent from now on) and `GET /release`
//! (answer everything that waited). While it holds, requests stay unread in their buffers and
//! are neither counted nor acknowledged.

use crate::book::{Book, Care, Run, Totals};
use crate::clock::wall_ms;
use crate::http::{Call, Head, MESSAGE_BYTES_MAX};
use anyhow::{Context, bail};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const LISTENER: Token = Token(usize::MAX);
const ACKNOWLEDGED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: 7\r\n\r\nSUCCESS";
const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
const BUFFER_BYTES: usize = 8 * 1024;

#[derive(clap::Args)]
pub(crate) struct ReceiverArgs {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Check the signature of every n-th notification; 0 checks none.
    #[arg(long, default_value_t = 256)]
    check_every: u64,
}

/// What `GET /stats?run=PREFIX` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub totals: Totals,
    pub run: Run,
}

/// Serves until killed; the first line on standard output is `{"listen":"ADDRESS:PORT"}`.
pub(crate) fn command(args: &ReceiverArgs) -> anyhow::Result<ExitCode> {
    let book = Book::new(Care { check_every: args.check_every, identities: false });
    let mut receiver = Receiver::bind(args.listen, Arc::new(Mutex::new(book)))?;
    println!("{}", serde_json::json!({ "listen": receiver.address()? }));
    receiver.serve()?;
    Ok(ExitCode::SUCCESS)
}

/// Asks a running receiver for the figures of one run.
pub(crate) fn stats(receiver: SocketAddr, run: &str) -> anyhow::Result<Stats> {
    let body = control(receiver, &format!("/stats?run={run}"))?;
    serde_json::from_slice(&body).context("the receiver's figures are unreadable")
}

/// Sends one of the control requests and returns the answer's body.
pub(crate) fn control(receiver: SocketAddr, path: &str) -> anyhow::Result<Vec<u8>> {
    match Call::get(path).send(receiver)? {
        (200, body) => Ok(body),
        (status, _) => bail!("the receiver answered {path} with {status}"),
    }
}

/// The book of a receiver that may run in another thread.
pub(crate) type SharedBook = Arc<Mutex<Book>>;

/// Locks a book; a poisoned one is still the record of what arrived.
pub(crate) fn open_book(book: &SharedBook) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A listening receiver.
pub(crate) struct Receiver {
    poll: Poll,
    listener: TcpListener,
    book: SharedBook,
    peers: Vec<Option<Peer>>,
    holding: bool,
}

struct Peer {
    stream: TcpStream,
    input: Vec<u8>,
    filled: usize,
    out: Vec<u8>,
}

/// What a complete request asks of the receiver itself.
enum Request {
    Notification,
    Stats { run: String },
    Hold,
    Release,
    Unknown,
}

impl Receiver {
    pub(crate) fn bind(listen: SocketAddr, book: SharedBook) -> anyhow::Result<Self> {
        let poll = Poll::new().context("could not start polling")?;
        let mut listener =
            TcpListener::bind(listen).with_context(|| format!("could not listen on {listen}"))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self { poll, listener, book, peers: Vec::new(), holding: false })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// Only when polling itself fails; a broken peer is dropped.
    pub(crate) fn serve(&mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(256);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result.context("polling failed")?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    Token(index) => self.attend(index, event.is_read_closed()),
                }
            }
        }
    }

    fn accept(&mut self) {
        // Edge triggered: accept until nobody waits. A peer that is gone already is none.
        loop {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    let index = self.peers.iter().position(Option::is_none).unwrap_or(self.peers.len());
                    let both = Interest::READABLE | Interest::WRITABLE;
                    let registered = self.poll.registry().register(&mut stream, Token(index), both);
                    if registered.is_err() || stream.set_nodelay(true).is_err() {
                        continue;
                    }
                    let peer = Peer { stream, input: vec![0; BUFFER_BYTES], filled: 0, out: Vec::new() };
                    if index == self.peers.len() {
                        self.peers.push(Some(peer));
                    } else {
                        self.peers[index] = Some(peer);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // Out of descriptors, for instance: those who wait stay in the backlog.
                Err(_) => return,
            }
        }
    }

    fn attend(&mut self, index: usize, closing: bool) {
        // Taken out while it is served, because a release serves the others from inside.
        let Some(mut peer) = self.peers.get_mut(index).and_then(Option::take) else { return };
        if peer.fill(closing) && self.answer_all(&mut peer) && peer.flush() {
            self.peers[index] = Some(peer);
        }
    }

    /// Answers every complete request in the buffer; `false` ends the connection.
    fn answer_all(&mut self, peer: &mut Peer) -> bool {
        let Peer { input, filled, out, .. } = peer;
        let mut start = 0;
        let mut keep = true;
        while keep {
            let bytes = &input[start..*filled];
            let head = match Head::parse(bytes) {
                Ok(Some(head)) if bytes.len() >= head.total() => head,
                Ok(_) => break,
                Err(_) => {
                    open_book(&self.book).take_bad();
                    return false;
                }
            };
            let mut words = bytes[..head.first_line].split(|byte| *byte == b' ');
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            match classify(method, target) {
                Request::Notification if self.holding => break,
                Request::Notification => {
                    let ours = open_book(&self.book).take(target, &bytes[head.head..head.total()], wall_ms());
                    out.extend_from_slice(if ours { ACKNOWLEDGED } else { REFUSED });
                }
                Request::Stats { run } => {
                    let stats = {
                        let book = open_book(&self.book);
                        Stats { totals: book.totals(), run: book.run(&run) }
                    };
                    say(out, &serde_json::to_string(&stats).unwrap_or_default());
                }
                Request::Hold => {
                    self.holding = true;
                    say(out, "{}");
                }
                Request::Release => {
                    self.holding = false;
                    (0..self.peers.len()).for_each(|other| self.attend(other, true));
                    say(out, "{}");
                }
                Request::Unknown => {
                    open_book(&self.book).take_bad();
                    out.extend_from_slice(REFUSED);
                }
            }
            start += head.total();
            keep = !head.close;
        }
        input.copy_within(start..*filled, 0);
        *filled -= start;
        // A peer that asked to close gets its answer first; it closes when it has read it.
        true
    }
}

fn say(out: &mut Vec<u8>, json: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        json.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(json.as_bytes());
}

fn classify(method: &[u8], target: &[u8]) -> Request {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    match (method, path) {
        (b"POST", _) => Request::Notification,
        (b"GET", b"/stats") => {
            let run = target.strip_prefix(b"/stats?run=").unwrap_or_default();
            Request::Stats { run: String::from_utf8_lossy(run).into_owned() }
        }
        (b"GET", b"/hold") => Request::Hold,
        (b"GET", b"/release") => Request::Release,
        _ => Request::Unknown,
    }
}

impl Peer {
    /// Reads what the socket has; `false` when the connection ended.
    ///
    /// Polling is edge triggered. A read that leaves room has emptied the socket, so a second one
    /// is needed only to see the end of a connection that the peer is `closing`.
    fn fill(&mut self, closing: bool) -> bool {
        loop {
            if self.filled == self.input.len() {
                if self.filled >= MESSAGE_BYTES_MAX {
                    return false;
                }
                self.input.resize(self.filled * 2, 0);
            }
            let room = self.input.len() - self.filled;
            match self.stream.read(&mut self.input[self.filled..]) {
                Ok(0) => return false,
                Ok(read) => {
                    self.filled += read;
                    if read < room && !closing {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    /// Writes what the socket takes; the rest follows with the next event.
    fn flush(&mut self) -> bool {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => {
                    self.out.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::time::Duration;

    fn start() -> SocketAddr {
        let book = Book::new(Care { check_every: 0, identities: true });
        let mut receiver =
            Receiver::bind("127.0.0.1:0".parse().unwrap(), Arc::new(Mutex::new(book))).unwrap();
        let address = receiver.address().unwrap();
        std::thread::spawn(move || receiver.serve());
        address
    }

    fn post(body: &str) -> String {
        format!("POST /n?_type=json HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn notification(counter: u64) -> String {
        post(&format!(
            r#"{{"PAY_NODIFY":{{"CHARGE_CODE":"T{counter:010}","CHARGE_DOWN_CODE":"1","STATE":1}}}}"#
        ))
    }

    /// A keep-alive connection that reads answers one at a time.
    struct Client(BufReader<std::net::TcpStream>);

    impl Client {
        fn to(address: SocketAddr) -> Self {
            let stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            Self(BufReader::new(stream))
        }

        fn send(&mut self, text: &str) {
            self.0.get_mut().write_all(text.as_bytes()).unwrap();
        }

        /// Status line and body of the next answer.
        fn answer(&mut self) -> (String, String) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(self.0.read_until(b'\n', &mut head).unwrap() > 0, "the receiver hung up");
            }
            let parsed = Head::parse(&head).unwrap().unwrap();
            let mut body = vec![0; parsed.body];
            self.0.read_exact(&mut body).unwrap();
            let line = String::from_utf8_lossy(&head[..parsed.first_line]).into_owned();
            (line, String::from_utf8(body).unwrap())
        }
    }

    const OK: &str = "HTTP/1.1 200 OK";

    #[test]
    fn notifications_are_acknowledged_and_counted() {
        let address = start();
        let mut client = Client::to(address);
        // Cut anywhere, and two at once: what counts is the bytes, not their packets.
        let first = notification(1);
        for cut in [1, 20, first.len() - 1] {
            client.send(&first[..cut]);
            client.send(&first[cut..]);
            assert_eq!(client.answer(), (OK.to_owned(), "SUCCESS".to_owned()));
        }
        client.send(&(notification(2) + &notification(3)));
        assert_eq!(client.answer().1, "SUCCESS");
        assert_eq!(client.answer().1, "SUCCESS");
        client.send(&post("{}"));
        assert_eq!(client.answer().0, "HTTP/1.1 400 Bad Request");

        let stats = stats(address, "T").unwrap();
        assert_eq!(stats.run.distinct, 3);
        assert!(stats.run.first_ms > 0 && stats.run.last_ms >= stats.run.first_ms);
        let expected = Totals { received: 5, duplicates: 2, bad: 1, checked: 0, bad_signatures: 0 };
        assert_eq!(stats.totals, expected);
    }

    #[test]
    fn a_long_notification_is_read_whole() {
        let mut client = Client::to(start());
        let padding = "x".repeat(5 * BUFFER_BYTES);
        client.send(&post(&format!(r#"{{"PAD":"{padding}","CHARGE_CODE":"T0000000001"}}"#)));
        assert_eq!(client.answer().1, "SUCCESS");
    }

    #[test]
    fn while_it_holds_nothing_is_acknowledged_or_counted() {
        let address = start();
        let mut client = Client::to(address);
        control(address, "/hold").unwrap();
        client.send(&notification(1));
        assert_eq!(stats(address, "T").unwrap().run.distinct, 0);
        control(address, "/release").unwrap();
        assert_eq!(client.answer().1, "SUCCESS");
        assert_eq!(stats(address, "T").unwrap().run.distinct, 1);
    }

    #[test]
    fn what_is_no_http_ends_the_connection_and_nothing_else() {
        let address = start();
        let mut broken = Client::to(address);
        broken.send("\r\n\r\n");
        assert_eq!(broken.0.fill_buf().unwrap(), b"");
        let mut client = Client::to(address);
        client.send(&notification(1));
        assert_eq!(client.answer().1, "SUCCESS");
        assert_eq!(stats(address, "T").unwrap().totals.bad, 1);
    }
}
