//! Bodies, parameters and pages of the operator API.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::OpsError;

/// The longest body: settings and lists of methods are small.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// How many entries a page has unless asked otherwise, and at most.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

/// A JSON body. None at all is taken for `{}`, so that a request without choices needs none.
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = OpsError;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, OpsError> {
        let bytes = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX)
            .await
            .map_err(|_| OpsError::too_large(BODY_BYTES_MAX))?;
        read(&bytes).map(Body)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, OpsError> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| OpsError::invalid(format!("the body: {error}")))
}

/// The parameters of the query string.
pub(super) struct Params<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = OpsError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params<T>, OpsError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Params(params)),
            Err(rejection) => Err(OpsError::invalid(rejection.body_text())),
        }
    }
}

/// A request that has nothing to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// How many entries a page shall have.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, OpsError> {
    match asked {
        None => Ok(PAGE_DEFAULT),
        Some(limit @ 1..=PAGE_MAX) => Ok(limit),
        Some(_) => Err(OpsError::invalid(format!("limit: from 1 to {PAGE_MAX}"))),
    }
}

/// Reads an id.
pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, OpsError> {
    text.parse().map_err(|error: T::Err| OpsError::invalid(error.to_string()))
}

/// Text that people read: not empty, not a book, no control characters.
pub(super) fn text(name: &'static str, text: String, chars_max: usize) -> Result<String, OpsError> {
    let chars = text.chars().count();
    if text.trim().is_empty() || chars > chars_max || text.chars().any(char::is_control) {
        return Err(OpsError::invalid(format!("{name}: 1 to {chars_max} printable characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use tradewind_domain::TaskId;

    use super::{id, limit, read, text};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        count: u32,
    }

    #[test]
    fn bodies_are_read_strictly() {
        let check =
            |bytes: &str, expected: Result<u32, &str>| match (read::<Sample>(bytes.as_bytes()), expected) {
                (Ok(sample), Ok(count)) => assert_eq!(sample.count, count, "{bytes}"),
                (Err(error), Err(part)) => {
                    assert!(error.message.contains(part), "{bytes}: {}", error.message)
                }
                (Ok(_), Err(part)) => panic!("{bytes}: read, expected {part}"),
                (Err(error), Ok(_)) => panic!("{bytes}: {}", error.message),
            };
        check("", Ok(0));
        check("{}", Ok(0));
        check("{\"count\":3}", Ok(3));
        check("{\"cuont\":3}", Err("unknown field `cuont`"));
        check("{", Err("EOF"));
        check("{\"count\":-1}", Err("invalid value"));
    }

    #[test]
    fn pages_are_bounded() {
        let check = |asked, expected: Option<u32>| assert_eq!(limit(asked).ok(), expected, "{asked:?}");
        check(None, Some(100));
        check(Some(1), Some(1));
        check(Some(1000), Some(1000));
        check(Some(0), None);
        check(Some(1001), None);
    }

    #[test]
    fn ids_are_of_their_kind() {
        assert_eq!(id::<TaskId>("tsk_7").ok(), Some(TaskId::from_i64(7)));
        assert_eq!(id::<TaskId>("ord_7").map_err(|error| error.code).err(), Some("invalid"));
    }

    #[test]
    fn texts_are_printable() {
        let check = |given: &str, good: bool| {
            assert_eq!(text("name", given.to_owned(), 5).is_ok(), good, "{given:?}");
        };
        check("Ann", true);
        check("茶馆", true);
        check("12345", true);
        check("123456", false);
        check("", false);
        check("  ", false);
        check("a\nb", false);
    }
}
