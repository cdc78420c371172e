//! A whole gateway in a test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval};
use tradewind_app::App;
use tradewind_domain::Timestamp;
use tradewind_server::{Running, SandboxStart, ServerConfig};
use tradewind_signing::{Secret, Vault};
use tradewind_store_sqlite::{OpenError, SqliteConfig, SqliteStore};

use crate::AMPLE;
use crate::folder::Folder;
use crate::ops::Ops;

/// When the clock of a gateway under test stands still unless the test says otherwise:
/// 2025-11-22T02:53:20Z.
pub const START: Timestamp = Timestamp::from_ms(1_763_780_000_000);

/// A partner that every sandbox starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shop {
    /// What it calls itself by.
    pub key_id: &'static str,
    /// Its published key.
    pub key: &'static str,
}

/// The first of the sandbox's partners, with all rights.
pub const SHOP: Shop = Shop { key_id: "0010000001", key: "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8" };

/// A distributor of tickets that every sandbox starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distributor {
    /// What it calls itself by.
    pub key_id: &'static str,
    /// What it signs as.
    pub api_name: &'static str,
    /// Its published secret.
    pub secret: &'static str,
}

/// The first of the sandbox's distributors, with all switches on.
pub const DISTRIBUTOR: Distributor =
    Distributor { key_id: "1985", api_name: "demo", secret: "0123456789abcdef0123456789abcdef" };

/// How a gateway under test starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the clock stands still; `None` lets it run from the present.
    pub clock: Option<Timestamp>,
    /// The settings of the process. Addresses and sandbox are set by the gateway itself, and messages to
    /// people go to a file beside the database unless told otherwise.
    pub server: ServerConfig,
    /// The settings of the database.
    pub sqlite: SqliteConfig,
}

impl Default for Options {
    fn default() -> Options {
        // Deadlines of tests are short: what is under way when a test ends is of no interest.
        let server = ServerConfig { shut_down_timeout: Duration::from_secs(2), ..ServerConfig::default() };
        Options {
            clock: Some(START),
            server,
            sqlite: SqliteConfig { readers: 1, list_readers: 1, ..SqliteConfig::default() },
        }
    }
}

/// A sandbox gateway inside the test. Its database lies in a folder that goes with it.
pub struct TestGateway {
    running: Option<Running>,
    ops: Ops,
    listen: SocketAddr,
    options: Options,
    vault: Vault,
    token: Secret,
    folder: Folder,
}

impl TestGateway {
    /// Starts one; when this returns it can be used.
    pub async fn start(options: Options) -> TestGateway {
        let folder = Folder::new();
        let vault = Vault::from_key(Vault::generate_key());
        let token = Secret::generate_text(32);
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = with_addresses(options, free, free);
        let running = run(&options, &folder, &vault, &token).await;
        let (listen, operators) = (running.listen, running.ops);
        let ops = Ops::new(operators, token.clone());
        // Restarts come back at the same addresses, as those of a real gateway do.
        let options = with_addresses(options, listen, operators);
        TestGateway { running: Some(running), ops, listen, options, vault, token, folder }
    }

    /// The address of the listener for partners and payers, as a URL without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The operator API.
    pub fn ops(&self) -> &Ops {
        &self.ops
    }

    /// The application, for setting up what a test needs.
    ///
    /// # Panics
    /// When the gateway is not running.
    pub fn app(&self) -> &Arc<App> {
        self.running().app()
    }

    /// The messages to people so far, as they were written: one JSON object each.
    pub fn messages(&self) -> Vec<String> {
        let path = self.options.server.outbox.clone().unwrap_or_else(|| outbox(&self.folder));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The gateway's time.
    ///
    /// # Panics
    /// When it is not running.
    pub fn now(&self) -> Timestamp {
        self.running().clock.now()
    }

    /// Asks the gateway's clock, whenever called; for clients that sign with a time.
    pub fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + 'static + use<> {
        let clock = self.running().clock.clone();
        move || clock.now()
    }

    /// Moves the clock on; what falls due in between is done, each at its own instant.
    pub async fn advance(&self, by: Duration) {
        self.ops.advance(by).await;
    }

    /// Stops the gateway and starts it again on the same database, at the same addresses and time.
    pub async fn restart(&mut self) {
        self.options.clock = self.options.clock.map(|_| self.now());
        self.shut_down().await;
        self.running = Some(run(&self.options, &self.folder, &self.vault, &self.token).await);
    }

    /// Stops the gateway: what is under way is finished, the database is closed.
    pub async fn shut_down(&mut self) {
        if let Some(running) = self.running.take() {
            running.shut_down().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the gateway is running")
    }
}

fn with_addresses(mut options: Options, listen: SocketAddr, operators: SocketAddr) -> Options {
    options.server.listen = listen;
    options.server.ops_listen = operators;
    options
}

async fn run(options: &Options, folder: &Folder, vault: &Vault, token: &Secret) -> Running {
    let mut config = options.server.clone();
    config.sandbox = Some(SandboxStart { clock: options.clock });
    config.outbox.get_or_insert_with(|| outbox(folder));
    let store = open(folder, options.sqlite).await;
    let started = tradewind_server::start(config, Arc::new(store), vault.clone(), token.clone()).await;
    started.expect("the gateway starts")
}

/// Where messages to people go. Without such a place they would be tried for a long time.
fn outbox(folder: &Folder) -> PathBuf {
    folder.path().join("messages.jsonl")
}

/// Opens the database. The last task of a gateway that was just stopped may hold it for a moment more.
async fn open(folder: &Folder, config: SqliteConfig) -> SqliteStore {
    let path = folder.path().join("tradewind.db");
    let deadline = Instant::now() + AMPLE;
    let mut again = interval(Duration::from_millis(5));
    loop {
        again.tick().await;
        match SqliteStore::open(&path, config) {
            Ok(store) => return store,
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => {}
            Err(error) => panic!("the database opens: {error}"),
        }
    }
}
