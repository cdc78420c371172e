//! `serve`: from the configuration to a running gateway, and back down.
//!
//! The order matters. Nothing is announced before it can be used; `gateway.json` belongs to whoever
//! holds the database, so it is written after the database is open and taken back before it is let go.

mod summary;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tradewind_app::{Clock, VAULT_FACT};
use tradewind_server::{Running, StartError};
use tradewind_store::Store;
use tradewind_store::moving::before_serving;

use summary::Ready;

use crate::cli::{Global, Serve};
use crate::config::{self, Config, Options};
use crate::data::{Announcement, DataFolder, MasterKey};
use crate::failure::EXIT_INTERRUPTED;
use crate::store::{Opened, Place};
use crate::{logging, output, sources};

/// Runs the gateway until it is told to stop.
pub(crate) fn run(global: &Global, options: &Serve) -> anyhow::Result<ExitCode> {
    let mut sources = sources(global);
    sources.options = Options {
        listen: options.listen,
        ops_listen: options.ops_listen,
        master_key: options.master_key.clone(),
        sandbox: options.sandbox,
        clock: options.clock,
        ..sources.options
    };
    let config = config::load(&sources)?;
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.threads)
        .thread_name("tradewind")
        .enable_all()
        .build()
        .context("could not start the threads of the gateway")?;
    runtime.block_on(serve(&config, global.json))
}

async fn serve(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    // From here on a signal is a wish to stop, also while the database is still being opened.
    let mut stop = Stop::listen()?;
    let folder = DataFolder::at(&config.data);
    folder.prepare()?;
    let (opened, running) = tokio::select! {
        started = start(config, &folder) => started?,
        () = stop.wait() => {
            tracing::info!("told to stop before it was ready");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let announcement = announcement(&running);
    folder.announce(&announcement)?;
    let ready = Ready {
        announcement: &announcement,
        public_url: &running.public_url,
        folder: &folder,
        sandbox: config.sandbox.enabled,
        now: running.clock.now(),
    };
    output::text(&if json { ready.json() } else { ready.text() });

    stop.wait().await;
    tracing::info!("stopping: finishing what is under way");
    let in_order = tokio::select! {
        () = running.shut_down() => true,
        () = stop.wait() => false,
    };
    folder.withdraw()?;
    if !in_order {
        tracing::warn!("told to stop a second time: ending at once");
        // The runtime would wait for what is under way; what was answered is on disk already.
        std::process::exit(i32::from(EXIT_INTERRUPTED));
    }
    // Held until now: the next gateway on this folder announces itself as soon as it has the database.
    opened.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn start(config: &Config, folder: &DataFolder) -> anyhow::Result<(Opened, Running)> {
    let token = folder.make_ops_token()?;
    let url = &config.store.url;
    let which = || format!("the database {url} (key store.url)");
    let opened = Place::of(url, config, &folder.database())?.open().await.with_context(which)?;
    let store: Arc<dyn Store> = opened.store();
    before_serving(&*store).await.with_context(which)?;
    let key = folder.master_key(config.master_key.as_deref());
    // The gateway that made the database has left a mark of its key there.
    let sealed = store.fact(VAULT_FACT.into()).await?.is_some();
    let vault = key.vault(sealed)?;
    let started = tradewind_server::start(config.server(), store, vault, token).await;
    let running = started.map_err(|error| explain(error, &key))?;
    Ok((opened, running))
}

fn announcement(running: &Running) -> Announcement {
    Announcement {
        pid: std::process::id(),
        listen: running.listen,
        ops: running.ops,
        // When it happened in the world, whatever the gateway's own clock shows.
        started_at_ms: Clock::system().now().ms(),
    }
}

/// Adds which file is meant, which only the command line knows.
fn explain(error: StartError, key: &MasterKey) -> anyhow::Error {
    match error {
        StartError::WrongKey => {
            anyhow::Error::from(error).context(format!("`{}` does not fit", key.path().display()))
        }
        error => error.into(),
    }
}

/// The signals that tell the gateway to stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Stop> {
        let listen = |kind| signal(kind).context("could not listen for signals");
        Ok(Stop { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
