//! Opening whichever database is meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tradewind_signing::Secret;
use tradewind_store::moving::Movable;
use tradewind_store_postgres::{PostgresConfig, PostgresStore};
use tradewind_store_sqlite::{SqliteConfig, SqliteStore};

use super::StoreUrl;
use crate::config::Config;

/// A database and how to work with it.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file.
    Sqlite(PathBuf, SqliteConfig),
    /// A server's.
    Postgres(Box<PostgresConfig>),
}

impl Place {
    /// What `url` means, worked with as the configuration says. `in_folder` is the file in the data
    /// folder.
    pub(crate) fn of(url: &StoreUrl, config: &Config, in_folder: &Path) -> anyhow::Result<Place> {
        Ok(match url {
            StoreUrl::Folder => Place::Sqlite(in_folder.to_owned(), config.sqlite()),
            StoreUrl::Sqlite(path) => Place::Sqlite(path.clone(), config.sqlite()),
            StoreUrl::Postgres(url) => Place::Postgres(Box::new(config.postgres(text(url)?))),
        })
    }

    /// The same, with its schema brought up to date when it is opened.
    pub(crate) fn migrating(mut self) -> Place {
        match &mut self {
            Place::Sqlite(_, config) => config.migrate = true,
            Place::Postgres(config) => config.migrate = true,
        }
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    /// When it cannot be reached or used; the message holds no password.
    pub(crate) async fn open(self) -> anyhow::Result<Opened> {
        Ok(match self {
            Place::Sqlite(path, config) => {
                // A large database takes a while to open after a crash, and longer to migrate.
                let store = tokio::task::spawn_blocking(move || SqliteStore::open(&path, config)).await??;
                Opened::Sqlite(Arc::new(store))
            }
            Place::Postgres(config) => Opened::Postgres(Arc::new(PostgresStore::open(*config).await?)),
        })
    }
}

/// An open database.
pub(crate) enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    pub(crate) fn store(&self) -> Arc<dyn Movable> {
        match self {
            Opened::Sqlite(store) => Arc::<SqliteStore>::clone(store),
            Opened::Postgres(store) => Arc::<PostgresStore>::clone(store),
        }
    }

    /// Gives back what other processes would have to wait for. To be called when nothing works with the
    /// database any more.
    pub(crate) async fn close(self) {
        match self {
            // The lock goes with the file.
            Opened::Sqlite(_) => {}
            Opened::Postgres(store) => {
                if let Err(error) = store.close().await {
                    tracing::warn!(%error, "others have to wait until this gateway's leases run out");
                }
            }
        }
    }
}

fn text(url: &Secret) -> anyhow::Result<&str> {
    Ok(url.expose_str()?)
}
