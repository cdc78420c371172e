//! The gateway's wire as a merchant speaks it: signed requests, and the fields of answers.
//!
//! Written from sections 1 to 3 and 8 of the protocol, independently of the gateway's own
//! dialect crate, so that a shared mistake cannot hide in a measurement.

use memchr::memmem;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use tradewind_signing::md5_hex_parts;

/// The sandbox's first partner, with which every tool here calls.
pub(crate) const BUSI_ID: &str = "0010000001";
pub(crate) const KEY: &str = "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8";

/// Who calls, and by which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Partner {
    pub busi_id: String,
    pub key: String,
}

impl Partner {
    /// The sandbox's first partner.
    pub(crate) fn sandbox() -> Self {
        Self { busi_id: BUSI_ID.to_owned(), key: KEY.to_owned() }
    }

    /// The `index`-th of the partners that these tools add; the same in every run.
    pub(crate) fn added(index: usize) -> Self {
        Self { busi_id: format!("002{index:07}"), key: format!("LOADKEY{index:025}") }
    }
}

const PREFIX: &str = "/openGateway/openService/";

/// A merchant who calls one server.
#[derive(Debug, Clone)]
pub(crate) struct Merchant {
    pub busi_id: String,
    key: Vec<u8>,
    /// The head of a POST from the time stamp's end to the length, the same for every request.
    post_middle: Vec<u8>,
    get_end: Vec<u8>,
}

impl Merchant {
    pub(crate) fn new(busi_id: &str, key: &str, server: SocketAddr) -> Self {
        Self {
            busi_id: busi_id.to_owned(),
            key: key.as_bytes().to_vec(),
            post_middle: format!(
                "&_type=json HTTP/1.1\r\nhost: {server}\r\n\
                 content-type: application/json;charset=UTF-8\r\ncontent-length: "
            )
            .into_bytes(),
            get_end: format!(" HTTP/1.1\r\nhost: {server}\r\n\r\n").into_bytes(),
        }
    }

    pub(crate) fn of(partner: &Partner, server: SocketAddr) -> Self {
        Self::new(&partner.busi_id, &partner.key, server)
    }

    pub(crate) fn sandbox(server: SocketAddr) -> Self {
        Self::new(BUSI_ID, KEY, server)
    }

    /// Appends a signed `POST` of `body` to one of the protocol's interfaces (`order`, `refund`).
    ///
    /// `body` must hold no ASCII white space: it is signed as it is (section 3.1).
    pub(crate) fn post(&self, out: &mut Vec<u8>, interface: &str, body: &[u8], now_ms: u64) {
        self.post_to(out, &[PREFIX, interface], body, now_ms);
    }

    /// The same bytes to another path: what the bare echo is given.
    pub(crate) fn post_to(&self, out: &mut Vec<u8>, path: &[&str], body: &[u8], now_ms: u64) {
        debug_assert!(!body.iter().any(u8::is_ascii_whitespace), "the body would have to be stripped");
        out.extend_from_slice(b"POST ");
        path.iter().for_each(|piece| out.extend_from_slice(piece.as_bytes()));
        self.sign(out, &[body], now_ms);
        out.extend_from_slice(&self.post_middle);
        push_decimal(out, body.len() as u64, 1);
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(body);
    }

    /// Appends a signed `query` for one serial number (section 5.6).
    pub(crate) fn query(&self, out: &mut Vec<u8>, serial: &[u8], kind: Serial, now_ms: u64) {
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(PREFIX.as_bytes());
        out.extend_from_slice(b"query/");
        out.extend_from_slice(serial);
        out.push(b'/');
        out.extend_from_slice(self.busi_id.as_bytes());
        self.sign(out, &[serial], now_ms);
        out.extend_from_slice(match kind {
            Serial::Merchant => b"&_type=json",
            Serial::Refund => b"&_type=json&serType=2",
        });
        out.extend_from_slice(&self.get_end);
    }

