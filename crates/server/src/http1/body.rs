//! Reading the body of a request within bounds of size and time.

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
}

impl BodyProblem {
    /// The answer: a status, and nothing in anybody's protocol, for there is no message to answer.
    pub(crate) fn answer(self) -> Answer {
        let status = match self {
            BodyProblem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyProblem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyProblem::Broken => StatusCode::BAD_REQUEST,
        };
        let mut answer = bare(status);
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        answer
    }
}

/// What is still read of a body that is too large, in multiples of what is allowed. A client that sends
/// all before it listens hears the answer only if its words are taken off the wire.
const DRAIN_FACTOR: usize = 8;

/// Reads a body of at most `bytes_max` bytes that arrives within `within`. A body in one piece, which
/// is the common case, is not copied.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Incoming,
    bytes_max: usize,
    within: Duration,
) -> Result<Bytes, BodyProblem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let asks_first = headers.contains_key(header::EXPECT);
    // The timer costs nothing when the body is there already.
    let reading = tokio::time::timeout(within, collect(body, bytes_max, asks_first));
    reading.await.unwrap_or(Err(BodyProblem::TooSlow))
}

async fn collect(mut body: Incoming, bytes_max: usize, asks_first: bool) -> Result<Bytes, BodyProblem> {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > bytes_max) {
        // A client that asks before it sends hears the refusal without sending.
        if !asks_first {
            drain(body, bytes_max).await;
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
        if read + data.len() > bytes_max {
            drain(body, bytes_max).await;
            return Err(BodyProblem::TooLarge);
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

async fn drain(mut body: Incoming, bytes_max: usize) {
    let mut left = bytes_max.saturating_mul(DRAIN_FACTOR);
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            break;
        }
    }
}
