//! The one handler of all partner protocols: read, identify, open, execute, seal.
//!
//! It knows no dialect. What it adds to a request is what every request needs: a bound on how many are
//! in work and on the body, a catch for panics, and the counters.

mod catch;
mod raw;
mod routes;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header, request};
use hyper::body::Incoming;
use tracing::Instrument as _;
use tradewind_app::{App, Caller, Identity};
use tradewind_dialect::{Claim, Credentials, Opened, RawRequest, RawResponse};
use tradewind_domain::{Refusal, Timestamp};
use tradewind_worker::credentials;

use self::catch::caught;
pub(crate) use self::catch::caught as catch_panic;
use crate::http1::{self, Answer, Bodies};
use crate::metrics::{CallResult, OperationStats, Place, Totals};

pub(crate) use raw::params;
pub(crate) use routes::{Found, Mounted, Routes};

/// Serves the operations of all dialects.
pub(crate) struct Gateway {
    pub(crate) app: Arc<App>,
    pub(crate) totals: Arc<Totals>,
    pub(crate) bodies: Bodies,
    pub(crate) requests_in_flight_max: usize,
}

impl Gateway {
    /// Answers one request. `params` are the variable segments of its path, decoded; `id` is what it
    /// is called in the log.
    pub(crate) async fn answer(
        &self,
        mounted: &Mounted,
        params: Vec<(String, String)>,
        request: Request<Incoming>,
        id: &HeaderValue,
    ) -> Answer {
        let mut ending = Ending { stats: &mounted.stats, started: Instant::now(), result: CallResult::Gone };
        let (result, answer) = self.received(mounted, params, request, id).await;
        ending.result = result;
        answer
    }

    async fn received(
        &self,
        mounted: &Mounted,
        params: Vec<(String, String)>,
        request: Request<Incoming>,
        id: &HeaderValue,
    ) -> (CallResult, Answer) {
        let (head, body) = request.into_parts();
        let body = match self.bodies.read(&head.headers, body).await {
            Ok(body) => body,
            Err(problem) => return (problem.into(), problem.answer()),
        };
        // Only now, so that heads without bodies keep nobody out.
        let Some(_place) = self.enter() else { return (CallResult::Overloaded, overloaded()) };
        let _share = body.share;
        let raw = raw_request(mounted, params, &head, body.bytes);
        // With debug logs, all that the request leads to carries its id.
        let span = tracing::debug_span!("request", id = %id.to_str().unwrap_or("-"));
        self.serve(mounted, &raw, id).instrument(span).await
    }

    /// A place among the requests in work.
    pub(crate) fn enter(&self) -> Option<Place> {
        self.totals.enter(self.requests_in_flight_max)
    }

    async fn serve(&self, mounted: &Mounted, request: &RawRequest, id: &HeaderValue) -> (CallResult, Answer) {
        let mut call = InWork { gateway: self, mounted, request, id, identity: None, panicked: false };
        let (result, response) = match caught(call.run()).await {
            Some(answered) => answered,
            // Sealing was at fault.
            None => {
                call.panicked = true;
                call.refuse(&Refusal::Internal)
            }
        };
        let result = if call.panicked {
            self.totals.panicked();
            tracing::error!(
                request_id = %id.to_str().unwrap_or("-"),
                dialect = mounted.dialect.name(),
                operation = mounted.route.operation,
                "a request ended in a panic"
            );
            CallResult::Panic
        } else {
            result
        };
        (result, raw::answer(response))
    }
}

/// Counts a request when it ends, also when that is because its client has gone.
struct Ending<'a> {
    stats: &'a OperationStats,
    started: Instant,
    result: CallResult,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.stats.record(self.result, self.started.elapsed());
    }
}

/// One request in work.
struct InWork<'a> {
    gateway: &'a Gateway,
    mounted: &'a Mounted,
    request: &'a RawRequest,
    id: &'a HeaderValue,
    /// Who calls, as soon as it is known, so that a refusal can be signed.
    identity: Option<Arc<Identity>>,
    panicked: bool,
}

