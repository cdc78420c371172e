//! `verify`: the proof that the books agree.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::answer::{list, plain, print};
use super::client::{Ops, Path};
use crate::failure::EXIT_FAILED;

/// Runs `verify`; findings are told by the exit code too.
pub(crate) async fn verify(ops: &Ops, json: bool) -> anyhow::Result<ExitCode> {
    let answer = ops.post_long(&Path::of(&["verify"]), &json!({})).await?;
    print(json, &answer, show);
    // Whatever does not say that it is clean, is not.
    Ok(match answer["clean"].as_bool() {
        Some(true) => ExitCode::SUCCESS,
        Some(false) | None => ExitCode::from(EXIT_FAILED),
    })
}

fn show(answer: &Value) -> String {
    let checked = answer["checked"].as_object().into_iter().flatten();
    let checked: Vec<String> = checked.map(|(what, count)| format!("{} {what}", plain(count))).collect();
    let mut text = match checked.is_empty() {
        true => String::new(),
        false => format!("checked: {}\n", checked.join(", ")),
    };
    let findings = list(answer, "findings");
    match (answer["clean"].as_bool(), findings) {
        (Some(true), _) => text.push_str("clean: the books agree"),
        (_, findings) => {
            text.push_str(&format!("NOT clean: {} findings", findings.len()));
            findings.iter().for_each(|finding| text.push_str(&format!("\n  {}", plain(finding))));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        let check = |answer: Value, expected: &str| assert_eq!(show(&answer), expected);
        check(
            json!({ "clean": true, "checked": { "orders": 3, "transfers": 7 }, "findings": [] }),
            "checked: 3 orders, 7 transfers\nclean: the books agree",
        );
        check(
            json!({ "clean": false, "checked": { "orders": 3 }, "findings": ["account payable is off by 1"] }),
            "checked: 3 orders\nNOT clean: 1 findings\n  account payable is off by 1",
        );
    }
}
