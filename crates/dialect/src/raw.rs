//! Requests and answers as bytes, before anybody has made sense of them.

use bytes::Bytes;

/// HTTP methods that dialects listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// Header names (lower case) and values.
pub type Headers = Vec<(String, String)>;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct RawRequest {
    /// The method.
    pub method: Method,
    /// The path as sent, percent-encoding and all.
    pub path: String,
    /// The variable segments of the route by name, percent-decoded once.
    pub params: Vec<(String, String)>,
    /// The query string as sent, without `?`.
    pub query: String,
    /// Those headers a dialect may look at.
    pub headers: Headers,
    /// The body, exactly as received.
    pub body: Bytes,
}

impl RawRequest {
    /// A variable segment of the route.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer, ours or a receiver's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawResponse {
    /// The HTTP status.
    pub status: u16,
    /// The `content-type`; empty for none.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}
