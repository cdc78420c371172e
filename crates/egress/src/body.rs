//! The body of an outgoing request, which also knows whether the request was begun.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// How far a request has come, shared by its body and by the one who waits for the answer.
///
/// The HTTP library has to ask the body for its length before it can write the head, and
/// asks nothing before it has taken the request to write it. That question is therefore
/// the border between "not one byte has left" and "unknown". Both sides settle it on one
/// atomic: either the writer begins, or the waiter has given up and the writer must not.
#[derive(Clone)]
pub(crate) struct Progress(Arc<AtomicU8>);

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const ABANDONED: u8 = 2;

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress(Arc::new(AtomicU8::new(WAITING)))
    }

    /// Gives the request up. `true` when writing was begun before; otherwise it never will be.
    pub(crate) fn abandon(&self) -> bool {
        self.step(ABANDONED) == BEGUN
    }

    /// Begins to write. `false` when the request was given up before.
    fn begin(&self) -> bool {
        self.step(BEGUN) == BEGUN
    }

    /// Moves from `WAITING` to `next`, and gives the state that holds from then on.
    fn step(&self, next: u8) -> u8 {
        match self.0.compare_exchange(WAITING, next, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => next,
            Err(settled) => settled,
        }
    }
}

/// A whole body in memory.
pub(crate) struct Outgoing {
    data: Option<Bytes>,
    progress: Progress,
}

impl Outgoing {
    pub(crate) fn new(data: Bytes, progress: Progress) -> Outgoing {
        Outgoing { data: Some(data).filter(|data| !data.is_empty()), progress }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.progress.begin() {
            // The head is still in the buffer: this error closes the connection without
            // flushing it.
            return Poll::Ready(Some(Err(io::ErrorKind::Interrupted.into())));
        }
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        // An abandoned request must get as far as the error above, even without a body.
        self.progress.begin() && self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.data {
            Some(data) => SizeHint::with_exact(data.len() as u64),
            // Asked after `is_end_stream` was denied, so the request is abandoned: any
            // length but zero makes the library ask for the data, and meet the error.
            None => SizeHint::with_exact(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};
    use hyper::client::conn::http1::handshake;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, duplex};

    use super::{Body, Bytes, Outgoing, Progress};

    #[test]
    fn either_begun_or_abandoned() {
        let begun = Progress::new();
        let body = Outgoing::new(Bytes::from_static(b"x"), begun.clone());
        assert!(!body.is_end_stream());
        assert!(begun.abandon(), "begun before it was abandoned");

        let abandoned = Progress::new();
        let body = Outgoing::new(Bytes::new(), abandoned.clone());
        assert!(!abandoned.abandon(), "abandoned before it was begun");
        assert!(!body.is_end_stream(), "an abandoned request is never complete");
        assert!(!abandoned.abandon(), "and stays abandoned");
    }

    /// Bytes the other side receives of a request that is given up, or not, just before
    /// the HTTP library takes it from its queue.
    async fn bytes_received(method: Method, data: &'static str, abandon: bool) -> String {
        let (ours, mut theirs) = duplex(10_000);
        let (mut sender, connection) = handshake(TokioIo::new(ours)).await.unwrap();
        let progress = Progress::new();
        let mut request = Request::new(Outgoing::new(Bytes::from_static(data.as_bytes()), progress.clone()));
        *request.method_mut() = method;
        if abandon {
            assert!(!progress.abandon());
        }
        let answer = sender.send_request(request);
        drop(sender);
        let (received, answer, _) = tokio::join!(
            async {
                let mut received = Vec::new();
                let mut buffer = [0; 1000];
                while !received.ends_with(b"\r\n\r\n") && !received.ends_with(b"data") {
                    match theirs.read(&mut buffer).await.unwrap() {
                        0 => break,
                        n => received.extend_from_slice(&buffer[..n]),
                    }
                }
                drop(theirs);
                String::from_utf8(received).unwrap()
            },
            answer,
            connection,
        );
        assert!(answer.is_err(), "nobody has answered");
        assert!(abandon || progress.abandon(), "a request that was written was begun");
        received
    }

    #[tokio::test]
    async fn not_one_byte_of_an_abandoned_request_leaves() {
        for (method, data) in [(Method::POST, "data"), (Method::POST, ""), (Method::GET, "")] {
            let sent = bytes_received(method.clone(), data, false).await;
            assert!(sent.starts_with(method.as_str()) && sent.ends_with(data), "{method}: {sent:?}");
            assert_eq!(bytes_received(method.clone(), data, true).await, "", "{method} {data:?}");
        }
    }
}
