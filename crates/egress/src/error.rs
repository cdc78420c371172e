//! Why a request failed, and what the other side can have seen of it.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

/// Why there is no complete answer to a request.
///
/// The order is that of an exchange: the later the variant, the further it got.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EgressError {
    /// The URL cannot be called, whoever is at the other end.
    #[error("the URL cannot be called: {0}")]
    BadUrl(UrlProblem),
    /// The host is, or resolves to, an address that the policy forbids.
    #[error("{host} is at {address}, which must not be called from here")]
    ForbiddenAddress {
        /// The host as the URL has it.
        host: String,
        /// The first forbidden address it resolved to.
        address: IpAddr,
    },
    /// The host name has no address, or the name service gave no answer.
    #[error("{host} cannot be resolved: {}", root_cause(.source))]
    Resolve {
        /// The host as the URL has it.
        host: String,
        /// What the name service said.
        source: SharedError,
    },
    /// No connection came about, or it was gone before the request was begun.
    #[error("no connection: {}", root_cause(.0))]
    Connect(#[source] SharedError),
    /// The connection is not to be trusted: bad certificate, wrong name, no common version.
    #[error("no secure connection: {}", root_cause(.0))]
    Tls(#[source] SharedError),
    /// The time for connecting or for the whole exchange was over.
    #[error("no answer in time ({})", if *.after_sent { "the request was sent" } else { "nothing was sent" })]
    Timeout {
        /// Whether the first byte of the request can have left before.
        after_sent: bool,
    },
    /// The connection failed, or the answer was no HTTP, with the request in flight.
    #[error("the connection broke with the request in flight: {}", root_cause(.0))]
    Broken(#[source] SharedError),
    /// There is an answer, but its body is longer than the limit and was not read to the end.
    #[error("the answer (status {status}) has more than {limit_bytes} bytes")]
    TooLarge {
        /// The HTTP status of the answer.
        status: u16,
        /// The limit that was exceeded.
        limit_bytes: usize,
    },
}

/// An underlying error, shared so that failures can be cloned to all who wait for them.
type SharedError = Arc<dyn Error + Send + Sync>;

impl EgressError {
    /// Whether the other side may have seen the request and acted on it.
    ///
    /// `false` is certain: not one byte of the request has left or will leave. `true`
    /// means that the outcome is unknown and has to be asked for, or the request
    /// repeated if a repeat does no harm.
    #[must_use]
    pub fn request_may_have_arrived(&self) -> bool {
        match self {
            EgressError::BadUrl(_)
            | EgressError::ForbiddenAddress { .. }
            | EgressError::Resolve { .. }
            | EgressError::Connect(_)
            | EgressError::Tls(_) => false,
            EgressError::Timeout { after_sent } => *after_sent,
            EgressError::Broken(_) | EgressError::TooLarge { .. } => true,
        }
    }
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// It does not parse, or its port is none.
    #[error("it is malformed")]
    Malformed,
    /// Only `http` and `https` are spoken.
    #[error("its scheme is neither http nor https")]
    Scheme,
    /// A name or password before the host would be a secret in a log, or a disguise.
    #[error("it contains user information")]
    UserInfo,
    /// It names no host.
    #[error("it has no host")]
    Host,
    /// `CONNECT` asks for a tunnel, not for a resource.
    #[error("the method CONNECT is not supported")]
    Method,
}

/// The innermost reason: the wrappers around it only say which layer passed it on.
fn root_cause(error: &SharedError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
