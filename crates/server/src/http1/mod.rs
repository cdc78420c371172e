//! HTTP/1.1 as this process serves it: accepting and ending connections, TLS, bodies, request ids.

mod body;
mod listener;
mod request_id;
mod tls;
mod write_deadline;

pub(crate) use body::{Bodies, BodyProblem};
pub(crate) use listener::{Connections, Gone, Limits, Listener, Serving};
pub(crate) use request_id::{REQUEST_ID, RequestIds};
pub(crate) use tls::acceptor;

use bytes::Bytes;
use http_body_util::{Either, Full};

/// The body of an answer: whole bytes on the hot path, whatever a page router makes elsewhere.
pub(crate) type AnswerBody = Either<Full<Bytes>, axum::body::Body>;

/// An answer on its way out.
pub(crate) type Answer = http::Response<AnswerBody>;

/// How long a client that was sent away for lack of room should wait, in seconds.
pub(crate) const RETRY_AFTER: http::HeaderValue = http::HeaderValue::from_static("1");

/// An answer that is nothing but its status.
pub(crate) fn bare(status: http::StatusCode) -> Answer {
    let mut answer = Answer::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}
