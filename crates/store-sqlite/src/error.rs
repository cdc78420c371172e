//! What SQLite's failures mean to a caller of the store, and what can go wrong while opening.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi::{
    SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID,
    SQLITE_CONSTRAINT_UNIQUE,
};
use tradewind_store::StoreError;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder cannot be opened, created or written.
    #[error("cannot open or create {}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process works with this file.
    #[error("{} is in use by another gateway", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The schema was written by a newer version of this program.
    #[error("the schema has version {found}, this program knows versions up to {known}")]
    NewerSchema {
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The schema is older than this program, and it was told not to migrate.
    #[error("the schema has version {found}, this program needs {needed}: run `tradewind migrate apply`")]
    OlderSchema {
        /// The version found.
        found: usize,
        /// The version needed.
        needed: usize,
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
    #[error("migration {number} ({name}) failed")]
    Migration {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// The library is too old: before 3.51.3 a checkpoint could lose committed writes.
    #[error("SQLite {found} is too old; 3.51.3 is needed")]
    OldSqlite {
        /// The version of the library.
        found: String,
    },
    /// The file is a database, but not one of this program.
    #[error("{} is not a Tradewind database", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged or no database at all.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
}

/// What a failure outside of COMMIT means: nothing was changed.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::ConstraintViolation if is_conflict(failure.extended_code) => {
                StoreError::Conflict(text)
            }
            ErrorCode::ConstraintViolation
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::TypeMismatch => StoreError::Corrupt(text),
            _ => StoreError::Unavailable(text),
        },
        // What was to be changed is not there: somebody else was quicker.
        rusqlite::Error::StatementChangedRows(_) => StoreError::Conflict(text),
        rusqlite::Error::ToSqlConversionFailure(_) => StoreError::Corrupt(text),
        _ if is_unreadable_row(&error) => StoreError::Corrupt(text),
        _ => StoreError::Unavailable(text),
    }
}

/// What a failure of COMMIT itself means. When the log could be written but not synced, the
/// transaction is undone here, and yet a power cut at this moment could bring it back.
pub(crate) fn commit_error(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::SystemIoFailure => {
            StoreError::Unknown(error.to_string())
        }
        _ => store_error(error),
    }
}

/// What a failure while opening `path` means.
pub(crate) fn open_error(path: &std::path::Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { path: path.to_owned(), detail: error.to_string() }
        }
        _ => OpenError::CannotOpen { path: path.to_owned(), source: error.into() },
    }
}

/// Whether a row could not be read because of what it holds, not because of the database.
pub(crate) fn is_unreadable_row(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

fn is_conflict(extended_code: i32) -> bool {
    matches!(
        extended_code,
        SQLITE_CONSTRAINT_UNIQUE
            | SQLITE_CONSTRAINT_PRIMARYKEY
            | SQLITE_CONSTRAINT_ROWID
            | SQLITE_CONSTRAINT_FOREIGNKEY
    )
}
