//! Revocation (section 5.7).

use tradewind_dialect::{RawRequest, RawResponse};
use tradewind_domain::{Call, Order, OrderRef, OrderStage, Refusal, Revoke, RevokeMode, Timestamp};

use crate::answer::Reply;
use crate::errors::Code;
use crate::fields::check_id;
use crate::identify::Parameters;
use crate::operation::CHARGE_CODE;

/// Maps the request. Exactly `ACO` applies for a revocation; anything else revokes at once.
pub(crate) fn call(request: &RawRequest, parameters: &Parameters<'_>) -> Result<Call, Refusal> {
    let code = request.param(CHARGE_CODE).ok_or(Refusal::Internal)?;
    check_id("CHARGE_CODE", code)?;
    let mode =
        if parameters.get("opType") == Some("ACO") { RevokeMode::Application } else { RevokeMode::Now };
    Ok(Call::Revoke(Revoke { order: OrderRef::Number(code.to_owned()), mode }))
}

/// Writes the answer: the result alone. Money that is still on its way back counts as done, since the
/// revocation can no longer be undone.
pub(crate) fn answer(reply: &Reply, order: &Order, now: Timestamp) -> RawResponse {
    let (code, info) = if order.stage == OrderStage::Revoked {
        (Code::Success, "ok")
    } else if order.revocation_applied {
        (Code::Success, "applied for")
    } else if order.refunding.is_positive() {
        (Code::Success, "accepted, the channel has not finished yet")
    } else {
        (Code::Fail, "the channel refused to return the money")
    };
    reply.envelope.answer(code, info, now, |_| {})
}
