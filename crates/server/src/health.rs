//! Probes: whether the process lives, whether it can do business, and what it has counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use tokio::sync::Mutex;
use tradewind_app::App;

use crate::metrics::{self, Exporter};

/// How long the database may take to answer a probe.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// For how long an answer is believed: probes cost the database nothing, however many there are.
pub(crate) const BELIEVED_FOR: Duration = Duration::from_millis(250);

/// Knows whether the gateway can do business.
#[derive(Clone)]
pub(crate) struct Readiness(Arc<Known>);

struct Known {
    app: Arc<App>,
    stopping: AtomicBool,
    last: Recent<Result<(), String>>,
}

impl Readiness {
    pub(crate) fn new(app: Arc<App>, believed_for: Duration) -> Readiness {
        let (stopping, last) = (AtomicBool::new(false), Recent::new(believed_for));
        Readiness(Arc::new(Known { app, stopping, last }))
    }

    /// From now on the answer is no.
    pub(crate) fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
    }

    /// Whether business can be done; if not, why, for operators.
    pub(crate) async fn check(&self) -> Result<(), String> {
        let Known { app, stopping, last } = self.0.as_ref();
        if stopping.load(Ordering::Acquire) {
            return Err("shutting down".into());
        }
        last.or_ask(async || ask(app).await).await
    }
}

async fn ask(app: &App) -> Result<(), String> {
    let answer = match tokio::time::timeout(PING_TIMEOUT, app.store().ping()).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("the database does not answer".into()),
    };
    if let Err(problem) = &answer {
        tracing::warn!(problem, "not ready");
    }
    answer
}

/// An answer that is not asked for again for a while. Those who come at the same time wait for one.
struct Recent<T> {
    believed_for: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Recent<T> {
    fn new(believed_for: Duration) -> Recent<T> {
        Recent { believed_for, last: Mutex::new(None) }
    }

    async fn or_ask(&self, ask: impl AsyncFnOnce() -> T) -> T {
        let mut last = self.last.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(at, _)| at.elapsed() < self.believed_for) {
            return answer.clone();
        }
        let answer = ask().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

/// `/healthz` and `/readyz`.
pub(crate) fn probes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(readiness))
}

/// Where the metrics are.
pub(crate) const METRICS_PATH: &str = "/metrics";

/// `/metrics`.
pub(crate) fn metrics(exporter: Exporter) -> Router {
    Router::new().route(METRICS_PATH, get(render).with_state(Arc::new(exporter)))
}

/// Anybody may ask, so the reason is only in the log and in the operators' status.
async fn ready(State(readiness): State<Readiness>) -> Response {
    match readiness.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
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
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use axum::extract::State;
    use http_body_util::BodyExt as _;
    use tradewind_app::{App, AppConfig, Clock};
    use tradewind_channels::Channels;
    use tradewind_signing::Vault;
    use tradewind_store_sqlite::{SqliteConfig, SqliteStore};
    use tradewind_worker::ChannelDesk;

    use super::{BELIEVED_FOR, Readiness, Recent, ready};

    #[tokio::test]
    async fn a_gateway_that_stops_is_not_ready_and_tells_strangers_no_more() {
        let file = std::env::temp_dir().join(format!("tradewind-readiness-{}.db", std::process::id()));
        let store = Arc::new(SqliteStore::open(&file, SqliteConfig::default()).unwrap());
        let desk = Arc::new(ChannelDesk::new(Arc::new(Channels::none())));
        let vault = Vault::from_key([1; 32]);
        let app = App::start(AppConfig::default(), store, Clock::system(), vault, desk).await.unwrap();
        let readiness = Readiness::new(Arc::clone(&app), BELIEVED_FOR);
        assert_eq!(readiness.check().await, Ok(()));
        readiness.clone().stop();
        assert_eq!(readiness.check().await, Err("shutting down".to_owned()), "at once");
        let told = ready(State(readiness.clone())).await;
        assert_eq!(told.status(), 503);
        assert_eq!(told.into_body().collect().await.unwrap().to_bytes(), "not ready\n");
        app.shut_down().await;
        drop((readiness, app));
        for end in ["", "-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
    }

    #[tokio::test]
    async fn an_answer_is_asked_for_once_in_a_while() {
        let check = async |believed_for: Duration, expected: [u32; 4]| {
            let (recent, asked) = (Recent::new(believed_for), AtomicU32::new(0));
            let ask = || recent.or_ask(async || asked.fetch_add(1, Ordering::Relaxed));
            assert_eq!([ask().await, ask().await, ask().await, ask().await], expected);
        };
        check(Duration::from_secs(3600), [0, 0, 0, 0]).await;
        check(Duration::ZERO, [0, 1, 2, 3]).await;
    }

    #[tokio::test]
    async fn those_who_ask_at_the_same_time_wait_for_one_answer() {
        let (recent, asked) = (Recent::new(Duration::from_secs(3600)), AtomicU32::new(0));
        let ask = || {
            recent.or_ask(async || {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::Relaxed)
            })
        };
        assert_eq!(tokio::join!(ask(), ask(), ask()), (0, 0, 0));
    }
}
