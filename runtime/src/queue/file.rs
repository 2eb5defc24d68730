//! Opens the database file: its lock, its settings, its format.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// Raised with each change of `schema.sql`.
const FORMAT: i64 = 2;

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
    let mut connection = Connection::open(path)?;
    settle_in(&connection)?;
    check_format(&connection, path)?;
    // An acknowledged item must outlive a power cut: FULL, which group commit makes cheap.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    create(&mut connection)?;
    // Whoever ran these is gone: the lock is ours. The next claim raises the fence.
    release(&connection)?;
    Ok(connection)
}

/// A database that lives as long as this process and is used by one task at a time.
pub(super) fn open_in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    settle_in(&connection)?;
    create(&mut connection)?;
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
    match check_format(&connection, path)? {
        0 => Err(StoreError::Missing { path: path.into() }),
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
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn check_format(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found != 0 && found < FORMAT {
        return Err(StoreError::OlderVersion {
            path: path.into(),
            found,
            known: FORMAT,
        });
    }
    if found > FORMAT {
        return Err(StoreError::NewerVersion {
            path: path.into(),
            found,
            known: FORMAT,
        });
    }
    Ok(found)
}

fn create(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == 0 {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    Ok(transaction.commit()?)
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn file_error(path: &Path, source: std::io::Error) -> StoreError {
    match source.kind() {
        std::io::ErrorKind::StorageFull => StoreError::DiskFull,
        _ => StoreError::File {
            path: path.into(),
            source: Arc::new(source),
        },
    }
}
