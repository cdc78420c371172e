//! Lists in requests, in the shapes that section 2.3 accepts.

use tradewind_dialect::codec::{Format, Object, Value};
use tradewind_domain::Refusal;

use crate::fields::wrong;

/// Whether a value says that there is nothing.
pub(crate) fn is_absent(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim_ascii().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => false,
    }
}

/// The entries of a list of objects.
pub(crate) fn entries<'m>(
    format: Format,
    fields: &'m Object<'m>,
    name: &str,
) -> Result<Vec<&'m Object<'m>>, Refusal> {
    match format {
        Format::Json => json_entries(fields.get(name), name),
        Format::Xml => xml_entries(fields, name),
    }
}

/// An array of objects; a bare object counts as one.
fn json_entries<'m>(value: Option<&'m Value<'m>>, name: &str) -> Result<Vec<&'m Object<'m>>, Refusal> {
    match value {
        None => Ok(Vec::new()),
        Some(value) if is_absent(value) => Ok(Vec::new()),
        Some(Value::Object(entry)) => Ok(vec![entry]),
        Some(Value::List(entries)) => entries.iter().map(|entry| object(entry, name)).collect(),
        Some(_) => Err(wrong(name, "is not a list")),
    }
}

/// One element that holds entries of any name, or repeated elements that are entries themselves.
fn xml_entries<'m>(fields: &'m Object<'m>, name: &str) -> Result<Vec<&'m Object<'m>>, Refusal> {
    let mut entries = Vec::new();
    for value in fields.all(name) {
        match value {
            empty if is_absent(empty) => {}
            Value::Object(holder) if holder.iter().all(|(_, value)| matches!(value, Value::Object(_))) => {
                for (_, entry) in holder.iter() {
                    entries.push(object(entry, name)?);
                }
            }
            other => entries.push(object(other, name)?),
        }
    }
    Ok(entries)
}

/// The texts of a list of texts: in JSON an array, in XML one element that holds them; in both also a
/// text by itself or several members of the same name.
pub(crate) fn texts<'m>(fields: &'m Object<'m>, name: &str) -> Result<Vec<&'m str>, Refusal> {
    let mut texts = Vec::new();
    let mut take = |value: &'m Value<'m>| {
        texts.extend(value.scalar().map_err(|error| wrong(name, error.to_string()))?);
        Ok(())
    };
    for value in fields.all(name) {
        match value {
            Value::List(entries) => entries.iter().try_for_each(&mut take)?,
            Value::Object(holder) => holder.iter().try_for_each(|(_, entry)| take(entry))?,
            scalar => take(scalar)?,
        }
    }
    Ok(texts)
}

fn object<'m>(value: &'m Value<'m>, name: &str) -> Result<&'m Object<'m>, Refusal> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(wrong(name, "has an entry without fields")),
    }
}
