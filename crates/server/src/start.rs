//! Putting the gateway together, and taking it down in order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tradewind_app::{App, AppConfig, Clock};
use tradewind_channels::sandbox::SandboxConfig;
use tradewind_channels::{Channels, LinkKey, OutboxChannel};
use tradewind_console::Console;
use tradewind_dialect::{Dialect, DialectOptions};
use tradewind_domain::Fact;
use tradewind_egress::{AddressPolicy, Egress, EgressConfig};
use tradewind_signing::{Secret, Vault};
use tradewind_store::Store;
use tradewind_worker::{ChannelDesk, Messages, Worker};

use crate::cashier::{ChannelLinks, TicketPages};
use crate::dialects::Dialects;
use crate::front::Front;
use crate::gateway::{Gateway, Routes};
use crate::health::{self, Readiness};
use crate::http1::{self, Bodies, Connections, Gone, Limits, Listener, RequestIds, Serving};
use crate::metrics::{Exporter, Sources, Traffic};
use crate::ops::{self, Ops, OpsFront};
use crate::{MetricsAt, SandboxStart, ServerConfig, StartError, sandbox};

const LISTEN: &str = "--listen";
const OPS_LISTEN: &str = "--ops-listen";

/// What a gateway is made of besides its settings.
pub struct Parts {
    /// Its database.
    pub store: Arc<dyn Store>,
    /// Opens and seals the secrets in the database.
    pub vault: Vault,
    /// What operators show.
    pub ops_token: Secret,
    /// The partner protocols it speaks.
    pub dialects: Arc<[Arc<dyn Dialect>]>,
}

/// Starts the gateway with all dialects. When it returns, everything can be used.
///
/// # Errors
/// [`StartError`]; nothing is left running then.
pub async fn start(
    config: ServerConfig,
    store: Arc<dyn Store>,
    vault: Vault,
    ops_token: Secret,
) -> Result<Running, StartError> {
    let options = DialectOptions {
        signature_age_max: config.signature_age_max,
        refund_window: config.app.refund_window,
    };
    let dialects = tradewind_dialects::with_options(options);
    start_with(config, Parts { store, vault, ops_token, dialects }).await
}

