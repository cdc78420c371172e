//! Opening the file: the lock that keeps other gateways out, the pragmas, the checks before the
//! first query.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{OpenError, open_error};
use crate::migrate::{APPLICATION_ID, MIGRATIONS, SchemaStep, migrate, steps};

/// How a database is opened. The caches bound the memory: writer, readers, the lease reader and a
/// verification each keep at most what is said here.
#[derive(Clone, Copy, Debug)]
pub struct SqliteConfig {
    /// Page cache of the writer, in MiB.
    pub cache_mb_writer: u32,
    /// Page cache of each reader, in MiB.
    pub cache_mb_reader: u32,
    /// Threads that answer reads, each with its own connection.
    pub readers: usize,
    /// Reads that may wait for a reader; more are refused as busy at once.
    pub reads_waiting_max: usize,
    /// Threads that answer lists with totals, each with its own connection.
    pub list_readers: usize,
    /// Such lists that may wait; more are refused as busy at once.
    pub lists_waiting_max: usize,
    /// The log is copied into the database file when it has grown by this many pages. Larger means
    /// fewer copies of pages that change often, and a longer pause for each.
    pub wal_autocheckpoint_pages: u32,
    /// Bytes of a page; counts only when the file is created.
    pub page_size: u32,
    /// Whether the schema is brought up to date; otherwise an older one is refused.
    pub migrate: bool,
    /// How long to wait when somebody else, say a backup, holds the file; the operation then fails as
    /// unavailable.
    pub busy_wait_max: Duration,
}

impl Default for SqliteConfig {
    fn default() -> SqliteConfig {
        SqliteConfig {
            cache_mb_writer: 48,
            cache_mb_reader: 8,
            readers: 2,
            reads_waiting_max: 4096,
            list_readers: 2,
            lists_waiting_max: 64,
            wal_autocheckpoint_pages: 4000,
            page_size: 4096,
            migrate: true,
            busy_wait_max: Duration::from_secs(5),
        }
    }
}

/// The first SQLite in which a checkpoint that races a writer loses nothing.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// After a checkpoint the log file is cut down to this.
const WAL_BYTES_KEPT_MAX: i64 = 128 * 1024 * 1024;

/// Every statement of a connection stays prepared.
const STATEMENTS_CACHED_MAX: usize = 96;

/// Takes the lock beside the database; it lasts as long as the file stays open.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = beside(path, ".lock");
    let cannot =
        |source: std::io::Error| OpenError::CannotOpen { path: lock_path.clone(), source: source.into() };
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

/// Opens the connection that writes, creating or upgrading the schema.
pub(crate) fn open_writer(path: &Path, config: &SqliteConfig) -> Result<Connection, OpenError> {
    check_version()?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| open_error(path, error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    if !is_ours(&connection).map_err(failed)? {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if !config.migrate {
        let steps = steps(&connection, MIGRATIONS)?;
        let found = steps.iter().filter(|step| step.done).count();
        if found < steps.len() {
            return Err(OpenError::OlderSchema { found, needed: steps.len() });
        }
    }
    set_up_writer(&connection, config).map_err(failed)?;
    migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

/// What the schema of a file has and lacks. Reads only, so that a gateway may be running; a file that is
/// not there has nothing.
pub(crate) fn schema(path: &Path) -> Result<Vec<SchemaStep>, OpenError> {
    check_version()?;
    let failed = |error| open_error(path, error);
    let connection = match path.exists() {
        true => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?,
        false => Connection::open_in_memory().map_err(failed)?,
    };
    if !is_ours(&connection).map_err(failed)? {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    steps(&connection, MIGRATIONS)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path, config: &SqliteConfig) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    set_up(&connection, config, config.cache_mb_reader)?;
    Ok(connection)
}

fn check_version() -> Result<(), OpenError> {
    if rusqlite::version_number() >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    Err(OpenError::OldSqlite { found: rusqlite::version().to_owned() })
}

/// An empty file is ours to fill. This is also the first read of the file, so it finds out about
/// files that are no database.
fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(tables == 0 || id == APPLICATION_ID)
}

fn set_up_writer(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    // The page size can only be set before the log is switched on.
    connection.pragma_update(None, "page_size", config.page_size)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // Where a plain sync stops in the drive's cache (macOS), ask for the full one.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", config.wal_autocheckpoint_pages)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT_MAX)?;
    connection.pragma_update(None, "cell_size_check", false)?;
    set_up(connection, config, config.cache_mb_writer)
}

fn set_up(connection: &Connection, config: &SqliteConfig, cache_mb: u32) -> rusqlite::Result<()> {
    connection.busy_timeout(config.busy_wait_max)?;
    // Negative: in KiB instead of pages.
    connection.pragma_update(None, "cache_size", -i64::from(cache_mb) * 1024)?;
    // Mapped pages would count as memory of this process without a bound.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
