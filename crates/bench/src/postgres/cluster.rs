//! A private cluster as a careful operator would set it up, and the `cluster` command.

use clap::Args;
use std::io::Read;
use std::process::ExitCode;
use tradewind_testkit::postgres::Cluster;

/// What differs from PostgreSQL's own defaults, or must not. Nothing here trades safety for speed.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "256MB"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "128MB"),
    ("wal_buffers", "16MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    ("random_page_cost", "1.1"),
    ("autovacuum", "on"),
];

/// Tests start many databases and nobody pulls their plug.
const WITHOUT_SYNC: &[(&str, &str)] = &[("fsync", "off"), ("full_page_writes", "off")];

/// The server's log, beside its data folder.
pub(crate) const LOG: &str = "log";

#[derive(Args)]
pub(crate) struct ClusterArgs {
    /// Do not sync: quicker, for tests of everything but durability.
    #[arg(long)]
    no_sync: bool,
}

/// Starts a cluster, prints `{"url":"postgres://..."}` as one line, and stops it when standard input ends.
pub(crate) fn command(args: &ClusterArgs) -> anyhow::Result<ExitCode> {
    let cluster = start(if args.no_sync { WITHOUT_SYNC } else { SETTINGS });
    println!("{}", serde_json::json!({ "url": cluster.url() }));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a cluster with these settings.
pub(crate) fn start(settings: &[(&str, &str)]) -> Cluster {
    let cluster = Cluster::start();
    for (name, value) in settings {
        cluster.sql(&format!("ALTER SYSTEM SET {name} = '{value}'"));
    }
    // Some of them count from the start only.
    cluster.stop();
    cluster.start_again();
    cluster
}

/// Makes an empty database and returns its address.
pub(crate) fn database(cluster: &Cluster, name: &str) -> String {
    cluster.sql(&format!("CREATE DATABASE {name} TEMPLATE template0"));
    at(&cluster.url(), name)
}

/// The address of another database of the same server.
pub(crate) fn at(url: &str, database: &str) -> String {
    let server = url.rsplit_once('/').map_or(url, |(server, _)| server);
    format!("{server}/{database}")
}

/// The settings as a line, for the report.
pub(crate) fn settings_line(settings: &[(&str, &str)]) -> String {
    let parts: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_databases() {
        assert_eq!(at("postgres://postgres@127.0.0.1:1/postgres", "b"), "postgres://postgres@127.0.0.1:1/b");
    }
}
