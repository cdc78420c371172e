//! HTTP/1.1 as this process serves it: accepting and ending connections, TLS, bodies, request ids.

mod body;
mod listener;
mod request_id;
mod tls;

pub(crate) use body::{BodyProblem, read_body};
pub(crate) use listener::{Connections, Limits, Listener, Serving};
pub(crate) use request_id::{REQUEST_ID, RequestIds};
pub(crate) use tls::acceptor;

use bytes::Bytes;
use http_body_util::{Either, Full};

/// The body of an answer: whole bytes on the hot path, whatever a page router makes elsewhere.
pub(crate) type AnswerBody = Either<Full<Bytes>, axum::body::Body>;

/// An answer on its way out.
pub(crate) type Answer = http::Response<AnswerBody>;

/// An answer that is nothing but its status.
pub(crate) fn bare(status: http::StatusCode) -> Answer {
    let mut answer = Answer::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}
