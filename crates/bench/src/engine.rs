//! The closed loop: N keep-alive connections, one request in flight on each, one thread.
//!
//! Sockets are polled directly. In the usual case a request costs one write and one read, and
//! one poll serves many connections; a runtime's timers and wakers would be paid for by the
//! gateway, which shares the processors.

use crate::http::{BadMessage, Head, MESSAGE_BYTES_MAX, status};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longest time between two looks at the limit of a run.
const POLL_PAUSE: Duration = Duration::from_millis(100);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const BUFFER_BYTES: usize = 16 * 1024;

/// What is sent over the connections, and what becomes of the answers.
pub(crate) trait Workload {
    /// Writes the next request of connection `slot` into the empty `out`; `false` leaves the
    /// connection idle for the rest of the run.
    fn next(&mut self, slot: usize, now: Instant, out: &mut Vec<u8>) -> bool;

    /// The whole answer to the request in flight on `slot` has arrived.
    fn answered(&mut self, slot: usize, answer: Answer<'_>, took: Duration);

    /// The connection broke, or its answer was no HTTP, with a request in flight: whether the
    /// server acted on it is unknown.
    fn lost(&mut self, slot: usize) -> AfterLoss;
}

/// An answer as it arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

/// What to do with a connection that broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterLoss {
    Reconnect,
    GiveUp,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every connection is idle or given up.
    Idle,
    /// The limit passed with this many requests unanswered.
    Unanswered(usize),
}

/// The connections to one server. They stay open between runs.
pub(crate) struct Engine {
    poll: Poll,
    server: SocketAddr,
    slots: Vec<Slot>,
    /// Slots with a request in flight.
    in_flight: usize,
}

/// A place for one connection, which may be replaced when it breaks.
struct Slot {
    connection: Option<Connection>,
    request: Vec<u8>,
    sent_at: Option<Instant>,
}

struct Connection {
    stream: TcpStream,
    /// Bytes of the slot's request that the socket has taken.
    written: usize,
    wants_writable: bool,
    input: Vec<u8>,
    filled: usize,
}

/// What one look at a socket brought.
enum Progress {
    Waiting,
    Answer(Head),
    Broken,
}

impl Engine {
    /// Opens `connections` connections to `server`.
    pub(crate) fn connect(server: SocketAddr, connections: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let slots = (0..connections).map(|index| {
            let connection = Some(Connection::open(&poll, server, index)?);
            Ok(Slot { connection, request: Vec::with_capacity(2048), sent_at: None })
        });
        Ok(Self { slots: slots.collect::<io::Result<_>>()?, poll, server, in_flight: 0 })
    }

