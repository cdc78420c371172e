//! Counting tests from what their runners wrote down.

use std::fs;
use std::iter::Sum;
use std::path::Path;

use anyhow::{Context, Result};

/// How many tests ended how.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Tally {
    /// A runner that is not content although no test failed has failed itself: it could not build, could
    /// not collect, or was interrupted.
    pub(super) fn agreeing(self, content: bool) -> Self {
        if content || self.failed > 0 { self } else { Self { failed: 1, ..self } }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, next| Self {
            passed: sum.passed + next.passed,
            failed: sum.failed + next.failed,
            skipped: sum.skipped + next.skipped,
        })
    }
}

/// The counts of a JUnit report, as nextest and pytest write it.
pub(super) fn junit(report: &Path, content: bool) -> Result<Tally> {
    let text = fs::read_to_string(report)
        .with_context(|| format!("the tests ended without their report `{}`", report.display()))?;
    Ok(junit_text(&text).agreeing(content))
}

/// Counts the cases themselves, since the totals in the header differ between runners in what they include.
fn junit_text(text: &str) -> Tally {
    let mut tally = Tally::default();
    for case in text.split("<testcase").skip(1) {
        let (attributes, body) = case.split_once('>').unwrap_or((case, ""));
        let body =
            if attributes.ends_with('/') { "" } else { body.split("</testcase>").next().unwrap_or("") };
        // A runner writes `<` in the output of a test as an entity, so a tag here is the runner's own.
        // The output may still come unescaped in a CDATA section.
        let body = without_cdata(body);
        if body.contains("<failure") || body.contains("<error") {
            tally.failed += 1;
        } else if body.contains("<skipped") {
            tally.skipped += 1;
        } else {
            tally.passed += 1;
        }
    }
    tally
}

fn without_cdata(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<![CDATA[") {
        kept.push_str(before);
        rest = after.split_once("]]>").map_or("", |(_, rest)| rest);
    }
    kept + rest
}

/// The sum of the lines `test result: ...` of `cargo test`.
pub(super) fn cargo_test(output: &str) -> Tally {
    let results = output.lines().filter(|line| line.starts_with("test result: "));
    results
        .map(|line| Tally {
            passed: before(line, "passed").unwrap_or(0),
            failed: before(line, "failed").unwrap_or(0),
            skipped: before(line, "ignored").unwrap_or(0),
        })
        .sum()
}

/// The last line that says `N passed, N failed`.
pub(super) fn summary(output: &str) -> Option<Tally> {
    output.lines().rev().find_map(|line| {
        Some(Tally { passed: before(line, "passed")?, failed: before(line, "failed")?, skipped: 0 })
    })
}

/// The number in front of a word.
fn before(line: &str, word: &str) -> Option<u64> {
    let mut previous = None;
    for part in line.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty()) {
        if part == word {
            return previous;
        }
        previous = part.parse().ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally { passed, failed, skipped }
    }

    #[test]
    fn cases_of_a_report_are_counted_by_how_they_ended() {
        let report = r#"<?xml version="1.0"?>
            <testsuites><testsuite name="s" errors="0" failures="0" skipped="0" tests="99">
            <testcase classname="a" name="one" time="0.1" />
            <testcase classname="a" name="two"><system-out>fine &lt;failure</system-out></testcase>
            <testcase classname="a" name="three"><failure message="no">text</failure></testcase>
            <testcase classname="a" name="four"><error message="set-up">text</error></testcase>
            <testcase classname="a" name="five"><skipped type="pytest.skip" message="x"/></testcase>
            <testcase classname="a" name="six"><system-out><![CDATA[<failure>]]></system-out></testcase>
            </testsuite></testsuites>"#;
        assert_eq!(junit_text(report), tally(3, 2, 1));
        assert_eq!(junit_text(""), tally(0, 0, 0));
    }

    #[test]
    fn lines_of_cargo_are_summed() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(cargo_test(output), tally(5, 4, 1));
    }

    #[test]
    fn the_last_summary_counts() {
        assert_eq!(
            summary("1 passed, 0 failed\nround 2\nkill: 5 passed, 2 failed\nbye\n"),
            Some(tally(5, 2, 0))
        );
        assert_eq!(summary("all is well\n"), None);
        assert_eq!(summary("5 rounds passed, 0 failed"), None);
    }

    #[test]
    fn a_runner_that_is_not_content_is_believed() {
        assert_eq!(tally(3, 0, 0).agreeing(true), tally(3, 0, 0));
        assert_eq!(tally(3, 0, 0).agreeing(false), tally(3, 1, 0));
        assert_eq!(tally(3, 2, 0).agreeing(false), tally(3, 2, 0));
    }
}
