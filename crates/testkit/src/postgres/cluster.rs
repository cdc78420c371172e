//! A cluster of one test's own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::certificates::Certificate;
use super::programs::{make_file, make_folder, program, run};
use super::watchman::{self, USERS};

/// Another process may take a port between the moment it was found free and the start.
const STARTS_MAX: u32 = 5;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A running server with its own data, on a free port of the loopback and a socket in its folder.
#[derive(Debug)]
pub struct Cluster {
    home: PathBuf,
    server: Server,
    /// Its lock ends with this value or with the process.
    _user: File,
}

/// A copy of a cluster that follows it synchronously.
#[derive(Debug)]
pub struct Standby(Server);

#[derive(Debug)]
struct Server {
    data: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts one with the settings of production: it syncs.
    pub fn start() -> Cluster {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tradewind-postgres-{}-{number}", std::process::id());
        let home = std::env::temp_dir().join(name);
        // A process of the same number may have left one behind.
        let _ = std::fs::remove_dir_all(&home);
        make_folder(&home);
        let user = watchman::lock_file(&home, USERS);
        user.lock_shared().unwrap_or_else(|error| panic!("{}: {error}", home.display()));
        let data = home.join("data");
        let server = Server::create(&home, data, &["wal_level=replica"]);
        watchman::set(&home, &server.data, 0);
        Cluster { home, server, _user: user }
    }

    /// The address of its database `postgres`, for the superuser.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The port it listens to.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// Runs SQL as the superuser and returns what `psql` says.
    pub fn sql(&self, sql: &str) -> String {
        psql(&self.url(), sql)
    }

    /// Stops the server like a crash: nobody is waited for, and the next start recovers.
    pub fn crash(&self) {
        self.server.stop("immediate");
    }

    /// Stops the server in good order, cutting off whoever is connected.
    pub fn stop(&self) {
        self.server.stop("fast");
    }

    /// Starts the server again after [`Cluster::crash`] or [`Cluster::stop`].
    pub fn start_again(&self) {
        assert!(self.server.start(&self.home), "the server did not start again, see {}", self.home.display());
    }

    /// From now on the server can be spoken to by TLS, and shows this certificate. It is started anew
    /// for it, as in [`Cluster::admit_only`].
    pub fn encrypt(&self, certificate: &Certificate) {
        for (from, to) in [(&certificate.certificate, "server.crt"), (&certificate.key, "server.key")] {
            let content = std::fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            make_file(&self.server.data.join(to), &content);
        }
        self.sql("ALTER SYSTEM SET ssl = on");
        self.stop();
        self.start_again();
    }

    /// Lets in only whom these lines of `pg_hba.conf` name.
    pub fn admit_only(&self, lines: &str) {
        make_file(&self.server.data.join("pg_hba.conf"), lines.as_bytes());
        self.stop();
        self.start_again();
    }

    /// Makes a standby and has every commit wait for it from now on.
    pub fn add_synchronous_standby(&self) -> Standby {
        let data = self.home.join("standby");
        run(program("pg_basebackup")
            .args(["-R", "-X", "stream", "-c", "fast", "-d"])
            .arg(format!("{}?application_name=standby", self.url()))
            .arg("-D")
            .arg(&data));
        let standby = Server { data, port: free_port() };
        assert!(standby.start(&self.home), "the standby did not start, see {}", self.home.display());
        watchman::set(&self.home, &standby.data, 0);
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        self.sql("SELECT pg_reload_conf()");
        let begin = std::time::Instant::now();
        while self.sql("SELECT sync_state FROM pg_stat_replication").trim() != "sync" {
            assert!(begin.elapsed() < crate::AMPLE, "the standby did not catch up");
            std::thread::yield_now();
        }
        Standby(standby)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The watchman does the rest when the lock goes, which is after this.
        let _ = program("pg_ctl")
            .arg("-D")
            .arg(&self.server.data)
            .args(["-m", "immediate", "-s", "stop"])
            .output();
    }
}

impl Standby {
    /// The port it listens to.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The address of its database `postgres`.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Makes it a server of its own.
    pub fn promote(&self) {
        // Its commits wait for no further standby.
        run(program("pg_ctl").arg("-D").arg(&self.0.data).args(["-w", "-s", "promote"]));
        psql(&self.url(), "ALTER SYSTEM RESET synchronous_standby_names");
        psql(&self.url(), "SELECT pg_reload_conf()");
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let _ =
            program("pg_ctl").arg("-D").arg(&self.0.data).args(["-m", "immediate", "-s", "stop"]).output();
    }
}

impl Server {
    fn create(home: &Path, data: PathBuf, settings: &[&str]) -> Server {
        initialise(&data, settings);
        for _ in 0..STARTS_MAX {
            let server = Server { data: data.clone(), port: free_port() };
            if server.start(home) {
                return server;
            }
        }
        let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
        panic!("the server did not start:\n{log}");
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn start(&self, home: &Path) -> bool {
        start(&self.data, self.port, home)
    }

    fn stop(&self, mode: &str) {
        run(program("pg_ctl").arg("-D").arg(&self.data).args(["-w", "-s", "-m", mode, "stop"]));
    }
}

/// Makes the files of a cluster that trusts whoever comes over the loopback.
pub(super) fn initialise(data: &Path, settings: &[&str]) {
    run(program("initdb").arg("-D").arg(data).args([
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
    ]));
    let mut text = String::from(
        "listen_addresses = '127.0.0.1'\nmax_connections = 300\nshared_buffers = 128MB\n\
         log_min_messages = warning\ndynamic_shared_memory_type = mmap\n",
    );
    for setting in settings {
        text.push_str(setting);
        text.push('\n');
    }
    let path = data.join("postgresql.auto.conf");
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Whether the server came up.
pub(super) fn start(data: &Path, port: u16, home: &Path) -> bool {
    let options = format!("-p {port} -k {}", home.display());
    let status = program("pg_ctl")
        .arg("-D")
        .arg(data)
        .args(["-w", "-s", "-o", &options, "-l"])
        .arg(home.join("log"))
        .arg("start")
        .status();
    status.is_ok_and(|status| status.success())
}

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Runs SQL and returns the bare rows.
pub(super) fn psql(url: &str, sql: &str) -> String {
    run(program("psql").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]))
}
