//! Opens the database file: its lock, its settings, its format.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{StoreError, format, place};

/// Held as long as this process owns the database; the system releases it even after a kill.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

/// Takes the lock beside the database, or says that another process has it.
pub(super) fn lock(path: &Path) -> Result<FileLock, StoreError> {
    let lock_path = lock_path(path);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|source| file_error(&lock_path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(FileLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.into() }),
        Err(TryLockError::Error(source)) => Err(file_error(&lock_path, source)),
    }
}

/// The one writing connection. Call with the lock held.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    place::refuse_network(path)?;
    let mut connection = Connection::open(path)?;
    check_whole(&connection, path)?;
    settle_in(&connection)?;
    let found = format::of(&connection, path)?;
    // An acknowledged item must outlive a power cut: FULL, which group commit makes cheap.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Copying the log back into the file costs two syncs: not too often, and never in a log that grows without end.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // The index of what was delivered is hit at random: 16 MB of it stay at hand. Readers have no use for that: what
    // they hold is void with the next commit.
    connection.pragma_update(None, "cache_size", -16_000)?;
    format::raise(&mut connection, found)?;
    // Whoever ran these is gone: the lock is ours. The next claim raises the fence.
    release(&connection)?;
    Ok(connection)
}

/// Is every page of the file what it was when it was written? A file that is not is left as it is.
pub(super) fn check_whole(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let damaged = |what: String| StoreError::Damaged {
        path: path.into(),
        what,
    };
    let answer = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match answer {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(answer) => Err(damaged(answer)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Err(damaged(error.to_string()))
            }
            _ => Err(error.into()),
        },
    }
}

/// A database that lives as long as this process and is used by one task at a time.
pub(super) fn open_in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    settle_in(&connection)?;
    format::raise(&mut connection, 0)?;
    Ok(connection)
}

/// A connection that cannot write, beside the writer or another process.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.into() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    settle_in(&connection)?;
    match format::of(&connection, path)? {
        0 => Err(StoreError::Missing { path: path.into() }),
        found if found < format::current() => Err(StoreError::OlderVersion {
            path: path.into(),
            found,
            known: format::current(),
        }),
        _ => Ok(connection),
    }
}

/// What was running belongs to nobody.
pub(super) fn release(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("UPDATE items SET state = 0 WHERE state = 1", [])?;
    Ok(())
}

fn settle_in(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    // A statement keeps its plan: else each value that is bound beside a partial index has it planned anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

pub(super) fn file_error(path: &Path, source: std::io::Error) -> StoreError {
    match source.kind() {
        std::io::ErrorKind::StorageFull => StoreError::DiskFull,
        _ => StoreError::File {
            path: path.into(),
            source: Arc::new(source),
        },
    }
}
