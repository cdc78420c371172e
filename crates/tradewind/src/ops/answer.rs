//! Reading the answers of the operator API for people.

use std::process::ExitCode;

use serde_json::Value;
use tradewind_domain::Timestamp;

use crate::output;
use crate::when::Zone;

/// Prints the answer: as it is, or by `show` for people.
pub(super) fn print(json: bool, answer: &Value, show: impl FnOnce(&Value) -> String) -> ExitCode {
    if json {
        output::json(answer);
    } else {
        output::line(&show(answer));
    }
    ExitCode::SUCCESS
}

/// A member as text; empty when it is not there.
pub(super) fn text(value: &Value, name: &str) -> String {
    plain(&value[name])
}

/// A value as text; empty for none, lists separated by commas.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// `yes` for a member that is true, `no` for one that is false, empty when it is not there.
pub(super) fn yes_no(value: &Value, name: &str) -> String {
    match value[name].as_bool() {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => String::new(),
    }
}

/// A member that is an instant in milliseconds; empty when it is not there.
pub(super) fn instant(value: &Value, name: &str, zone: Zone) -> String {
    value[name].as_i64().map(|ms| zone.show(Timestamp::from_ms(ms))).unwrap_or_default()
}

/// How to get at the next page, if there is one, below a table.
pub(super) fn more(answer: &Value) -> String {
    answer["next"].as_str().map(|next| format!("\n(more with --after {next})")).unwrap_or_default()
}

/// A list of the answer; empty when it is not there.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A member that is an amount, with the currency that stands beside it; empty when it is not there.
pub(super) fn money(value: &Value, name: &str) -> String {
    let amount = text(value, name);
    if amount.is_empty() { amount } else { format!("{amount} {}", text(value, "currency")) }
}
