//! A blocking connection, for tools that ask one thing after the other.

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

/// A connection of its own runtime. It carries no TLS: the servers are on this machine.
pub(crate) struct Sql {
    runtime: Runtime,
    client: Client,
}

impl Sql {
    pub(crate) fn connect(url: &str) -> anyhow::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().build().context("could not start a runtime")?;
        let client = runtime.block_on(open(url))?;
        Ok(Self { runtime, client })
    }

    /// Runs statements without parameters, several at once if separated by semicolons.
    pub(crate) fn run(&mut self, statements: &str) -> anyhow::Result<()> {
        let done = self.runtime.block_on(self.client.batch_execute(statements));
        done.with_context(|| format!("failed: {statements}"))
    }

    pub(crate) fn rows(&mut self, query: &str, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<Vec<Row>> {
        let rows = self.runtime.block_on(self.client.query(query, values));
        rows.with_context(|| format!("failed: {query}"))
    }

    /// The one number that a query answers with.
    pub(crate) fn number(&mut self, query: &str) -> anyhow::Result<i64> {
        let rows = self.rows(query, &[])?;
        let row = rows.first().with_context(|| format!("no row: {query}"))?;
        row.try_get(0).with_context(|| format!("no number: {query}"))
    }
}

/// Connects inside a runtime; what drives the connection runs as a task of its own.
pub(crate) async fn open(url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.with_context(|| format!("could not connect to {url}"))?;
    tokio::spawn(async move {
        // Whoever uses the client is told by its calls.
        let _ = connection.await;
    });
    Ok(client)
}
