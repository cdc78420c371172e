//! Parsing and checking of URLs.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

use crate::error::{EgressError, UrlProblem};

/// Parses an absolute `http` or `https` URL and checks all that can be checked without
/// a look-up. Endpoint URLs are checked with it when they are registered.
///
/// # Errors
/// [`EgressError::BadUrl`].
pub fn parse_url(text: &str) -> Result<Uri, EgressError> {
    let uri = text.parse().map_err(|_| EgressError::BadUrl(UrlProblem::Malformed))?;
    check_url(&uri)?;
    Ok(uri)
}

/// Refuses what cannot, or must not, be called.
pub(crate) fn check_url(uri: &Uri) -> Result<(), EgressError> {
    Target::of(uri).map(|_| ())
}

/// Where a URL leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// A name or a literal address, the latter without brackets.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) secure: bool,
}

impl<'a> Target<'a> {
    pub(crate) fn of(uri: &'a Uri) -> Result<Target<'a>, EgressError> {
        let problem = |problem| Err(EgressError::BadUrl(problem));

        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return problem(UrlProblem::Scheme),
        };
        let Some(authority) = uri.authority() else { return problem(UrlProblem::Host) };
        if authority.as_str().contains('@') {
            return problem(UrlProblem::UserInfo);
        }
        let host = authority.host();
        let port = match authority.port_u16() {
            Some(0) => return problem(UrlProblem::Malformed),
            Some(port) => port,
            // A port was written, but it is no number up to 65535.
            None if authority.as_str().len() != host.len() => return problem(UrlProblem::Malformed),
            None if secure => 443,
            None => 80,
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return problem(UrlProblem::Host);
        }
        Ok(Target { host, port, secure })
    }

    /// The address, when the host is a literal one.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, parse_url};
    use crate::error::{EgressError, UrlProblem};

    #[test]
    fn targets() {
        let check = |url: &str, host: &str, port, secure| {
            let uri = parse_url(url).unwrap();
            assert_eq!(Target::of(&uri).unwrap(), Target { host, port, secure }, "{url}");
        };
        check("http://shop.example", "shop.example", 80, false);
        check("https://shop.example/notify?a=b", "shop.example", 443, true);
        check("HTTPS://shop.example:8443/", "shop.example", 8443, true);
        check("http://192.0.2.1:81/x", "192.0.2.1", 81, false);
        check("http://[2001:db8::1]:81/x", "2001:db8::1", 81, false);
        check("http://[2001:db8::1]/x", "2001:db8::1", 80, false);
    }

    #[test]
    fn bad_urls() {
        let check = |url: &str, expected: UrlProblem| match parse_url(url) {
            Err(EgressError::BadUrl(problem)) => assert_eq!(problem, expected, "{url:?}"),
            other => panic!("{url:?}: {other:?}"),
        };
        check("", UrlProblem::Malformed);
        check("http://", UrlProblem::Malformed);
        check("http://a b/", UrlProblem::Malformed);
        check("http://a/\r\nX: y", UrlProblem::Malformed);
        check("http://a:0/", UrlProblem::Malformed);
        check("http://a:65536/", UrlProblem::Malformed);
        check("http://a:x/", UrlProblem::Malformed);
        check("http://a:/", UrlProblem::Malformed);
        check("/notify", UrlProblem::Scheme);
        check("shop.example", UrlProblem::Scheme);
        check("ftp://shop.example/", UrlProblem::Scheme);
        check("file:///etc/passwd", UrlProblem::Malformed);
        check("http://user@shop.example/", UrlProblem::UserInfo);
        check("http://user:secret@shop.example/", UrlProblem::UserInfo);
        check("http://127.0.0.1@shop.example/", UrlProblem::UserInfo);
        check("http://[]/", UrlProblem::Host);
    }
}
