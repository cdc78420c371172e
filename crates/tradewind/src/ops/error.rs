//! Why the operator API gave no answer, or a refusal.

use serde_json::Value;
use tradewind_egress::EgressError;

use super::answer::{instant, list, text};
use crate::when::Zone;

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
    #[error("{message}{}", told(details))]
    Refused {
        /// The stable name of the reason.
        code: String,
        /// The reason for people.
        message: String,
        /// All that the gateway told of it, code and message among it.
        details: Value,
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

/// What a refusal carries besides its message, in words: rows that were not taken, and what a code was used
/// for before.
fn told(details: &Value) -> String {
    let rows = list(details, "bad").iter();
    let rows = rows.map(|bad| format!("line {}: {}", text(bad, "line"), text(bad, "problem")));
    let uses = list(details, "redemptions").iter().map(|made| {
        let (at, who) = (instant(made, "at_ms", Zone::Local), text(made, "by_name"));
        format!("{} used at {at} by {who} {}", text(made, "count"), text(made, "device"))
            .trim_end()
            .to_owned()
    });
    rows.chain(uses).map(|told| format!("; {told}")).collect()
}

impl OpsError {
    /// The members of a refusal, for programs.
    pub(crate) fn details(&self) -> Option<&Value> {
        match self {
            OpsError::Refused { details, .. } => Some(details),
            _ => None,
        }
    }

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
