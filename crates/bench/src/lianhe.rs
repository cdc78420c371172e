//! The e-ticket wire as a distributor speaks it: signed requests, and the fields of answers.
//!
//! Written from sections 2 to 5 of the protocol, independently of the gateway's own dialect crate, so
//! that a shared mistake cannot hide in a measurement.

use crate::sosopay::push_decimal;
use std::net::SocketAddr;
use tradewind_signing::hmac_sha1;

/// Where all operations are served.
const ENTRY: &str = "/openapi/index.php?method=";
/// Where the bare server sends a body back.
const ECHO: &str = "/echo?method=";
/// The protocol's days begin at midnight in this zone.
const ZONE_MS: u64 = 8 * 3600 * 1000;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// A distributor, its key, and the server it calls.
#[derive(Debug, Clone)]
pub(crate) struct Distributor {
    pub partner_id: u64,
    secret: String,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The gateway.
    Gateway,
    /// The bare server that sets the ceiling.
    Echo,
}

impl Distributor {
    /// The `index`-th of the distributors that these tools add; the same in every run.
    pub(crate) fn added(index: usize) -> Self {
        Self { partner_id: 7_000_000 + index as u64, secret: format!("{index:032x}") }
    }

    /// As the operator API takes it.
    pub(crate) fn json(&self, credit_limit: &str) -> serde_json::Value {
        let key_id = self.partner_id.to_string();
        serde_json::json!({
            "dialect": "lianhe", "key_id": key_id, "name": format!("Distributor {key_id}"),
            "secret": self.secret, "credit_limit": credit_limit,
        })
    }

    /// Appends a signed request whose `body` is the JSON of the envelope's member of that name.
    pub(crate) fn post(&self, out: &mut Vec<u8>, call: &Request<'_>, server: SocketAddr) {
        let entry = match call.entry {
            Entry::Gateway => ENTRY,
            Entry::Echo => ECHO,
        };
        let date = http_date(call.now_ms);
        let signed: [&[u8]; 5] =
            [b"POST ", entry.as_bytes(), call.operation.as_bytes(), b"\n", date.as_bytes()];
        let signature = base64(&hmac_sha1(self.secret.as_bytes(), &signed));
        let mut id = Vec::with_capacity(20);
        push_decimal(&mut id, self.partner_id, 1);
        let pieces: [&[u8]; 3] = [b"{\"partnerId\":", b",\"body\":", b"}"];
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>() + id.len() + call.body.len();

        for piece in ["POST ", entry, call.operation, " HTTP/1.1\r\nhost: "] {
            out.extend_from_slice(piece.as_bytes());
        }
        out.extend_from_slice(server.to_string().as_bytes());
        out.extend_from_slice(
            b"\r\ncontent-type: application/json; charset=utf-8\r\nversion: 2.1\r\npartnerid: ",
        );
        out.extend_from_slice(&id);
        out.extend_from_slice(b"\r\ndate: ");
        out.extend_from_slice(date.as_bytes());
        out.extend_from_slice(b"\r\nauthorization: LH ");
        out.extend_from_slice(&id);
        out.push(b':');
        out.extend_from_slice(signature.as_bytes());
        out.extend_from_slice(b"\r\ncontent-length: ");
        push_decimal(out, length as u64, 1);
        out.extend_from_slice(b"\r\n\r\n");
        for piece in [pieces[0], &id, pieces[1], call.body, pieces[2]] {
            out.extend_from_slice(piece);
        }
    }
}

/// What is asked.
pub(crate) struct Request<'a> {
    pub entry: Entry,
    /// `newOrder` and so on.
    pub operation: &'a str,
    pub body: &'a [u8],
    pub now_ms: u64,
}

/// What all orders of a run are for.
#[derive(Debug, Clone)]
pub(crate) struct Deal {
    /// `LHDealId`.
    pub number: String,
    /// `travelDate`.
    pub day: String,
    /// `sellPrice` as it is written.
    pub sell: String,
}

