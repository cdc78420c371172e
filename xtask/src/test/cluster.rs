//! A private PostgreSQL cluster for as long as a part of the tests runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::program;

/// A running cluster. It ends with this value, and with this process, however it goes.
pub(super) struct PrivateCluster {
    child: Child,
    /// Of a superuser, as `postgres://...`.
    pub(super) url: String,
}

impl PrivateCluster {
    /// Has the bench tool start one and reads where it is.
    pub(super) fn start(tool: &Path) -> Result<Self> {
        let mut command = program(tool)?;
        command.args(["cluster", "--no-sync"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("could not start `{}`", tool.display()))?;
        // Owned from here on, so that it is ended if what it says is not understood.
        let mut cluster = Self { child, url: String::new() };
        let output = cluster.child.stdout.take().context("the cluster has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        cluster.url = url(&line)?;
        Ok(cluster)
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        // It stops when its input ends; failing means that it has ended already.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn url(line: &str) -> Result<String> {
    let said: Value = serde_json::from_str(line).context("the cluster did not say where it is")?;
    let url = said["url"].as_str().context("the cluster did not say its url")?;
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn what_the_cluster_says() {
        assert_eq!(url("{\"url\":\"postgres://a@b:1/c\"}\n").unwrap(), "postgres://a@b:1/c");
        for line in ["", "{}", "{\"url\":1}", "starting"] {
            assert!(url(line).is_err(), "{line}");
        }
    }
}
