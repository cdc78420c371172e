//! What the operator can set about the process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tradewind_app::AppConfig;
use tradewind_dialect::DialectOptions;
use tradewind_domain::{Span, Timestamp};
use tradewind_worker::WorkerConfig;

/// Settings of the process. `Default` gives those for production, on loopback.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where partners, payers and probes are served. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where operators are served. Port 0 picks a free one.
    pub ops_listen: SocketAddr,
    /// The address under which browsers and partners reach `listen`, without a trailing slash; made
    /// from `listen` when absent.
    pub public_url: Option<String>,
    /// Serve TLS on `listen`; without it, plain HTTP.
    pub tls: Option<TlsConfig>,
    /// The longest request body of a partner that is read, in bytes. A longer one is answered 413.
    pub body_bytes_max: usize,
    /// Bytes of all request bodies in memory at a time, without the first 16 KiB of each. A longer body
    /// that does not fit is answered 503.
    pub bodies_bytes_max: usize,
    /// How long a request body may take to arrive.
    pub body_timeout: Duration,
    /// Requests of partners and payers in work at a time, which they are when their bodies have been
    /// read. One more is answered 503 at once.
    pub requests_in_flight_max: usize,
    /// Connections open at a time on each listener. More wait in the system's queue.
    pub connections_max: usize,
    /// How long a connection may take to send the head of its next request, waiting included: both the
    /// time an idle connection is kept and the bound on a slow one.
    pub header_timeout: Duration,
    /// How long the peer of a connection may take nothing of what it is sent.
    pub write_timeout: Duration,
    /// How long requests under way may take to finish when the gateway stops.
    pub shut_down_timeout: Duration,
    /// Let notifications go to loopback and private addresses. Loopback is always allowed in a sandbox.
    pub allow_private_addresses: bool,
    /// The file that messages to people are written to. Without it they wait, and are given up in the end.
    pub outbox: Option<PathBuf>,
    /// Who may read `/metrics`.
    pub metrics: MetricsAt,
    /// How far the time in a partner's signature may lie from now, in either direction; zero switches
    /// the check off.
    pub signature_age_max: Span,
    /// Settings of the application.
    pub app: AppConfig,
    /// Settings of the outgoing work.
    pub worker: WorkerConfig,
    /// Be a sandbox: a virtual clock, the sandbox payment channel, and published partners in an empty
    /// database. Without it no payment channel is there yet.
    pub sandbox: Option<SandboxStart>,
}

/// Where `/metrics` is served. It names no partner, and needs no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAt {
    /// Where partners and payers are served.
    Main,
    /// Where operators are served.
    Ops,
    /// Nowhere.
    Off,
}

/// Certificate and key of the main listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate chain, PEM, the server's own first.
    pub cert_pem: PathBuf,
    /// Its private key, PEM (PKCS#8, PKCS#1 or SEC1).
    pub key_pem: PathBuf,
}

/// How a sandbox starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxStart {
    /// Freeze the virtual clock at this instant; `None` lets it run from the present, or from where
    /// the database remembers it.
    pub clock: Option<Timestamp>,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        ServerConfig {
            listen: loopback(8080),
            ops_listen: loopback(8081),
            public_url: None,
            tls: None,
            body_bytes_max: 1024 * 1024,
            bodies_bytes_max: 64 * 1024 * 1024,
            body_timeout: Duration::from_secs(10),
            requests_in_flight_max: 2048,
            connections_max: 8192,
            header_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(10),
            shut_down_timeout: Duration::from_secs(10),
            allow_private_addresses: false,
            outbox: None,
            metrics: MetricsAt::Ops,
            signature_age_max: DialectOptions::default().signature_age_max,
            app: AppConfig::default(),
            worker: WorkerConfig::default(),
            sandbox: None,
        }
    }
}
