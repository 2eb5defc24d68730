//! A copy of the database while it is in use, and the way back from one.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::StoreError;
use super::file;

/// Writes what is in the database now into a new file, which is whole and on the disk when this returns.
pub(super) fn backup(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Exists { path: to.into() });
    }
    let draft = beside(to, ".part");
    remove(&draft)?;
    connection.execute("VACUUM INTO ?1", [draft.to_string_lossy()])?;
    sync(&draft)?;
    rename(&draft, to)
}

/// Puts a back-up in the database's place. What was there is kept beside it, under a name of its own, which is returned.
pub(super) fn restore(
    from: &Path,
    path: &Path,
    now_ms: i64,
) -> Result<Option<PathBuf>, StoreError> {
    let _lock = file::lock(path)?;
    check(from)?;
    let draft = beside(path, ".part");
    remove(&draft)?;
    copy(from, &draft)?;
    let before = match path.exists() {
        true => Some(set_aside(path, now_ms)?),
        false => None,
    };
    rename(&draft, path)?;
    Ok(before)
}

/// A back-up has to be whole, and of a version that this program reads.
fn check(from: &Path) -> Result<(), StoreError> {
    if !from.exists() {
        return Err(StoreError::Missing { path: from.into() });
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(from, flags)?;
    file::check_whole(&connection, from)?;
    match super::format::of(&connection, from)? {
        0 => Err(StoreError::Missing { path: from.into() }),
        _ => Ok(()),
    }
}

/// The log beside the database belongs to it: it goes along.
fn set_aside(path: &Path, now_ms: i64) -> Result<PathBuf, StoreError> {
    let before = beside(path, &format!(".before-restore-{now_ms}"));
    for suffix in ["-wal", "-shm"] {
        let log = beside(path, suffix);
        if log.exists() {
            rename(&log, &beside(&before, suffix))?;
        }
    }
    rename(path, &before)?;
    Ok(before)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::copy(from, to).map_err(|source| file::file_error(to, source))?;
    sync(to)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(file::file_error(path, source))
        }
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| file::file_error(path, source))
}

/// The name is on the disk as well when this returns.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|source| file::file_error(to, source))?;
    let folder = to
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    sync(folder)
}
