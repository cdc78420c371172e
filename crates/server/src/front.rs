//! The main listener: which part of the gateway a request is for, and what every answer carries.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Either;
use hyper::body::Incoming;
use tower_service::Service as _;

use crate::gateway::{self, Found, Gateway, Routes, catch_panic};
use crate::health::METRICS_PATH;
use crate::http1::{self, Answer, REQUEST_ID, RequestIds};

/// Everything that the main listener serves.
pub(crate) struct Front {
    pub(crate) routes: Routes,
    pub(crate) gateway: Gateway,
    /// Pages for payers: bounded like the requests of partners.
    pub(crate) pages: Router,
    /// Probes, which have to be answered just when there is no room.
    pub(crate) probes: Router,
    pub(crate) ids: RequestIds,
}

/// The paths of probes.
const PROBES: [&str; 3] = ["/healthz", "/readyz", METRICS_PATH];

impl Front {
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let id = self.ids.of(request.headers());
        let mut answer = self.route(request, &id).await;
        answer.headers_mut().insert(REQUEST_ID, id);
        answer
    }

    async fn route(&self, request: Request<Incoming>, id: &HeaderValue) -> Answer {
        let found = match self.routes.find(
            request.method(),
            request.uri().path(),
            request.uri().query().unwrap_or(""),
        ) {
            Found::Operation(mounted, params) => match gateway::params(&params) {
                Some(params) => Ok((mounted, params)),
                None => Err(http1::bare(StatusCode::NOT_FOUND)),
            },
            Found::WrongMethod(allowed) => {
                let mut answer = http1::bare(StatusCode::METHOD_NOT_ALLOWED);
                answer.headers_mut().insert(header::ALLOW, allowed);
                Err(answer)
            }
            Found::Unknown => return self.elsewhere(request, id).await,
        };
        match found {
            Ok((mounted, params)) => self.gateway.answer(mounted, params, request, id).await,
            Err(answer) => answer,
        }
    }

    async fn elsewhere(&self, request: Request<Incoming>, id: &HeaderValue) -> Answer {
        if PROBES.contains(&request.uri().path()) {
            return self.page(&self.probes, request.map(Body::new), id).await;
        }
        let (head, body) = request.into_parts();
        let body = match self.gateway.bodies.read(&head.headers, body).await {
            Ok(body) => body,
            Err(problem) => return problem.answer(),
        };
        let Some(_place) = self.gateway.enter() else { return gateway::overloaded() };
        let _share = body.share;
        self.page(&self.pages, Request::from_parts(head, Body::from(body.bytes)), id).await
    }

    async fn page(&self, router: &Router, request: Request<Body>, id: &HeaderValue) -> Answer {
        match catch_panic(router.clone().call(request)).await {
            Some(Ok(response)) => response.map(Either::Right),
            Some(Err(never)) => match never {},
            None => {
                self.gateway.totals.panicked();
                tracing::error!(request_id = %id.to_str().unwrap_or("-"), "a page ended in a panic");
                http1::bare(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}
