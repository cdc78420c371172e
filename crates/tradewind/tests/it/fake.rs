//! A gateway that answers the operator API with what the test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Answers one request, whatever it is.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    request: JoinHandle<Request>,
}

/// What the gateway was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) call: String,
    /// The `authorization` header.
    pub(crate) authorization: String,
    pub(crate) body: String,
}

impl Fake {
    pub(crate) fn answering(status: u16, body: &str) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let body = body.to_owned();
        let request = std::thread::spawn(move || answer(listener.accept().unwrap().0, status, &body));
        Fake { address, request }
    }

    /// What it was asked, once it has answered.
    pub(crate) fn asked(self) -> Request {
        self.request.join().unwrap()
    }
}

fn answer(mut stream: TcpStream, status: u16, body: &str) -> Request {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let header = lines
            .iter()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut sent = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut sent).unwrap();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    Request {
        call: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        authorization: header("authorization"),
        body: String::from_utf8(sent).unwrap(),
    }
}
