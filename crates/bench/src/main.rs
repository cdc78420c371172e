//! `tradewind-bench`: measures a running gateway and tries to make it lose money.
//!
//! * `load` is the load generator: one thread, one request in flight per connection.
//! * `receiver` is a partner's notification address; `echo` is the bare server that sets the ceiling.
//! * `run` starts all of them with a gateway, side by side, and prints figures, ratios and bars.
//! * `kill` kills the gateway again and again under load and checks every acknowledged order.
//! * `tickets` sells one hot item as fast as it goes; `tickets-kill` kills the gateway while it does.
//!
//! Nothing here is linked into the gateway; it is spoken to through its command line and its wire.

#![forbid(unsafe_code)]
#![allow(
    clippy::float_arithmetic,
    reason = "rates, ratios and seconds of a measurement; no money is computed here"
)]
#![allow(clippy::print_stdout, reason = "the report on standard output is the product of this program")]
#![allow(clippy::print_stderr, reason = "progress goes to standard error, so that --json stays parseable")]

mod book;
mod chaos;
mod clock;
mod cost;
mod echo;
mod engine;
mod gateway;
mod histogram;
mod http;
mod kill;
mod lianhe;
mod lists;
mod load;
mod million;
mod postgres;
mod process;
mod random;
mod receiver;
mod report;
mod run;
mod scenarios;
mod sosopay;
mod tickets;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "tradewind-bench", version, about = "Measures and torments a Tradewind gateway")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load a server: closed loop, one request in flight per connection, one thread.
    Load(load::LoadArgs),
    /// Receive notifications, count them and answer SUCCESS.
    Receiver(receiver::ReceiverArgs),
    /// Serve the bare echo and hello that every figure is compared with.
    Echo(echo::EchoArgs),
    /// Start a private PostgreSQL cluster for as long as standard input stays open.
    Cluster(postgres::cluster::ClusterArgs),
    /// Measure a gateway side by side with the bare echo and check the bars.
    Run(run::RunArgs),
    /// Kill a gateway under load, restart it, and check that nothing acknowledged was lost.
    Kill(kill::KillArgs),
    /// Kill and pause processes on one PostgreSQL, fail its primary over, and check that nothing was lost.
    Chaos(chaos::ChaosArgs),
    /// Measure what orders cost in rows, bytes and log.
    Cost(cost::CostArgs),
    /// Measure how many orders a second one hot item takes, and check the bars.
    Tickets(tickets::run::TicketsArgs),
    /// Buy tickets of one item: the load generator of `tickets`.
    TicketsLoad(tickets::load::TicketsLoadArgs),
    /// Kill processes while many buy the tickets of one day, and check that never one too many is sold.
    TicketsKill(tickets::kill::TicketsKillArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Load(args) => load::command(&args),
        Command::Receiver(args) => receiver::command(&args),
        Command::Echo(args) => echo::command(&args),
        Command::Cluster(args) => postgres::cluster::command(&args),
        Command::Run(args) => run::command(&args),
        Command::Kill(args) => kill::command(&args),
        Command::Chaos(args) => chaos::command(&args),
        Command::Cost(args) => cost::command(&args),
        Command::Tickets(args) => tickets::run::command(&args),
        Command::TicketsLoad(args) => tickets::load::command(&args),
        Command::TicketsKill(args) => tickets::kill::command(&args),
    }
}
