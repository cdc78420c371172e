//! A connection that blocks: one request in flight, and an answer or a loss within a bound.

use crate::http::{Head, status};
use anyhow::{Context, bail};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A keep-alive connection to one server, opened when it is needed.
pub(crate) struct Wire {
    server: SocketAddr,
    stream: Option<TcpStream>,
}

impl Wire {
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self { server, stream: None }
    }

    /// Sends a request and returns status and body of its answer. After an error it is not known what
    /// the server did.
    pub(crate) fn exchange(&mut self, request: &[u8], limit: Duration) -> anyhow::Result<(u16, Vec<u8>)> {
        self.send(request)?;
        self.receive(limit)
    }

    /// Sends a request without waiting for its answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect_timeout(&self.server, CONNECT_LIMIT)?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        (&stream).write_all(request)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Waits for the answer to what was sent.
    pub(crate) fn receive(&mut self, limit: Duration) -> anyhow::Result<(u16, Vec<u8>)> {
        // Taken out, so that a connection that failed is not used again.
        let mut stream = self.stream.take().context("nothing was sent")?;
        let give_up_at = Instant::now() + limit;
        let mut bytes = Vec::new();
        let mut chunk = [0; 8 * 1024];
        loop {
            if let Some(head) = Head::parse(&bytes)?
                && bytes.len() >= head.total()
            {
                let status = status(&bytes[..head.first_line])?;
                if !head.close {
                    self.stream = Some(stream);
                }
                return Ok((status, bytes[head.head..head.total()].to_vec()));
            }
            let left = give_up_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no answer within {limit:?}");
            }
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut chunk) {
                Ok(0) => bail!("the connection ended"),
                Ok(read) => bytes.extend_from_slice(&chunk[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
