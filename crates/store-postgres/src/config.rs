//! Where the database is and how it is to be worked with.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::OpenError;

/// How a database is worked with. The bounds say what is waited for and how long.
#[derive(Clone)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database?parameters`. Besides the parameters of libpq that
    /// the driver knows: `sslmode` is `disable`, `require` (encrypted, the server is not checked) or
    /// `verify-full`, and without it `verify-full` unless the server is on this machine; `prefer` and
    /// `allow` are refused, because they fall back to clear text without a word. `sslrootcert` names a
    /// PEM file with the authority to believe instead of the public ones. Several hosts may be named;
    /// the one that takes writes is used, which is how a fail-over is followed.
    pub url: String,
    /// Lanes, each with a connection of its own.
    pub lanes: usize,
    /// Connections for reads.
    pub readers: usize,
    /// Reads that may wait for a connection; more are refused as busy at once.
    pub reads_waiting_max: usize,
    /// Connections for lists with totals.
    pub list_readers: usize,
    /// Such lists that may wait for a connection; more are refused as busy at once.
    pub lists_waiting_max: usize,
    /// How long a read waits for a connection; it is then refused as busy.
    pub reads_wait_max: Duration,
    /// How long a connection may take to come about.
    pub connect_wait_max: Duration,
    /// How long one statement may run; the database ends it.
    pub statement_wait_max: Duration,
    /// How long one statement may wait for a lock; the batch is then a conflict.
    pub lock_wait_max: Duration,
    /// How long a COMMIT may take, a synchronous standby's answer included, before its outcome is
    /// called unknown.
    pub commit_wait_max: Duration,
    /// How long a node number stays ours without being renewed.
    pub node_lease: Duration,
    /// Whether opening applies the migrations that are missing; else they are a refusal.
    pub migrate: bool,
}

impl PostgresConfig {
    /// The database at `url`, with the usual bounds.
    pub fn new(url: impl Into<String>) -> PostgresConfig {
        PostgresConfig {
            url: url.into(),
            lanes: 2,
            readers: 4,
            reads_waiting_max: 1024,
            list_readers: 2,
            lists_waiting_max: 64,
            reads_wait_max: Duration::from_secs(5),
            connect_wait_max: Duration::from_secs(5),
            statement_wait_max: Duration::from_secs(10),
            lock_wait_max: Duration::from_secs(2),
            commit_wait_max: Duration::from_secs(20),
            node_lease: Duration::from_secs(30),
            migrate: false,
        }
    }
}

/// The address may hold a password, so it is not shown.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("lanes", &self.lanes)
            .field("readers", &self.readers)
            .field("migrate", &self.migrate)
            .finish_non_exhaustive()
    }
}

/// How the connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Not at all.
    None,
    /// Encrypted to whoever answers.
    Encrypted,
    /// Encrypted to the server of that name, as the public authorities or the one in the file say.
    Verified(Option<PathBuf>),
}

/// The driver's configuration, and how the connection is protected.
pub(crate) fn parse(config: &PostgresConfig) -> Result<(tokio_postgres::Config, Protection), OpenError> {
    let refused = |problem: &str| OpenError::Address(problem.to_owned());
    let url = &config.url;
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(refused("it does not begin with postgres://"));
    }
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut root, mut rest) = (None, None, Vec::new());
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => root = Some(PathBuf::from(decoded(value)?)),
            _ => rest.push(parameter),
        }
    }
    let plain = format!("{address}?{}", rest.join("&"));
    let mut driver: tokio_postgres::Config =
        plain.parse().map_err(|error: tokio_postgres::Error| OpenError::Address(chain(&error)))?;
    let protection = match (mode, root) {
        (Some("disable"), None) => Protection::None,
        (Some("require"), None) => Protection::Encrypted,
        (Some("verify-full"), root) => Protection::Verified(root),
        (None, None) if is_here(&driver) => Protection::None,
        (None, root) => Protection::Verified(root),
        (Some("disable" | "require"), Some(_)) => {
            return Err(refused("sslrootcert goes with sslmode=verify-full"));
        }
        (Some(_), _) => return Err(refused("sslmode is one of disable, require, verify-full")),
    };
    driver.ssl_mode(match protection {
        Protection::None => SslMode::Disable,
        Protection::Encrypted | Protection::Verified(_) => SslMode::Require,
    });
    // Of several hosts, the one that is not a standby.
    driver.target_session_attrs(TargetSessionAttrs::ReadWrite);
    driver.connect_timeout(config.connect_wait_max);
    driver.tcp_user_timeout(config.commit_wait_max);
    driver.keepalives_idle(Duration::from_secs(15));
    if driver.get_application_name().is_none() {
        driver.application_name("tradewind");
    }
    Ok((driver, protection))
}

fn is_here(driver: &tokio_postgres::Config) -> bool {
    driver.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    })
}

/// Undoes the percent signs of a parameter's value.
fn decoded(value: &str) -> Result<String, OpenError> {
    let bad = || OpenError::Address(format!("{value:?} is not a parameter's value"));
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                u8::try_from(high * 16 + low).map_err(|_| bad())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection(url: &str) -> Result<Protection, String> {
        parse(&PostgresConfig::new(url)).map(|(_, protection)| protection).map_err(|error| error.to_string())
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear_unless_asked_for() {
        let verified = |path: Option<&str>| Ok(Protection::Verified(path.map(PathBuf::from)));
        for (url, expected) in [
            ("postgres://u@127.0.0.1/d", Ok(Protection::None)),
            ("postgres://u@localhost:5433/d", Ok(Protection::None)),
            ("postgres://u@%2Frun%2Fpostgresql/d", Ok(Protection::None)),
            ("postgres://u@db.example/d", verified(None)),
            ("postgres://u@127.0.0.1,db.example/d", verified(None)),
            ("postgres://u@db.example/d?sslmode=disable", Ok(Protection::None)),
            ("postgresql://u@db.example/d?sslmode=require", Ok(Protection::Encrypted)),
            ("postgres://u@localhost/d?sslmode=verify-full", verified(None)),
            (
                "postgres://u@db.example/d?sslrootcert=%2Fetc%2Fa%20b.pem&application_name=x",
                verified(Some("/etc/a b.pem")),
            ),
        ] {
            assert_eq!(protection(url), expected, "{url}");
        }
        for url in [
            "mysql://u@localhost/d",
            "host=localhost user=u",
            "postgres://u@db.example/d?sslmode=prefer",
            "postgres://u@db.example/d?sslmode=allow",
            "postgres://u@db.example/d?sslmode=require&sslrootcert=x",
            "postgres://u@db.example/d?sslrootcert=%zz",
            "postgres://u@db.example/d?no_such_parameter=1",
        ] {
            assert!(protection(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", PostgresConfig::new("postgres://u:secret@localhost/d"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
