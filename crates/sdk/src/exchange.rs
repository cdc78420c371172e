//! What the exchanges of all protocols have in common.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode, Uri};

use crate::error::Kind;
use crate::transport::Transport;

/// How many values a page of an answer may hold: the bound of those who read what anybody may send is too
/// low for it.
pub(crate) const ANSWER_NODES_MAX: usize = 64 * 1024;

/// Sends, and brings back an answer of the one status that protocols answer with.
pub(crate) async fn send(
    transport: &dyn Transport,
    request: Request<Bytes>,
    time_limit: Duration,
) -> Result<Response<Bytes>, Kind> {
    let answer = transport.send(request, time_limit).await.map_err(Kind::Transport)?;
    if answer.status() == StatusCode::OK {
        return Ok(answer);
    }
    let names_a_time = answer.headers().contains_key(RETRY_AFTER);
    Err(Kind::Status { status: answer.status().as_u16(), names_a_time })
}

/// The address of a request, below the platform's.
pub(crate) fn uri(url: &str) -> Result<Uri, Kind> {
    url.parse().map_err(|error: http::uri::InvalidUri| Kind::Setting {
        setting: "base_url",
        problem: error.to_string(),
    })
}
