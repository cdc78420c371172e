//! Errors of the operator API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tradewind_domain::Refusal;
use tradewind_store::StoreError;

/// An error with its status: `{"error":{"code":..,"message":..}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpsError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Further members of the error.
    pub(super) more: Option<Value>,
}

impl OpsError {
    /// Something in the request is not acceptable.
    pub(super) fn invalid(message: impl Into<String>) -> OpsError {
        OpsError { status: StatusCode::BAD_REQUEST, code: "invalid", message: message.into(), more: None }
    }

    /// The same error under another code, with further members.
    pub(super) fn with(self, code: &'static str, more: Value) -> OpsError {
        OpsError { code, more: Some(more), ..self }
    }

    pub(super) fn not_found(message: impl Into<String>) -> OpsError {
        OpsError { status: StatusCode::NOT_FOUND, code: "not_found", message: message.into(), more: None }
    }

    /// What the caller has looked at has changed since.
    pub(super) fn changed(message: impl Into<String>) -> OpsError {
        OpsError { status: StatusCode::CONFLICT, code: "changed", message: message.into(), more: None }
    }

    pub(super) fn wrong_method() -> OpsError {
        let message = "this resource does not have this method".to_owned();
        OpsError { status: StatusCode::METHOD_NOT_ALLOWED, code: "wrong_method", message, more: None }
    }

    pub(super) fn too_large(bytes_max: usize) -> OpsError {
        let message = format!("the body has more than {bytes_max} bytes");
        OpsError { status: StatusCode::PAYLOAD_TOO_LARGE, code: "too_large", message, more: None }
    }

    pub(super) fn unauthorised() -> OpsError {
        let message =
            "the operator token is missing or wrong; send it as `authorization: Bearer <token>`".to_owned();
        OpsError { status: StatusCode::UNAUTHORIZED, code: "unauthorised", message, more: None }
    }

    pub(super) fn internal() -> OpsError {
        Refusal::Internal.into()
    }
}

impl IntoResponse for OpsError {
    fn into_response(self) -> Response {
        let OpsError { status, code, message, more } = self;
        let mut error = json!({ "code": code, "message": message });
        if let (Some(error), Some(Value::Object(more))) = (error.as_object_mut(), more) {
            error.extend(more);
        }
        (status, Json(json!({ "error": error }))).into_response()
    }
}

impl From<Refusal> for OpsError {
    fn from(refusal: Refusal) -> OpsError {
        let (status, code) = match &refusal {
            Refusal::UnknownPartner | Refusal::OrderNotFound | Refusal::NotFound { .. } => {
                (StatusCode::NOT_FOUND, "not_found")
            }
            Refusal::Field { .. } | Refusal::Unreadable { .. } | Refusal::Amount { .. } => {
                (StatusCode::BAD_REQUEST, "invalid")
            }
            Refusal::MethodNotEnabled
            | Refusal::MethodUnrecognised
            | Refusal::PartnerSuspended
            | Refusal::NumberTaken { .. }
            | Refusal::Exists { .. }
            | Refusal::AlreadyRevoked
            | Refusal::WrongState { .. }
            | Refusal::RefundInFlight { .. }
            | Refusal::ChannelDeclined { .. }
            | Refusal::Purchase(_)
            | Refusal::NotRefundable { .. }
            | Refusal::BalanceTooLow => (StatusCode::CONFLICT, refusal.name()),
            Refusal::Signature { .. } | Refusal::SignIn => (StatusCode::FORBIDDEN, refusal.name()),
            Refusal::RateLimited => (StatusCode::TOO_MANY_REQUESTS, refusal.name()),
            Refusal::Busy | Refusal::Storage => (StatusCode::SERVICE_UNAVAILABLE, refusal.name()),
            Refusal::Internal => (StatusCode::INTERNAL_SERVER_ERROR, refusal.name()),
        };
        OpsError { status, code, message: refusal.to_string(), more: None }
    }
}

impl From<StoreError> for OpsError {
    fn from(error: StoreError) -> OpsError {
        if let StoreError::Busy(_) = error {
            return Refusal::Busy.into();
        }
        tracing::error!(%error, "the operator API could not read from the store");
        Refusal::Storage.into()
    }
}

#[cfg(test)]
mod tests {
    use tradewind_domain::Refusal;

    use super::OpsError;

    #[test]
    fn refusals_become_statuses() {
        let check = |refusal: Refusal, status: u16, code: &str| {
            let error = OpsError::from(refusal);
            assert_eq!((error.status.as_u16(), error.code), (status, code), "{}", error.message);
        };
        check(Refusal::OrderNotFound, 404, "not_found");
        check(Refusal::NotFound { what: "task" }, 404, "not_found");
        check(Refusal::UnknownPartner, 404, "not_found");
        check(Refusal::Field { field: "url".into(), problem: "missing".into() }, 400, "invalid");
        check(Refusal::Exists { what: "user" }, 409, "exists");
        check(Refusal::WrongState { problem: "the clock is not virtual" }, 409, "wrong_state");
        check(Refusal::RateLimited, 429, "rate_limited");
        check(Refusal::Busy, 503, "busy");
        check(Refusal::Storage, 503, "storage");
        check(Refusal::Internal, 500, "internal");
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let error = OpsError::from(Refusal::NotFound { what: "task" });
        assert_eq!(error.message, "there is no such task");
    }
}
