//! The binary: command line and configuration of the gateway, and the operator's commands.
//!
//! `serve` runs the gateway. The commands about partners, tasks, orders and the clock talk to a running
//! gateway over its operator API, found by the data folder. `migrate` and `copy` work on databases
//! directly. The rest print what the binary knows.

mod cli;
mod config;
mod data;
mod failure;
mod logging;
mod ops;
mod output;
mod print;
mod serve;
mod store;
mod when;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use cli::{Cli, Command, Global};
use config::{Config, Problems, Sources};
use data::DataFolder;
use failure::Usage;
use ops::Ops;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything can go wrong: errors of the command line itself are JSON too when asked for.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, json),
    };
    let json = cli.global.json;
    run(cli).unwrap_or_else(|error| failure::report(&error, json))
}

/// Help and version are errors to the parser; so is a wrong command line.
fn refuse(error: &clap::Error, json: bool) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::text(&error.render().to_string());
            ExitCode::SUCCESS
        }
        _ if json => {
            let text = error.render().to_string();
            let first = text.split("\n\n").next().unwrap_or(&text).trim_start_matches("error: ");
            failure::report(&Usage(first.replace('\n', " ")).into(), json)
        }
        _ => {
            output::error(error.render().to_string().trim_end());
            ExitCode::from(failure::EXIT_USAGE)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let global = cli.global;
    match cli.command {
        Command::Serve(options) => serve::run(&global, &options),
        Command::Migrate(command) => store::migrate(&global, &settings(&global)?, &command),
        Command::Copy(command) => store::copy(&global, &settings(&global)?, &command),
        Command::Config(command) => print::config(&global, &command),
        Command::Sandbox(cli::Sandbox::Show) => print::sandbox(&global),
        Command::Dialect(cli::Dialect::Interfaces) => print::interfaces(&global),
        Command::Docs(cli::Docs::Transitions) => print::transitions(),
        Command::Completions { shell } => print::completions(shell),
        command => ask(&global, command),
    }
}

/// Runs a command that talks to a gateway.
fn ask(global: &Global, command: Command) -> anyhow::Result<ExitCode> {
    let folder = DataFolder::at(&settings(global)?.data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ops = Ops::find(&global.reach, &folder)?;
        match command {
            Command::Partner(command) => ops::partner(&ops, global.json, command).await,
            Command::User(command) => ops::user(&ops, global.json, command).await,
            Command::Endpoint(command) => ops::endpoint(&ops, global.json, command).await,
            Command::Task(command) => ops::task(&ops, global.json, command).await,
            Command::Seller(command) => ops::seller(&ops, global.json, command).await,
            Command::Product(command) => ops::product(&ops, global.json, command).await,
            Command::Sku(command) => ops::sku(&ops, global.json, command).await,
            Command::Stock(command) => ops::stock(&ops, global.json, command).await,
            Command::Deposit(command) => ops::deposit(&ops, global.json, command).await,
            Command::Ticket(command) => ops::ticket(&ops, global.json, command).await,
            Command::Refund(command) => ops::refund(&ops, global.json, command).await,
            Command::Order(command) => ops::order(&ops, global.json, command).await,
            Command::Clock(command) => ops::clock(&ops, global.json, command).await,
            Command::Retention(command) => ops::retention(&ops, global.json, command).await,
            Command::Verify => ops::verify(&ops, global.json).await,
            Command::Serve(_)
            | Command::Migrate(_)
            | Command::Copy(_)
            | Command::Config(_)
            | Command::Sandbox(_)
            | Command::Dialect(_)
            | Command::Docs(_)
            | Command::Completions { .. } => Ok(ExitCode::SUCCESS),
        }
    })
}

/// The configuration as this process sees it, without the options of `serve`.
fn settings(global: &Global) -> Result<Config, Problems> {
    config::load(&sources(global))
}

fn sources(global: &Global) -> Sources {
    Sources {
        file: global.config.clone(),
        environment: std::env::vars_os().collect(),
        options: config::Options { data: global.data.clone(), ..config::Options::default() },
    }
}
