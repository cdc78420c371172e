//! One exchange with the platform: address, signature, body, and the way back.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use tradewind_dialect::codec::{Format, Message};
use tradewind_domain::Span;
use tradewind_signing::Secret;
use tradewind_sosopay::{SIGN_HEADER, root_of_answer};

use crate::answer::Answer;
use crate::error::{Error, Kind, Nature};
use crate::exchange::{self, ANSWER_NODES_MAX};

use super::code::{AREADY_REVOKED, Said, understand};
use super::config::{Encryption, service_url};
use super::message::{Fields, Problem, unwrapped};
use super::request::Form;
use super::response::CancelResponse;
use super::{Client, auth};

/// A call by its path (section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Pay,
    Precreate,
    Refund,
    Query,
    Cancel,
    BatchQuery,
    Channels,
    Auth,
    Login,
    VerifyGet,
    VerifyQuery,
    /// A check that redeems.
    VerifyCheck,
    /// A check that only looks.
    VerifyLook,
    VerifyCancel,
    VerifyResults,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Pay => "preOrder",
            Operation::Precreate => "order",
            Operation::Refund => "refund",
            Operation::Query => "query",
            Operation::Cancel => "cancelTrade",
            Operation::BatchQuery => "queryTrades",
            Operation::Channels => "payChannel",
            Operation::Auth => "auth",
            Operation::Login => "login",
            Operation::VerifyGet => "verifyGet",
            Operation::VerifyQuery => "verifyQuery",
            Operation::VerifyCheck | Operation::VerifyLook => "verifyCheck",
            Operation::VerifyCancel => "verifyCancel",
            Operation::VerifyResults => "verifyResults",
        }
    }

    /// The first segments of its path.
    fn path(self) -> &'static str {
        match self {
            Operation::VerifyGet => "verify/get",
            Operation::VerifyQuery => "verify/query",
            Operation::VerifyCheck | Operation::VerifyLook => "verify/check",
            Operation::VerifyCancel => "verify/cancel",
            Operation::VerifyResults => "verify/queryResults",
            other => other.name(),
        }
    }

    /// The name around a request's fields, and the field of the merchant id.
    fn request_names(self) -> (&'static str, &'static str) {
        match self {
            Operation::Refund => ("REFUND_REQ", "BUSI_ID"),
            Operation::VerifyGet
            | Operation::VerifyQuery
            | Operation::VerifyCheck
            | Operation::VerifyLook
            | Operation::VerifyCancel
            | Operation::VerifyResults => ("VERIFY_REQ", "busiCode"),
            Operation::Pay
            | Operation::Precreate
            | Operation::Query
            | Operation::Cancel
            | Operation::BatchQuery
            | Operation::Channels
            | Operation::Auth
            | Operation::Login => ("ORDER_REQ", "BUSI_ID"),
        }
    }
}

/// A request, ready but for the transport.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) time_limit: Duration,
    method: Method,
    url: String,
    content_type: Option<&'static str>,
    body: String,
}

impl Client {
    /// A call whose fields are a message in the body.
    pub(crate) fn message(&self, operation: Operation, form: &Form) -> Call {
        let config = &self.shared.config;
        let (root, merchant) = operation.request_names();
        let clear = form.write((merchant, &config.busi_id), config.format, root);
        let url = self.url(operation, &[], &[clear.as_bytes()], &[]);
        let (content_type, body) = match (config.encryption, config.format) {
            (Encryption::TripleDes, _) => ("text/plain;charset=UTF-8", self.shared.keys.encrypt(&clear)),
            (Encryption::None, Format::Json) => ("application/json;charset=UTF-8", clear),
            (Encryption::None, Format::Xml) => ("text/xml;charset=UTF-8", clear),
        };
        let content_type = Some(content_type);
        Call { operation, time_limit: self.time_limit(), method: Method::POST, url, content_type, body }
    }

