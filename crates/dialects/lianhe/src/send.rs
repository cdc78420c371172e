//! `send`: have the codes sent again (section 5.8).

use tradewind_domain::{Call, Refusal};

use crate::fields::Fields;
use crate::order::order_ref;

/// Maps the request.
pub(crate) fn call(fields: &Fields<'_>) -> Result<Call, Refusal> {
    order_ref(fields).map(Call::ResendCodes)
}
