//! The operator API of a gateway under test.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, Request};
use tradewind_signing::Secret;

use crate::AMPLE;

/// A client of the operator API.
#[derive(Clone, Debug)]
pub struct Ops {
    base: String,
    token: Secret,
    egress: Egress,
}

/// A refusal of the operator API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpsError {
    /// The HTTP status.
    pub status: u16,
    /// The code, for instance `not_found`.
    pub code: String,
    /// What it says.
    pub message: String,
}

impl Ops {
    /// A client of the API at `address`.
    pub fn new(address: SocketAddr, token: Secret) -> Ops {
        let egress = Egress::new(EgressConfig {
            policy: AddressPolicy::AllowLoopback,
            response_bytes_max: 64 * 1024 * 1024,
            ..EgressConfig::default()
        });
        Ops { base: format!("http://{address}/ops/v1"), token, egress }
    }

    /// Asks for something. `path` follows `/ops/v1` and begins with `/`.
    pub async fn get(&self, path: &str) -> Result<Value, OpsError> {
        self.call(Method::GET, path, None).await
    }

    /// Adds or does something.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, OpsError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Changes something.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Value, OpsError> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// Removes something.
    pub async fn delete(&self, path: &str) -> Result<Value, OpsError> {
        self.call(Method::DELETE, path, None).await
    }

    /// Moves the clock on; what falls due in between is done, each at its own instant.
    pub async fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).expect("a span of milliseconds");
        self.post("/clock/advance", json!({ "by_ms": by_ms })).await.expect("the clock moves");
    }

    /// The whole story of an order, by any of its numbers.
    pub async fn order(&self, partner: &str, number: &str) -> Value {
        self.get(&format!("/orders/{number}?partner={partner}")).await.expect("the story of an order")
    }

    /// Checks the books against themselves.
    pub async fn verify(&self) {
        let report = self.post("/verify", json!({})).await.expect("the books are checked");
        assert_eq!(report["clean"], true, "{report}");
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, OpsError> {
        let url = format!("{}{path}", self.base);
        let text = body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(method, &url, text).expect("a path");
        if body.is_some() {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let bearer = [b"Bearer ", self.token.expose()].concat();
        request.headers.insert(AUTHORIZATION, HeaderValue::from_bytes(&bearer).expect("a token"));
        let answer = self.egress.send(request, AMPLE).await.expect("the operator API answers");
        let value = match answer.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        };
        if (200..300).contains(&answer.status) {
            return Ok(value);
        }
        let text = |name: &str| value["error"][name].as_str().unwrap_or_default().to_owned();
        Err(OpsError { status: answer.status, code: text("code"), message: text("message") })
    }
}

impl fmt::Display for OpsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.message)
    }
}

impl std::error::Error for OpsError {}
