//! Probes: whether the process lives, whether it can do business, and what it has counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use tradewind_app::App;

use crate::metrics::{self, Exporter};

/// How long the database may take to answer a probe.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Knows whether the gateway can do business.
#[derive(Clone)]
pub(crate) struct Readiness {
    app: Arc<App>,
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    pub(crate) fn new(app: Arc<App>) -> Readiness {
        Readiness { app, stopping: Arc::default() }
    }

    /// From now on the answer is no.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether business can be done; if not, why.
    pub(crate) async fn check(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Acquire) {
            return Err("shutting down".into());
        }
        match tokio::time::timeout(PING_TIMEOUT, self.app.store().ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the database does not answer".into()),
        }
    }
}

/// `/healthz`, `/readyz`, and with an exporter `/metrics`.
pub(crate) fn routes(readiness: Readiness, exporter: Option<Exporter>) -> Router {
    let probes = Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(readiness));
    match exporter {
        Some(exporter) => probes.route("/metrics", get(render).with_state(Arc::new(exporter))),
        None => probes,
    }
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    match readiness.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(problem) => {
            tracing::warn!(problem, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {problem}\n")).into_response()
        }
    }
}

async fn render(State(exporter): State<Arc<Exporter>>) -> Response {
    match exporter.render() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tradewind_app::{App, AppConfig, Clock};
    use tradewind_channels::Channels;
    use tradewind_signing::Vault;
    use tradewind_store_sqlite::{SqliteConfig, SqliteStore};
    use tradewind_worker::ChannelDesk;

    use super::Readiness;

    #[tokio::test]
    async fn a_gateway_that_stops_is_not_ready() {
        let file = std::env::temp_dir().join(format!("tradewind-readiness-{}.db", std::process::id()));
        let store = Arc::new(SqliteStore::open(&file, SqliteConfig::default()).unwrap());
        let desk = Arc::new(ChannelDesk::new(Arc::new(Channels::none())));
        let vault = Vault::from_key([1; 32]);
        let app = App::start(AppConfig::default(), store, Clock::system(), vault, desk).await.unwrap();
        let readiness = Readiness::new(Arc::clone(&app));
        assert_eq!(readiness.check().await, Ok(()));
        readiness.clone().stop();
        assert_eq!(readiness.check().await, Err("shutting down".to_owned()));
        app.shut_down().await;
        drop((readiness, app));
        for end in ["", "-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
    }
}
