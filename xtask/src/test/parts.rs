//! The parts of the test run. Each starts a runner and counts what the runner wrote down.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::cluster::PrivateCluster;
use super::python;
use super::tally::{self, Tally};
use crate::coverage;
use crate::process::{cargo, program, run, succeeds, target, tee};

/// Rounds of the short kill test.
const KILL_ROUNDS: u64 = 5;

/// All Rust tests but those in documentation.
pub(super) fn rust() -> Result<Tally> {
    if succeeds(&mut cargo(["nextest", "--version"])?) {
        let report = target()?.join("nextest/default/junit.xml");
        remove_old(&report)?;
        let content = run(&mut cargo(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"])?)?;
        tally::junit(&report, content)
    } else {
        cargo_test(&["--lib", "--bins", "--tests"])
    }
}

/// The examples in the documentation, which only cargo itself can run.
pub(super) fn doc() -> Result<Tally> {
    cargo_test(&["--doc"])
}

fn cargo_test(what: &[&str]) -> Result<Tally> {
    let (content, output) = tee(cargo(["test", "--workspace", "--locked", "--no-fail-fast"])?.args(what))?;
    Ok(tally::cargo_test(&output).agreeing(content))
}

/// The programs that the other parts run.
pub(super) fn build() -> Result<Tally> {
    let built = run(&mut cargo(["build", "--locked", "-p", "tradewind", "-p", "tradewind-bench"])?)?;
    Ok(Tally::default().agreeing(built))
}

/// The Python suite, which knows the product only from outside.
pub(super) fn e2e(arguments: &[String]) -> Result<Tally> {
    // The suite adds to what it finds, which is wanted only where a selection is run again.
    if arguments.is_empty() {
        remove_old(&coverage::results()?)?;
    }
    pytest(arguments, "e2e-junit.xml", &[])
}

/// The same suite on PostgreSQL: every gateway has a database of its own on one private cluster.
pub(super) fn e2e_on_postgres(arguments: &[String]) -> Result<Tally> {
    let cluster = PrivateCluster::start(&target()?.join("debug/tradewind-bench"))?;
    pytest(arguments, "e2e-postgres-junit.xml", &[("TRADEWIND_E2E_POSTGRES", &cluster.url)])
}

fn pytest(arguments: &[String], report: &str, variables: &[(&str, &str)]) -> Result<Tally> {
    let python = python::environment()?;
    let target = target()?;
    let report = target.join(report);
    remove_old(&report)?;
    let mut pytest = program(python)?;
    pytest
        .args(["-m", "pytest", "tests/e2e"])
        .arg(format!("--junitxml={}", report.display()))
        .args(arguments)
        .env("TRADEWIND_BIN", target.join("debug/tradewind"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(variables.iter().copied());
    let content = run(&mut pytest)?;
    tally::junit(&report, content)
}

/// Kills the gateway while it works, starts it again and checks its books, a few times: once with payments,
/// and once with many buyers of a few tickets.
pub(super) fn kill(seed: u32) -> Result<Tally> {
    let payments = torment(&["kill", "--rounds", &KILL_ROUNDS.to_string()], seed)?;
    let tickets = torment(&["tickets-kill", "--short"], seed)?;
    Ok([payments, tickets].into_iter().sum())
}

/// Kills and pauses processes on one PostgreSQL, fails its primary over and checks all books, in its short
/// form; then kills them while many buy a few tickets.
pub(super) fn chaos(seed: u32) -> Result<Tally> {
    let payments = torment(&["chaos", "--short"], seed)?;
    let tickets = torment(&["tickets-kill", "--short", "--store", "postgres"], seed)?;
    Ok([payments, tickets].into_iter().sum())
}

/// Runs a command of the bench tool that kills what was just built, and counts what it says last.
fn torment(arguments: &[&str], seed: u32) -> Result<Tally> {
    let folder = target()?.join("debug");
    let mut tool = program(folder.join("tradewind-bench"))?;
    tool.args(arguments).args(["--seed", &seed.to_string()]).env("TRADEWIND_BIN", folder.join("tradewind"));
    let (content, output) = tee(&mut tool)?;
    let tally = tally::summary(&output)
        .with_context(|| format!("{arguments:?} ended without its line `N passed, N failed`"))?;
    Ok(tally.agreeing(content))
}

/// A report of an earlier run must never be counted as this one's.
fn remove_old(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}
