//! `NODIFY_URL` and `notifyURL`: which addresses are accepted, what their query says, where the signature goes
//! (section 8). The spellings are the wire's.

use tradewind_dialect::codec::Format;
use tradewind_domain::Refusal;

use crate::fields::{Fields, URL_CHARS_MAX, wrong};
use crate::identify::format_of;

/// Where the signature is to stand. Read without regard to the case of the hexadecimal digits.
const PLACEHOLDERS: [&str; 2] = ["{sign}", "%7bsign%7d"];

/// The address that a request names in `field`, checked. Old clients print `null` for "none".
pub(crate) fn of_field<'m>(fields: &Fields<'m>, field: &str) -> Result<Option<&'m str>, Refusal> {
    let Some(text) = fields.raw(field)?.filter(|text| *text != "null") else { return Ok(None) };
    let url = NotifyUrl::parse(text).map_err(|problem| wrong(field, problem))?;
    url.check_switches().map_err(|problem| wrong(field, problem))?;
    Ok(Some(text))
}

/// An address that notifications can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyUrl<'a> {
    /// Up to the query.
    base: &'a str,
    /// The query without `?`; the fragment is dropped, since it is never sent.
    query: &'a str,
}

impl<'a> NotifyUrl<'a> {
    /// Takes an absolute `http` or `https` address apart.
    ///
    /// # Errors
    /// What is wrong with it, to be read after the field's name.
    pub fn parse(text: &'a str) -> Result<NotifyUrl<'a>, &'static str> {
        if text.len() > URL_CHARS_MAX {
            return Err("is longer than 512 characters");
        }
        let may_stand = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`".contains(&byte);
        if !text.bytes().all(may_stand) {
            return Err("has characters that must be percent-encoded");
        }
        let rest = ["http://", "https://"].iter().find_map(|scheme| {
            let (head, rest) = text.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(rest)
        });
        let rest = rest.ok_or("is not an absolute http or https address")?;
        let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
        if !is_authority(authority) {
            return Err("has no valid host");
        }
        let sent = text.split_once('#').map_or(text, |(sent, _)| sent);
        let (base, query) = sent.split_once('?').unwrap_or((sent, ""));
        Ok(NotifyUrl { base, query })
    }

    /// Whether `_type` and `encrypt` in the query have values that exist (section 1.4).
    fn check_switches(&self) -> Result<(), &'static str> {
        if self.value("_type").is_some_and(|text| format_of(text).is_none()) {
            return Err("has a _type that is neither json nor xml");
        }
        match self.value("encrypt") {
            None | Some("3DES") => Ok(()),
            Some(_) => Err("has an encrypt that is not 3DES"),
        }
    }

    /// The format of notifications: XML unless the query says otherwise.
    pub fn format(&self) -> Format {
        self.value("_type").and_then(format_of).unwrap_or(Format::Xml)
    }

    /// Whether notifications are encrypted.
    pub fn encrypted(&self) -> bool {
        self.value("encrypt") == Some("3DES")
    }

    /// The address with the signature: in place of every placeholder, in place of a `sign` that is there
    /// already, or appended.
    pub fn signed(&self, sign: &str) -> String {
        let (mut url, mut placed) = fill(self.base, sign);
        let mut query = String::with_capacity(self.query.len() + sign.len() + 6);
        let mut named = false;
        for pair in self.query.split('&').filter(|_| !self.query.is_empty()) {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            let is_sign = name.eq_ignore_ascii_case("sign");
            if is_sign && named {
                continue;
            }
            if !query.is_empty() {
                query.push('&');
            }
            if is_sign {
                (named, placed) = (true, true);
                query.push_str(name);
                query.push('=');
                query.push_str(sign);
            } else {
                let (filled, found) = fill(pair, sign);
                placed |= found;
                query.push_str(&filled);
            }
        }
        if !placed {
            if !query.is_empty() && !query.ends_with('&') {
                query.push('&');
            }
            query.push_str("sign=");
            query.push_str(sign);
        }
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        url
    }

    /// A value of the query that is not empty; of several, the last. The values looked for have no
    /// character that anybody would encode.
    fn value(&self, name: &str) -> Option<&'a str> {
        let pairs = self.query.rsplit('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        value.filter(|value| !value.is_empty())
    }
}

/// Puts the signature in place of every placeholder, and tells whether there was one.
fn fill(text: &str, sign: &str) -> (String, bool) {
    let lower = text.to_ascii_lowercase();
    let mut filled = String::with_capacity(text.len() + sign.len());
    let mut from = 0;
    loop {
        let found = PLACEHOLDERS.iter().filter_map(|placeholder| {
            let at = lower.get(from..)?.find(placeholder)?;
            Some((from + at, placeholder.len()))
        });
        let Some((at, len)) = found.min() else { break };
        filled.push_str(&text[from..at]);
        filled.push_str(sign);
        from = at + len;
    }
    filled.push_str(&text[from..]);
    (filled, from > 0)
}

/// A host name or address with an optional port. Credentials are not accepted: they would be sent to
/// whoever listens there.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("ip", rest),
            _ => return false,
        },
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let port_fits = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
    };
    !host.is_empty() && host.bytes().all(is_host) && port_fits
}
