//! One cluster for all test processes of this machine that run at the same time.

use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cluster::{free_port, initialise, psql, start};
use super::programs::make_folder;
use super::watchman::{self, DOOR, USERS};

/// A server that is there already, as `postgres://...` of a superuser.
const GIVEN: &str = "TRADEWIND_TEST_POSTGRES";

/// For how long an unused cluster waits for the next test process.
const LINGER_S: u32 = 5;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A server for tests that only want databases.
#[derive(Debug)]
pub struct Postgres {
    /// Of the database `postgres`.
    url: String,
    /// Its lock ends with the process.
    _user: Option<File>,
}

/// An empty database that goes when this value does.
#[derive(Debug)]
pub struct Database {
    name: String,
    server: &'static Postgres,
}

impl Postgres {
    /// The server of this process, started if there is none yet.
    pub fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(GIVEN) {
            Ok(url) => Postgres { url, _user: None },
            Err(_) => find_or_start(),
        })
    }

    /// A new, empty database.
    pub fn database(&'static self) -> Database {
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // A process of the same number may have left one behind.
        self.sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        self.sql(&format!("CREATE DATABASE {name} TEMPLATE template0"));
        Database { name, server: self }
    }

    /// Runs SQL as the superuser in the database `postgres`.
    pub fn sql(&self, sql: &str) -> String {
        psql(&self.url, sql)
    }
}

impl Database {
    /// Its address, for the superuser.
    pub fn url(&self) -> String {
        let (server, _) = self.server.url.rsplit_once('/').expect("an address ends with a database");
        format!("{server}/{}", self.name)
    }

    /// Its address, for the role of this name.
    pub fn url_as(&self, role: &str) -> String {
        let url = self.url();
        let (_, rest) = url.split_once('@').expect("an address names its user");
        format!("postgres://{role}@{rest}")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in it as the superuser and returns the bare rows.
    pub fn sql(&self, sql: &str) -> String {
        psql(&self.url(), sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.sql(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn find_or_start() -> Postgres {
    let home = home();
    make_folder(&home);
    let door = watchman::lock_file(&home, DOOR);
    let failed = |error: std::io::Error| -> ! { panic!("{}: {error}", home.display()) };
    door.lock().unwrap_or_else(|error| failed(error));
    let user = watchman::lock_file(&home, USERS);
    user.lock_shared().unwrap_or_else(|error| failed(error));
    let known = std::fs::read_to_string(home.join("url")).ok().filter(|url| answers(url));
    let url = known.unwrap_or_else(|| start_anew(&home));
    Postgres { url, _user: Some(user) }
}

fn home() -> PathBuf {
    // One for each account, because nobody may touch another's files.
    let account = std::env::var("USER").unwrap_or_else(|_| "anybody".into());
    std::env::temp_dir().join(format!("tradewind-test-postgres-{account}"))
}

fn answers(url: &str) -> bool {
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next());
    address.is_some_and(|address| TcpStream::connect(address).is_ok())
}

fn start_anew(home: &Path) -> String {
    let data = home.join(format!("data-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    initialise(&data, &["fsync = off", "full_page_writes = off", "autovacuum_naptime = 5s"]);
    let mut port = free_port();
    if !start(&data, port, home) {
        // Another process may have taken the port.
        port = free_port();
        assert!(start(&data, port, home), "the server did not start, see {}", home.display());
    }
    watchman::set(home, &data, LINGER_S);
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let path = home.join("url");
    std::fs::write(&path, &url).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    url
}
