//! The words of the queue: what comes in, what a worker holds, what it says about it, and what an operator sees.

use serde::{Deserialize, Serialize};

use crate::mapping::Side;

/// One payload, or one change, to be kept until it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewItem {
    /// The mapping that takes it. `None`: nobody does; it is kept as dead with the code `unknown`.
    pub mapping: Option<String>,
    /// The kind of payload, as the sender names it.
    pub payload_type: String,
    /// What is processed in order.
    pub lane: String,
    /// The source record's id.
    pub key: String,
    /// The delivery's own id; a second item with the same one is counted and dropped, even after the first is done.
    pub dedupe: Option<String>,
    /// JSON text.
    pub payload: String,
    /// Not before this time.
    pub due_ms: Option<i64>,
    /// Why it cannot be processed. An item with a mapping and a reason is kept as dead with the code `does_not_fit`.
    pub reason: Option<String>,
    /// Tells whether a mapping knows the row's action, status or kind.
    pub word: Word,
    /// Time of the event by its delivery, in milliseconds since 1970.
    pub at_ms: Option<i64>,
}

/// The word of a row by which mappings select rows, such as an action or a status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Word {
    /// Neither raises an error nor closes one.
    #[default]
    Unasked,
    /// A mapping knows the word. The item closes errors about unknown words in older rows of the record.
    Known,
    /// The mappings list the word under `nothing`, or the payload has no rows. The item is done at once.
    Nothing,
    /// The operator ignores webhooks of this type. The item is counted and not stored.
    Ignored,
    /// No mapping knows the word. The item is dead with this error, whose group is [`super::unknown_word`].
    Unknown {
        error: ErrorRecord,
        /// True if usher asked Ticketure for the row. Dropped if the error log has the record's error.
        asked: bool,
    },
}

/// What became of one `enqueue`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enqueued {
    pub accepted: Vec<i64>,
    pub duplicates: usize,
    /// Payloads of types that the operator ignores.
    pub ignored: usize,
}

/// An item in a worker's hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The sequence number: order of arrival.
    pub id: i64,
    /// The fence: a settlement counts only with the attempt of the latest claim.
    pub attempt: i64,
    /// `None` only for an unknown item that an operator sent back: find its mapping anew.
    pub mapping: Option<String>,
    pub payload_type: String,
    pub lane: String,
    pub key: String,
    pub payload: String,
    /// Charged failures so far.
    pub attempts: u32,
    pub received_at_ms: i64,
}

/// What a worker says about an item that it claimed.
///
/// Lane-mates claimed together are the worker's to keep in order: when one waits, those behind it
/// go back with `Retry { due_ms: 0, charge: false, .. }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub id: i64,
    pub attempt: i64,
    pub outcome: Outcome,
    /// Written in the same transaction; wakes whoever waits for it.
    pub link: Option<Link>,
    /// Intents whose outcome is known now.
    pub closes: Vec<IntentKey>,
    /// What became of the gate of a record that was to go back.
    pub gate: Option<GateNote>,
    /// The pair is no more.
    pub tombstone: Option<Tombstone>,
    /// What a person has to decide about the pair.
    pub review: Option<Review>,
    /// Problems that the record has now. `None` leaves the reported ones as they are.
    pub problems: Option<Problems>,
    /// Items of the error log that this item settles.
    pub puts_right: Vec<i64>,
    /// Keys by which trees wait for the record: they look again. They are woken whoever has the item by now.
    pub wakes: Vec<String>,
}

impl Settlement {
    /// With nothing beside the outcome.
    pub fn new(id: i64, attempt: i64, outcome: Outcome) -> Self {
        Settlement {
            id,
            attempt,
            outcome,
            link: None,
            closes: Vec::new(),
            gate: None,
            tombstone: None,
            review: None,
            problems: None,
            puts_right: Vec::new(),
            wakes: Vec::new(),
        }
    }
}

/// A report of the problems of a tree or a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// The mapping of the tree's root or of the pair. `key` is the source id.
    pub mapping: String,
    pub key: String,
    /// The lane of the pair. `None` for a tree, whose problems get a lane of their own.
    pub lane: Option<String>,
    pub all: Vec<Problem>,
    pub extent: Extent,
}