/// Starts the gateway with dialects of the caller's choice.
///
/// # Errors
/// As [`start`].
pub async fn start_with(config: ServerConfig, parts: Parts) -> Result<Running, StartError> {
    check(&config)?;
    // What can be wrong with files and addresses is found out before anything runs.
    let tls = config.tls.as_ref().map(http1::acceptor).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let main = Listener::bind(config.listen, LISTEN, tls).await?;
    let operators = Listener::bind(config.ops_listen, OPS_LISTEN, None).await?;
    let public_url = match &config.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("{scheme}://{}", reachable(main.addr())),
    };
    let dialects = Dialects::new(Arc::clone(&parts.dialects));
    let mut traffic = Traffic::default();
    let routes = Routes::new(&dialects, &mut traffic)?;

    // In this order, so that of several gateways that begin at the same moment on one new database the one
    // that is heard first is heard in both.
    tradewind_app::check_key(parts.store.as_ref(), &parts.vault).await?;
    check_purpose(parts.store.as_ref(), config.sandbox.is_some()).await?;
    let link_key = LinkKey::new(parts.vault.derive("cashier links"));
    let channels = Arc::new(match config.sandbox {
        Some(_) => Channels::sandbox(SandboxConfig { public_url: public_url.clone(), link_key }),
        None => Channels::none(),
    });
    let desk = Arc::new(ChannelDesk::new(Arc::clone(&channels)));
    let clock = clock(config.sandbox.as_ref());
    let ticket_links = LinkKey::new(parts.vault.derive("ticket links"));
    let app_config = AppConfig { polls: dialects.polls(), ..config.app.clone() };
    let app = App::start(app_config, parts.store, clock, parts.vault, desk).await?;
    if config.sandbox.is_some()
        && let Err(error) = sandbox::fill(&app, &dialects).await
    {
        app.shut_down().await;
        return Err(error);
    }
    let worker = Worker::start(
        Arc::clone(&app),
        parts.dialects,
        Arc::clone(&channels),
        // Connections to partners that are slow must not be missing where money moves.
        egress(&config),
        egress(&config),
        Messages {
            channel: Arc::new(OutboxChannel),
            outbox: config.outbox.clone(),
            links: ticket_links.clone(),
            public_url: public_url.as_str().into(),
        },
        config.worker,
    );

    // From here on nothing fails.
    let readiness = Readiness::new(Arc::clone(&app), health::BELIEVED_FOR);
    let totals = Arc::clone(traffic.totals());
    let (listen, ops_listen) = (main.addr(), operators.addr());
    let connections = Connections::new(config.connections_max);
    let exporter = Exporter::new(Arc::new(Sources {
        traffic,
        connections: connections.clone(),
        app: Arc::clone(&app),
        worker: Arc::clone(&worker),
    }));
    let metrics = health::metrics(exporter);
    let (main_metrics, ops_metrics) = match config.metrics {
        MetricsAt::Main => (Some(metrics), None),
        MetricsAt::Ops => (None, Some(metrics)),
        MetricsAt::Off => (None, None),
    };
    let limits =
        |gone| Limits { header_timeout: config.header_timeout, write_timeout: config.write_timeout, gone };

    let operator_api = Arc::new(OpsFront {
        router: ops::routes(Ops {
            app: Arc::clone(&app),
            worker: Arc::clone(&worker),
            dialects,
            readiness: readiness.clone(),
            egress: egress(&config),
            ticket_links: ticket_links.clone(),
            public_url: public_url.as_str().into(),
            partner_changes: Arc::default(),
            clock_moves: Arc::default(),
        }),
        metrics: ops_metrics,
        token: parts.ops_token,
        ids: RequestIds::new(),
        totals: Arc::clone(&totals),
    });
    let ops_serving =
        operators.serve(limits(Gone::Finished), Connections::new(config.connections_max), move |request| {
            Arc::clone(&operator_api).answer(request)
        });

    let pages = Console {
        app: Arc::clone(&app),
        links: Arc::new(ChannelLinks(channels)),
        tickets: Arc::new(TicketPages(ticket_links)),
        public_url: public_url.as_str().into(),
    };
    let gateway = Gateway {
        app: Arc::clone(&app),
        totals,
        bodies: Bodies::new(config.body_bytes_max, config.bodies_bytes_max, config.body_timeout),
        requests_in_flight_max: config.requests_in_flight_max,
    };
    let probes = health::probes(readiness.clone()).merge(main_metrics.unwrap_or_default());
    let front = Arc::new(Front { routes, gateway, pages: pages.router(), probes, ids: RequestIds::new() });
    let main_serving =
        main.serve(limits(Gone::Dropped), connections, move |request| Arc::clone(&front).answer(request));
    tracing::info!(%listen, ops = %ops_listen, public_url, "the gateway is ready");
    Ok(Running {
        listen,
        ops: ops_listen,
        public_url,
        clock: app.clock().clone(),
        config,
        main: main_serving,
        operators: ops_serving,
        readiness,
        worker,
        app,
    })
}

/// A gateway at work.
pub struct Running {
    /// Where partners, payers and probes are served.
    pub listen: SocketAddr,
    /// Where operators are served.
    pub ops: SocketAddr,
    /// The address under which browsers reach the gateway, without a trailing slash.
    pub public_url: String,
    /// The gateway's time.
    pub clock: Clock,
    config: ServerConfig,
    main: Serving,
    operators: Serving,
    readiness: Readiness,
    worker: Arc<Worker>,
    app: Arc<App>,
}

impl Running {
    /// The application, for callers in the same process.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Stops: no new connections, requests under way are finished within a bound, then the outgoing
    /// work, then the queue of commands. When it returns, all that was answered is on disk.
    pub async fn shut_down(self) {
        self.readiness.stop();
        let within = self.config.shut_down_timeout;
        let (cut, cut_ops) = tokio::join!(self.main.shut_down(within), self.operators.shut_down(within));
        if cut + cut_ops > 0 {
            tracing::warn!(connections = cut + cut_ops, "requests that took too long to finish were cut");
        }
        self.worker.shut_down().await;
        self.app.shut_down().await;
        tracing::info!("the gateway has stopped");
    }
}

