//! The pure core of the writer: a transaction, a time and some commands in, replies out.
//! No thread, clock or file is touched here, so tests can drive it by hand.

use rusqlite::Transaction;

use super::item::{
    Captured, DecisionRecord, Enqueued, Intent, Item, Link, NewItem, Review, Settled, Settlement,
    Which,
};
use super::{StoreError, StoreOptions, capture, claim, enqueue, intent, link, mend, settle};

/// Everything that writes.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Enqueue(Vec<NewItem>),
    Claim {
        limit: usize,
        now_ms: i64,
    },
    Settle(Vec<Settlement>),
    PutLinks(Vec<Link>),
    AddReview(Review),
    Retry(Which),
    Sweep,
    Begin {
        intents: Vec<Intent>,
        links: Vec<Link>,
        decisions: Vec<DecisionRecord>,
    },
    Capture(Captured),
    Pause {
        direction: String,
        reason: Option<String>,
    },
}

/// The answer to each.
#[derive(Debug)]
pub(super) enum Reply {
    Enqueued(Enqueued),
    Claimed(Vec<Item>),
    Settled(Settled),
    Count(usize),
}

/// What all commands of a batch share.
pub(super) struct Step<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) options: &'a StoreOptions,
    pub(super) now_ms: i64,
}

/// One command refused is that caller's answer and leaves no trace; a failing database fails the whole batch.
pub(super) type Replies = Vec<Result<Reply, StoreError>>;

/// Carries out a batch in order; the caller commits, then answers.
pub(super) fn step(step: &Step<'_>, commands: &[Command]) -> Result<Replies, StoreError> {
    let mut replies = Vec::with_capacity(commands.len());
    for command in commands {
        match one(step, command) {
            Err(error) if !is_refusal(&error) => return Err(error),
            reply => replies.push(reply),
        }
    }
    Ok(replies)
}

fn one(step: &Step<'_>, command: &Command) -> Result<Reply, StoreError> {
    Ok(match command {
        Command::Enqueue(items) => Reply::Enqueued(enqueue::enqueue(step, items)?),
        Command::Claim { limit, now_ms } => Reply::Claimed(claim::claim(step, *limit, *now_ms)?),
        Command::Settle(settlements) => Reply::Settled(settle::settle(step, settlements)?),
        Command::PutLinks(links) => Reply::Count(link::put_all(step, links)?),
        Command::AddReview(review) => Reply::Count(mend::add_review(step, review)?),
        Command::Retry(which) => Reply::Count(mend::retry(step, *which)?),
        Command::Sweep => Reply::Count(mend::sweep(step)?),
        Command::Begin {
            intents,
            links,
            decisions,
        } => Reply::Count(intent::begin(step, intents, links, decisions)?),
        Command::Capture(captured) => Reply::Count(capture::capture(step, captured)?),
        Command::Pause { direction, reason } => {
            Reply::Count(mend::pause(step, direction, reason.as_deref())?)
        }
    })
}

/// Whoever returns one of these has written nothing, or has taken it back.
fn is_refusal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::QueueFull { .. } | StoreError::LinkConflict { .. }
    )
}

impl Step<'_> {
    /// Runs one prepared statement; says how many rows changed.
    pub(super) fn execute(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<usize, StoreError> {
        Ok(self.transaction.prepare_cached(sql)?.execute(parameters)?)
    }

    /// Adds a line to an item's history.
    pub(super) fn remember(&self, id: i64, what: &str, detail: &str) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO history (item_id, at, what, detail) VALUES (?1, ?2, ?3, ?4)",
            (id, self.now_ms, what, detail),
        )?;
        Ok(())
    }

    pub(super) fn count(&self, name: &str, more: usize) -> Result<(), StoreError> {
        if more > 0 {
            self.execute(
                "UPDATE counters SET value = value + ?2 WHERE name = ?1",
                (name, i64::try_from(more).unwrap_or(i64::MAX)),
            )?;
        }
        Ok(())
    }
}
