//! The little HTTP/1.1 that a closed measurement needs: message heads, and a blocking call.
//!
//! One pass over the head looks at three fields only. Bodies must carry `content-length`;
//! a chunked message is refused by name instead of being misread.

use anyhow::{Context, bail};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A head longer than this is an error, as in most servers.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// A message longer than this is an error; the protocol's own limit is 1 MiB for requests.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the head of a request or an answer says about the message.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Bytes of the request or status line, without the line end.
    pub first_line: usize,
    /// Bytes of the whole head including the empty line.
    pub head: usize,
    /// Bytes of the body.
    pub body: usize,
    /// The peer closes the connection after this message.
    pub close: bool,
}

/// Why bytes are not a message that these tools read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadMessage {
    EmptyFirstLine,
    ContentLength,
    Chunked,
    TooLong,
    StatusLine,
}

impl std::fmt::Display for BadMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::EmptyFirstLine => "the message starts with an empty line",
            Self::ContentLength => "content-length is not one plain number",
            Self::Chunked => "transfer-encoding is not supported",
            Self::TooLong => "the message is too long",
            Self::StatusLine => "the status line is malformed",
        })
    }
}

impl std::error::Error for BadMessage {}

impl Head {
    /// Reads the head at the start of `bytes`; `None` while it is incomplete.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, BadMessage> {
        let mut head = Self::default();
        let mut length = None;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match (start, line.is_empty()) {
                (0, true) => return Err(BadMessage::EmptyFirstLine),
                (0, false) => head.first_line = line.len(),
                (_, false) => head.field(line, &mut length)?,
                (_, true) => {
                    head.head = end + 1;
                    head.body = length.unwrap_or(0);
                    return Ok(Some(head));
                }
            }
            start = end + 1;
        }
        if bytes.len() > HEAD_BYTES_MAX { Err(BadMessage::TooLong) } else { Ok(None) }
    }

    /// Bytes of head and body together.
    pub(crate) fn total(&self) -> usize {
        self.head + self.body
    }

    fn field(&mut self, line: &[u8], length: &mut Option<usize>) -> Result<(), BadMessage> {
        // Most fields are told apart by their first letter; only these three matter.
        match line[0] | 0x20 {
            b'c' => {
                if let Some(value) = value_of(line, b"content-length") {
                    let value = decimal(value).ok_or(BadMessage::ContentLength)?;
                    if length.is_some_and(|before| before != value) {
                        return Err(BadMessage::ContentLength);
                    }
                    if value > MESSAGE_BYTES_MAX {
                        return Err(BadMessage::TooLong);
                    }
                    *length = Some(value);
                } else if let Some(value) = value_of(line, b"connection") {
                    self.close = value.eq_ignore_ascii_case(b"close");
                }
            }
            b't' if value_of(line, b"transfer-encoding").is_some() => return Err(BadMessage::Chunked),
            _ => {}
        }
        Ok(())
    }
}