/// Tells which reported problems a new report replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Extent {
    /// The report is complete: problems that it leaves out are closed.
    #[default]
    Whole,
    /// The tree could not be checked completely: problems that the report leaves out stay open. Those whose causes
    /// begin with one of these texts were all checked, and are closed.
    Partial(Vec<String>),
    /// The tree waits, and rows behind it in its lane may settle the problems of the report: it opens none. It closes
    /// those whose causes begin with one of these texts and that it leaves out.
    Waiting(Vec<String>),
    /// The report covers one row, which settles these causes. Other problems stay open.
    PutRight(Vec<String>),
}

/// A dead item, or a problem in the error log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub id: i64,
    pub key: String,
    pub payload_type: String,
    /// The row as JSON text.
    pub payload: String,
    pub received_at_ms: i64,
    /// The problem's cause. `None` for an item that is no problem.
    pub cause: Option<String>,
}

/// A problem of a tree or a pair. The error log has it, or it waits for further rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Identifies the problem within its tree or pair. A second report of a cause replaces the first.
    pub cause: String,
    pub stage: ProblemStage,
    pub error: ErrorRecord,
}

/// The state in which a problem opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemStage {
    /// Parked. After `parked_days` the problem moves to the error log.
    Waits,
    /// In the error log at once.
    Failed,
}

/// What happens next to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It leaves the hot table.
    Done,
    /// The same, and nothing was done of it, since a person has said so.
    Ignored { reason: String },
    /// It waits for the link `<mapping>:<source_id>`.
    Park { key: String, reason: String },
    /// It comes back at `due_ms`; `charge` counts the failure.
    Retry {
        due_ms: i64,
        error: String,
        charge: bool,
    },
    /// It stays in the error log until somebody retries it.
    Dead { error: ErrorRecord },
}

/// What became of one `settle`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Settlements that came too late and changed nothing.
    pub stale: usize,
    /// Parked items that are ready again.
    pub woken: usize,
    /// Items that are dead now because their destination record belongs to another source record.
    pub conflicts: usize,
}

/// A failure as an operator reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    pub code: String,
    pub message: String,
    /// `contact.yaml:12`, where a line of a mapping is to blame.
    pub mapping_line: Option<String>,
    /// What to do.
    pub help: String,
    /// Key of errors with one cause. The error log shows them as one line, and a retry brings all of them back.
    #[serde(skip)]
    pub group: Option<String>,
}

impl ErrorRecord {
    /// Joins the code and the message. A message that contains the code stands alone.
    pub fn line(&self) -> String {
        match self.message.contains(&self.code) {
            true => self.message.clone(),
            false => format!("{}: {}", self.code, self.message),
        }
    }
}

/// A source record and its destination record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    pub mapping: String,
    pub source_id: String,
    pub destination_id: String,
    /// JSON: the state of the pair, as `merge::LinkState` writes it.
    pub base: String,
    /// What calls in flight never share: the value of the mapping's `lock` field in the destination record, or nothing.
    pub lock: String,
    /// The lane of the pair's items, in both directions.
    pub lane: String,
}

/// Names an intent: a mapping, the record's source id (or `sf:<Id>` while it has none), and the side that is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct IntentKey {
    pub mapping: String,
    pub key: String,
    pub side: Side,
}

/// A write that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intent {
    #[serde(flatten)]
    pub key: IntentKey,
    /// `create` or `update`.
    pub kind: &'static str,
    /// JSON: the values, in the words of the destination.
    pub fields: String,
    pub repeat: Repeat,
    pub made_at_ms: i64,
}

/// Why a repeat of a write is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// A unique external id refuses a second one.
    UniqueKey,
    /// It says the wanted state.
    AbsoluteState,
    /// A second one is refused with the id of the first.
    ConflictAdopts,
}

impl Repeat {
    pub(super) fn name(self) -> &'static str {
        match self {
            Repeat::UniqueKey => "unique_key",
            Repeat::AbsoluteState => "absolute_state",
            Repeat::ConflictAdopts => "conflict_adopts",
        }
    }

    pub(super) fn from_name(name: &str) -> Repeat {
        match name {
            "unique_key" => Repeat::UniqueKey,
            "conflict_adopts" => Repeat::ConflictAdopts,
            _ => Repeat::AbsoluteState,
        }
    }
}

/// Who won a field, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionRecord {
    pub at_ms: i64,
    pub mapping: String,
    pub source_id: String,
    pub field: String,
    /// `ticketure`, `salesforce`, or `nobody` while a person has to decide.
    pub winner: String,
    pub why: String,
    /// JSON.
    pub value: String,
    pub winner_at_ms: i64,
    /// JSON: what somebody had written there.
    pub loser: Option<String>,
    pub loser_at_ms: i64,
}