impl InWork<'_> {
    async fn run(&mut self) -> (CallResult, RawResponse) {
        let opened = caught(self.open()).await;
        let Opened { call, sealer } = match self.or_panic(opened) {
            Ok(opened) => opened,
            Err(refusal) => return self.refuse(&refusal),
        };
        let caller = Caller { dialect: self.mounted.dialect.name(), identity: self.identity.clone() };
        let outcome = caught(self.gateway.app.execute(&caller, call.into_inner())).await;
        let outcome = self.or_panic(outcome);
        let result = self.result(outcome.as_ref().err());
        (result, sealer.seal(outcome.as_ref(), self.now()))
    }

    async fn open(&mut self) -> Result<Opened, Refusal> {
        let Mounted { dialect, route, .. } = self.mounted;
        match dialect.identify(route.operation, self.request)? {
            Claim::Anonymous => dialect.open(route.operation, self.request, None, self.now()),
            Claim::Key(key_id) => {
                let identity = self.gateway.app.identity(dialect.name(), &key_id).await?;
                let keys = credentials(&identity).ok_or(Refusal::Internal)?;
                self.identity = Some(identity);
                dialect.open(route.operation, self.request, Some(&keys), self.now())
            }
        }
    }

    /// The answer to what could not be opened. Total, whatever the dialect does.
    fn refuse(&mut self, refusal: &Refusal) -> (CallResult, RawResponse) {
        let keys: Option<Arc<Credentials>> = self.identity.as_deref().and_then(credentials);
        let Mounted { dialect, route, .. } = self.mounted;
        let worded = catch::caught_now(|| {
            dialect.refuse(route.operation, self.request, keys.as_deref(), refusal, self.now())
        });
        self.panicked |= worded.is_none();
        (self.result(Some(refusal)), worded.unwrap_or_else(raw::no_words))
    }

    fn or_panic<T>(&mut self, done: Option<Result<T, Refusal>>) -> Result<T, Refusal> {
        done.unwrap_or_else(|| {
            self.panicked = true;
            Err(Refusal::Internal)
        })
    }

    /// Names the result, and tells the log of what somebody should look into.
    fn result(&self, refusal: Option<&Refusal>) -> CallResult {
        let Some(refusal) = refusal else { return CallResult::Ok };
        let request_id = self.id.to_str().unwrap_or("-");
        let (dialect, operation) = (self.mounted.dialect.name(), self.mounted.route.operation);
        let key_id = self.identity.as_deref().map_or("-", |identity| identity.key_id.as_str());
        match refusal {
            Refusal::Internal | Refusal::Storage => {
                tracing::error!(request_id, dialect, operation, key_id, %refusal, "a request failed");
            }
            Refusal::Busy => {
                tracing::warn!(request_id, dialect, operation, key_id, %refusal, "a request failed")
            }
            // What partners get wrong is theirs to see; the log has it when somebody asks.
            _ => tracing::debug!(request_id, dialect, operation, key_id, %refusal, "a request was refused"),
        }
        CallResult::from(refusal)
    }

    fn now(&self) -> Timestamp {
        self.gateway.app.clock().now()
    }
}

fn raw_request(
    mounted: &Mounted,
    params: Vec<(String, String)>,
    head: &request::Parts,
    body: Bytes,
) -> RawRequest {
    RawRequest {
        method: mounted.route.method,
        path: head.uri.path().to_owned(),
        params,
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: raw::headers(&head.headers, mounted.dialect.headers()),
        body,
    }
}

/// The answer when there is no room: no body, for reading the message would be work.
pub(crate) fn overloaded() -> Answer {
    let mut answer = http1::bare(StatusCode::SERVICE_UNAVAILABLE);
    answer.headers_mut().insert(header::RETRY_AFTER, http1::RETRY_AFTER);
    answer
}

impl From<http1::BodyProblem> for CallResult {
    fn from(problem: http1::BodyProblem) -> CallResult {
        match problem {
            http1::BodyProblem::TooLarge => CallResult::TooLarge,
            http1::BodyProblem::TooSlow | http1::BodyProblem::Broken => CallResult::BadBody,
            http1::BodyProblem::NoRoom => CallResult::Overloaded,
        }
    }
}
