//! Why the operator API gave no answer, or a refusal.

use tradewind_egress::EgressError;

/// Why a call of the operator API has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpsError {
    /// No gateway was found, or the way to it is not complete. The text says what to do.
    #[error("{0}")]
    NotFound(String),
    /// The gateway does not answer.
    #[error("the gateway at {base} does not answer ({cause}){hint}")]
    Unreachable {
        /// Where it was looked for.
        base: String,
        /// What else is known.
        hint: String,
        /// What went wrong; its text tells the innermost reason by itself.
        cause: EgressError,
    },
    /// The token is not the gateway's.
    #[error("the gateway at {base} does not accept the operator token")]
    Token {
        /// Where the gateway is.
        base: String,
    },
    /// The gateway refused.
    #[error("{message}")]
    Refused {
        /// The stable name of the reason.
        code: String,
        /// The reason for people.
        message: String,
    },
    /// Something answered that is not the operator API.
    #[error("the answer of {base} to {call} is not the operator API's (status {status})")]
    Alien {
        /// Where it was looked for.
        base: String,
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: u16,
    },
}

impl OpsError {
    /// A stable name for programs.
    pub(crate) fn code(&self) -> &str {
        match self {
            OpsError::NotFound(_) => "no_gateway",
            OpsError::Unreachable { .. } => "unreachable",
            OpsError::Token { .. } => "unauthorised",
            OpsError::Refused { code, .. } => code,
            OpsError::Alien { .. } => "alien",
        }
    }
}
