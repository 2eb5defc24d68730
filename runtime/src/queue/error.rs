//! What can go wrong with the store, each as a sentence an operator can act on.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// Cloneable, since one failed commit answers everybody who was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {} is in use by another process: stop that one first, or read it with a command that only reads",
        path.display()
    )]
    Locked { path: PathBuf },
    #[error(
        "the database {} was written by a newer version (format {found}, this program knows {known}): update this program",
        path.display()
    )]
    NewerVersion {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "the database {} is of an older version (format {found}, this program reads {known}): start the service once, which brings it up to date",
        path.display()
    )]
    OlderVersion {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "the database {} is damaged ({what}): nothing was changed; put back the last back-up with `usher restore`, and keep the damaged file: what came since the back-up may still be read from it",
        path.display()
    )]
    Damaged { path: PathBuf, what: String },
    #[error(
        "the database {} lies on a network file system ({kind}), whose locks and syncs cannot be trusted: put it on a local disk",
        path.display()
    )]
    Network { path: PathBuf, kind: &'static str },
    #[error("{} is there already: name a file that is not", path.display())]
    Exists { path: PathBuf },
    #[error("there is no database at {}: start the service once to create it", path.display())]
    Missing { path: PathBuf },
    #[error("the disk is full: nothing was stored; free some space, then send again")]
    DiskFull,
    #[error("the queue is full ({waiting} items wait, the limit is {limit}): send again later")]
    QueueFull { waiting: u64, limit: u64 },
    #[error(
        "{mapping} record {destination_id} is already linked, so it cannot become {source_id}'s"
    )]
    LinkConflict {
        mapping: String,
        source_id: String,
        destination_id: String,
    },
    #[error("this database was opened for reading only")]
    ReadOnly,
    #[error("the store has stopped")]
    Stopped,
    #[error("cannot use the file {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Arc<std::io::Error>,
    },
    #[error(
        "the disk failed to read or write: nothing of this was stored; look at the system's log for errors of the disk, then send again"
    )]
    Disk(#[source] Arc<rusqlite::Error>),
    #[error("the database refused a statement")]
    Sqlite(#[source] Arc<rusqlite::Error>),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::DiskFull,
            Some(ErrorCode::SystemIoFailure) => StoreError::Disk(Arc::new(error)),
            _ => StoreError::Sqlite(Arc::new(error)),
        }
    }
}
