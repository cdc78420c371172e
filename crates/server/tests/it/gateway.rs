//! A gateway in a folder of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use serde_json::Value;
use tradewind_app::Caller;
use tradewind_dialect::Dialect;
use tradewind_domain::{
    Call, Collect, Currency, Flow, MethodChoice, Money, Order, Outcome, PayerAction, Span, Terminal,
    Timestamp,
};
use tradewind_server::{Parts, Running, SandboxStart, ServerConfig, StartError, start_with};
use tradewind_signing::{Secret, Vault};
use tradewind_store::Store;
use tradewind_store_sqlite::{SqliteConfig, SqliteStore};

use crate::client;
use crate::dialect::{KEY_ID, Parrot};

pub(crate) const TOKEN: &str = "operator-token";
pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];
/// 2026-11-22T00:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_795_305_600_000);

/// A folder that goes with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("tradewind-server-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.0.join("tradewind.db"), SqliteConfig::default()).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sandbox on free ports whose clock stands still.
pub(crate) fn config() -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ops_listen: "127.0.0.1:0".parse().unwrap(),
        sandbox: Some(SandboxStart { clock: Some(NOW) }),
        ..ServerConfig::default()
    }
}

/// All real dialects, and the parrot.
pub(crate) fn dialects() -> Arc<[Arc<dyn Dialect>]> {
    let parrot: Arc<dyn Dialect> = Arc::new(Parrot);
    tradewind_dialects::all().iter().cloned().chain([parrot]).collect()
}

pub(crate) async fn try_start(
    config: ServerConfig,
    store: Arc<dyn Store>,
    key: [u8; 32],
) -> Result<Running, StartError> {
    let parts =
        Parts { store, vault: Vault::from_key(key), ops_token: Secret::new(TOKEN), dialects: dialects() };
    start_with(config, parts).await
}

/// A gateway with its folder.
pub(crate) struct Gateway {
    pub(crate) running: Running,
    pub(crate) folder: Folder,
}

impl Gateway {
    pub(crate) async fn start() -> Gateway {
        Gateway::with(config()).await
    }

    pub(crate) async fn with(config: ServerConfig) -> Gateway {
        Gateway::on(Folder::new(), config).await
    }

    pub(crate) async fn on(folder: Folder, config: ServerConfig) -> Gateway {
        let running = try_start(config, folder.store(), MASTER_KEY).await.unwrap();
        Gateway { running, folder }
    }

    /// Stops it, and keeps what it has written.
    pub(crate) async fn stop(self) -> Folder {
        self.running.shut_down().await;
        self.folder
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.listen)
    }

    /// What the metrics say, where they are by default.
    pub(crate) async fn metrics(&self) -> String {
        client::text(&client::get(&format!("http://{}/metrics", self.running.ops)).await)
    }

    /// Waits until a line of the metrics says so.
    pub(crate) async fn until_metric(&self, line: &str) {
        let told = async { while !self.metrics().await.lines().any(|told| told == line) {} };
        tokio::time::timeout(client::LIMIT, told).await.unwrap_or_else(|_| panic!("never: {line}"));
    }

    /// Calls the operator API and expects success.
    pub(crate) async fn ops(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ops_raw(method.clone(), path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Calls the operator API; null stands for no body.
    pub(crate) async fn ops_raw(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("http://{}/ops/v1/{path}", self.running.ops);
        let authorization = format!("Bearer {TOKEN}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = client::send(method, &url, &[("authorization", &authorization)], &body).await;
        (response.status, client::json(&response))
    }
}

impl Gateway {
    /// Does what a verified call of the parrot's partner asks.
    pub(crate) async fn execute(&self, call: Call) -> Outcome {
        let app = self.running.app();
        let identity = app.identity(Parrot.name(), KEY_ID).await.unwrap();
        let caller = Caller { dialect: Parrot.name(), identity: Some(identity) };
        app.execute(&caller, call).await.unwrap()
    }

    /// Has the parrot's partner place an order that the payer pays by scanning; gives the order and the
    /// path of its cashier page.
    pub(crate) async fn order(&self, number: &str, cents: i64) -> (Order, String) {
        let collect = Collect {
            number: number.into(),
            fingerprint: 1,
            amount: Money::from_cents(cents, Currency::CNY).unwrap(),
            subject: "Oolong & more".into(),
            method: MethodChoice::Named(tradewind_domain::Method::ALIPAY),
            flow: Flow::PayerScans,
            payer_code: None,
            expires_in: Span::from_mins(15),
            terminal: Terminal::default(),
            notify_url: None,
            details: None,
        };
        match self.execute(Call::Collect(Box::new(collect))).await {
            Outcome::Collected { order, action: Some(PayerAction::Link(link)), .. } => {
                let path =
                    link.strip_prefix(&self.running.public_url).expect("the link leads here").to_owned();
                (*order, path)
            }
            other => panic!("{other:?}"),
        }
    }
}