/// Whether a changed record of Salesforce's may go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateNote {
    pub mapping: String,
    pub destination_id: String,
    /// `None`: it went.
    pub held: Option<(&'static str, String)>,
}

/// A record that waits outside its lane until it may go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gated {
    pub mapping: String,
    pub destination_id: String,
    /// `incomplete` or `unmonitored`.
    pub gate: String,
    pub reason: String,
    pub since_ms: i64,
}

/// What a reader of changes found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    pub items: Vec<NewItem>,
    pub gates: Vec<GateNote>,
    /// Pairs in which our own write was seen to have stayed, each with its base before.
    pub seen: Vec<(Link, String)>,
    /// Questions that are none any more: mapping and source id.
    pub answered: Vec<(String, String)>,
    /// The cursor's name and its new value.
    pub cursor: Option<(String, String)>,
}

/// A pair that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tombstone {
    pub mapping: String,
    pub source_id: String,
    pub destination_id: String,
    /// Where the record was deleted.
    pub side: Side,
    /// By that side's clock.
    pub deleted_at_ms: i64,
    /// The record that it was merged into, on that side.
    pub merged_into: Option<String>,
}

/// A direction that stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// `to_salesforce` or `to_ticketure`.
    pub direction: String,
    pub reason: String,
    pub since_ms: i64,
}

/// The payload type of items that changes in Salesforce become.
pub const SALESFORCE_CHANGED: &str = "salesforce_changed";

/// A question for a person: which record of Salesforce's something is, or what is to become of a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Review {
    pub mapping: String,
    pub source_id: String,
    /// Ids of the destination records that might be it.
    pub candidates: Vec<String>,
    pub reason: String,
}

/// Where an item stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ready = 0,
    Running = 1,
    Parked = 2,
    Delayed = 3,
    Dead = 4,
    Done = 5,
}

impl State {
    pub(super) fn from_number(number: i64) -> State {
        match number {
            0 => State::Ready,
            1 => State::Running,
            2 => State::Parked,
            3 => State::Delayed,
            4 => State::Dead,
            _ => State::Done,
        }
    }
}

/// Everything known of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemView {
    pub id: i64,
    pub state: State,
    pub attempt: i64,
    pub attempts: u32,
    pub mapping: Option<String>,
    pub payload_type: String,
    pub lane: String,
    pub key: String,
    /// Gone once an item is done, unless the event log keeps it.
    pub payload: Option<String>,
    pub received_at_ms: i64,
    pub due_ms: Option<i64>,
    pub wait_key: Option<String>,
    /// Why it waits, or what went wrong last.
    pub note: Option<String>,
    pub error: Option<ErrorRecord>,
    /// The cause of the problem that the item stands for. `None` for other items.
    pub cause: Option<String>,
    pub finished_at_ms: Option<i64>,
    pub history: Vec<HistoryLine>,
}

/// One thing that happened to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    pub at_ms: i64,
    /// `parked`, `woken`, `delayed`, `dead`, `retried`, `ignored` or `closed`.
    pub what: String,
    pub detail: String,
}

/// A line of the error log: a dead item, or the latest of several with one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedItem {
    pub id: i64,
    pub mapping: Option<String>,
    pub payload_type: String,
    pub key: String,
    pub attempts: u32,
    pub received_at_ms: i64,
    pub error: ErrorRecord,
    /// Time at which a waiting problem moves to the error log. `None` if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_until_ms: Option<i64>,
    /// Count of the dead items with this cause.
    pub count: u64,
}

/// One line of the event log: a delivery as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    pub id: i64,
    pub at_ms: i64,
    /// `None`: a duplicate.
    pub item_id: Option<i64>,
    pub payload_type: String,
    pub dedupe: Option<String>,
    pub payload: String,
}

/// Which dead items to bring back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    One(i64),
    All,
}

/// Dead items to take back: those of these records that failed with this code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeBack {
    pub mapping: String,
    /// Source ids.
    pub keys: Vec<String>,
    pub code: String,
    /// The number of the latest items with this code that are taken back as well.
    pub latest: usize,
    /// Unix milliseconds. The latest items are those that arrived since.
    pub since_ms: i64,
    pub due_ms: i64,
    pub note: String,
}
