//! The one error of this library, and the questions it answers.

use std::error::Error as StdError;
use std::fmt;

use crate::transport::TransportError;

/// What a call does at the platform, which decides what a missing answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing leaves this machine.
    Local,
    /// Asks; may be asked again.
    Reads,
    /// Creates an order or moves money.
    Changes,
}

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A mandatory field is missing; nothing was sent. Some protocols have a code for that.
    Missing { field: &'static str, code: Option<&'static str> },
    /// A setting of the client cannot be used; nothing was sent.
    Setting { setting: &'static str, problem: String },
    /// There is no complete answer.
    Transport(TransportError),
    /// The answer is not one of the protocol.
    Status { status: u16, names_a_time: bool },
    /// The platform said no.
    Refused { code: Option<String>, info: String, nature: Nature },
    /// A message cannot be understood.
    Unreadable { problem: String },
    /// A message is not from whom it claims, or was changed, or is too old.
    Untrusted { problem: String },
}

/// What a return code says about what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Nothing was done, and the same request will not do better.
    Definite,
    /// Nothing was done, because the platform does not know or believe who calls.
    Unauthorized,
    /// Nothing was done, and the same request may do better later.
    Passing,
    /// Something went wrong at the platform; what was done is open.
    Open,
}

/// Why a call did not give what was asked for.
///
/// At most one of [`is_retryable`](Error::is_retryable),
/// [`is_unknown_outcome`](Error::is_unknown_outcome) and [`is_rejected`](Error::is_rejected) is true.
/// If none is, the request or the configuration has to be changed, or a message was not to be trusted.
pub struct Error(Box<Inner>);

struct Inner {
    /// The operation, as the protocol calls it.
    operation: &'static str,
    effect: Effect,
    kind: Kind,
    /// The clear text of the message that is the trouble.
    raw: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Retry,
    Unknown,
    Rejected,
    Other,
}

impl Error {
    pub(crate) fn new(operation: &'static str, effect: Effect, kind: Kind) -> Error {
        Error(Box::new(Inner { operation, effect, kind, raw: None }))
    }

    pub(crate) fn with_raw(mut self, raw: String) -> Error {
        self.0.raw = Some(raw);
        self
    }

    /// Certainly nothing was done, and the same request may be sent again as it is; wait a little first.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.verdict() == Verdict::Retry
    }

    /// The request may have been carried out and may not: an order may exist, money may have moved. Do
    /// not treat it as failed and do not send it again; query until it is known.
    ///
    /// Only calls that change something have an unknown outcome. Revoking is the one that may simply be
    /// sent again: an order that is revoked already is a success.
    #[must_use]
    pub fn is_unknown_outcome(&self) -> bool {
        self.verdict() == Verdict::Unknown
    }

    /// The platform refused, nothing was done, and the same request will be refused again.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.verdict() == Verdict::Rejected
    }

    /// The platform refused because it does not know this client, or does not believe that it is the one:
    /// the name, the key, or this machine's clock is wrong. Such a refusal is also a
    /// [rejection](Error::is_rejected).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self.0.kind, Kind::Refused { nature: Nature::Unauthorized, .. })
    }

    /// A message did not come from whom it claims, was changed on the way, or is too old. Do not
    /// acknowledge such a notification.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        matches!(self.0.kind, Kind::Untrusted { .. })
    }

    /// The time for connecting or for the answer was over.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(&self.0.kind, Kind::Transport(error) if error.is_timeout())
    }

    /// The return code, in the protocol's usual spelling where it has several; also when a mandatory field
    /// was found missing before anything was sent, if the protocol has a code for that.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Refused { code, .. } => code.as_deref(),
            Kind::Missing { code, .. } => *code,
            _ => None,
        }
    }

    /// The platform's explanation of a refusal, for people.
    #[must_use]
    pub fn info(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Refused { info, .. } => Some(info),
            _ => None,
        }
    }

    /// The mandatory field that was found missing before anything was sent.
    #[must_use]
    pub fn missing_field(&self) -> Option<&'static str> {
        match self.0.kind {
            Kind::Missing { field, .. } => Some(field),
            _ => None,
        }
    }

    /// The HTTP status, when the platform answered with one that the protocol does not have.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match self.0.kind {
            Kind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The clear text of the answer or notification, if one was received and could be read as text.
    #[must_use]
    pub fn raw(&self) -> Option<&str> {
        self.0.raw.as_deref()
    }

    fn verdict(&self) -> Verdict {
        // Whatever leaves it open whether something was done is harmless for a question.
        let open = match self.0.effect {
            Effect::Changes => Verdict::Unknown,
            Effect::Reads => Verdict::Retry,
            Effect::Local => Verdict::Other,
        };
        match &self.0.kind {
            Kind::Missing { .. } | Kind::Setting { .. } => Verdict::Other,
            Kind::Transport(error) => match (error.has_maybe_arrived(), error.is_permanent()) {
                (true, false) => open,
                (true, true) if self.0.effect == Effect::Changes => Verdict::Unknown,
                (false, false) => Verdict::Retry,
                (_, true) => Verdict::Other,
            },
            Kind::Status { status, names_a_time } => match status {
                // The platform's own "overloaded" names a time to come back. Without one it may be the
                // word of a proxy that lost the platform in the middle of the exchange.
                429 => Verdict::Retry,
                503 if *names_a_time => Verdict::Retry,
                300..=499 => Verdict::Rejected,
                _ => open,
            },
            Kind::Refused { nature, .. } => match nature {
                Nature::Definite | Nature::Unauthorized => Verdict::Rejected,
                Nature::Passing => Verdict::Retry,
                Nature::Open => open,
            },
            Kind::Unreadable { .. } | Kind::Untrusted { .. } => match self.0.effect {
                Effect::Changes => Verdict::Unknown,
                Effect::Reads | Effect::Local => Verdict::Other,
            },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.0.operation;
        match &self.0.kind {
            Kind::Missing { field, .. } => write!(f, "{operation}: the mandatory field {field} is missing"),
            Kind::Setting { setting, problem } => {
                write!(f, "the setting {setting} cannot be used: {problem}")
            }
            Kind::Transport(_) => write!(f, "{operation}: no answer was received"),
            Kind::Status { status, .. } => write!(f, "{operation}: answered with HTTP status {status}"),
            Kind::Refused { code: Some(code), info, .. } => {
                write!(f, "{operation}: refused with {code}: {info}")
            }
            Kind::Refused { code: None, info, .. } => write!(f, "{operation}: refused: {info}"),
            Kind::Unreadable { problem } => {
                write!(f, "{operation}: the message cannot be understood: {problem}")
            }
            Kind::Untrusted { problem } => write!(f, "{operation}: the message cannot be trusted: {problem}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the message's text: it may be long, and its values are nobody's business in a log.
        f.debug_struct("Error")
            .field("operation", &self.0.operation)
            .field("verdict", &self.verdict())
            .field("kind", &self.0.kind)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            Kind::Transport(error) => Some(error),
            _ => None,
        }
    }
}