    /// Appends a GET with parameters of an interface that signs nothing but the time (`queryTrades`,
    /// section 5.8).
    pub(crate) fn get(&self, out: &mut Vec<u8>, interface: &str, parameters: &str, now_ms: u64) {
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(PREFIX.as_bytes());
        out.extend_from_slice(interface.as_bytes());
        self.sign(out, &[], now_ms);
        out.push(b'&');
        out.extend_from_slice(parameters.as_bytes());
        out.extend_from_slice(b"&_type=json");
        out.extend_from_slice(&self.get_end);
    }

    fn sign(&self, out: &mut Vec<u8>, plain: &[&[u8]], now_ms: u64) {
        let mut stamp = Vec::with_capacity(20);
        push_decimal(&mut stamp, now_ms, 1);
        out.extend_from_slice(b"?sign=");
        out.extend_from_slice(&signature(&stamp, &self.key, plain));
        out.push(b':');
        out.extend_from_slice(&stamp);
    }
}

/// What kind of number a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serial {
    /// `CHARGE_CODE`.
    Merchant,
    /// `OUT_REFUND_NO`, which is `serType=2`.
    Refund,
}

/// Whether `sign` from a notification's query fits its body (section 3.3, without the window of time).
pub(crate) fn signature_fits(sign: &[u8], key: &[u8], body: &[u8]) -> bool {
    let separator = memchr::memchr2(b':', b'%', sign).unwrap_or(sign.len());
    let (digest, rest) = sign.split_at(separator);
    let stamp =
        rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"%3A")).or_else(|| rest.strip_prefix(b"%3a"));
    let Some(stamp) = stamp else { return false };
    let words: Vec<&[u8]> = body.split(is_stripped).collect();
    digest.eq_ignore_ascii_case(&signature(stamp, key, &words))
}

fn is_stripped(byte: &u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x20)
}

fn signature(stamp: &[u8], key: &[u8], plain: &[&[u8]]) -> [u8; 32] {
    match plain {
        [one] => md5_hex_parts(&[stamp, key, one]),
        many => md5_hex_parts(&[&[stamp, key], many].concat()),
    }
}

/// Appends `value` in decimal with at least `width` digits.
pub(crate) fn push_decimal(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while value > 0 || digits.len() - start < width.min(20) {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// Digits of the counter at the end of every number that these tools give out.
pub(crate) const COUNTER_DIGITS: usize = 10;

/// A text with a counter in it, cut once and filled for each request.
///
/// The counter's places are written `{n}` and are filled with ten digits.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Vec<Vec<u8>>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.split("{n}").map(|piece| piece.as_bytes().to_vec()).collect())
    }

    pub(crate) fn fill(&self, out: &mut Vec<u8>, counter: u64) {
        for (index, piece) in self.0.iter().enumerate() {
            if index > 0 {
                push_decimal(out, counter, COUNTER_DIGITS);
            }
            out.extend_from_slice(piece);
        }
    }
}

