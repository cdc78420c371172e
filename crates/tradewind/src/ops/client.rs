//! A client of the operator API.

use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, EgressError, Request};
use tradewind_signing::Secret;

use super::error::OpsError;
use crate::cli::{Page, Reach};
use crate::data::{DataFolder, reachable, read_token};

/// For calls that look something up or change one thing.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// For calls that go through the whole database, or through hours of virtual time.
const LONG_TIME_LIMIT: Duration = Duration::from_secs(3600);
/// `verify` may have much to tell.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The operator API of one gateway.
#[derive(Debug)]
pub(crate) struct Ops {
    base: String,
    /// What is known when it does not answer.
    hint: String,
    token: Secret,
    egress: Egress,
}

impl Ops {
    /// Finds the gateway: by its URL when one is given, otherwise by its data folder.
    ///
    /// # Errors
    /// When none is announced, or there is no token.
    pub(crate) fn find(reach: &Reach, data: &DataFolder) -> anyhow::Result<Ops> {
        let token = match (&reach.ops_token, &reach.ops_token_file) {
            (Some(token), _) => Some(Secret::new(token.as_str())),
            (None, Some(path)) => Some(read_token(path)?),
            (None, None) => None,
        };
        if let Some(url) = &reach.ops_url {
            let Some(token) = token else {
                let message = "--ops-url needs --ops-token-file or TRADEWIND_OPS_TOKEN";
                return Err(OpsError::NotFound(message.to_owned()).into());
            };
            return Ok(Ops::new(url.trim_end_matches('/').to_owned(), String::new(), token));
        }
        let shown = data.path().display();
        let Some(said) = data.announcement()? else {
            let message = format!(
                "no gateway runs on the data folder `{shown}`: start it with `tradewind serve`, or point to \
                 another with --data or --ops-url"
            );
            return Err(OpsError::NotFound(message).into());
        };
        let token = match token {
            Some(token) => token,
            None => read_token(&data.ops_token_path())?,
        };
        let hint = format!("; `{shown}/gateway.json` says it is process {}", said.pid);
        Ok(Ops::new(format!("http://{}", reachable(said.ops)), hint, token))
    }

    fn new(base: String, hint: String, token: Secret) -> Ops {
        let egress = Egress::new(EgressConfig {
            policy: AddressPolicy::AllowPrivate,
            response_bytes_max: ANSWER_BYTES_MAX,
            ..EgressConfig::default()
        });
        Ops { base, hint, token, egress }
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &Path) -> Result<Value, OpsError> {
        self.call(Method::GET, path, None, TIME_LIMIT).await
    }

    /// Adds or does something.
    pub(crate) async fn post(&self, path: &Path, body: &Value) -> Result<Value, OpsError> {
        self.call(Method::POST, path, Some(body), TIME_LIMIT).await
    }

    /// Does something that may take long.
    pub(crate) async fn post_long(&self, path: &Path, body: &Value) -> Result<Value, OpsError> {
        self.call(Method::POST, path, Some(body), LONG_TIME_LIMIT).await
    }

    /// Replaces something.
    pub(crate) async fn put(&self, path: &Path, body: &Value) -> Result<Value, OpsError> {
        self.call(Method::PUT, path, Some(body), TIME_LIMIT).await
    }

    /// Sends a table.
    pub(crate) async fn post_csv(&self, path: &Path, table: Vec<u8>) -> Result<Value, OpsError> {
        self.send(Method::POST, path, Some(("text/csv", table)), LONG_TIME_LIMIT).await
    }

    /// Changes something.
    pub(crate) async fn patch(&self, path: &Path, body: &Value) -> Result<Value, OpsError> {
        self.call(Method::PATCH, path, Some(body), TIME_LIMIT).await
    }

    /// Removes something.
    pub(crate) async fn delete(&self, path: &Path) -> Result<Value, OpsError> {
        self.call(Method::DELETE, path, None, TIME_LIMIT).await
    }

    async fn call(
        &self,
        method: Method,
        path: &Path,
        body: Option<&Value>,
        time_limit: Duration,
    ) -> Result<Value, OpsError> {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        self.send(method, path, body, time_limit).await
    }

    async fn send(
        &self,
        method: Method,
        path: &Path,
        body: Option<(&'static str, Vec<u8>)>,
        time_limit: Duration,
    ) -> Result<Value, OpsError> {
        let call = format!("{method} {}", path.text);
        let unreachable =
            |cause| OpsError::Unreachable { base: self.base.clone(), hint: self.hint.clone(), cause };
        let request = self.request(method, path, body).map_err(unreachable)?;
        let answer = self.egress.send(request, time_limit).await.map_err(unreachable)?;
        let status = answer.status;
        if status == 401 {
            return Err(OpsError::Token { base: self.base.clone() });
        }
        let alien = || OpsError::Alien { base: self.base.clone(), call: call.clone(), status };
        let value = if answer.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer.body).map_err(|_| alien())?
        };
        match value.pointer("/error/code").and_then(Value::as_str) {
            Some(code) => {
                let message = value.pointer("/error/message").and_then(Value::as_str).unwrap_or(code);
                let (code, message) = (code.to_owned(), message.to_owned());
                let details = value.pointer("/error").cloned().unwrap_or_default();
                Err(OpsError::Refused { code, message, details })
            }
            None if (200..300).contains(&status) => Ok(value),
            None => Err(alien()),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &Path,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Request, EgressError> {
        let (kind, bytes) = body.unzip();
        let url = format!("{}{}", self.base, path.text);
        let mut request = Request::new(method, &url, bytes.unwrap_or_default())?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(kind) = kind {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let bearer = [b"Bearer ", self.token.expose()].concat();
        // A token that cannot stand in a header is no gateway's; without it the gateway says so.
        if let Ok(mut value) = HeaderValue::from_bytes(&bearer) {
            value.set_sensitive(true);
            request.headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }
}

/// A path of the operator API, built from parts that are encoded one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    has_query: bool,
}

impl Path {
    /// `/ops/v1` and the segments.
    pub(crate) fn of(segments: &[&str]) -> Path {
        let mut text = "/ops/v1".to_owned();
        for segment in segments {
            text.push('/');
            encode(segment, &mut text);
        }
        Path { text, has_query: false }
    }

    /// Adds which page of a list is wanted.
    pub(crate) fn page(self, page: &Page) -> Path {
        let limit = page.limit.map(|limit| limit.to_string());
        self.with("after", page.after.as_deref()).with("limit", limit)
    }

    /// Adds `name=value` to the query, if there is a value.
    pub(crate) fn with(mut self, name: &str, value: Option<impl AsRef<str>>) -> Path {
        if let Some(value) = value {
            self.text.push(if self.has_query { '&' } else { '?' });
            self.text.push_str(name);
            self.text.push('=');
            encode(value.as_ref(), &mut self.text);
            self.has_query = true;
        }
        self
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                into.push(char::from(byte))
            }
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_part_by_part() {
        let check = |path: Path, expected: &str| assert_eq!(path.text, expected);
        check(Path::of(&["status"]), "/ops/v1/status");
        check(Path::of(&["orders", "a/b?c #%支"]), "/ops/v1/orders/a%2Fb%3Fc%20%23%25%E6%94%AF");
        let filtered = Path::of(&["tasks"]).with("state", Some("failed")).with("kind", None::<&str>);
        check(filtered.with("partner", Some("a&b")), "/ops/v1/tasks?state=failed&partner=a%26b");
    }
}