    /// Keeps every connection busy with `work` until it has no more requests and all are
    /// answered or lost, at most for `limit`.
    ///
    /// # Errors
    /// Polling failed, or a connection could not be opened again.
    pub(crate) fn run<W: Workload>(&mut self, work: &mut W, limit: Duration) -> io::Result<Ended> {
        let give_up_at = Instant::now() + limit;
        let mut events = Events::with_capacity(self.slots.len().max(1));
        for index in 0..self.slots.len() {
            self.send_next(index, work)?;
        }
        while self.in_flight > 0 {
            let left = give_up_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(self.abandon());
            }
            match self.poll.poll(&mut events, Some(left.min(POLL_PAUSE))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                self.serve(event.token().0, work)?;
            }
        }
        Ok(Ended::Idle)
    }

    /// Takes what the socket of slot `index` has brought.
    fn serve<W: Workload>(&mut self, index: usize, work: &mut W) -> io::Result<()> {
        let Some(slot) = self.slots.get_mut(index) else { return Ok(()) };
        let Some(connection) = &mut slot.connection else { return Ok(()) };
        if !connection.flush(&slot.request, &self.poll, index) {
            return self.broke(index, work);
        }
        let head = match connection.receive() {
            Progress::Waiting => return Ok(()),
            Progress::Broken => return self.broke(index, work),
            Progress::Answer(head) => head,
        };
        let answer = &connection.input[..connection.filled];
        // Bytes beyond the one answer that was asked for mean that nothing here can be trusted.
        let (Ok(status), Some(sent_at), true) =
            (status(&answer[..head.first_line]), slot.sent_at, answer.len() == head.total())
        else {
            return self.broke(index, work);
        };
        work.answered(index, Answer { status, body: &answer[head.head..] }, sent_at.elapsed());
        connection.filled = 0;
        if head.close {
            slot.connection = None;
        }
        slot.sent_at = None;
        self.in_flight -= 1;
        self.send_next(index, work)
    }

    fn send_next<W: Workload>(&mut self, index: usize, work: &mut W) -> io::Result<()> {
        loop {
            let slot = &mut self.slots[index];
            slot.request.clear();
            if !work.next(index, Instant::now(), &mut slot.request) {
                slot.request.clear();
                return Ok(());
            }
            let connection = match &mut slot.connection {
                Some(connection) => connection,
                empty => empty.insert(Connection::open(&self.poll, self.server, index)?),
            };
            connection.written = 0;
            slot.sent_at = Some(Instant::now());
            self.in_flight += 1;
            if connection.flush(&slot.request, &self.poll, index) {
                return Ok(());
            }
            if self.lose(index, work) != Some(AfterLoss::Reconnect) {
                return Ok(());
            }
        }
    }

    fn broke<W: Workload>(&mut self, index: usize, work: &mut W) -> io::Result<()> {
        match self.lose(index, work) {
            Some(AfterLoss::Reconnect) => self.send_next(index, work),
            Some(AfterLoss::GiveUp) | None => Ok(()),
        }
    }

    /// Drops a connection; `None` when it was idle, so that nobody has to know.
    fn lose<W: Workload>(&mut self, index: usize, work: &mut W) -> Option<AfterLoss> {
        let slot = &mut self.slots[index];
        slot.connection = None;
        slot.request.clear();
        slot.sent_at.take()?;
        self.in_flight -= 1;
        Some(work.lost(index))
    }

    /// Drops the connections whose answers did not come, so that a late answer meets nobody.
    fn abandon(&mut self) -> Ended {
        for slot in &mut self.slots {
            if slot.sent_at.take().is_some() {
                slot.connection = None;
            }
        }
        Ended::Unanswered(std::mem::take(&mut self.in_flight))
    }
}

impl Connection {
    fn open(poll: &Poll, server: SocketAddr, index: usize) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect_timeout(&server, CONNECT_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
        Ok(Self { stream, written: 0, wants_writable: false, input: vec![0; BUFFER_BYTES], filled: 0 })
    }

