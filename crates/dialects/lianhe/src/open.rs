//! From bytes to a verified call: the signature first (section 3.3), the operation, and only then the body.

use tradewind_dialect::codec::{Format, Message, Object, Value};
use tradewind_dialect::{Credentials, DialectOptions, Opened, RawRequest, Verified};
use tradewind_domain::{Call, Refusal, Timestamp};

use crate::answer::{Echo, Reply};
use crate::fields::{Fields, missing, wrong};
use crate::identify::{Claimed, partner_id_of};
use crate::operation::{METHOD, Operation};
use crate::prepared::Prepared;
use crate::{cancel, order, price, query, send, team};

pub(crate) fn open(
    options: &DialectOptions,
    operation: Operation,
    request: &RawRequest,
    credentials: Option<&Credentials>,
    now: Timestamp,
) -> Result<Opened, Refusal> {
    let credentials = credentials.ok_or(Refusal::UnknownPartner)?;
    let prepared = Prepared::of(credentials);
    let claimed = Claimed::read(|name| request.header(name))?;
    let proof = claimed.prove(&prepared.account(), &target_of(request), now, options.signature_age_max)?;
    if operation == Operation::Unknown
        || (operation == Operation::GetBalance && !prepared.settings.get_balance)
    {
        return Err(Refusal::NotFound { what: METHOD });
    }
    let message = read(&request.body)?;
    check_partner_id(&message, prepared.partner_id)?;
    let call = match operation {
        // Its body is empty in whatever way the client writes that.
        Operation::GetBalance => Call::ShowBalance,
        operation => call(operation, &Fields(body(&message)?))?,
    };
    let echo = Echo::of(&message);
    let sealer = Box::new(Reply { operation, partner_id: prepared.partner_id, echo });
    Ok(Opened { call: Verified::new(proof, call), sealer })
}

/// The request-target, exactly as sent. One without a query has no question mark, and one that ends in it
/// cannot be told from that.
fn target_of(request: &RawRequest) -> [&str; 3] {
    let separator = if request.query.is_empty() { "" } else { "?" };
    [&request.path, separator, &request.query]
}

fn call(operation: Operation, fields: &Fields<'_>) -> Result<Call, Refusal> {
    match operation {
        Operation::GetTeam => team::call(fields),
        Operation::GetPrice => price::call(fields),
        Operation::CreatOrder => order::create(fields),
        Operation::PayOrder => order::pay(fields),
        Operation::NewOrder => order::create_and_pay(fields),
        Operation::QueryOrder => query::call(fields),
        Operation::CancelOrder => cancel::call(fields),
        Operation::Send => send::call(fields),
        Operation::GetBalance => Ok(Call::ShowBalance),
        Operation::Unknown => Err(Refusal::NotFound { what: METHOD }),
    }
}

/// Reads the JSON of a request.
pub(crate) fn read(body: &[u8]) -> Result<Message<'_>, Refusal> {
    let unreadable = |problem: String| Refusal::Unreadable { problem };
    let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let message = Message::read(text).map_err(|error| unreadable(error.to_string()))?;
    match message.format {
        Format::Json => Ok(message),
        Format::Xml => Err(unreadable("it is not JSON".to_owned())),
    }
}

/// The caller's name in the message must be the one in the header (section 2.1).
fn check_partner_id(message: &Message<'_>, partner_id: i64) -> Result<(), Refusal> {
    const NAME: &str = "partnerId";
    let value = Fields(&message.members).get(NAME).ok_or_else(|| missing(NAME))?;
    let named = match value {
        Value::Number(text) => partner_id_of(text),
        Value::Text(text) => partner_id_of(text),
        _ => None,
    };
    match named {
        Some(named) if named == partner_id => Ok(()),
        Some(_) => Err(wrong(NAME, "is not that of the header PartnerId")),
        None => Err(wrong(NAME, "is not a number")),
    }
}

/// The fields of the operation.
pub(crate) fn body<'m>(message: &'m Message<'m>) -> Result<&'m Object<'m>, Refusal> {
    const NAME: &str = "body";
    match message.members.get(NAME) {
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(wrong(NAME, "is not an object")),
        None => Err(missing(NAME)),
    }
}
