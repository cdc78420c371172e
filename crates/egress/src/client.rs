//! The client: one exchange per call, over a pool of guarded connections.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::address::AddressPolicy;
use crate::body::{Outgoing, Progress};
use crate::connector::GuardedConnector;
use crate::error::{EgressError, UrlProblem};
use crate::idle::Borrowed;
use crate::tls::{self, TlsRoots};
use crate::url::{Target, check_url, parse_url};

/// The head of an answer, and the pieces the HTTP library reads at a time.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

/// What requests may do and take.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Which addresses may be called.
    pub policy: AddressPolicy,
    /// For name look-up, connecting and the TLS handshake together. The time a request
    /// itself has includes it.
    pub connect_timeout: Duration,
    /// The longest body of an answer that is read.
    pub response_bytes_max: usize,
    /// Unused connections kept open per scheme, host and port.
    pub idle_per_host_max: usize,
    /// How long an unused connection is kept. Shorter than most servers wait, so that a
    /// request seldom meets a connection that is just being closed.
    pub idle_timeout: Duration,
    /// Connections open at a time, to all hosts together, in use or not. When there is no room for one
    /// more, the one that has been unused for longest is closed.
    pub connections_max: usize,
    /// The authorities whose certificates are believed.
    pub tls_roots: TlsRoots,
}

impl Default for EgressConfig {
    fn default() -> EgressConfig {
        EgressConfig {
            policy: AddressPolicy::PublicOnly,
            connect_timeout: Duration::from_secs(5),
            response_bytes_max: 256 * 1024,
            idle_per_host_max: 64,
            idle_timeout: Duration::from_secs(15),
            connections_max: 1024,
            tls_roots: TlsRoots::public(),
        }
    }
}

/// One request. `Host`, `Content-Length` and `Transfer-Encoding` are set from the URL and
/// the body; values for them among the headers are dropped.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method; all but `CONNECT`.
    pub method: Method,
    /// An absolute `http` or `https` URL without user information.
    pub url: Uri,
    /// The headers, sent as they are.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Request {
    /// A request to the URL in `url`, without headers.
    ///
    /// # Errors
    /// [`EgressError::BadUrl`].
    pub fn new(method: Method, url: &str, body: impl Into<Bytes>) -> Result<Request, EgressError> {
        Ok(Request { method, url: parse_url(url)?, headers: HeaderMap::new(), body: body.into() })
    }
}

/// A complete answer, whatever its status. Redirects are answers too.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status, 200 to 999.
    pub status: u16,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// The guarded HTTP client. Clones share the connections.
#[derive(Clone)]
pub struct Egress(Arc<Shared>);

struct Shared {
    client: Client<GuardedConnector, Outgoing>,
    policy: AddressPolicy,
    response_bytes_max: usize,
}

impl Egress {
    /// A client without any open connection.
    #[must_use]
    pub fn new(config: EgressConfig) -> Egress {
        let connector = GuardedConnector::new(
            config.policy,
            config.connect_timeout,
            config.connections_max,
            tls::connector(config.tls_roots),
        );
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.idle_per_host_max)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http1_max_headers(HEADERS_MAX)
            // Safe, and the only repetition there is: a request is taken up again only
            // when the connection hands it back unwritten, because the other side had
            // closed the kept-alive connection while the request was queued for it. Once
            // the first byte of the head may be written the request is not handed back.
            .retry_canceled_requests(true)
            .build(connector);
        let (policy, response_bytes_max) = (config.policy, config.response_bytes_max);
        Egress(Arc::new(Shared { client, policy, response_bytes_max }))
    }

    /// Whether `url` could be called as far as that can be told without a look-up: for
    /// refusing an endpoint when it is registered rather than when it is first needed.
    ///
    /// # Errors
    /// [`EgressError::BadUrl`], or [`EgressError::ForbiddenAddress`] for literal addresses.
    pub fn check_url(&self, url: &str) -> Result<Uri, EgressError> {
        let uri = parse_url(url)?;
        let target = Target::of(&uri)?;
        match target.literal().filter(|address| !self.0.policy.allows(*address)) {
            Some(address) => Err(EgressError::ForbiddenAddress { host: target.host.to_owned(), address }),
            None => Ok(uri),
        }
    }

    /// Sends `request` and reads the whole answer, in `time_limit` for everything from
    /// the name look-up to the last byte. Nothing is sent twice and no redirect followed.
    ///
    /// # Errors
    /// See [`EgressError`], above all [`EgressError::request_may_have_arrived`].
    pub async fn send(&self, request: Request, time_limit: Duration) -> Result<Response, EgressError> {
        check_url(&request.url)?;
        if request.method == Method::CONNECT {
            return Err(EgressError::BadUrl(UrlProblem::Method));
        }
        let progress = Progress::new();
        let request = into_http(request, progress.clone());
        // A time-out drops the exchange before it is asked how far it had come.
        match timeout(time_limit, self.exchange(request, &progress)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(EgressError::Timeout { after_sent: progress.abandon() }),
        }
    }

    async fn exchange(
        &self,
        request: http::Request<Outgoing>,
        progress: &Progress,
    ) -> Result<Response, EgressError> {
        let answer = self.0.client.request(request).await.map_err(|error| classify(error, progress))?;
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        let connection = head.extensions.get::<Borrowed>();
        let writes = connection.map_or(0, Borrowed::writes);
        let body = read_body(body, status, self.0.response_bytes_max).await?;
        if let Some(connection) = connection {
            connection.ended(writes);
        }
        Ok(Response { status, headers: head.headers, body })
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

fn into_http(request: Request, progress: Progress) -> http::Request<Outgoing> {
    let mut outgoing = http::Request::new(Outgoing::new(request.body, progress));
    *outgoing.method_mut() = request.method;
    *outgoing.uri_mut() = request.url;
    let mut headers = request.headers;
    for ours in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(ours);
    }
    *outgoing.headers_mut() = headers;
    outgoing
}

/// What the client's error means: the connector's own error, or a connection lost before
/// or after the request was begun.
fn classify(error: legacy::Error, progress: &Progress) -> EgressError {
    let connecting = error.source().and_then(|source| source.downcast_ref::<EgressError>());
    match connecting {
        Some(error) => error.clone(),
        None if progress.abandon() => EgressError::Broken(Arc::new(error)),
        None => EgressError::Connect(Arc::new(error)),
    }
}

/// Reads up to `limit_bytes`. A longer body is dropped together with its connection. A
/// body that came in one piece, as nearly all do, is not copied.
async fn read_body(mut body: Incoming, status: u16, limit_bytes: usize) -> Result<Bytes, EgressError> {
    let too_large = || EgressError::TooLarge { status, limit_bytes };
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > limit_bytes) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| EgressError::Broken(Arc::new(error)))?;
        // Trailers are of no use to anyone here.
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + joined.len() + data.len() > limit_bytes {
            return Err(too_large());
        }
        if joined.is_empty() && first.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}
