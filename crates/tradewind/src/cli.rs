//! The command line as types.

mod catalogue;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tradewind_domain::{Span, Timestamp};
use tradewind_signing::Secret;

pub(crate) use catalogue::{
    Deposit, Product, ProductTraits, Refund, RefundName, Seller, Sku, SkuRules, Stock, Ticket,
};

use crate::failure::EXIT_CODES;
use crate::when::{Zone, parse_instant, parse_span};

/// Tradewind, an open commerce gateway.
#[derive(Debug, Parser)]
#[command(name = "tradewind", version, after_help = EXIT_CODES, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for all commands")]
pub(crate) struct Global {
    /// The data folder [default: ./tradewind-data]
    #[arg(long, global = true, value_name = "DIR", env = "TRADEWIND_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file; `config print` shows one with every key
    #[arg(long, global = true, value_name = "FILE", env = "TRADEWIND_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Write JSON, also for errors
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// How a running gateway is reached, when its data folder is not on this machine.
#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// The operator API of the gateway, instead of the one that runs on the data folder
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) ops_url: Option<String>,
    /// The operator token; better in a file or in the environment, where other users do not see it
    #[arg(long, global = true, value_name = "TOKEN", env = "TRADEWIND_OPS_TOKEN", hide_env_values = true)]
    pub(crate) ops_token: Option<String>,
    /// A file with the operator token
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "ops_token")]
    pub(crate) ops_token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the gateway
    Serve(Serve),
    /// Partners: organisations outside, and their keys
    #[command(subcommand)]
    Partner(Partner),
    /// Users: persons and devices that act for a partner
    #[command(subcommand)]
    User(User),
    /// Endpoints: where a partner wants to be told
    #[command(subcommand)]
    Endpoint(Endpoint),
    /// Tasks: due work, such as notifications, and what became of it
    #[command(subcommand)]
    Task(Task),
    /// Sellers: partners that hand over what others sell
    #[command(subcommand)]
    Seller(Seller),
    /// Products: what is sold
    #[command(subcommand)]
    Product(Product),
    /// Skus: how a product is sold, for how much and under which rules
    #[command(subcommand)]
    Sku(Sku),
    /// Stock: how much can be sold, by the day where a sku is sold so
    #[command(subcommand)]
    Stock(Stock),
    /// Deposits: what partners have paid in advance
    #[command(subcommand)]
    Deposit(Deposit),
    /// Tickets: looking at codes and redeeming them at the gate
    #[command(subcommand)]
    Ticket(Ticket),
    /// Refunds that wait for review
    #[command(subcommand)]
    Refund(Refund),
    /// Orders: their whole story, and revocations that wait for review
    #[command(subcommand)]
    Order(Order),
    /// The clock of a sandbox
    #[command(subcommand)]
    Clock(Clock),
    /// Prove that the books agree; exit code 1 when they do not
    Verify,
    /// Forget deliveries and events that are old and settled; the books stay
    #[command(subcommand)]
    Retention(Retention),
    /// The schema of the database, without a gateway
    #[command(subcommand)]
    Migrate(Migrate),
    /// Copy a whole gateway from one database to another, with ids, numbers and books
    Copy(Copy),
    /// The configuration file
    #[command(subcommand)]
    Config(Config),
    /// The sandbox
    #[command(subcommand)]
    Sandbox(Sandbox),
    /// Partner protocols
    #[command(subcommand)]
    Dialect(Dialect),
    /// Parts of the documents that are printed from the code
    #[command(subcommand)]
    Docs(Docs),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Start a sandbox: published partners and keys, no real money, a clock that can be moved
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Where partners call [default: 127.0.0.1:8080]; port 0 takes any free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where operators call [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub(crate) ops_listen: Option<SocketAddr>,
    /// The master key for secrets at rest [default: master.key in the data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) master_key: Option<PathBuf>,
    /// Start with the clock stopped at this instant (RFC 3339); sandbox only
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub(crate) clock: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Partner {
    /// Add a partner; its secret is shown once
    Add(PartnerAdd),
    /// List partners
    List {
        #[command(flatten)]
        secrets: ShowSecrets,
        #[command(flatten)]
        page: Page,
    },
    /// Show a partner and its keys
    Show {
        /// `par_...` or a key id
        partner: String,
        #[command(flatten)]
        secrets: ShowSecrets,
    },
    /// Give a partner a new secret; the old one goes on for a while
    Rotate {
        /// `par_...` or a key id
        partner: String,
        /// A file with the new secret, `-` for standard input; without it one is made
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// How long the old secret goes on, for instance 1h [default: 24h]
        #[arg(long, value_name = "SPAN", value_parser = parse_span)]
        overlap: Option<Span>,
        #[command(flatten)]
        dialect: WhichDialect,
    },
    /// Let a partner do business again
    Enable {
        /// `par_...` or a key id
        partner: String,
    },
    /// Show the accounts of a partner, and what is left of its prepaid balance
    Balance {
        /// `par_...` or a key id
        partner: String,
    },
    /// Suspend a partner: what exists can be looked at, nothing new begins
    Disable {
        /// `par_...` or a key id
        partner: String,
    },
    /// Change a partner
    Set {
        /// `par_...` or a key id
        partner: String,
        #[command(flatten)]
        terms: Terms,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        dialect: WhichDialect,
    },
}

#[derive(Debug, Args)]
pub(crate) struct WhichDialect {
    /// The protocol that is meant, for a partner with keys of several
    #[arg(long)]
    pub(crate) dialect: Option<String>,
}

/// A page of a long list.
#[derive(Debug, Args)]
pub(crate) struct Page {
    /// Where the page before ended
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
    /// At most so many, 1 to 1000 [default: 100]
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct PartnerAdd {
    /// The protocol it speaks; may be left out when there is only one
    #[arg(long)]
    pub(crate) dialect: Option<String>,
    /// What it calls itself by in that protocol
    #[arg(long)]
    pub(crate) key_id: String,
    /// Name for people
    #[arg(long)]
    pub(crate) name: String,
    /// A file with its secret, `-` for standard input; without it one is made
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) terms: Terms,
}

/// What was agreed with a partner.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// Switches of the protocol, a JSON object; a null takes one back to its default
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub(crate) settings: Option<serde_json::Value>,
    /// Payment methods, for instance alipay,wechat
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) methods: Option<Vec<String>>,
    /// What the operator keeps of each payment, in millionths of the amount
    #[arg(long, value_name = "PPM", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) fee_ppm: Option<u32>,
    /// How far its prepaid balance may go below nothing
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) credit_limit: Option<String>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ShowSecrets {
    /// Show secrets in full
    #[arg(long)]
    pub(crate) show_secrets: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user to a partner; without a password file a password is made and shown once
    Add {
        /// `par_...` or a key id
        partner: String,
        /// What it signs in with
        login: String,
        /// Name for people [default: the login]
        #[arg(long)]
        name: Option<String>,
        /// A file with the password, `-` for standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// It may give money back
        #[arg(long)]
        may_refund: bool,
        /// Serial number of the device it signs in from
        #[arg(long, value_name = "SERIAL")]
        device: Option<String>,
    },
    /// List the users of a partner
    List {
        /// `par_...` or a key id
        partner: String,
        #[command(flatten)]
        page: Page,
    },
    /// Keep a user from signing in
    Disable {
        /// `par_...` or a key id
        partner: String,
        /// What it signs in with
        login: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Endpoint {
    /// Tell a partner's events to an address
    Add {
        /// `par_...` or a key id
        partner: String,
        /// http or https
        url: String,
        /// Events to be told, for instance order.paid
        #[arg(long = "event", value_name = "KIND", required = true, value_delimiter = ',')]
        events: Vec<String>,
        #[command(flatten)]
        dialect: WhichDialect,
    },
    /// List the endpoints of a partner
    List {
        /// `par_...` or a key id
        partner: String,
        #[command(flatten)]
        page: Page,
    },
    /// Tell nothing more to an endpoint
    Remove {
        /// `par_...` or a key id
        partner: String,
        /// `end_...`
        endpoint: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum TaskKind {
    Deliver,
    FollowPayment,
    FollowRefund,
    LapseOrder,
    ApproveRefund,
    SendCodes,
}

impl TaskKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            TaskKind::Deliver => "deliver",
            TaskKind::FollowPayment => "follow_payment",
            TaskKind::FollowRefund => "follow_refund",
            TaskKind::LapseOrder => "lapse_order",
            TaskKind::ApproveRefund => "approve_refund",
            TaskKind::SendCodes => "send_codes",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskState {
    Pending,
    Failed,
    Done,
    Cancelled,
}

impl TaskState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            TaskState::Pending => "pending",
            TaskState::Failed => "failed",
            TaskState::Done => "done",
            TaskState::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// List tasks
    List {
        /// Where they stand
        #[arg(long, default_value = "pending")]
        state: TaskState,
        /// What is to be done
        #[arg(long)]
        kind: Option<TaskKind>,
        /// Whose: `par_...` or a key id
        #[arg(long)]
        partner: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        times: Times,
    },
    /// Start the schedule of a task anew, or of all that have failed
    Retry {
        /// `tsk_...`
        #[arg(required_unless_present = "failed", conflicts_with = "failed")]
        task: Option<String>,
        /// All tasks that have failed
        #[arg(long)]
        failed: bool,
        /// With --failed: only those of this kind
        #[arg(long, requires = "failed")]
        kind: Option<TaskKind>,
        /// Whose: `par_...` or a key id; needed with `tsk_...`
        #[arg(long, required_unless_present = "failed")]
        partner: Option<String>,
        /// With `tsk_...`: why, for whoever looks at it later
        #[arg(long, conflicts_with = "failed")]
        reason: Option<String>,
    },
    /// Call a task off
    Cancel(TaskName),
    /// Count a task as done, because its receiver has the news by other means
    Settle(TaskName),
}

#[derive(Debug, Args)]
pub(crate) struct TaskName {
    /// `tsk_...`
    pub(crate) task: String,
    /// Whose: `par_...` or a key id
    #[arg(long)]
    pub(crate) partner: String,
    /// Why, for whoever looks at it later
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Order {
    /// Show the whole story of an order
    Show {
        #[command(flatten)]
        order: OrderName,
        #[command(flatten)]
        times: Times,
    },
    /// Send the codes of a purchase to its first traveller again
    Resend(OrderName),
    /// Agree to a revocation that waits for review
    ApproveRevocation(OrderName),
    /// Refuse a revocation that waits for review
    RejectRevocation(OrderName),
}

#[derive(Debug, Args)]
pub(crate) struct OrderName {
    /// `ord_...`, the serial that partners see, or the partner's own number
    #[arg(value_name = "ORDER")]
    pub(crate) order: String,
    /// Whose: `par_...` or a key id; needed when several partners use the same number
    #[arg(long)]
    pub(crate) partner: Option<String>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Times {
    /// Show times in UTC instead of +08:00
    #[arg(long)]
    pub(crate) utc: bool,
}

impl Times {
    pub(crate) fn zone(self) -> Zone {
        if self.utc { Zone::Utc } else { Zone::Local }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Show what time it is in the gateway
    Show {
        #[command(flatten)]
        times: Times,
    },
    /// Move the clock forward; everything due on the way happens when it is due
    Advance {
        /// For instance 90s, 2h, 1h30m
        #[arg(value_name = "SPAN", value_parser = parse_span)]
        by: Span,
        #[command(flatten)]
        times: Times,
    },
    /// Stop the clock
    Freeze,
    /// Let the clock run on
    Resume,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// Count what would go
    Preview {
        #[command(flatten)]
        old: OldEnough,
    },
    /// Make it go, in small steps among the other work
    Apply {
        #[command(flatten)]
        old: OldEnough,
        /// Write what goes to a new file before it goes, one JSON object in each line
        #[arg(long, value_name = "FILE")]
        archive: Option<PathBuf>,
    },
}

/// What is old enough. Vouchers and transfers always stay, and so do the numbers of orders that went.
#[derive(Debug, Args)]
pub(crate) struct OldEnough {
    /// Events that happened so long ago, with their deliveries, for instance 400d; from the oldest up to
    /// the first that has a delivery pending or failed
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) events_before: Option<Span>,
    /// Deliveries, done or called off, that were last due so long ago
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) tasks_before: Option<Span>,
    /// Orders to which nothing has happened for so long and nothing can happen any more, with their
    /// payments, refunds and deliveries
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) orders_before: Option<Span>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Print the statements that are to be run
    Plan,
    /// Bring the schema up to date; safe while others try the same
    Apply,
    /// List the steps, done and to do
    Status,
}

/// A database is `sqlite` (the file in the data folder), `sqlite:PATH` or `postgres://...`.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The database to copy; no gateway may work with it
    #[arg(long, value_name = "URL", env = "TRADEWIND_COPY_FROM", hide_env_values = true, value_parser = secret)]
    pub(crate) from: Secret,
    /// The database to copy into: empty, or with a part of the same copy. A password is better in the
    /// environment, where other users do not see it
    #[arg(long, value_name = "URL", env = "TRADEWIND_COPY_TO", hide_env_values = true, value_parser = secret)]
    pub(crate) to: Secret,
    /// Rows in a transaction
    #[arg(long, value_name = "COUNT", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) chunk_rows: u32,
    /// Afterwards, keep gateways from being started on the source
    #[arg(long)]
    pub(crate) retire_source: bool,
    /// Copy books that do not agree as they are
    #[arg(long)]
    pub(crate) accept_findings: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print the reference file: every key, its default and what it does
    Print,
    /// Tell everything that is wrong with a configuration
    Check {
        /// The file [default: the one of --config]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// Show the partners, keys and users of a sandbox, and the values that decide what happens
    Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dialect {
    /// List the interfaces of every protocol's specification
    Interfaces,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Docs {
    /// The state machines as Markdown tables
    Transitions,
}

/// Takes any text, so that no error repeats it.
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

fn json_object(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(format!("not a JSON object: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn command_lines() {
        let check = |line: &str, fits: bool| {
            let parsed = Cli::try_parse_from(line.split(' '));
            assert_eq!(parsed.is_ok(), fits, "{line}: {parsed:?}");
        };
        check("tradewind serve", true);
        check("tradewind --data d --json serve --sandbox --listen 127.0.0.1:0 --ops-listen [::1]:0", true);
        check("tradewind serve --sandbox --clock 2025-11-22T11:00:00+08:00 --data d --json", true);
        check("tradewind serve --master-key k", true);
        check("tradewind migrate plan --json", true);
        check("tradewind migrate", false);
        check("tradewind copy --from sqlite:a.db --to postgres://u:p@h/d --chunk-rows 10", true);
        check("tradewind copy --to sqlite", false);
        check("tradewind serve --clock noon", false);
        check("tradewind serve --listen localhost", false);
        check("tradewind", false);
        check(
            "tradewind partner add --key-id 0010000042 --name Shop --methods alipay,wechat --fee-ppm 6000",
            true,
        );
        check("tradewind partner add --key-id 0010000042", false);
        check("tradewind partner set 0010000042 --settings {\"a\":1}", true);
        check("tradewind partner set 0010000042 --settings [1]", false);
        check("tradewind partner set 0010000042 --fee-ppm 1000001", false);
        check("tradewind partner rotate 0010000042 --overlap 1h30m", true);
        check("tradewind partner rotate 0010000042 --overlap soon", false);
        check("tradewind user add 0010000001 cashier02 --may-refund", true);
        check("tradewind endpoint add 0010000001 http://127.0.0.1/n --event order.paid", true);
        check("tradewind endpoint add 0010000001 http://127.0.0.1/n", false);
        check("tradewind task list --state failed --kind follow_payment --partner 0010000001", true);
        check("tradewind task list --state lost", false);
        check("tradewind task retry --failed --kind deliver", true);
        check("tradewind task retry tsk_1 --partner 0010000001", true);
        check("tradewind task retry tsk_1 --failed", false);
        check("tradewind task retry", false);
        check("tradewind order show 20251122 --utc --partner par_1", true);
        check("tradewind order approve-revocation ord_1", true);
        check("tradewind clock advance 90s", true);
        check("tradewind clock advance -- -90s", false);
        check("tradewind verify --ops-url http://10.0.0.1:8081 --ops-token-file t", true);
        check("tradewind verify --ops-token t --ops-token-file t", false);
        check("tradewind config check", true);
        check("tradewind completions bash", true);
    }
}
