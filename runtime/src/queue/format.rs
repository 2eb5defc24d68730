//! The format of the database: one SQL file a version, forward only. A new file goes through all of them, so that
//! there is one way to arrive at today's tables.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// What each version adds, the first one first. A file that was released is never changed: what comes next is a new one.
const VERSIONS: &[&str] = &[
    include_str!("formats/1.sql"),
    include_str!("formats/2.sql"),
    include_str!("formats/3.sql"),
    include_str!("formats/4.sql"),
    include_str!("formats/5.sql"),
    include_str!("formats/6.sql"),
    include_str!("formats/7.sql"),
];

/// The version that this program writes.
pub(super) fn current() -> i64 {
    i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX)
}

/// The version of the file, 0 when nothing is in it yet. A newer one is not ours to touch.
pub(super) fn of(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > current() {
        return Err(StoreError::NewerVersion {
            path: path.into(),
            found,
            known: current(),
        });
    }
    Ok(found)
}

/// Brings the file to today's version: each step is a transaction of its own, and is there whole or not at all.
pub(super) fn raise(connection: &mut Connection, found: i64) -> Result<(), StoreError> {
    for (version, sql) in (1_i64..).zip(VERSIONS) {
        if version <= found {
            continue;
        }
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
        if found > 0 {
            tracing::info!(version, "the database was brought to a newer format");
        }
    }
    Ok(())
}
