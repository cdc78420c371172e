//! Resolve, check, dial, secure: how a connection comes about.
//!
//! The address that was checked is the address that is dialled: the name is looked up
//! once, here, and the socket is opened to what the check has seen. A name that answers
//! differently a moment later (DNS rebinding) gains nothing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::address::AddressPolicy;
use crate::error::{EgressError, UrlProblem};
use crate::idle::Connections;
use crate::stream::{Stream, Transport};
use crate::url::Target;

/// A host with more addresses than these is called at the first ones.
const ADDRESSES_TRIED_MAX: usize = 8;

/// Opens connections for the pool. Clones share everything.
#[derive(Clone)]
pub(crate) struct GuardedConnector(Arc<Guard>);

struct Guard {
    policy: AddressPolicy,
    connect_timeout: Duration,
    tls: TlsConnector,
    /// One permit per open connection.
    places: Arc<Semaphore>,
    connections: Arc<Connections>,
}

impl GuardedConnector {
    pub(crate) fn new(
        policy: AddressPolicy,
        connect_timeout: Duration,
        connections_max: usize,
        tls: TlsConnector,
    ) -> GuardedConnector {
        let places = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
        let connections = Arc::default();
        GuardedConnector(Arc::new(Guard { policy, connect_timeout, tls, places, connections }))
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = Stream;
    type Error = EgressError;
    /// Boxed once per connection, not per request.
    type Future = Pin<Box<dyn Future<Output = Result<Stream, EgressError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let guard = Arc::clone(&self.0);
        // The time limit is set here too, not only around the request: the pool lets a
        // connection attempt go on when its request was served by another connection.
        Box::pin(async move {
            timeout(guard.connect_timeout, guard.open(&uri))
                .await
                .unwrap_or(Err(EgressError::Timeout { after_sent: false }))
        })
    }
}

impl Guard {
    async fn open(&self, uri: &Uri) -> Result<Stream, EgressError> {
        let target = Target::of(uri)?;
        let permit = self.place().await?;
        let addresses = self.resolve(target).await?;
        let tcp = self.dial(&addresses).await?;
        let transport = if target.secure {
            let name = ServerName::try_from(target.host.to_owned())
                .map_err(|_| EgressError::BadUrl(UrlProblem::Host))?;
            let tls = self.tls.connect(name, tcp).await.map_err(|e| EgressError::Tls(Arc::new(e)))?;
            Transport::Secure(Box::new(TokioIo::new(tls)))
        } else {
            Transport::Plain(TokioIo::new(tcp))
        };
        Ok(Stream::new(transport, self.connections.opened(), permit))
    }

    /// A place for one more connection. When all are taken, one that nobody uses makes room.
    async fn place(&self) -> Result<OwnedSemaphorePermit, EgressError> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(permit);
        }
        let _wanted = self.connections.want();
        Arc::clone(&self.places).acquire_owned().await.map_err(connect_error)
    }

    /// The checked addresses of the host.
    async fn resolve(&self, target: Target<'_>) -> Result<Vec<SocketAddr>, EgressError> {
        let addresses = match target.literal() {
            Some(address) => vec![SocketAddr::new(address, target.port)],
            None => {
                let unresolved = |error: io::Error| EgressError::Resolve {
                    host: target.host.to_owned(),
                    source: Arc::new(error),
                };
                let found = lookup_host((target.host, target.port)).await.map_err(unresolved)?;
                let addresses: Vec<_> = found.take(ADDRESSES_TRIED_MAX).collect();
                if addresses.is_empty() {
                    return Err(unresolved(io::Error::new(
                        io::ErrorKind::NotFound,
                        "the name has no address",
                    )));
                }
                addresses
            }
        };
        check_addresses(self.policy, target.host, &addresses)?;
        Ok(addresses)
    }

    /// Connects to the first address that answers. Each gets its share of the time, so
    /// that a silent first one leaves some for the others.
    async fn dial(&self, addresses: &[SocketAddr]) -> Result<TcpStream, EgressError> {
        let share = self.connect_timeout / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut failure = EgressError::Timeout { after_sent: false };
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // A request is one write: waiting to fill a packet would only delay it.
                    tcp.set_nodelay(true).map_err(connect_error)?;
                    return Ok(tcp);
                }
                Ok(Err(error)) => failure = connect_error(error),
                Err(_) => {}
            }
        }
        Err(failure)
    }
}

/// One forbidden address among several refuses the host: a public name that also points
/// inside is a mistake or an attack, and picking the good ones would hide it.
fn check_addresses(policy: AddressPolicy, host: &str, addresses: &[SocketAddr]) -> Result<(), EgressError> {
    match addresses.iter().find(|address| !policy.allows(address.ip())) {
        Some(address) => Err(EgressError::ForbiddenAddress { host: host.to_owned(), address: address.ip() }),
        None => Ok(()),
    }
}

fn connect_error(error: impl std::error::Error + Send + Sync + 'static) -> EgressError {
    EgressError::Connect(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::{AddressPolicy, EgressError, check_addresses};

    #[test]
    fn one_forbidden_address_refuses_the_host() {
        let check = |policy, addresses: &[&str], forbidden: Option<&str>| {
            let addresses: Vec<_> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            match (check_addresses(policy, "shop.example", &addresses), forbidden) {
                (Ok(()), None) => {}
                (Err(EgressError::ForbiddenAddress { host, address }), Some(forbidden)) => {
                    assert_eq!((host.as_str(), address), ("shop.example", forbidden.parse().unwrap()));
                }
                (other, _) => panic!("{addresses:?}: {other:?}"),
            }
        };
        check(AddressPolicy::PublicOnly, &["1.1.1.1:80", "[2606:4700::1111]:80"], None);
        check(AddressPolicy::PublicOnly, &["1.1.1.1:80", "10.0.0.1:80"], Some("10.0.0.1"));
        check(AddressPolicy::PublicOnly, &["[::ffff:127.0.0.1]:80"], Some("::ffff:127.0.0.1"));
        check(AddressPolicy::AllowLoopback, &["127.0.0.1:80", "[::1]:80"], None);
        check(AddressPolicy::AllowLoopback, &["127.0.0.1:80", "192.168.0.1:80"], Some("192.168.0.1"));
        check(
            AddressPolicy::AllowPrivate,
            &["192.168.0.1:80", "169.254.169.254:80"],
            Some("169.254.169.254"),
        );
    }
}
