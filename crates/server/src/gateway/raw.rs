//! Between HTTP and the bytes that dialects know.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{Either, Full};
use tradewind_dialect::{Headers, RawResponse};

use crate::http1::Answer;

/// The headers that a dialect looks at, which it names in lower case. One that is not text is left out, as
/// if it had not been sent.
pub(super) fn headers(all: &HeaderMap, looked_at: &[&str]) -> Headers {
    let shown = all.iter().filter(|(name, _)| looked_at.contains(&name.as_str()));
    shown
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// The variable segments of a path, percent-decoded once; `None` when one is not text.
pub(crate) fn params(found: &matchit::Params<'_, '_>) -> Option<Vec<(String, String)>> {
    found.iter().map(|(name, value)| Some((name.to_owned(), percent_decoded(value)?))).collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = if *byte == b'%' { after.split_at_checked(2) } else { None };
        match escaped.and_then(|(digits, after)| Some((hex(digits)?, after))) {
            Some((byte, after)) => {
                decoded.push(byte);
                rest = after;
            }
            None => {
                // A percent sign that escapes nothing stands for itself.
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match digits {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// A dialect's answer as HTTP. A header that HTTP does not allow is left out.
pub(super) fn answer(response: RawResponse) -> Answer {
    let mut answer = Answer::new(Either::Left(Full::<Bytes>::new(response.body)));
    *answer.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    if !response.content_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(response.content_type));
    }
    for (name, value) in response.headers {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    answer
}

/// The answer when the dialect itself has none.
pub(super) fn no_words() -> RawResponse {
    let status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
    RawResponse { status, content_type: "", headers: Vec::new(), body: Bytes::new() }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use tradewind_dialect::RawResponse;

    use super::{answer, headers, percent_decoded};

    #[test]
    fn dialects_see_the_headers_that_concern_them() {
        let sent: [(&'static str, &[u8]); 6] = [
            ("content-type", b"application/json"),
            ("authorization", b"Bearer x"),
            ("x-sign", b"abc"),
            ("x-odd", b"\xff"),
            ("cookie", b"a=b"),
            ("user-agent", b"curl"),
        ];
        let all: HeaderMap = sent
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap()))
            .collect();
        let mut shown = headers(&all, &["authorization", "content-type", "x-sign", "x-odd", "date"]);
        shown.sort();
        let expected =
            [("authorization", "Bearer x"), ("content-type", "application/json"), ("x-sign", "abc")];
        assert_eq!(shown, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn segments_are_decoded_once() {
        let check = |sent: &str, expected: Option<&str>| {
            assert_eq!(percent_decoded(sent).as_deref(), expected, "{sent:?}");
        };
        check("plain-1", Some("plain-1"));
        check("a%20b%2Fc", Some("a b/c"));
        check("%E4%BD%A0", Some("你"));
        check("%2541", Some("%41"));
        check("%", Some("%"));
        check("%4", Some("%4"));
        check("%zz", Some("%zz"));
        check("%+1", Some("%+1"));
        check("%ff", None);
    }

    #[test]
    fn answers_keep_what_http_allows() {
        let response =
            |status, headers| RawResponse { status, content_type: "text/x", headers, body: "b".into() };
        let built = answer(response(200, vec![("x-a", "1".into()), ("x-b", "line\nbreak".into())]));
        assert_eq!(built.status(), StatusCode::OK);
        assert_eq!(built.headers().get("content-type"), Some(&HeaderValue::from_static("text/x")));
        assert_eq!(built.headers().get("x-a"), Some(&HeaderValue::from_static("1")));
        assert_eq!(built.headers().get("x-b"), None);
        assert_eq!(answer(response(7, Vec::new())).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
