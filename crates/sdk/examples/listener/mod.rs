//! A web server that takes one notification after the other, for the example programs. A partner would do
//! this in its own; what counts is that everything is handed over exactly as it was received.

#![allow(dead_code, reason = "no protocol looks at everything")]

use std::error::Error as StdError;
use std::fmt::Display;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Result<T, E = Box<dyn StdError>> = std::result::Result<T, E>;

/// What was posted.
pub(crate) struct Post {
    /// The query of the address, without `?`.
    pub(crate) query: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Post {
    /// A header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Waits for a notification that `read` can believe. `ack` is the answer to that, `try_again` to others.
pub(crate) async fn notified<T, E: Display>(
    listener: &TcpListener,
    ack: &str,
    try_again: &str,
    read: impl Fn(&Post) -> Result<T, E>,
) -> Result<T> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let news = read(&read_post(&mut stream).await?);
        let (status, answer) = match &news {
            Ok(_) => ("200 OK", ack),
            Err(_) => ("400 Bad Request", try_again),
        };
        let length = answer.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        stream.write_all([head.as_bytes(), answer.as_bytes()].concat().as_slice()).await?;
        match news {
            Ok(news) => return Ok(news),
            Err(error) => println!("a notification was not believed: {error}"),
        }
    }
}

/// One small request.
async fn read_post(stream: &mut TcpStream) -> Result<Post> {
    const BYTES_MAX: usize = 64 * 1024;
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 || bytes.len() > BYTES_MAX {
            return Err("a request was cut off or too long".into());
        }
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&bytes[..end])?;
        let mut lines = head.lines();
        let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let named = lines.filter_map(|line| line.split_once(':'));
        let mut post = Post {
            query: target.split_once('?').map_or("", |(_, query)| query).to_owned(),
            headers: named
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: Vec::new(),
        };
        let length: usize = post.header("content-length").map_or(Ok(0), str::parse)?;
        if let Some(body) = bytes.get(end + 4..end + 4 + length) {
            post.body = body.to_vec();
            return Ok(post);
        }
    }
}
