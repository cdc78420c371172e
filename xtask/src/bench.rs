//! `cargo xtask bench`, `kill`, `chaos`, `tickets` and so on: the long runs of `tradewind-bench`, in release mode.
//!
//! The arguments are the tool's own and are passed on untouched.

use anyhow::{Context, Result};

use crate::process::{cargo, program, run, target};

/// Measures: `tradewind-bench run`.
pub(crate) fn bench(arguments: &[String]) -> Result<bool> {
    release("run", arguments)
}

/// Kills the gateway under load and checks its books: `tradewind-bench kill`.
pub(crate) fn kill(arguments: &[String]) -> Result<bool> {
    release("kill", arguments)
}

/// Kills and pauses processes on one PostgreSQL and fails its primary over: `tradewind-bench chaos`.
pub(crate) fn chaos(arguments: &[String]) -> Result<bool> {
    release("chaos", arguments)
}

/// What a number of orders costs: `tradewind-bench cost`.
pub(crate) fn cost(arguments: &[String]) -> Result<bool> {
    release("cost", arguments)
}

/// Sells one hot item as fast as it goes: `tradewind-bench tickets`.
pub(crate) fn tickets(arguments: &[String]) -> Result<bool> {
    release("tickets", arguments)
}

/// Kills processes while many buy the tickets of one day: `tradewind-bench tickets-kill`.
pub(crate) fn tickets_kill(arguments: &[String]) -> Result<bool> {
    release("tickets-kill", arguments)
}

fn release(command: &str, arguments: &[String]) -> Result<bool> {
    let mut build = cargo(["build", "--release", "--locked", "-p", "tradewind", "-p", "tradewind-bench"])?;
    if !run(&mut build)? {
        return Ok(false);
    }
    let folder = target()?.join("release");
    let mut tool = program(folder.join("tradewind-bench"))?;
    tool.arg(command).args(arguments).env("TRADEWIND_BIN", folder.join("tradewind"));
    run(&mut tool).context("could not run the bench tool")
}
