//! Reading the bodies of requests within bounds of size, time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::{Answer, bare};

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyProblem {
    /// Longer than allowed.
    TooLarge,
    /// It took too long to arrive.
    TooSlow,
    /// The connection broke, or the framing is wrong.
    Broken,
    /// There is no memory left for long bodies.
    NoRoom,
}

impl BodyProblem {
    /// The answer: a status, and nothing in anybody's protocol, for there is no message to answer.
    pub(crate) fn answer(self) -> Answer {
        let status = match self {
            BodyProblem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyProblem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyProblem::Broken => StatusCode::BAD_REQUEST,
            BodyProblem::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut answer = bare(status);
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if self == BodyProblem::NoRoom {
            headers.insert(header::RETRY_AFTER, super::RETRY_AFTER);
        }
        answer
    }
}

/// The beginning of each body, which counts for nothing in the bound on all. What partners send fits in
/// it, so that long bodies cannot keep out the ordinary ones; how many there are of it is bounded by the
/// connections.
const FREE_BYTES: usize = 16 * 1024;

/// What is still read of a body that is too large, in multiples of what is allowed. A client that sends
/// all before it listens hears the answer only if its words are taken off the wire.
const DRAIN_FACTOR: usize = 8;

/// Bounds on the bodies of requests: on each one, and on all that are in memory.
#[derive(Debug)]
pub(crate) struct Bodies {
    bytes_max: usize,
    within: Duration,
    memory: Arc<Memory>,
}

/// A body, with its share of the memory for all.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    /// Held for as long as the bytes are.
    pub(crate) share: Share,
}

impl Bodies {
    /// Bodies of at most `bytes_max` bytes each and `all_bytes_max` together, the first of each not
    /// counted, that arrive `within`.
    pub(crate) fn new(bytes_max: usize, all_bytes_max: usize, within: Duration) -> Bodies {
        let memory = Memory { taken: AtomicUsize::new(0), max: all_bytes_max };
        Bodies { bytes_max, within, memory: Arc::new(memory) }
    }

    /// Reads a body. One that comes in one piece, which is the common case, is not copied.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Incoming) -> Result<Body, BodyProblem> {
        let mut share = Share { memory: Arc::clone(&self.memory), taken: 0 };
        if body.is_end_stream() {
            return Ok(Body { bytes: Bytes::new(), share });
        }
        let asks_first = headers.contains_key(header::EXPECT);
        // The timer costs nothing when the body is there already.
        let reading = tokio::time::timeout(self.within, self.collect(body, asks_first, &mut share));
        let bytes = reading.await.unwrap_or(Err(BodyProblem::TooSlow))?;
        Ok(Body { bytes, share })
    }

    async fn collect(
        &self,
        mut body: Incoming,
        asks_first: bool,
        share: &mut Share,
    ) -> Result<Bytes, BodyProblem> {
        if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > self.bytes_max) {
            // A client that asks before it sends hears the refusal without sending.
            if !asks_first {
                self.drain(body).await;
            }
            return Err(BodyProblem::TooLarge);
        }
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyProblem::Broken)?;
            // Trailers say nothing that anybody here wants to know.
            let Ok(data) = frame.into_data() else { continue };
            let read = first.len().max(joined.len());
            if read + data.len() > self.bytes_max {
                self.drain(body).await;
                return Err(BodyProblem::TooLarge);
            }
            if !share.grow(read + data.len()) {
                drop((first, joined));
                self.drain(body).await;
                return Err(BodyProblem::NoRoom);
            }
            if read == 0 {
                first = data;
                continue;
            }
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
        Ok(if joined.is_empty() { first } else { joined.freeze() })
    }

    async fn drain(&self, mut body: Incoming) {
        let mut left = self.bytes_max.saturating_mul(DRAIN_FACTOR);
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    }
}

/// The memory for all bodies, without the beginning of each.
#[derive(Debug)]
struct Memory {
    taken: AtomicUsize,
    max: usize,
}

/// What one body has of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    memory: Arc<Memory>,
    taken: usize,
}

impl Share {
    /// Makes room for a body of `bytes` so far. When there is none, what was held is given back.
    fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(FREE_BYTES).saturating_sub(self.taken);
        if more == 0 {
            return true;
        }
        self.taken += more;
        let taken = self.memory.taken.fetch_add(more, Ordering::Relaxed) + more;
        if taken <= self.memory.max {
            return true;
        }
        self.give_back();
        false
    }

    fn give_back(&mut self) {
        self.memory.taken.fetch_sub(std::mem::take(&mut self.taken), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{FREE_BYTES, Memory, Share};

    #[test]
    fn long_bodies_share_what_there_is() {
        let memory = Arc::new(Memory { taken: AtomicUsize::new(0), max: 100 });
        let share = || Share { memory: Arc::clone(&memory), taken: 0 };
        let taken = |expected: usize| assert_eq!(memory.taken.load(Ordering::Relaxed), expected);
        let (mut one, mut two, mut small) = (share(), share(), share());
        assert!(one.grow(10) && one.grow(FREE_BYTES + 60) && one.grow(FREE_BYTES + 70));
        taken(70);
        assert!(two.grow(FREE_BYTES + 30));
        taken(100);
        assert!(!two.grow(FREE_BYTES + 31), "there is no more");
        taken(70);
        assert!(small.grow(FREE_BYTES), "the first bytes are always there");
        drop(one);
        taken(0);
        assert!(two.grow(FREE_BYTES + 100));
        drop(two);
        taken(0);
    }
}
