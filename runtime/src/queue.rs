//! The durable queue: items in, claimed in order, settled once; links, reviews and errors beside them.
//!
//! Promise: an item that `enqueue` acknowledged is on the disk and is handed out until it is settled.
//! [`Store`] is a handle on one SQLite file. Writes go to one thread ([`writer`]) that commits what
//! waits in one go; its core ([`step`]) is a pure function. Reads have a connection of their own.
//! All SQL of the product lives in this folder.

mod item;
mod options;

mod step;
mod writer;

mod enqueue;

mod acts;
mod aside;
mod capture;
mod claim;
mod due;
mod heirs;
mod intent;
mod link;
mod mend;
mod problem;
mod prune;
mod review;
mod settle;
mod stand_in;
mod status;
mod sweep;
mod tree;
mod wake;
mod words;

mod sync;
mod view;

mod backup;
mod error;
mod file;
mod format;
mod place;

#[cfg(test)]
mod conformance;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::mapping::Side;
use tokio::sync::{mpsc, oneshot};

pub use error::StoreError;
pub use heirs::{Absorbed, Heir, MERGED};
pub use item::{
    Captured, DecisionRecord, Enqueued, ErrorRecord, Event, Extent, Failed, FailedItem, GateNote,
    Gated, HistoryLine, Intent, IntentKey, Item, ItemView, Link, NewItem, Outcome, Pause, Problem,
    ProblemStage, Problems, Repeat, Review, SALESFORCE_CHANGED, Settled, Settlement, State,
    TakeBack, Tombstone, Which, Word,
};
pub use options::{Breaks, Keep, StandIn, StoreOptions};
pub use problem::OpenProblem;
pub use review::{Choice, Decided, LOOK_AGAIN, OpenReview, ReviewDecision};
pub use status::{HeldEdits, Status};
pub use tree::{ASK, TREE_AGAIN, TreeRecord, TreeRow, TreeWait};
pub use words::{UNKNOWN_WEBHOOK, unknown_word};

use step::{Command, Reply};
use writer::{Job, Writer};

/// How long a worker waits for a disk that is full or fails before it gives up, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Commands that may wait for the writer before callers have to.
const WAITING_MAX: usize = 8_192;

/// Where the store gets the time from, in milliseconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A handle on the database; clones share it. The last one to go waits for the writer and frees the file.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    writing: Way,
    reader: Arc<Mutex<Connection>>,
    now: Now,
}

/// How writes are made.
enum Way {
    /// By a thread that commits what waits in one go.
    Thread(Writing),
    /// By the caller, on the connection that is read from as well.
    Direct(StoreOptions),
    ReadOnly,
}

/// The way to the writer, and what ends with it.
struct Writing {
    /// `None` only while it is being dropped: closing it ends the thread.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
    /// Freed last, after the thread closed its connection.
    _lock: file::FileLock,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens the file, or makes it, and locks it against other processes.
    pub fn open(path: impl AsRef<Path>, options: StoreOptions) -> Result<Store, StoreError> {
        Store::open_with_time(path, options, Arc::new(wall_clock))
    }

