//! The ceiling: a bare server of the gateway's own framework that only sends the body back.

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct EchoArgs {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Worker threads; the machine that matters has two processors.
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

/// Serves until killed; the first line on standard output is `{"listen":"ADDRESS:PORT"}`.
pub(crate) fn command(args: &EchoArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.workers.max(1))
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .with_context(|| format!("could not listen on {}", args.listen))?;
        println!("{}", serde_json::json!({ "listen": listener.local_addr()? }));
        let router = Router::new()
            .route("/echo", post(|body: Bytes| async { body }))
            .route("/hello", get(|| async { "hello" }));
        axum::serve(listener, router).await.context("the server ended")
    })?;
    Ok(ExitCode::SUCCESS)
}