/// Appends the body of `newOrder`, `creatOrder` and, with `lh_order`, `payOrder`. The partner sends the
/// short message (`smsfrom` 1), since these tools measure the sale.
pub(crate) fn order_body(out: &mut Vec<u8>, order: &str, lh_order: Option<&str>, deal: &Deal, wish: Wish) {
    let Deal { number, day, sell } = deal;
    let Wish { buyer, quantity } = wish;
    let lh_order = lh_order.map_or_else(String::new, |id| format!(r#","LHOrderId":"{id}""#));
    let text = format!(
        r#"{{"orderId":"{order}"{lh_order},"LHDealId":"{number}","sellPrice":{sell},"quantity":{quantity},"travelDate":"{day}","payId":"P{order}","smsfrom":1,"visitor":[{{"name":"Buyer {buyer}","mobile":"138{buyer:08}"}}]}}"#
    );
    out.extend_from_slice(text.as_bytes());
}

/// Who wants how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub buyer: usize,
    pub quantity: u32,
}

/// A day of the protocol's zone, `yyyy-MM-dd`.
pub(crate) fn day_of(ms: u64) -> String {
    let (year, month, day) = civil((ms + ZONE_MS) / DAY_MS);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The `Date` header: RFC 1123 in GMT.
fn http_date(ms: u64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = ms / DAY_MS;
    let second = ms % DAY_MS / 1000;
    let (year, month, day) = civil(days);
    let (weekday, month) = (WEEKDAYS[(days % 7) as usize], MONTHS[(month - 1) as usize]);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month and day of a count of days since 1970 (the Gregorian calendar in eras of 400 years).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, place| bits << 8 | u32::from(*chunk.get(place).unwrap_or(&0)));
        for place in 0..4 {
            let sextet = bits >> (18 - 6 * place) & 63;
            text.push(if place > chunk.len() { '=' } else { char::from(ALPHABET[sextet as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_of_new_order() {
        let caller = Distributor { partner_id: 1985, secret: "0123456789abcdef0123456789abcdef".to_owned() };
        let mut out = Vec::new();
        let call =
            Request { entry: Entry::Gateway, operation: "newOrder", body: b"{}", now_ms: 1_470_360_000_123 };
        caller.post(&mut out, &call, "127.0.0.1:80".parse().unwrap());
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("POST /openapi/index.php?method=newOrder HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("\r\ndate: Fri, 05 Aug 2016 01:20:00 GMT\r\n"), "{text}");
        assert!(text.contains("\r\nauthorization: LH 1985:lIj2tLKuQdm64pGv2o4ZfO28Yao=\r\n"), "{text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(body, r#"{"partnerId":1985,"body":{}}"#);
    }

    #[test]
    fn bodies_are_json() {
        let deal = Deal { number: "7".into(), day: "2016-08-06".into(), sell: "58.5".into() };
        let check = |lh: Option<&str>| {
            let mut out = Vec::new();
            order_body(&mut out, "A1", lh, &deal, Wish { buyer: 12, quantity: 3 });
            let body: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!((&body["orderId"], &body["quantity"]), (&"A1".into(), &3.into()));
            assert_eq!(body["visitor"][0]["mobile"], "13800000012");
            assert_eq!(body["LHOrderId"].as_str(), lh);
        };
        check(None);
        check(Some("42"));
    }

    #[test]
    fn days_of_the_zone() {
        let check = |ms: u64, expected: &str| assert_eq!(day_of(ms), expected, "{ms}");
        check(0, "1970-01-01");
        check(1_470_326_399_999, "2016-08-04");
        check(1_470_326_400_000, "2016-08-05");
        check(951_811_200_000, "2000-02-29");
        check(1_483_200_000_000, "2017-01-01");
    }

    #[test]
    fn base64_of_every_length() {
        for (bytes, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
    }
}