    /// Writes what is left of `request`; `false` when the connection is broken.
    fn flush(&mut self, request: &[u8], poll: &Poll, index: usize) -> bool {
        while self.written < request.len() {
            match self.stream.write(&request[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Requests fit an empty socket buffer, so this is asked for only when it happens.
                    if self.wants_writable {
                        return true;
                    }
                    self.wants_writable = true;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    return poll.registry().reregister(&mut self.stream, Token(index), both).is_ok();
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// Reads until the answer is complete or the socket has no more.
    fn receive(&mut self) -> Progress {
        loop {
            if self.filled == self.input.len() {
                if self.filled >= MESSAGE_BYTES_MAX {
                    return Progress::Broken;
                }
                self.input.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.input[self.filled..]) {
                Ok(0) => return Progress::Broken,
                Ok(read) => {
                    self.filled += read;
                    match complete(&self.input[..self.filled]) {
                        Ok(Some(head)) => return Progress::Answer(head),
                        Err(_) => return Progress::Broken,
                        // Polling is edge triggered, and the event that brought half an answer
                        // may have brought its end of file as well: read until nothing is left.
                        Ok(None) => {}
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Waiting,
                Err(_) => return Progress::Broken,
            }
        }
    }
}

fn complete(bytes: &[u8]) -> Result<Option<Head>, BadMessage> {
    Ok(Head::parse(bytes)?.filter(|head| bytes.len() >= head.total()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::{Ipv4Addr, TcpListener};

    /// Asks for `left` requests and notes what came of them.
    struct Script {
        left: usize,
        answers: Vec<(u16, Vec<u8>)>,
        lost: usize,
        after_loss: AfterLoss,
    }

    impl Workload for Script {
        fn next(&mut self, _: usize, _: Instant, out: &mut Vec<u8>) -> bool {
            let Some(left) = self.left.checked_sub(1) else { return false };
            self.left = left;
            out.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
            true
        }

        fn answered(&mut self, _: usize, answer: Answer<'_>, _: Duration) {
            self.answers.push((answer.status, answer.body.to_vec()));
        }

        fn lost(&mut self, _: usize) -> AfterLoss {
            self.lost += 1;
            self.after_loss
        }
    }

    /// Serves connections one after the other; each has a list of pieces, and a piece is
    /// written per request line read. A connection whose pieces are used up is closed.
    fn serve(connections: Vec<Vec<&'static [&'static [u8]]>>) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for answers in connections {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                for pieces in answers {
                    let mut line = String::new();
                    lines.read_line(&mut line).unwrap();
                    lines.read_line(&mut line).unwrap();
                    for piece in pieces {
                        stream.write_all(piece).unwrap();
                        stream.flush().unwrap();
                    }
                }
            }
        });
        address
    }

    fn run(
        requests: usize,
        after_loss: AfterLoss,
        connections: Vec<Vec<&'static [&'static [u8]]>>,
    ) -> Script {
        let mut engine = Engine::connect(serve(connections), 1).unwrap();
        let mut script = Script { left: requests, answers: Vec::new(), lost: 0, after_loss };
        let ended = engine.run(&mut script, Duration::from_secs(20)).unwrap();
        assert_eq!(ended, Ended::Idle);
        script
    }

    const OK: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"];

    #[test]
    fn answers_in_pieces_are_put_together() {
        let script = run(
            2,
            AfterLoss::GiveUp,
            vec![vec![&[b"HTTP/1.1 404 No", b"\r\ncontent-le", b"ngth: 4\r\n\r\nab", b"cd"], OK]],
        );
        assert_eq!(script.answers, [(404, b"abcd".to_vec()), (200, b"ok".to_vec())]);
        assert_eq!(script.lost, 0);
    }

    #[test]
    fn a_cut_answer_is_lost_and_never_an_answer() {
        let cut: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf"];
        let given_up = run(5, AfterLoss::GiveUp, vec![vec![OK, cut]]);
        assert_eq!((given_up.answers.len(), given_up.lost), (1, 1));
        let again = run(3, AfterLoss::Reconnect, vec![vec![cut], vec![OK, OK, OK]]);
        assert_eq!((again.answers.len(), again.lost), (2, 1));
    }

    #[test]
    fn a_server_that_closes_after_its_answer_is_dialled_again() {
        let last: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"];
        let script = run(2, AfterLoss::GiveUp, vec![vec![last], vec![OK, OK]]);
        assert_eq!((script.answers.len(), script.lost), (2, 0));
    }

    #[test]
    fn bytes_beyond_the_answer_break_the_connection() {
        let script = run(
            1,
            AfterLoss::GiveUp,
            vec![vec![&[b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n"]]],
        );
        assert_eq!((script.answers.len(), script.lost), (0, 1));
    }

    #[test]
    fn a_server_that_never_answers_is_left_at_the_limit() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut engine = Engine::connect(listener.local_addr().unwrap(), 2).unwrap();
        let mut script = Script { left: 2, answers: Vec::new(), lost: 0, after_loss: AfterLoss::GiveUp };
        let ended = engine.run(&mut script, Duration::from_millis(1)).unwrap();
        assert_eq!(ended, Ended::Unanswered(2));
    }
}