/// The first string member `"name":"value"` of a flat look at JSON; values with escapes end early.
///
/// Enough for numbers and codes that these tools made themselves, at a fraction of a parse.
pub(crate) struct Member(memmem::Finder<'static>);

impl Member {
    pub(crate) fn new(name: &str) -> Self {
        Self(memmem::Finder::new(format!("\"{name}\":").as_bytes()).into_owned())
    }

    /// The text of a string member, or of a number without its quotes.
    pub(crate) fn find<'a>(&self, json: &'a [u8]) -> Option<&'a [u8]> {
        let rest = &json[self.0.find(json)? + self.0.needle().len()..];
        let rest = rest.trim_ascii_start();
        match rest.strip_prefix(b"\"") {
            Some(text) => memchr::memchr(b'"', text).map(|end| &text[..end]),
            None => {
                let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
                (end > 0).then(|| &rest[..end])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: u64 = 1_470_360_000_123;

    fn sent(write: impl Fn(&Merchant, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&Merchant::sandbox("127.0.0.1:80".parse().unwrap()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_post_carries_the_signature_of_vector_s8() {
        let body = r#"{"PAY_NODIFY":{"BUSI_ID":"0010000001","CHARGE_CODE":"T20160805000001","CHARGE_DOWN_CODE":"20160805000000000001","CHANNEL_TYPE":1,"STATE":1,"AMT":1}}"#;
        let request = sent(|merchant, out| merchant.post(out, "order", body.as_bytes(), STAMP));
        assert_eq!(
            request,
            format!(
                "POST /openGateway/openService/order?sign=a0a2a2344db014843935a79e6ef3b9b6:1470360000123&_type=json \
                 HTTP/1.1\r\nhost: 127.0.0.1:80\r\ncontent-type: application/json;charset=UTF-8\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            )
        );
    }

    #[test]
    fn a_query_carries_the_signature_of_vector_s4() {
        let request = sent(|merchant, out| merchant.query(out, b"T20160805000001", Serial::Merchant, STAMP));
        assert_eq!(
            request,
            "GET /openGateway/openService/query/T20160805000001/0010000001\
             ?sign=8b043a5031184f4a86479039f206e154:1470360000123&_type=json HTTP/1.1\r\nhost: 127.0.0.1:80\r\n\r\n"
        );
        let refund = sent(|merchant, out| merchant.query(out, b"R1", Serial::Refund, STAMP));
        assert!(refund.contains("&serType=2 HTTP/1.1"));
    }

    #[test]
    fn notification_signatures() {
        let check = |sign: &str, body: &str, expected: bool| {
            assert_eq!(
                signature_fits(sign.as_bytes(), KEY.as_bytes(), body.as_bytes()),
                expected,
                "{sign} {body}"
            );
        };
        // Vectors S1 and S2 of section 3.4; S2 needs white space stripped, U+3000 kept.
        let s1 = r#"{"BUSI_ID":"0010000001","OPER_ID":"oper01","DEV_ID":"dev01","AMT":"0.01","CHANNEL_TYPE":"1","CHARGE_CODE":"T20160805000001","PAY_SUBJECT":"test order"}"#;
        check("349f94e5f924b6374a9cac533d32a9e3:1470360000123", s1, true);
        check("349F94E5F924B6374A9CAC533D32A9E3%3A1470360000123", s1, true);
        check("349f94e5f924b6374a9cac533d32a9e3:1470360000124", s1, false);
        check("349f94e5f924b6374a9cac533d32a9e3", s1, false);
        check("", s1, false);
        let s2 = "{\n\t\"BUSI_ID\": \"0010000001\",\r\n\t\"PAY_SUBJECT\": \"茶\u{3000}叶 A B\"\n}";
        check("aa2858a90e98d3f83d53f64f9d22223d:1470360000123", s2, true);
    }

    #[test]
    fn patterns_are_filled_with_ten_digits() {
        let mut out = Vec::new();
        Pattern::new("A{n}B{n}").fill(&mut out, 42);
        assert_eq!(out, b"A0000000042B0000000042");
    }

    #[test]
    fn decimals() {
        let check = |value, width, expected: &str| {
            let mut out = Vec::new();
            push_decimal(&mut out, value, width);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(0, 1, "0");
        check(1_470_360_000_123, 1, "1470360000123");
        check(7, 3, "007");
        check(u64::MAX, 1, "18446744073709551615");
    }

    #[test]
    fn members() {
        let json = br#"{"R":{"RESULT":{"CODE":"SUCCESS"},"CHARGE_CODE": "C1","STATE":11,"AMT":x}}"#;
        let check = |name: &str, expected: Option<&[u8]>| {
            assert_eq!(Member::new(name).find(json), expected, "{name}")
        };
        check("CODE", Some(b"SUCCESS"));
        check("CHARGE_CODE", Some(b"C1"));
        check("STATE", Some(b"11"));
        check("AMT", None);
        check("ABSENT", None);
    }
}
