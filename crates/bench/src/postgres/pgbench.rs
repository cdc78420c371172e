//! `pgbench` of the same package on the same cluster: what one row at a time costs here.

use anyhow::{Context, bail, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CLIENTS: &str = "32";
const THREADS: &str = "2";
const SCALE: &str = "10";
/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// How a statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As text each time: pgbench's default.
    Simple,
    /// Prepared once.
    Prepared,
}

/// Makes pgbench's tables in a database of their own.
pub(crate) fn prepare(url: &str) -> anyhow::Result<()> {
    run(&["-i", "-q", "-s", SCALE, url]).map(drop)
}

/// Transactions per second of the built-in script "simple update" with 32 clients.
pub(crate) fn simple_update(url: &str, protocol: Protocol, seconds: f64) -> anyhow::Result<f64> {
    let seconds = format!("{:.0}", seconds.ceil().max(1.0));
    let protocol = match protocol {
        Protocol::Simple => "simple",
        Protocol::Prepared => "prepared",
    };
    // -n: its vacuum would be part of what is measured.
    let said = run(&["-n", "-N", "-c", CLIENTS, "-j", THREADS, "-M", protocol, "-T", &seconds, url])?;
    tps(&said).with_context(|| format!("pgbench did not say its rate:\n{said}"))
}

fn run(arguments: &[&str]) -> anyhow::Result<String> {
    let program = program()?;
    let output = Command::new(&program).args(arguments).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("could not start {}", program.display()))?;
    ensure!(
        output.status.success(),
        "pgbench ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn program() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, path)| (version, path.join("bin/pgbench")))
        .filter(|(_, program)| program.exists())
        .max();
    match newest {
        Some((_, program)) => Ok(program),
        None => bail!("there is no pgbench under {VERSIONS}: install the Debian package `postgresql`"),
    }
}

fn tps(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::tps;

    #[test]
    fn the_rate_is_read() {
        let said = "number of failed transactions: 0 (0.000%)\nlatency average = 1.2 ms\n\
                    tps = 2401.482374 (without initial connection time)\n";
        assert_eq!(tps(said), Some(2401.482374));
        assert_eq!(tps("tps = x"), None);
        assert_eq!(tps(""), None);
    }
}