    /// A call whose fields are in the address.
    pub(crate) fn question(
        &self,
        operation: Operation,
        segments: &[&str],
        signed: &[&[u8]],
        parameters: &[(&str, &str)],
    ) -> Call {
        let url = self.url(operation, segments, signed, parameters);
        let (content_type, body) = (None, String::new());
        Call { operation, time_limit: self.time_limit(), method: Method::GET, url, content_type, body }
    }

    fn url(
        &self,
        operation: Operation,
        segments: &[&str],
        signed: &[&[u8]],
        parameters: &[(&str, &str)],
    ) -> String {
        let config = &self.shared.config;
        let mut url = service_url(&config.base_url);
        url.push_str(operation.path());
        for segment in segments {
            url.push('/');
            encode(segment.as_bytes(), &mut url);
        }
        let sign = self.shared.keys.sign(signed, self.now());
        let format = match config.format {
            Format::Json => "json",
            Format::Xml => "xml",
        };
        let encrypt = (config.encryption == Encryption::TripleDes).then_some(("encrypt", "3DES"));
        let common = [("sign", sign.as_str()), ("_type", format), ("busiCode", &config.busi_id)];
        let mut separator = "?";
        for (name, value) in common.iter().chain(&encrypt).chain(parameters) {
            push_pair(separator, name, value.as_bytes(), &mut url);
            separator = "&";
        }
        url
    }

