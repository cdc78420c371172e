//! What PostgreSQL's failures mean to a caller of the store, and what can go wrong while opening.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tradewind_store::StoreError;

use crate::codes::Unreadable;
use crate::config::chain;

/// Why a database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be understood.
    #[error("the address of the database cannot be understood: {0}")]
    Address(String),
    /// The connection cannot be encrypted as asked for.
    #[error("TLS to the database cannot be set up: {0}")]
    Tls(String),
    /// The database does not answer, or does not let us in.
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
    /// The schema is older than this program, and migrating was not asked for.
    #[error("the schema has version {found}, this program needs {needed}: run the migrations first")]
    OlderSchema {
        /// The version found; 0 for an empty database.
        found: u32,
        /// The version needed.
        needed: u32,
    },
    /// The schema was written by a newer version of this program.
    #[error("the schema has version {found}, this program knows versions up to {known}")]
    NewerSchema {
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// A migration that this database has run reads differently today.
    #[error("migration {number} ({name}) is not the one that this database has run")]
    MigrationChanged {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
    },
    /// A migration failed; the database is as it was before it.
    #[error("migration {number} ({name}) failed: {reason}")]
    Migration {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// What the database says.
        reason: String,
    },
}

impl OpenError {
    pub(crate) fn unavailable(error: &Error) -> OpenError {
        OpenError::Unavailable(describe(error))
    }
}

/// What a failure of anything but COMMIT means: nothing was changed.
pub(crate) fn store_error(error: &Error) -> StoreError {
    let text = describe(error);
    let Some(state) = error.code() else { return StoreError::Unavailable(text) };
    match meaning(state) {
        Meaning::Conflict => StoreError::Conflict(text),
        Meaning::Corrupt => StoreError::Corrupt(text),
        Meaning::Unavailable => StoreError::Unavailable(text),
    }
}

/// What a failure of COMMIT itself means. Only an answer that says so leaves no doubt that it did not
/// happen.
pub(crate) fn commit_error(error: &Error) -> StoreError {
    match error.code().map(meaning) {
        Some(Meaning::Conflict) => StoreError::Conflict(describe(error)),
        _ => StoreError::Unknown(describe(error)),
    }
}

/// What a row that cannot be read means.
pub(crate) fn unreadable(error: Unreadable) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// Whether the connection is of no use any more.
pub(crate) fn is_lost(error: &Error) -> bool {
    match error.code() {
        None => true,
        Some(state) => {
            let class = state.code().get(..2).unwrap_or("");
            *state == SqlState::ADMIN_SHUTDOWN
                || *state == SqlState::CRASH_SHUTDOWN
                || *state == SqlState::CANNOT_CONNECT_NOW
                || *state == SqlState::READ_ONLY_SQL_TRANSACTION
                || *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
                || class == "08"
        }
    }
}

enum Meaning {
    Conflict,
    Corrupt,
    Unavailable,
}

fn meaning(state: &SqlState) -> Meaning {
    match state.code().get(..2).unwrap_or("") {
        _ if *state == SqlState::UNIQUE_VIOLATION
            || *state == SqlState::FOREIGN_KEY_VIOLATION
            || *state == SqlState::LOCK_NOT_AVAILABLE =>
        {
            Meaning::Conflict
        }
        // Serialization failures and deadlocks.
        "40" => Meaning::Conflict,
        // A value that the database cannot take (a text with a zero byte, a key that is too long for
        // its index, a sum that does not fit) or a row that was to be changed twice or was not there
        // (see `write`). As a conflict it goes round in halves until it is alone, and harms no
        // neighbour in the batch.
        "21" | "22" | "54" => Meaning::Conflict,
        // Any other rule of the tables.
        "23" => Meaning::Corrupt,
        _ if *state == SqlState::DATA_CORRUPTED || *state == SqlState::INDEX_CORRUPTED => Meaning::Corrupt,
        _ => Meaning::Unavailable,
    }
}

/// The database's own words where there are any; what identifies a row may be in them, no secret is.
pub(crate) fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => chain(error),
    }
}
