//! The pure core of the writer: a transaction, a time and some commands in, replies out.
//! No thread, clock or file is touched here, so tests can drive it by hand.

use std::borrow::Borrow;
use std::cell::Cell;

use rusqlite::Transaction;

use super::item::{
    Captured, DecisionRecord, Enqueued, Intent, Item, Link, NewItem, Review, Settled, Settlement,
    TakeBack, Which,
};
use super::review::ReviewDecision;
use super::tree::{TreeRecord, TreeRow, TreeWait};
use super::{
    StoreError, StoreOptions, capture, claim, enqueue, intent, link, mend, prune, review, settle,
    sweep, tree, wake,
};

/// Everything that writes.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Enqueue(Vec<NewItem>),
    Add(Vec<NewItem>),
    Claim {
        limit: usize,
        now_ms: i64,
    },
    Settle(Vec<Settlement>),
    PutLinks(Vec<Link>),
    AddReview(Review),
    /// Of a mapping, about a source id.
    CloseReview((String, String)),
    Decide(ReviewDecision),
    Retry(Which),
    Sweep,
    Prune,
    /// A request that was no JSON.
    CountRefused,
    Begin {
        intents: Vec<Intent>,
        links: Vec<Link>,
        decisions: Vec<DecisionRecord>,
    },
    Capture(Captured),
    /// Takes dead items of these records back, to be tried again then.
    TakeBack(TakeBack),
    /// Delayed items with a note that begins so are due.
    GoOn(String),
    Pause {
        direction: String,
        reason: Option<String>,
    },
    KeepRows(Vec<TreeRow>),
    KeepRecords(Vec<TreeRecord>),
    KeepWaits(Vec<TreeWait>),
    WakeTrees(Vec<TreeWait>),
    /// There is nothing to wait for any more.
    Wake(Vec<String>),
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
    /// How many more parked items this commit may wake.
    pub(super) wakes_left: Cell<usize>,
    /// Whether any lane has a tail that was set aside, once it was asked.
    pub(super) any_aside: Cell<Option<bool>>,
    /// Whether anything waits for a person's decision, once it was asked.
    pub(super) any_reviews: Cell<Option<bool>>,
    /// Caches whether any item has an error group; `None` until first asked.
    pub(super) any_grouped: Cell<Option<bool>>,
    totals: Totals,
}

/// By how much the kept numbers change; written once a commit.
#[derive(Default)]
struct Totals {
    done: Cell<i64>,
    duplicates: Cell<i64>,
    waiting: Cell<i64>,
    event_bytes: Cell<i64>,
    ignored: Cell<i64>,
    expired: Cell<i64>,
    refused: Cell<i64>,
}

/// A number that is kept so that nobody has to count.
#[derive(Clone, Copy)]
pub(super) enum Total {
    /// Items that are done, since the file was made.
    Done,
    /// Deliveries that had come before.
    Duplicates,
    /// Items that are neither done nor dead.
    Waiting,
    /// The size of the event log.
    EventBytes,
    /// Payloads of types that the operator ignores.
    Ignored,
    /// Payloads of unknown webhooks that were dropped, since nobody wanted them in time.
    Expired,
    /// Requests with the right secret that were no JSON.
    Refused,
}

impl Total {
    const ALL: [Total; 7] = [
        Total::Done,
        Total::Duplicates,
        Total::Waiting,
        Total::EventBytes,
        Total::Ignored,
        Total::Expired,
        Total::Refused,
    ];

    fn name(self) -> &'static str {
        match self {
            Total::Done => "done",
            Total::Duplicates => "duplicates",
            Total::Waiting => "waiting",
            Total::EventBytes => "event_bytes",
            Total::Ignored => "ignored",
            Total::Expired => "expired",
            Total::Refused => "refused",
        }
    }
}

/// One command refused is that caller's answer and leaves no trace; a failing database fails the whole batch.
pub(super) type Replies = Vec<Result<Reply, StoreError>>;

/// Carries out a batch in order; the caller commits, then answers.
pub(super) fn step(
    step: &Step<'_>,
    commands: &[impl Borrow<Command>],
) -> Result<Replies, StoreError> {
    let mut replies = Vec::with_capacity(commands.len());
    for command in commands {
        match one(step, command.borrow()) {
            Err(error) if !is_refusal(&error) => return Err(error),
            reply => replies.push(reply),
        }
    }
    step.write_totals()?;
    Ok(replies)
}