    /// Makes the exchange and reads a success.
    pub(crate) async fn exchange<T>(
        &self,
        call: Call,
        read: impl FnOnce(Fields<'_>) -> Result<T, Problem>,
    ) -> Result<Answer<T>, Error> {
        let operation = call.operation;
        let text = self.receive(call, true).await?;
        let outcome = answered(&text, operation, |said, fields| match said {
            Said::Success => read(fields).map(Ok),
            // Only a revocation is satisfied with that.
            Said::AlreadyRevoked => Ok(Err(already_revoked(fields))),
            Said::Refused(code, nature) => {
                Ok(Err(Kind::Refused { code: Some(code), info: info(fields), nature }))
            }
        });
        finish(operation, text, outcome)
    }

    /// As [`Client::exchange`], but an order that is revoked already is what was wanted.
    pub(crate) async fn revoke(&self, call: Call) -> Result<Answer<CancelResponse>, Error> {
        let operation = call.operation;
        let text = self.receive(call, true).await?;
        let outcome = answered(&text, operation, |said, fields| match said {
            Said::Success => Ok(Ok(CancelResponse { was_revoked_already: false })),
            Said::AlreadyRevoked => Ok(Ok(CancelResponse { was_revoked_already: true })),
            Said::Refused(code, nature) => {
                Ok(Err(Kind::Refused { code: Some(code), info: info(fields), nature }))
            }
        });
        finish(operation, text, outcome)
    }

    /// Signing in has a form of its own: not signed, not wrapped, always JSON.
    pub(crate) async fn sign_in<T>(
        &self,
        operation: Operation,
        username: &str,
        password: &Secret,
        more: &[(&str, &str)],
        read: impl FnOnce(Fields<'_>) -> Result<T, Problem>,
    ) -> Result<Answer<T>, Error> {
        let config = &self.shared.config;
        let base_url = config.auth_base_url.as_ref().unwrap_or(&config.base_url);
        let mut body = String::new();
        push_pair("", "username", username.as_bytes(), &mut body);
        push_pair("&", "password", password.expose(), &mut body);
        push_pair("&", "busiCode", config.busi_id.as_bytes(), &mut body);
        for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
            push_pair("&", name, value.as_bytes(), &mut body);
        }
        let call = Call {
            operation,
            time_limit: self.time_limit(),
            method: Method::POST,
            url: format!("{}{}", service_url(base_url), operation.name()),
            content_type: Some("application/x-www-form-urlencoded"),
            body,
        };
        let text = self.receive(call, false).await?;
        let outcome = signed_in(&text, read);
        finish(operation, text, outcome)
    }

    /// Sends, and brings back the clear text of an answer that is one of the protocol. `has_key`: the
    /// operation knows the merchant's key, so the answer may be encrypted and signed.
    async fn receive(&self, call: Call, has_key: bool) -> Result<String, Error> {
        let operation = call.operation;
        let time_limit = call.time_limit;
        let request = into_http(call)?;
        let answer = exchange::send(self.shared.transport.as_ref(), request, time_limit);
        let answer = answer.await.map_err(|kind| operation.error(kind))?;
        self.open(&answer, has_key).map_err(|problem| operation.error(Kind::Untrusted { problem }))
    }

    fn open(&self, answer: &Response<Bytes>, has_key: bool) -> Result<String, String> {
        let config = &self.shared.config;
        let sign = answer.headers().get(SIGN_HEADER).map(|sign| sign.to_str().unwrap_or_default());
        if sign.is_none() && has_key && config.signed_answers_only {
            return Err("it is not signed".to_owned());
        }
        let encrypted = has_key && config.encryption == Encryption::TripleDes;
        // The time in an answer's signature is not judged: were this machine's clock wrong, the answer
        // that says so would be thrown away. What binds an answer to its request is the order's number.
        self.shared.keys.open(answer.body(), encrypted, sign, self.now(), Span::from_ms(0))
    }
}

fn into_http(call: Call) -> Result<Request<Bytes>, Error> {
    let Call { operation, method, url, content_type, body, .. } = call;
    let uri = exchange::uri(&url).map_err(|kind| operation.error(kind))?;
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(content_type) = content_type {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    Ok(request)
}

/// Reads `RESULT` and gives the rest to `read`.
fn answered<T>(
    text: &str,
    operation: Operation,
    read: impl FnOnce(Said, Fields<'_>) -> Result<Result<T, Kind>, Problem>,
) -> Result<Result<T, Kind>, Problem> {
    let root = root_of_answer(operation.name()).unwrap_or_default();
    let object = unwrapped(Message::read_up_to(text, ANSWER_NODES_MAX)?, root)?;
    let fields = Fields(&object);
    let result = fields.object("RESULT").ok_or_else(|| Problem("RESULT is missing".to_owned()))?;
    let code = result.text("CODE")?.ok_or_else(|| Problem("RESULT.CODE is missing".to_owned()))?;
    read(understand(code), fields)
}

fn signed_in<T>(
    text: &str,
    read: impl FnOnce(Fields<'_>) -> Result<T, Problem>,
) -> Result<Result<T, Kind>, Problem> {
    let message = Message::read(text)?;
    let fields = Fields(&message.members);
    // A platform that refuses before it looks at the user answers as everywhere else.
    if let Some(result) = fields.object("RESULT")
        && let Some(code) = result.text("CODE")?
        && let Said::Refused(code, nature) = understand(code)
    {
        return Ok(Err(Kind::Refused { code: Some(code), info: info(fields), nature }));
    }
    let nature = Nature::Definite;
    match auth::refusal(fields)? {
        Some(info) => Ok(Err(Kind::Refused { code: None, info, nature })),
        None => read(fields).map(Ok),
    }
}

fn already_revoked(fields: Fields<'_>) -> Kind {
    let nature = Nature::Definite;
    Kind::Refused { code: Some(AREADY_REVOKED.to_owned()), info: info(fields), nature }
}

fn info(fields: Fields<'_>) -> String {
    let info = fields.object("RESULT").and_then(|result| result.owned("INFO").ok().flatten());
    info.unwrap_or_default()
}

fn finish<T>(
    operation: Operation,
    text: String,
    outcome: Result<Result<T, Kind>, Problem>,
) -> Result<Answer<T>, Error> {
    match outcome {
        Ok(Ok(value)) => Ok(Answer::new(value, text)),
        Ok(Err(kind)) => Err(operation.error(kind).with_raw(text)),
        Err(Problem(problem)) => Err(operation.error(Kind::Unreadable { problem }).with_raw(text)),
    }
}

fn push_pair(separator: &str, name: &str, value: &[u8], into: &mut String) {
    into.push_str(separator);
    into.push_str(name);
    into.push('=');
    encode(value, into);
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &[u8], into: &mut String) {
    for byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                into.push(char::from(*byte))
            }
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}
