//! Accepting connections, serving requests on them, and ending all of it in order.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::Answer;
use super::write_deadline::WriteDeadline;
use crate::StartError;

/// Bounds on each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For the head of a request, idle time before it included.
    pub(crate) header_timeout: Duration,
    /// For the peer to take something of what it is sent.
    pub(crate) write_timeout: Duration,
    /// What happens to a request under way when its client goes.
    pub(crate) gone: Gone,
}

/// What happens to a request under way when its client closes the connection, or its sending side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It is dropped, and so are the places that it holds.
    Dropped,
    /// It is finished, for it may consist of several steps that belong together.
    Finished,
}

/// The head of a request, and what hyper reads at a time.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// For the handshake of a TLS connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Before accepting again when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Serving.
    Serving,
    /// No new connections and requests; those under way are finished.
    Finishing,
    /// Time is up.
    Cutting,
}

/// An address that is listened on, and not served yet.
pub(crate) struct Listener {
    tcp: TcpListener,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Takes the address, so that a busy one is found out before anything else is started. `option`
    /// names the setting for the error.
    pub(crate) async fn bind(
        addr: SocketAddr,
        option: &'static str,
        tls: Option<TlsAcceptor>,
    ) -> Result<Listener, StartError> {
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortBusy { addr, option },
            _ => StartError::Listen { addr, option, source },
        };
        let tcp = TcpListener::bind(addr).await.map_err(refused)?;
        let addr = tcp.local_addr().map_err(refused)?;
        Ok(Listener { tcp, addr, tls })
    }

    /// The address, with the port that was picked.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves every request with `answer` until [`Serving::shut_down`].
    pub(crate) fn serve<A, F>(self, limits: Limits, connections: Connections, answer: A) -> Serving
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let (phase, watched) = watch::channel(Phase::Serving);
        let places = Arc::clone(&connections.places);
        let accepting = tokio::spawn(self.accept_all(limits, places, watched, answer));
        Serving { phase, connections, accepting }
    }

    async fn accept_all<A, F>(
        self,
        limits: Limits,
        places: Arc<Semaphore>,
        mut phase: watch::Receiver<Phase>,
        answer: A,
    ) where
        A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let http = http1_builder(limits);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
                accepted = accept(&self.tcp, &places) => accepted,
            };
            let (stream, place) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly; connections that end will make room.
                    tracing::warn!(%error, addr = %self.addr, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let connection = Connection { http: http.clone(), phase: phase.clone(), answer: answer.clone() };
            let stream = WriteDeadline::new(stream, limits.write_timeout);
            tokio::spawn(connection.run(stream, self.tls.clone(), place));
        }
    }
}

async fn accept(tcp: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    loop {
        match tcp.accept().await {
            Ok((stream, _)) => {
                // Answers are small and complete: waiting for more to send only delays them.
                stream.set_nodelay(true)?;
                // Without a place this one waits here, and all others in the system's queue.
                let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
                return Ok((stream, place));
            }
            // The client was gone before it was accepted: nothing that concerns anybody.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

fn http1_builder(limits: Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        // That a client has gone shows in the end of what it sends, and in nothing else.
        .half_close(limits.gone == Gone::Finished);
    http
}

/// One connection.
struct Connection<A> {
    http: http1::Builder,
    phase: watch::Receiver<Phase>,
    answer: A,
}

impl<A, F> Connection<A>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    async fn run(
        self,
        stream: WriteDeadline<TcpStream>,
        tls: Option<TlsAcceptor>,
        place: OwnedSemaphorePermit,
    ) {
        match tls {
            None => self.serve(stream).await,
            Some(acceptor) => {
                let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
                let mut phase = self.phase.clone();
                let secured = tokio::select! {
                    _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
                    secured = handshake => secured,
                };
                match secured {
                    Ok(Ok(stream)) => self.serve(stream).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            }
        }
        drop(place);
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut self, stream: S) {
        let answer = self.answer;
        let service = service_fn(move |request| {
            let answering = answer(request);
            async move { Ok::<_, Infallible>(answering.await) }
        });
        let mut connection = std::pin::pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let mut finishing = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => break ended,
                phase = next_phase(&mut self.phase, finishing) => match phase {
                    Phase::Serving => {}
                    Phase::Finishing => {
                        finishing = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    Phase::Cutting => return,
                },
            }
        };
        if let Err(error) = ended {
            // Broken and idle connections are the client's business.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Waits for the phase that comes after the one the connection is in.
async fn next_phase(phase: &mut watch::Receiver<Phase>, finishing: bool) -> Phase {
    let is_next = |phase: &Phase| match phase {
        Phase::Serving => false,
        Phase::Finishing => !finishing,
        Phase::Cutting => true,
    };
    // The sender goes only with the whole server, and then time is up.
    phase.wait_for(is_next).await.map_or(Phase::Cutting, |phase| *phase)
}

/// A listener at work.
pub(crate) struct Serving {
    phase: watch::Sender<Phase>,
    connections: Connections,
    accepting: JoinHandle<()>,
}

impl Serving {
    /// Stops accepting, lets requests under way finish for at most `within`, then cuts what is left.
    /// Returns how many connections were cut.
    pub(crate) async fn shut_down(self, within: Duration) -> usize {
        self.phase.send_replace(Phase::Finishing);
        let _ = self.accepting.await;
        let Connections { places, places_max } = &self.connections;
        let all = u32::try_from(*places_max).unwrap_or(u32::MAX);
        let finished = tokio::time::timeout(within, places.acquire_many(all)).await;
        match finished {
            Ok(_) => 0,
            Err(_) => {
                let cut = self.connections.open();
                self.phase.send_replace(Phase::Cutting);
                cut
            }
        }
    }
}

/// The places for connections of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    places_max: usize,
}

impl Connections {
    pub(crate) fn new(places_max: usize) -> Connections {
        Connections { places: Arc::new(Semaphore::new(places_max)), places_max }
    }

    /// How many are taken.
    pub(crate) fn open(&self) -> usize {
        self.places_max.saturating_sub(self.places.available_permits())
    }
}