fn check(config: &ServerConfig) -> Result<(), StartError> {
    let positive = [
        ("body_bytes_max", config.body_bytes_max),
        ("requests_in_flight_max", config.requests_in_flight_max),
        ("connections_max", config.connections_max),
    ];
    for (option, value) in positive {
        if value == 0 {
            return Err(StartError::Setting { option, problem: "must be at least 1".into() });
        }
    }
    if u32::try_from(config.connections_max).is_err() {
        return Err(StartError::Setting { option: "connections_max", problem: "is too large".into() });
    }
    if config.bodies_bytes_max < config.body_bytes_max {
        let problem = format!("must be at least body_bytes_max, which is {}", config.body_bytes_max);
        return Err(StartError::Setting { option: "bodies_bytes_max", problem });
    }
    match &config.public_url {
        Some(url) => check_public_url(url).map_err(|problem| StartError::Setting {
            option: "public_url",
            problem: format!("{url:?} {problem}"),
        }),
        None => Ok(()),
    }
}

fn check_public_url(url: &str) -> Result<(), &'static str> {
    let uri = tradewind_egress::parse_url(url).map_err(|_| "is no absolute http or https URL")?;
    if uri.query().is_some() || url.contains('#') {
        return Err("must not have a query or fragment");
    }
    Ok(())
}

/// The clock that a gateway of this kind runs by. What the database remembers of a virtual one is
/// taken up by the application.
fn clock(sandbox: Option<&SandboxStart>) -> Clock {
    match sandbox {
        None => Clock::system(),
        Some(SandboxStart { clock: None }) => Clock::virtual_now(),
        Some(SandboxStart { clock: Some(at) }) => Clock::frozen_at(*at),
    }
}

/// A client with connections of its own.
fn egress(config: &ServerConfig) -> Egress {
    Egress::new(EgressConfig { policy: addresses(config), ..EgressConfig::default() })
}

fn addresses(config: &ServerConfig) -> AddressPolicy {
    match (config.allow_private_addresses, &config.sandbox) {
        (true, _) => AddressPolicy::AllowPrivate,
        (false, Some(_)) => AddressPolicy::AllowLoopback,
        (false, None) => AddressPolicy::PublicOnly,
    }
}

/// An address that can be called, for one that may stand for all of this machine's.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), listen.port()),
        _ => listen,
    }
}

/// The fact that tells what a database is for, so that no virtual clock meets real business.
const PURPOSE_FACT: &str = "purpose";

/// Compares what the database is for with how the gateway is started, which settles it for a new one.
async fn check_purpose(store: &dyn Store, sandbox: bool) -> Result<(), StartError> {
    let wanted = if sandbox { "sandbox" } else { "business" };
    let fact = Fact { name: PURPOSE_FACT.into(), value: wanted.into() };
    match tradewind_app::settle(store, fact).await? {
        fact if fact.value == wanted => Ok(()),
        _ if sandbox => Err(StartError::Setting {
            option: "--sandbox",
            problem: "this database is for business; a sandbox needs a data folder of its own".into(),
        }),
        _ => Err(StartError::Setting {
            option: "--sandbox",
            problem: "this database is a sandbox's and can only be used with it".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{check, reachable};
    use crate::{ServerConfig, StartError};

    #[test]
    fn settings_that_cannot_work_are_named() {
        let check = |change: fn(&mut ServerConfig), expected: Option<&str>| {
            let mut config = ServerConfig::default();
            change(&mut config);
            match (check(&config), expected) {
                (Ok(()), None) => {}
                (Err(StartError::Setting { option, .. }), Some(expected)) => assert_eq!(option, expected),
                (result, expected) => panic!("{result:?}, expected {expected:?}"),
            }
        };
        check(|_| {}, None);
        check(|config| config.public_url = Some("https://pay.example/shop/".into()), None);
        check(|config| config.public_url = Some("pay.example".into()), Some("public_url"));
        check(|config| config.public_url = Some("https://pay.example/?a=b".into()), Some("public_url"));
        check(|config| config.body_bytes_max = 0, Some("body_bytes_max"));
        check(|config| config.bodies_bytes_max = config.body_bytes_max - 1, Some("bodies_bytes_max"));
        check(|config| config.requests_in_flight_max = 0, Some("requests_in_flight_max"));
        check(|config| config.connections_max = 0, Some("connections_max"));
        check(|config| config.connections_max = usize::MAX, Some("connections_max"));
    }

    #[test]
    fn links_lead_to_an_address_that_can_be_called() {
        let check = |listen: &str, expected: &str| {
            let listen: SocketAddr = listen.parse().unwrap();
            assert_eq!(reachable(listen).to_string(), expected);
        };
        check("0.0.0.0:80", "127.0.0.1:80");
        check("[::]:80", "[::1]:80");
        check("192.0.2.7:80", "192.0.2.7:80");
    }
}
