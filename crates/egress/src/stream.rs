//! A connection, plain or secured, in the form the HTTP library asks for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::client::TlsStream;

use crate::idle::Entry;

/// An open connection. It holds its share of the bound on open connections.
pub(crate) struct Stream {
    transport: Transport,
    entry: Entry,
    _permit: OwnedSemaphorePermit,
}

pub(crate) enum Transport {
    Plain(TokioIo<TcpStream>),
    Secure(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Stream {
    pub(crate) fn new(transport: Transport, entry: Entry, permit: OwnedSemaphorePermit) -> Stream {
        Stream { transport, entry, _permit: permit }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        // It comes back with every answer on this connection.
        Connected::new().extra(self.entry.borrowed())
    }
}

/// Passes a call on to whichever transport there is.
macro_rules! transport {
    ($self:ident, $io:ident => $call:expr) => {
        match &mut $self.get_mut().transport {
            Transport::Plain(io) => {
                let $io = Pin::new(io);
                $call
            }
            Transport::Secure(io) => {
                let $io = Pin::new(io.as_mut());
                $call
            }
        }
    };
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if self.entry.is_closed(cx) {
            // Nothing read is the end: the pool lets go of the connection as if the other side had.
            return Poll::Ready(Ok(()));
        }
        transport!(self, io => io.poll_read(cx, buf))
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.entry.begin_write() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        transport!(self, io => io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        transport!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        transport!(self, io => io.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(io) => io.is_write_vectored(),
            Transport::Secure(io) => io.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.entry.begin_write() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        transport!(self, io => io.poll_write_vectored(cx, bufs))
    }
}