fn one(step: &Step<'_>, command: &Command) -> Result<Reply, StoreError> {
    Ok(match command {
        Command::Enqueue(items) => Reply::Enqueued(enqueue::enqueue(step, items)?),
        Command::Add(items) => Reply::Enqueued(enqueue::add(step, items)?),
        Command::Claim { limit, now_ms } => Reply::Claimed(claim::claim(step, *limit, *now_ms)?),
        Command::Settle(settlements) => Reply::Settled(settle::settle(step, settlements)?),
        Command::PutLinks(links) => Reply::Count(link::put_all(step, links)?),
        Command::AddReview(review) => Reply::Count(review::add(step, review)?),
        Command::CloseReview((mapping, source_id)) => {
            review::close(step, mapping, source_id)?;
            Reply::Count(1)
        }
        Command::Decide(decision) => Reply::Count(review::decide(step, decision)?),
        Command::Retry(which) => Reply::Count(mend::retry(step, *which)?),
        Command::Sweep => Reply::Count(sweep::sweep(step)?),
        Command::Prune => Reply::Count(prune::prune(step)?),
        Command::CountRefused => {
            step.add(Total::Refused, 1);
            Reply::Count(1)
        }
        Command::Begin {
            intents,
            links,
            decisions,
        } => Reply::Count(intent::begin(step, intents, links, decisions)?),
        Command::Capture(captured) => Reply::Count(capture::capture(step, captured)?),
        Command::TakeBack(back) => Reply::Count(mend::take_back(step, back)?),
        Command::GoOn(beginning) => Reply::Count(mend::go_on(step, beginning)?),
        Command::Pause { direction, reason } => {
            Reply::Count(mend::pause(step, direction, reason.as_deref())?)
        }
        Command::KeepRows(rows) => Reply::Count(tree::keep_rows(step, rows)?),
        Command::KeepWaits(waits) => Reply::Count(tree::keep_waits(step, waits)?),
        Command::WakeTrees(waits) => Reply::Count(tree::wake(step, waits)?),
        Command::Wake(keys) => Reply::Count(wake::wake_all(step, keys)?),
        Command::KeepRecords(records) => Reply::Count(tree::keep_records(step, records)?),
    })
}

/// Whoever returns one of these has written nothing, or has taken it back.
fn is_refusal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::QueueFull { .. } | StoreError::LinkConflict { .. }
    )
}

impl<'a> Step<'a> {
    pub(super) fn new(
        transaction: &'a Transaction<'a>,
        options: &'a StoreOptions,
        now_ms: i64,
    ) -> Self {
        Step {
            transaction,
            options,
            now_ms,
            wakes_left: Cell::new(wake::WAKES_MAX),
            any_aside: Cell::new(None),
            any_reviews: Cell::new(None),
            any_grouped: Cell::new(None),
            totals: Totals::default(),
        }
    }

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

    pub(super) fn add(&self, total: Total, more: i64) {
        let cell = self.cell(total);
        cell.set(cell.get() + more);
    }

    /// The number as it is now, with what this commit changes.
    pub(super) fn total(&self, total: Total) -> Result<i64, StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
        let kept: i64 = statement.query_row([total.name()], |row| row.get(0))?;
        Ok(kept + self.cell(total).get())
    }

    fn write_totals(&self) -> Result<(), StoreError> {
        for total in Total::ALL {
            let more = self.cell(total).get();
            if more != 0 {
                self.execute(
                    // A database of an earlier build has no row of some numbers.
                    "INSERT INTO counters (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                    (total.name(), more),
                )?;
            }
        }
        Ok(())
    }

    fn cell(&self, total: Total) -> &Cell<i64> {
        match total {
            Total::Done => &self.totals.done,
            Total::Duplicates => &self.totals.duplicates,
            Total::Waiting => &self.totals.waiting,
            Total::EventBytes => &self.totals.event_bytes,
            Total::Ignored => &self.totals.ignored,
            Total::Expired => &self.totals.expired,
            Total::Refused => &self.totals.refused,
        }
    }
}
