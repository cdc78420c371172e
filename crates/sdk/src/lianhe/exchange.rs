//! One exchange with the platform: the signed request, and the way back.

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use http::{Method, Request};
use tradewind_dialect::codec::{Value, Writer};
use tradewind_lianhe::client::{self, OrderBody, SignedRequest};
use tradewind_lianhe::{Code, Hint};

use crate::Answer;
use crate::error::{Effect, Error, Kind, Nature};
use crate::exchange;

use super::Client;
use super::config::host_of;

/// A call by its `method` (section 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Products,
    Prices,
    CreateOrder,
    PayOrder,
    NewOrder,
    QueryOrder,
    CancelOrder,
    Send,
    Balance,
}

/// The version that the manual's samples name; platforms need not look at it.
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("version"), HeaderValue::from_static("2.1"));

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Products => "getTeam",
            Operation::Prices => "getPrice",
            Operation::CreateOrder => "creatOrder",
            Operation::PayOrder => "payOrder",
            Operation::NewOrder => "newOrder",
            Operation::QueryOrder => "queryOrder",
            Operation::CancelOrder => "cancelOrder",
            Operation::Send => "send",
            Operation::Balance => "getBalance",
        }
    }

    /// What it does at the platform.
    fn effect(self) -> Effect {
        match self {
            Operation::CreateOrder
            | Operation::PayOrder
            | Operation::NewOrder
            | Operation::CancelOrder
            | Operation::Send => Effect::Changes,
            Operation::Products | Operation::Prices | Operation::QueryOrder | Operation::Balance => {
                Effect::Reads
            }
        }
    }

    pub(crate) fn error(self, kind: Kind) -> Error {
        Error::new(self.name(), self.effect(), kind)
    }

    pub(crate) fn check(self, missing: Option<&'static str>) -> Result<(), Error> {
        // The protocol has no code for what is found before anything is sent.
        missing.map_or(Ok(()), |field| Err(self.error(Kind::Missing { field, code: None })))
    }

    /// Whether a failure tells something of the order if the request was looked at (section 2.2).
    fn speaks_of_an_order(self) -> bool {
        match self {
            Operation::Products | Operation::Prices | Operation::Balance => false,
            Operation::CreateOrder
            | Operation::PayOrder
            | Operation::NewOrder
            | Operation::QueryOrder
            | Operation::CancelOrder
            | Operation::Send => true,
        }
    }
}

impl Client {
    /// Makes the exchange and reads a success. `members` writes the body of the request.
    pub(crate) async fn exchange<T>(
        &self,
        operation: Operation,
        members: impl FnOnce(&mut Writer),
        read: impl FnOnce(&client::Answer<'_>) -> Result<T, String>,
    ) -> Result<Answer<T>, Error> {
        let failed = |kind| operation.error(kind);
        let request = self.request(operation, members).map_err(failed)?;
        let answer = exchange::send(self.shared.transport.as_ref(), request, self.shared.config.time_limit);
        let (head, body) = answer.await.map_err(failed)?.into_parts();
        let Ok(text) = String::from_utf8(body.into()) else {
            return Err(failed(Kind::Unreadable { problem: "it is not UTF-8".to_owned() }));
        };
        match self.understand(operation, &head.headers, &text, read) {
            Ok(value) => Ok(Answer::new(value, text)),
            Err(kind) => Err(failed(kind).with_raw(text)),
        }
    }

    /// The same, and what is read is what is told of an order.
    pub(crate) async fn exchange_order<T>(
        &self,
        operation: Operation,
        members: impl FnOnce(&mut Writer),
        read: impl FnOnce(OrderBody) -> Result<T, String>,
    ) -> Result<Answer<T>, Error> {
        self.exchange(operation, members, |answer| read(answer.order()?)).await
    }

    fn request(
        &self,
        operation: Operation,
        members: impl FnOnce(&mut Writer),
    ) -> Result<Request<Bytes>, Kind> {
        let signed = self.shared.account.request(operation.name(), self.now(), members);
        let SignedRequest { target, headers, body } =
            signed.ok_or_else(|| Kind::Setting { setting: "secret", problem: "it is missing".to_owned() })?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = exchange::uri(&format!("{}{target}", host_of(&self.shared.config.base_url)))?;
        let (version, number) = VERSION;
        request.headers_mut().insert(version, number);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
        for (name, value) in headers {
            let value = value.parse().map_err(|error: InvalidHeaderValue| Kind::Setting {
                setting: "api_name",
                problem: error.to_string(),
            })?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn understand<T>(
        &self,
        operation: Operation,
        headers: &HeaderMap,
        text: &str,
        read: impl FnOnce(&client::Answer<'_>) -> Result<T, String>,
    ) -> Result<T, Kind> {
        let unreadable = |problem| Kind::Unreadable { problem };
        let answer = client::Answer::read(text).map_err(unreadable)?;
        if !answer.is_success() {
            return Err(refusal(operation, headers, &answer));
        }
        // Answers are not signed. What binds one to its request is what it says of whom and what it is about.
        if answer.partner_id.is_some_and(|partner_id| partner_id != self.shared.config.partner_id) {
            return Err(Kind::Untrusted { problem: "it is for another partner".to_owned() });
        }
        read(&answer).map_err(unreadable)
    }
}

fn refusal(operation: Operation, headers: &HeaderMap, answer: &client::Answer<'_>) -> Kind {
    let number = answer.code.map_or(answer.number, Code::number);
    Kind::Refused {
        code: Some(number.to_string()),
        info: answer.describe.clone(),
        nature: nature(operation, headers, answer),
    }
}

/// What a refusal says about what was done. The one code for nearly everything does not tell, and texts are
/// not for programs; so it hangs on what the answer tells besides.
fn nature(operation: Operation, headers: &HeaderMap, answer: &client::Answer<'_>) -> Nature {
    let hinted = |hint: Hint| headers.contains_key(hint.header().0);
    match answer.code {
        // Each of these is the result of a check.
        Some(code) if code != Code::Failure => Nature::Definite,
        _ if hinted(Hint::Authenticate) => Nature::Unauthorized,
        _ if hinted(Hint::Later) => Nature::Passing,
        _ if !operation.speaks_of_an_order() => Nature::Definite,
        _ if is_judged(operation, answer) => Nature::Definite,
        _ => Nature::Open,
    }
}

/// Whoever tells how an order stands has judged the request. To a query an echo of its names is enough, for
/// nothing hangs on whether it was carried out.
fn is_judged(operation: Operation, answer: &client::Answer<'_>) -> bool {
    let has_members = matches!(&answer.body, Value::Object(body) if body.iter().len() > 0);
    match answer.order() {
        Ok(order) => order != OrderBody::default() || (operation == Operation::QueryOrder && has_members),
        Err(_) => false,
    }
}

/// Refuses an answer about something else than was asked for.
pub(crate) fn same<T>(
    operation: Operation,
    answer: Answer<T>,
    asked: &str,
    told: impl Fn(&T) -> Option<&str>,
) -> Result<Answer<T>, Error> {
    match told(&answer) {
        Some(told) if told != asked => {
            let problem = format!("it is about `{told}` instead of `{asked}`");
            Err(operation.error(Kind::Untrusted { problem }).with_raw(answer.raw().to_owned()))
        }
        _ => Ok(answer),
    }
}
