//! Return codes (section 6.5), and which refusal becomes which.

use tradewind_domain::Refusal;

/// A return code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Done or accepted. Written as the partner's switch says.
    Success,
    /// A business refusal without a better code.
    Fail,
    /// A parameter is missing or wrong, or the message cannot be read.
    IllegalParameter,
    /// The signature is missing, stale or wrong.
    InvalidSign,
    /// The amount is wrong.
    AmtError,
    /// The storage is not available.
    DatabaseError,
    /// The partner is suspended or the channel is not enabled.
    InvalidContract,
    /// The merchant is not known.
    UnregisteredBusi,
    /// Something that nobody has foreseen, also: the outcome is not known yet.
    Exception,
    /// There is no such transaction.
    ChargeNonexistent,
    /// Overloaded, or the channel is switched off.
    ServiceUnavailable,
    /// A channel answered with an HTTP error.
    HttpException,
    /// The connection to a channel broke.
    IoException,
    /// No secure connection to a channel could be made.
    CreateSecurityConnectionError,
    /// The order has been revoked. The spelling is the wire's.
    AlreadyRevoked,
    /// The number was used before.
    SerialRepeat,
}

impl Code {
    /// All codes, in the order of section 6.5.
    pub const ALL: [Code; 16] = [
        Code::Success,
        Code::Fail,
        Code::IllegalParameter,
        Code::InvalidSign,
        Code::AmtError,
        Code::DatabaseError,
        Code::InvalidContract,
        Code::UnregisteredBusi,
        Code::Exception,
        Code::ChargeNonexistent,
        Code::ServiceUnavailable,
        Code::HttpException,
        Code::IoException,
        Code::CreateSecurityConnectionError,
        Code::AlreadyRevoked,
        Code::SerialRepeat,
    ];

    /// The code on the wire; success in its usual spelling.
    pub fn name(self) -> &'static str {
        match self {
            Code::Success => "SUCCESS",
            Code::Fail => "FAIL",
            Code::IllegalParameter => "ILLEGAL_PARAMETER",
            Code::InvalidSign => "INVALID_SIGN",
            Code::AmtError => "AMT_ERROR",
            Code::DatabaseError => "DATABASE_ERROR",
            Code::InvalidContract => "INVALID_CONTRACT",
            Code::UnregisteredBusi => "UNREGISTERED_BUSI",
            Code::Exception => "EXCEPTION",
            Code::ChargeNonexistent => "CHARGE_NONEXISTENT",
            Code::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Code::HttpException => "HTTP_EXCEPTION",
            Code::IoException => "IO_EXCEPTION",
            Code::CreateSecurityConnectionError => "CREATE_SECURITY_CONNECTION_ERROR",
            Code::AlreadyRevoked => "AREADY_REVOKED",
            Code::SerialRepeat => "SERIAL_REPEAT",
        }
    }

    /// The code that tells a refusal. No wildcard: a new refusal must be thought about here.
    pub fn of(refusal: &Refusal) -> Code {
        match refusal {
            Refusal::UnknownPartner => Code::UnregisteredBusi,
            Refusal::PartnerSuspended | Refusal::MethodNotEnabled => Code::InvalidContract,
            Refusal::MethodUnrecognised | Refusal::Field { .. } | Refusal::Unreadable { .. } => {
                Code::IllegalParameter
            }
            Refusal::Signature { .. } => Code::InvalidSign,
            Refusal::Amount { .. } => Code::AmtError,
            Refusal::NumberTaken { .. } => Code::SerialRepeat,
            Refusal::OrderNotFound | Refusal::NotFound { .. } => Code::ChargeNonexistent,
            Refusal::AlreadyRevoked => Code::AlreadyRevoked,
            Refusal::WrongState { .. }
            | Refusal::RefundInFlight { .. }
            | Refusal::Purchase(_)
            | Refusal::NotRefundable { .. }
            | Refusal::BalanceTooLow
            | Refusal::ChannelDeclined { .. }
            | Refusal::SignIn
            | Refusal::Exists { .. } => Code::Fail,
            Refusal::RateLimited | Refusal::Busy => Code::ServiceUnavailable,
            Refusal::Storage => Code::DatabaseError,
            Refusal::Internal => Code::Exception,
        }
    }
}