    /// The same with a time of your own.
    pub fn open_with_time(
        path: impl AsRef<Path>,
        options: StoreOptions,
        now: Now,
    ) -> Result<Store, StoreError> {
        let path = path.as_ref();
        let lock = file::lock(path)?;
        let connection = file::open_writer(path)?;
        let reader = file::open_reader(path)?;
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            connection,
            options,
            now: now.clone(),
            commits: commits.clone(),
        };
        let writing = Writing {
            jobs: Some(jobs),
            thread: Some(std::thread::spawn(move || writer.run(waiting))),
            commits,
            _lock: lock,
        };
        Ok(Store::new(Way::Thread(writing), reader, now))
    }

    /// For commands that look, also while the service runs.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let reader = file::open_reader(path.as_ref())?;
        Ok(Store::new(Way::ReadOnly, reader, Arc::new(wall_clock)))
    }

    /// A store in memory without a thread, for simulations: every write is a transaction of its own, made at once.
    pub fn in_memory(options: StoreOptions, now: Now) -> Result<Store, StoreError> {
        Ok(Store::new(
            Way::Direct(options),
            file::open_in_memory()?,
            now,
        ))
    }

    /// Copies what is in the database now into a new file, while it is in use; the file is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// When the file is there already, or cannot be written.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let to = to.as_ref().to_owned();
        self.read(move |connection| backup::backup(connection, &to))
            .await
    }

    /// Puts a back-up in the place of a database that nobody uses. What was there is kept beside it; its new name is
    /// returned.
    ///
    /// # Errors
    /// When the database is in use, or the back-up is damaged or no database of ours: then nothing was changed.
    pub fn restore(
        from: impl AsRef<Path>,
        path: impl AsRef<Path>,
    ) -> Result<Option<PathBuf>, StoreError> {
        backup::restore(from.as_ref(), path.as_ref(), wall_clock())
    }

    /// As if the process had been killed and started again: what was running is ready.
    pub fn released(&self) -> Result<(), StoreError> {
        file::release(&self.connection())
    }

    /// Milliseconds since 1970, by the store's clock.
    pub fn now_ms(&self) -> i64 {
        (self.shared.now)()
    }

    /// Transactions that this handle's writer has committed: each is one sync of the write-ahead log.
    /// What checkpoints sync comes on top. 0 without a writer.
    pub fn commits(&self) -> u64 {
        match &self.shared.writing {
            Way::Thread(writing) => writing.commits.load(Ordering::Relaxed),
            Way::Direct(_) | Way::ReadOnly => 0,
        }
    }

    fn new(writing: Way, reader: Connection, now: Now) -> Store {
        let reader = Arc::new(Mutex::new(reader));
        let shared = Shared {
            writing,
            reader,
            now,
        };
        Store {
            shared: Arc::new(shared),
        }
    }

    /// Keeps all of them, in one transaction, before it answers; none where the queue is full.
    pub async fn enqueue(&self, items: Vec<NewItem>) -> Result<Enqueued, StoreError> {
        match self.write(Arc::new(Command::Enqueue(items))).await? {
            Reply::Enqueued(enqueued) => Ok(enqueued),
            _ => Err(StoreError::Stopped),
        }
    }

    /// Counts a request that was no JSON, and is not kept.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn count_refused(&self) -> Result<(), StoreError> {
        self.count(Command::CountRefused).await.map(|_| ())
    }

    /// The same of items that follow from others: they are taken by a full queue as well.
    pub async fn add(&self, items: Vec<NewItem>) -> Result<Enqueued, StoreError> {
        match self.write(Arc::new(Command::Add(items))).await? {
            Reply::Enqueued(enqueued) => Ok(enqueued),
            _ => Err(StoreError::Stopped),
        }
    }

    /// The oldest items that are ready at `now_ms`, in order of arrival, each lane's order held.
    pub async fn claim(&self, limit: usize, now_ms: i64) -> Result<Vec<Item>, StoreError> {
        match self
            .write_patiently(Command::Claim { limit, now_ms })
            .await?
        {
            Reply::Claimed(items) => Ok(items),
            _ => Err(StoreError::Stopped),
        }
    }

    /// Says what became of claimed items.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<Settled, StoreError> {
        match self.write_patiently(Command::Settle(settlements)).await? {
            Reply::Settled(settled) => Ok(settled),
            _ => Err(StoreError::Stopped),
        }
    }

    /// Writes links, all or none; says how many items they woke.
    pub async fn put_links(&self, links: Vec<Link>) -> Result<usize, StoreError> {
        self.count(Command::PutLinks(links)).await
    }

    /// Keeps what is about to be written, the pairs as they were seen, and who won: before the calls are made.
    pub async fn begin(
        &self,
        intents: Vec<Intent>,
        links: Vec<Link>,
        decisions: Vec<DecisionRecord>,
    ) -> Result<(), StoreError> {
        let command = Command::Begin {
            intents,
            links,
            decisions,
        };
        self.count(command).await.map(|_| ())
    }

    /// Keeps what was read of Salesforce's changes, with how far it was read; says how many items are new.
    pub async fn capture(&self, captured: Captured) -> Result<usize, StoreError> {
        self.count(Command::Capture(captured)).await
    }

    /// Open intents of these records.
    pub async fn intents(
        &self,
        mapping: &str,
        keys: Vec<String>,
    ) -> Result<Vec<Intent>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| sync::intents(connection, &mapping, &keys))
            .await
    }

    /// Who won which field of a record, the latest first.
    pub async fn decisions(
        &self,
        mapping: &str,
        source_id: &str,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        let (mapping, source_id) = (mapping.to_owned(), source_id.to_owned());
        self.read(move |connection| sync::decisions(connection, &mapping, &source_id))
            .await
    }

    /// The conflict log: everything that was overwritten, the oldest first.
    pub async fn conflicts(&self) -> Result<Vec<DecisionRecord>, StoreError> {
        self.read(sync::conflicts).await
    }

    /// Records of Salesforce's that may not go back as they are.
    pub async fn gated(&self, destination_id: Option<String>) -> Result<Vec<Gated>, StoreError> {
        self.read(move |connection| sync::gated(connection, destination_id.as_deref()))
            .await
    }

    /// How far changes have been read.
    pub async fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| sync::cursor(connection, &name))
            .await
    }

    /// Pairs that were, by the id of their record on this side.
    pub async fn tombstones(
        &self,
        mapping: &str,
        side: Side,
        ids: Vec<String>,
    ) -> Result<Vec<Tombstone>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| sync::tombstones(connection, &mapping, side, &ids))
            .await
    }

    /// Wakes parked items whose link is there; says how many. A net, not the way.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        self.count(Command::Sweep).await
    }

    /// Lets what is old go, a slice of it; says how many rows went, and as long as there are some there may be more.
    pub async fn prune(&self) -> Result<usize, StoreError> {
        self.count(Command::Prune).await
    }

    /// The links of these source records, by source id.
    pub async fn links(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Link>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| view::links(connection, &mapping, &ids))
            .await
    }

    /// The links of these destination records, by destination id.
    pub async fn links_by_destination(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Link>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| view::links_by_destination(connection, &mapping, &ids))
            .await
    }

    /// The pairs that a record of either side is in.
    pub async fn links_of(&self, id: &str) -> Result<Vec<Link>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| view::links_of(connection, &id))
            .await
    }

    /// The event log, newest first; empty where it is switched off.
    pub async fn events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| view::events(connection, limit.into()))
            .await
    }

    /// Everything about one item, done or not.
    pub async fn item(&self, id: i64) -> Result<Option<ItemView>, StoreError> {
        self.read(move |connection| view::item(connection, id))
            .await
    }

    /// The items with these keys that are not done. It looks through all that are not: for a person who asks.
    pub async fn open_items(&self, keys: Vec<String>) -> Result<Vec<ItemView>, StoreError> {
        self.read(move |connection| view::open_items(connection, &keys))
            .await
    }

    /// The queue in numbers.
    pub async fn status(&self) -> Result<Status, StoreError> {
        let now_ms = (self.shared.now)();
        self.read(move |connection| status::status(connection, now_ms))
            .await
    }

    /// When the next delayed item is due.
    pub async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        self.read(view::next_due).await
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.shared
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn count(&self, command: Command) -> Result<usize, StoreError> {
        match self.write_patiently(command).await? {
            Reply::Count(count) => Ok(count),
            _ => Err(StoreError::Stopped),
        }
    }

    /// What a worker has to say must not be lost: it waits until somebody frees some space, or the disk is well again.
    async fn write_patiently(&self, command: Command) -> Result<Reply, StoreError> {
        let command = Arc::new(command);
        let start = Instant::now();
        loop {
            match self.write(command.clone()).await {
                Err(error @ (StoreError::DiskFull | StoreError::Disk(_)))
                    if start.elapsed() < PATIENCE =>
                {
                    tracing::error!(%error, "work stands still until the disk takes it");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                done => return done,
            }
        }
    }

    async fn write(&self, command: Arc<Command>) -> Result<Reply, StoreError> {
        let writing = match &self.shared.writing {
            Way::Thread(writing) => writing,
            Way::Direct(options) => {
                let commands = [command];
                elsewhere().await;
                let committed = writer::commit(
                    &mut self.connection(),
                    options,
                    (self.shared.now)(),
                    &commands,
                );
                elsewhere().await;
                return committed?.pop().ok_or(StoreError::Stopped)?;
            }
            Way::ReadOnly => return Err(StoreError::ReadOnly),
        };
        let jobs = writing.jobs.as_ref().ok_or(StoreError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let job = Job { command, reply };
        jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if matches!(self.shared.writing, Way::Direct(_)) {
            elsewhere().await;
            return question(&self.connection());
        }
        let reader = self.shared.reader.clone();
        let answer = tokio::task::spawn_blocking(move || {
            question(&reader.lock().unwrap_or_else(PoisonError::into_inner))
        });
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

/// Others go on meanwhile, or the process is killed: a store with a thread gives them the time.
async fn elsewhere() {
    tokio::task::yield_now().await;
}

fn wall_clock() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
