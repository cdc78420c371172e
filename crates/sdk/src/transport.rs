//! Carrying a request to the platform and its answer back.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, EgressError};

/// An exchange under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

/// Makes one HTTP exchange per call.
///
/// Money hangs on two properties. A request must never be sent twice, and redirects must not be
/// followed: they are answers too. And a failure must say whether the platform can have seen the
/// request; where that is not certain, it can.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute, and reads the whole answer, in `time_limit` for all of it.
    fn send(&self, request: Request<Bytes>, time_limit: Duration) -> Sending<'_>;
}

/// Why there is no complete answer.
#[derive(Debug)]
pub struct TransportError {
    may_have_arrived: bool,
    is_timeout: bool,
    is_permanent: bool,
    source: Box<dyn StdError + Send + Sync>,
}

impl TransportError {
    /// Certainly not one byte of the request has left or will leave.
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
        TransportError {
            may_have_arrived: false,
            is_timeout: false,
            is_permanent: false,
            source: source.into(),
        }
    }

    /// The platform may have seen the request and acted on it.
    pub fn may_have_arrived(source: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
        TransportError { may_have_arrived: true, ..TransportError::not_sent(source) }
    }

    /// The time was over.
    #[must_use]
    pub fn timed_out(self) -> TransportError {
        TransportError { is_timeout: true, ..self }
    }

    /// The same request will never come through, for instance because the address is none.
    #[must_use]
    pub fn permanent(self) -> TransportError {
        TransportError { is_permanent: true, ..self }
    }

    pub(crate) fn has_maybe_arrived(&self) -> bool {
        self.may_have_arrived
    }

    pub(crate) fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    pub(crate) fn is_permanent(&self) -> bool {
        self.is_permanent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.is_timeout, self.may_have_arrived) {
            (true, true) => "no answer in time, and the request was sent",
            (true, false) => "no connection in time, and nothing was sent",
            (false, true) => "no answer, and the request may have arrived",
            (false, false) => "the request was not sent",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<EgressError> for TransportError {
    fn from(error: EgressError) -> TransportError {
        let is_timeout = matches!(error, EgressError::Timeout { .. });
        let is_permanent = matches!(
            error,
            EgressError::BadUrl(_)
                | EgressError::ForbiddenAddress { .. }
                | EgressError::Tls(_)
                | EgressError::TooLarge { .. }
        );
        let may_have_arrived = error.request_may_have_arrived();
        TransportError { may_have_arrived, is_timeout, is_permanent, source: Box::new(error) }
    }
}

/// Connecting takes no longer than this (section 1.5 of the protocol).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A batch answer of a hundred orders with their goods fits well.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The default transport: HTTP/1.1 over kept-alive connections, TLS against the public authorities.
#[derive(Clone, Debug)]
pub struct EgressTransport(Egress);

impl EgressTransport {
    /// Dials only addresses that `policy` allows.
    #[must_use]
    pub fn with_policy(policy: AddressPolicy) -> EgressTransport {
        EgressTransport(Egress::new(EgressConfig {
            policy,
            connect_timeout: CONNECT_TIMEOUT,
            response_bytes_max: ANSWER_BYTES_MAX,
            ..EgressConfig::default()
        }))
    }
}

impl Default for EgressTransport {
    /// Dials private addresses too: unlike the addresses of notifications, the platform's is chosen by
    /// whoever configures the client, and a sandbox runs on a laptop.
    fn default() -> EgressTransport {
        EgressTransport::with_policy(AddressPolicy::AllowPrivate)
    }
}

impl From<Egress> for EgressTransport {
    /// Shares a client that is configured elsewhere, for instance with another authority's certificate.
    fn from(egress: Egress) -> EgressTransport {
        EgressTransport(egress)
    }
}

impl Transport for EgressTransport {
    fn send(&self, request: Request<Bytes>, time_limit: Duration) -> Sending<'_> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let request =
                tradewind_egress::Request { method: head.method, url: head.uri, headers: head.headers, body };
            let answer = self.0.send(request, time_limit).await?;
            let mut response = Response::new(answer.body);
            *response.headers_mut() = answer.headers;
            // A status that HTTP does not have cannot have been read from the wire.
            *response.status_mut() =
                http::StatusCode::from_u16(answer.status).map_err(TransportError::may_have_arrived)?;
            Ok(response)
        })
    }
}
