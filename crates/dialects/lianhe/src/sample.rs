//! Signed requests as a partner would send them, made from the golden messages.

use bytes::Bytes;
use tradewind_dialect::{Credentials, Method, RawRequest};
use tradewind_domain::Timestamp;

use crate::client::{Account, SignedRequest};
use crate::operation::{Operation, target};
use crate::prepared::Prepared;

/// The partner in the golden messages.
const GOLDEN_PARTNER_ID: &str = "\"partnerId\":1985";
/// What the numbers of orders and refunds in the golden messages end in.
const GOLDEN_NUMBER: &str = "20160805000001";

/// A request of this operation at `now`. Its order is named after the instant, so that another sample
/// a moment later is another order.
pub(crate) fn sample(operation: Operation, credentials: &Credentials, now: Timestamp) -> Option<RawRequest> {
    let golden = match operation {
        Operation::GetTeam => include_str!("../golden/getTeam.request.json"),
        Operation::GetPrice => include_str!("../golden/getPrice.request.json"),
        Operation::CreatOrder => include_str!("../golden/creatOrder.request.json"),
        Operation::PayOrder => include_str!("../golden/payOrder.request.json"),
        Operation::NewOrder => include_str!("../golden/newOrder.request.json"),
        Operation::QueryOrder => include_str!("../golden/queryOrder.request.json"),
        Operation::CancelOrder => include_str!("../golden/cancelOrder.request.json"),
        Operation::Send => include_str!("../golden/send.request.json"),
        Operation::GetBalance => include_str!("../golden/getBalance.request.json"),
        Operation::Unknown => return None,
    };
    let prepared = Prepared::of(credentials);
    let account = Account {
        partner_id: prepared.partner_id,
        api_name: prepared.api_name().to_owned(),
        secrets: prepared.secrets.clone(),
    };
    let body = golden
        .replace(GOLDEN_PARTNER_ID, &format!("\"partnerId\":{}", prepared.partner_id))
        .replace(GOLDEN_NUMBER, &now.ms().to_string());
    account.sign(target(operation.name()), Bytes::from(body), now).map(raw)
}

/// A request as it reaches the platform.
pub(crate) fn raw(signed: SignedRequest) -> RawRequest {
    let SignedRequest { target, headers, body } = signed;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    RawRequest {
        method: Method::Post,
        path: path.to_owned(),
        params: Vec::new(),
        query: query.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body,
    }
}
