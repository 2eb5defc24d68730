//! The one thread that writes. It takes whatever waits, commits once, then answers everybody:
//! the disk's own slowness is the batching window, there is no timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::step::{Command, Replies, Reply, Step, step};
use super::{Now, StoreError, StoreOptions};

/// Commands to one commit, at most.
const BATCH_MAX: usize = 2_000;

/// A command and whom to answer.
#[derive(Debug)]
pub(super) struct Job {
    /// Shared with the caller, who may have to say it again.
    pub(super) command: Arc<Command>,
    pub(super) reply: oneshot::Sender<Result<Reply, StoreError>>,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) options: StoreOptions,
    pub(super) now: Now,
    /// Commits so far, for whoever measures.
    pub(super) commits: Arc<AtomicU64>,
}

impl Writer {
    /// Until the last handle is gone; what was sent before that is still written.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::new();
        while let Some(first) = jobs.blocking_recv() {
            batch.push(first);
            while batch.len() < BATCH_MAX
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
            self.write(&mut batch);
        }
        // What is in the log goes into the file, so that the file alone is the whole. Whatever fails here is done at the
        // next start.
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let _ = self.connection.query_row(checkpoint, [], |_| Ok(()));
    }

    fn write(&mut self, batch: &mut Vec<Job>) {
        let (commands, callers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|job| (job.command, job.reply)).unzip();
        let count = commands.len();
        let replies = match commit(&mut self.connection, &self.options, (self.now)(), &commands) {
            Ok(replies) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                replies
            }
            Err(error) => std::iter::repeat_n(error, count).map(Err).collect(),
        };
        for (caller, reply) in callers.into_iter().zip(replies) {
            // A caller that gave up needs no answer; its command stands.
            let _ = caller.send(reply);
        }
    }
}

/// One transaction for all commands.
pub(super) fn commit(
    connection: &mut Connection,
    options: &StoreOptions,
    now_ms: i64,
    commands: &[Arc<Command>],
) -> Result<Replies, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let replies = step(&Step::new(&transaction, options, now_ms), commands)?;
    transaction.commit()?;
    Ok(replies)
}
