//! Return codes (section 6.5), as [`Error::code`](crate::Error::code) gives them.

use tradewind_sosopay::Code;

use crate::error::Nature;

/// A mandatory field is missing. Found by this library; never on the wire.
pub const MISSING: &str = "99999";
/// A business refusal without a better code: declined, or not paid in time.
pub const FAIL: &str = "FAIL";
/// A parameter is missing or wrong, or the message cannot be read.
pub const ILLEGAL_PARAMETER: &str = "ILLEGAL_PARAMETER";
/// The signature is missing, stale or wrong: look at the key, and at this machine's clock.
pub const INVALID_SIGN: &str = "INVALID_SIGN";
/// The amount is wrong, or more than can be refunded.
pub const AMT_ERROR: &str = "AMT_ERROR";
/// The platform's storage is not available.
pub const DATABASE_ERROR: &str = "DATABASE_ERROR";
/// The merchant is suspended, or the channel is not enabled for it.
pub const INVALID_CONTRACT: &str = "INVALID_CONTRACT";
/// The platform does not know the merchant.
pub const UNREGISTERED_BUSI: &str = "UNREGISTERED_BUSI";
/// Something that nobody has foreseen.
pub const EXCEPTION: &str = "EXCEPTION";
/// There is no such order or refund.
pub const CHARGE_NONEXISTENT: &str = "CHARGE_NONEXISTENT";
/// Overloaded, or the channel is switched off.
pub const SERVICE_UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";
/// A channel answered with an HTTP error.
pub const HTTP_EXCEPTION: &str = "HTTP_EXCEPTION";
/// The connection to a channel broke.
pub const IO_EXCEPTION: &str = "IO_EXCEPTION";
/// No secure connection to a channel could be made.
pub const CREATE_SECURITY_CONNECTION_ERROR: &str = "CREATE_SECURITY_CONNECTION_ERROR";
/// The order is revoked. The spelling is the wire's; the other one is understood too.
pub const AREADY_REVOKED: &str = "AREADY_REVOKED";
/// The number was used before.
pub const SERIAL_REPEAT: &str = "SERIAL_REPEAT";

/// What a `RESULT.CODE` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Success,
    AlreadyRevoked,
    /// In the usual spelling, if it is known.
    Refused(String, Nature),
}

/// Understands a code, in either of the spellings that two of them have (section 9 no. 1 and 2).
pub(crate) fn understand(code: &str) -> Said {
    let code = match code.trim() {
        "SUCESS" => "SUCCESS",
        "ALREADY_REVOKED" => AREADY_REVOKED,
        other => other,
    };
    match Code::ALL.into_iter().find(|known| known.name() == code) {
        Some(Code::Success) => Said::Success,
        Some(Code::AlreadyRevoked) => Said::AlreadyRevoked,
        Some(known) => Said::Refused(code.to_owned(), nature(known)),
        // What a new code means for what was done is not known.
        None => Said::Refused(code.to_owned(), Nature::Open),
    }
}

fn nature(code: Code) -> Nature {
    match code {
        Code::Success
        | Code::AlreadyRevoked
        | Code::Fail
        | Code::IllegalParameter
        | Code::AmtError
        | Code::InvalidContract
        | Code::ChargeNonexistent
        | Code::SerialRepeat => Nature::Definite,
        Code::InvalidSign | Code::UnregisteredBusi => Nature::Unauthorized,
        Code::ServiceUnavailable | Code::CreateSecurityConnectionError => Nature::Passing,
        // The platform, or its connection to the channel, failed half-way.
        Code::DatabaseError | Code::Exception | Code::HttpException | Code::IoException => Nature::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::{AREADY_REVOKED, Said, understand};
    use crate::error::Nature;

    #[test]
    fn spellings() {
        let check = |code: &str, said: Said| assert_eq!(understand(code), said, "{code}");
        let refused = |code: &str, nature| Said::Refused(code.to_owned(), nature);
        check("SUCCESS", Said::Success);
        check("SUCESS", Said::Success);
        check(AREADY_REVOKED, Said::AlreadyRevoked);
        check("ALREADY_REVOKED", Said::AlreadyRevoked);
        check("FAIL", refused("FAIL", Nature::Definite));
        check("INVALID_SIGN", refused("INVALID_SIGN", Nature::Unauthorized));
        check("SERVICE_UNAVAILABLE", refused("SERVICE_UNAVAILABLE", Nature::Passing));
        check("IO_EXCEPTION", refused("IO_EXCEPTION", Nature::Open));
        check("success", refused("success", Nature::Open));
        check("", refused("", Nature::Open));
    }
}