/// The status code of an answer whose first line is `line`.
pub(crate) fn status(line: &[u8]) -> Result<u16, BadMessage> {
    let code = line.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    let code = code.and_then(decimal).ok_or(BadMessage::StatusLine)?;
    u16::try_from(code).map_err(|_| BadMessage::StatusLine)
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (field, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    field.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn decimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0usize, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// One blocking call on a fresh connection, for control and operator endpoints only.
pub(crate) struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub bearer: Option<&'a str>,
    /// JSON, when present.
    pub body: Option<&'a str>,
    /// For connecting, writing and reading together.
    pub limit: Duration,
}

impl Call<'_> {
    pub(crate) fn get(path: &str) -> Call<'_> {
        Call { method: "GET", path, bearer: None, body: None, limit: Duration::from_secs(10) }
    }

    /// Sends the call and reads the whole answer.
    pub(crate) fn send(&self, to: SocketAddr) -> anyhow::Result<(u16, Vec<u8>)> {
        self.exchange(to).with_context(|| format!("{} http://{to}{}", self.method, self.path))
    }

    fn exchange(&self, to: SocketAddr) -> anyhow::Result<(u16, Vec<u8>)> {
        let give_up_at = Instant::now() + self.limit;
        let mut stream = TcpStream::connect_timeout(&to, self.limit)?;
        let mut request =
            format!("{} {} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n", self.method, self.path);
        if let Some(token) = self.bearer {
            request.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        if self.body.is_some() {
            request.push_str("content-type: application/json\r\n");
        }
        let body = self.body.unwrap_or_default();
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        stream.set_write_timeout(Some(self.limit))?;
        stream.write_all(request.as_bytes())?;

        let mut bytes = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(head) = Head::parse(&bytes)?
                && bytes.len() >= head.total()
            {
                let status = status(&bytes[..head.first_line])?;
                return Ok((status, bytes[head.head..head.total()].to_vec()));
            }
            let left = give_up_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no answer within {:?}", self.limit);
            }
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut chunk) {
                Ok(0) => bail!("the connection ended inside the answer"),
                Ok(read) => bytes.extend_from_slice(&chunk[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The address in `http://127.0.0.1:8080` or `127.0.0.1:8080`, without a path.
pub(crate) fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let authority = url.strip_prefix("http://").unwrap_or(url);
    let authority = authority.split('/').next().unwrap_or(authority);
    authority.parse().with_context(|| format!("`{url}` must be http://ADDRESS:PORT with a numeric address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Head>, BadMessage> {
        Head::parse(text.as_bytes())
    }

    #[test]
    fn heads_that_are_read() {
        let check = |text: &str, first_line: usize, body: usize, close: bool| {
            let head = parse(text).unwrap().unwrap();
            assert_eq!((head.first_line, head.body, head.close), (first_line, body, close), "{text:?}");
            assert_eq!(&text[head.head..], "BODY", "{text:?}");
        };
        check("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nBODY", 15, 4, false);
        check(
            "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length:4  \r\nConnection: Close\r\n\r\nBODY",
            15,
            4,
            true,
        );
        check("POST /n?x HTTP/1.1\r\nCONTENT-LENGTH: 0004\r\ncontent-length: 4\r\n\r\nBODY", 18, 4, false);
        check("GET / HTTP/1.1\ncontent-type: a\ncookie: b\ntrailer: c\n\nBODY", 14, 0, false);
    }

    #[test]
    fn a_head_is_incomplete_until_its_empty_line() {
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), Ok(None), "cut at {cut}");
        }
        assert!(parse(whole).unwrap().is_some());
    }

    #[test]
    fn heads_that_are_refused() {
        let check = |text: &str, expected: BadMessage| assert_eq!(parse(text), Err(expected), "{text:.60}");
        check("\r\n", BadMessage::EmptyFirstLine);
        check("A\r\ncontent-length: 4, 4\r\n\r\n", BadMessage::ContentLength);
        check("A\r\ncontent-length: -4\r\n\r\n", BadMessage::ContentLength);
        check("A\r\ncontent-length:\r\n\r\n", BadMessage::ContentLength);
        check("A\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n", BadMessage::ContentLength);
        check("A\r\ncontent-length: 99999999999999999999999\r\n\r\n", BadMessage::ContentLength);
        check("A\r\ncontent-length: 99999999999\r\n\r\n", BadMessage::TooLong);
        check("A\r\nTransfer-Encoding: chunked\r\n\r\n", BadMessage::Chunked);
        check(&"x".repeat(HEAD_BYTES_MAX + 1), BadMessage::TooLong);
    }

    #[test]
    fn status_lines() {
        assert_eq!(status(b"HTTP/1.1 200 OK"), Ok(200));
        assert_eq!(status(b"HTTP/1.0 503"), Ok(503));
        for bad in [&b"HTTP/1.1 20"[..], b"HTTP/2 200 OK", b"", b"HTTP/1.1 2x0 OK"] {
            assert_eq!(status(bad), Err(BadMessage::StatusLine));
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address("http://127.0.0.1:80/x").unwrap().port(), 80);
        assert_eq!(address("127.0.0.1:81").unwrap().port(), 81);
        assert!(address("https://shop.example.test").is_err());
    }
}
