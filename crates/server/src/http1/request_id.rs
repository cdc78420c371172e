//! The id that a request is known by from its edge to the log.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tradewind_signing::random_bytes;

/// The header that carries it, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids of callers are replaced, so that a log line stays one.
const LENGTH_MAX: usize = 64;

/// Gives every request its id: the caller's own if it is well-formed, else a random prefix of this
/// process and a counter, which is unique without asking for randomness each time.
pub(crate) struct RequestIds {
    prefix: String,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> RequestIds {
        RequestIds {
            prefix: format!("{:016x}", u64::from_be_bytes(random_bytes())),
            count: AtomicU64::new(0),
        }
    }

    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(REQUEST_ID) {
            Some(given) if is_well_formed(given.as_bytes()) => given.clone(),
            Some(_) | None => self.fresh(),
        }
    }

    fn fresh(&self) -> HeaderValue {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let text = Bytes::from(format!("{}-{number:x}", self.prefix));
        HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// One to 64 visible ASCII characters.
fn is_well_formed(id: &[u8]) -> bool {
    (1..=LENGTH_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{REQUEST_ID, RequestIds, is_well_formed};

    #[test]
    fn well_formed_ids_are_kept_and_others_replaced() {
        let ids = RequestIds::new();
        let check = |given: &str, kept: bool| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(given).unwrap())]);
            let id = ids.of(&headers);
            assert_eq!(id == given, kept, "{given:?} became {id:?}");
            assert!(is_well_formed(id.as_bytes()), "{id:?}");
        };
        check("a", true);
        check("0f8fad5b-d9cb-469f-a165-70867728950e", true);
        check(&"x".repeat(64), true);
        check("!~", true);
        check(&"x".repeat(65), false);
        check("", false);
        check("two words", false);
        check("tab\there", false);
        check("späť", false);
    }

    #[test]
    fn fresh_ids_differ() {
        let ids = RequestIds::new();
        let none = HeaderMap::new();
        assert_ne!(ids.of(&none), ids.of(&none));
        assert_ne!(RequestIds::new().of(&none), ids.of(&none));
    }
}
