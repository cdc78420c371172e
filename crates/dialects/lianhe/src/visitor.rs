//! `visitor`: who travels (section 4.1), as an object or a list of them everywhere.

use tradewind_dialect::codec::Value;
use tradewind_domain::{Refusal, Traveller};

use crate::fields::{Fields, missing, wrong};

const NAME: &str = "visitor";

/// More than any order may have units, so that too many units are told as that.
const VISITORS_MAX: usize = 200;

/// What a document is when the kind is not told: a PRC identity card.
const DOCUMENT_KIND: &str = "0";

/// The travellers of a request.
pub(crate) fn travellers(fields: &Fields<'_>) -> Result<Vec<Traveller>, Refusal> {
    match fields.get(NAME).ok_or_else(|| missing(NAME))? {
        Value::Object(one) => Ok(vec![traveller(&Fields(one))?]),
        Value::List(several) if several.len() > VISITORS_MAX => {
            Err(wrong(NAME, format!("has more than {VISITORS_MAX} entries")))
        }
        Value::List(several) => several.iter().map(entry).collect(),
        _ => Err(wrong(NAME, "is neither an object nor a list of them")),
    }
}

fn entry(value: &Value<'_>) -> Result<Traveller, Refusal> {
    match value {
        Value::Object(one) => traveller(&Fields(one)),
        _ => Err(wrong(NAME, "holds something that is no object")),
    }
}

/// A phone or document that is not there is for the rules of the product to judge, which have codes of
/// their own for that.
fn traveller(fields: &Fields<'_>) -> Result<Traveller, Refusal> {
    let name = fields.text("name")?;
    if name.is_empty() {
        return Err(wrong(NAME, "has no name"));
    }
    let id = |name| fields.id(name).map(Option::unwrap_or_default);
    Ok(Traveller {
        name: name.to_owned(),
        mobile: id("mobile")?.to_owned(),
        document_kind: fields.id("credentialstype")?.unwrap_or(DOCUMENT_KIND).to_owned(),
        document: id("credentials")?.to_owned(),
        address: fields.text("address")?.to_owned(),
        postcode: id("zipcode")?.to_owned(),
        email: fields.text("email")?.to_owned(),
    })
}
