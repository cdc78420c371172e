//! How a command ends badly: what is printed, and with which exit code.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::Problems;
use crate::ops::OpsError;
use crate::output;

/// Exit code of a command that failed, or found something.
pub(crate) const EXIT_FAILED: u8 = 1;
/// Exit code for a wrong command line or configuration.
pub(crate) const EXIT_USAGE: u8 = 2;
/// Exit code of a gateway that was told to stop a second time and ended at once.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// What the exit codes mean, for the help.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed, or `verify` found something; 2 wrong command line or configuration;
130 the gateway was told to stop twice and ended at once.";

/// An error of the program's caller rather than of the world: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Tells the error on standard error, in one line or as JSON, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let message = chain(error);
    if json {
        let mut told = json!({ "code": code(error), "message": message });
        // What the gateway told besides, for instance which rows of a table are bad.
        let more = error.downcast_ref::<OpsError>().and_then(OpsError::details).and_then(Value::as_object);
        for (name, value) in more.into_iter().flatten() {
            if told[name].is_null() {
                told[name] = value.clone();
            }
        }
        output::error(&json!({ "error": told }).to_string());
    } else {
        output::error(&format!("error: {message}"));
    }
    ExitCode::from(if is_usage(error) { EXIT_USAGE } else { EXIT_FAILED })
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>() || error.is::<Problems>()
}

/// A stable name: the operator API's own, or which half of the world is to blame.
fn code(error: &anyhow::Error) -> &str {
    match error.downcast_ref::<OpsError>() {
        Some(error) => error.code(),
        None if is_usage(error) => "usage",
        None => "failed",
    }
}

/// The whole chain of causes in one line. A layer that only repeats the one above is left out.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let said = cause.to_string().replace('\n', " ");
        if text.is_empty() {
            text = said;
        } else if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_chain_is_one_line_without_repetition() {
        let check = |error: anyhow::Error, expected: &str| assert_eq!(chain(&error), expected);
        check(anyhow!("disk is full"), "disk is full");
        check(anyhow!("disk is full").context("could not write"), "could not write: disk is full");
        check(anyhow!("disk\nis full").context("no: disk is full"), "no: disk is full");
    }

    #[test]
    fn the_caller_is_told_apart_from_the_world() {
        let check = |error: anyhow::Error, expected: &str| assert_eq!(code(&error), expected);
        check(Usage("give a partner".into()).into(), "usage");
        check(anyhow::Error::from(Usage("give a partner".into())).context("task retry"), "usage");
        check(Problems(Vec::new()).into(), "usage");
        check(anyhow!("disk is full"), "failed");
    }
}
