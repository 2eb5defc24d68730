//! A compiled mapping as data: what the worker and the command line need to know of it without knowing its types.

mod tree;

use crate::entity::{Entity, EntityDescriptor};

pub use tree::{
    Adopt, AdoptFrom, Case, Computed, Fold, ForEach, Gone, How, Is, Lookup, Made, Missing,
    Otherwise, Path, Piece, Rank, Reduce, Rule, Tree, Within, WrittenLast,
};

/// One mapping file, compiled.
pub struct MappingDescriptor {
    /// `contact`.
    pub name: &'static str,
    /// `mappings/contact.yaml`.
    pub file: &'static str,
    /// The webhook that carries it: `identity_changed`.
    pub payload_type: &'static str,
    /// Member names from the webhook's root to its list of rows.
    pub rows: &'static [&'static str],
    /// Names of the webhook's type, id and time.
    pub envelope: Envelope,
    /// All of them hold for a row of this mapping.
    pub when: &'static [Condition],
    /// Words that the mapping ignores. A row with one of them is done at once, unless a mapping's `when` takes the row.
    pub nothing: &'static [Condition],
    pub direction: Direction,
    /// All of them hold for a record that may go back.
    pub when_record: &'static [RecordCondition],
    /// The path of the source's id.
    pub key: &'static [&'static str],
    /// The path of what is processed in order.
    pub lane: &'static [&'static str],
    /// The destination object: `Contact`.
    pub object: &'static str,
    /// The destination's unique external id.
    pub external_id: &'static str,
    /// The destination field that calls in flight must not share.
    pub lock: Option<&'static str>,
    pub policy: MatchPolicy,
    /// How an unlinked record is found, the surest way first.
    pub rungs: &'static [Rung],
    /// A record that the source has already is adopted instead of created.
    pub adopts_on_conflict: bool,
    pub policies: Policies,
    pub payload: &'static EntityDescriptor,
    pub record: &'static EntityDescriptor,
    /// For each field of the record, in its order, where it comes from.
    pub origins: &'static [Origin],
    /// For each field of the record, what two-way sync makes of it.
    pub sync: &'static [FieldSync],
    /// For each field of the record, its line in `file`.
    pub lines: &'static [u32],
    /// Members that are made of a row's others before it is read, in the order in which they are made.
    pub computed: &'static [Computed],
    /// How its records are written together with those of other mappings; nothing where each goes by itself.
    pub tree: Option<&'static Tree>,
    /// The mapping whose records its rows speak of: the same fields by another webhook. It has none of its own.
    pub rows_of: Option<&'static str>,
    /// What records of Salesforce's become in Ticketure, where the mapping goes back only.
    pub push_as: Option<PushAs>,
    /// What somebody changes in Salesforce of a monitored field goes nowhere, and to the error log.
    pub refuses_edits: bool,
}

/// Member names from a webhook's root to what usher reads of it beside the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    pub event_type: Path,
    pub event_id: Path,
    pub occurred_at: Path,
}

impl Envelope {
    /// The names that hold where the webhook's schema says nothing.
    pub const USUAL: Envelope = Envelope {
        event_type: &["event_type"],
        event_id: &["event_id"],
        occurred_at: &["occurred_at"],
    };
}

/// What a record of Salesforce's becomes in Ticketure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushAs {
    /// A new one.
    Create,
    /// A later end of one that is there.
    Extend,
}

/// What a row must have at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    pub path: Path,
    pub is: Is,
}

/// Where records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the source to the destination.
    Forward,
    /// And back.
    Both,
}

/// One of the two systems: the source is Ticketure, the destination Salesforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Source,
    Destination,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::Source => Side::Destination,
            Side::Destination => Side::Source,
        }
    }
}

/// Who wins a field that changed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    Source,
    Destination,
    /// The value that appeared last.
    Newest,
    /// This value, which permits less.
    Restrictive(bool),
    /// Nobody, until a person decides.
    Review,
}

/// What happens when two existing records meet for the first time. A blank never erases a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLink {
    /// Where both have a value, the field's `conflict` decides.
    FillBlanks,
    Source,
    Destination,
    Newest,
    Review,
}

/// What happens when the org changes what was just written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRewrite {
    /// The org's value goes to the source as well.
    Accept,
    /// Each side keeps its own.
    Keep,
}

/// What happens to the other side of a record that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDelete {
    Recreate,
    Detach,
    Review,
}

/// What becomes of a record that a duplicate rule of the org's finds too like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// A person decides which of them it is.
    Review,
    /// It is written all the same, where the rule lets that be.
    Allow,
}

/// How the two sides are reconciled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policies {
    /// The winner of `newest` where the clocks cannot tell.
    pub tie: Side,
    pub on_link: OnLink,
    pub on_rewrite: OnRewrite,
    pub after_delete: AfterDelete,
    pub duplicates: Duplicates,
}

/// A record field in two-way sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSync {
    pub both: bool,
    /// Its change lets a record go back.
    pub monitored: bool,
    /// Without it no record goes back.
    pub required: bool,
    pub conflict: Conflict,
}

impl FieldSync {
    /// A field that never goes back.
    pub const FORWARD: FieldSync = FieldSync {
        both: false,
        monitored: false,
        required: false,
        conflict: Conflict::Source,
    };

    pub const fn both(conflict: Conflict) -> Self {
        FieldSync {
            both: true,
            monitored: false,
            required: false,
            conflict,
        }
    }

    pub const fn monitored(mut self) -> Self {
        self.monitored = true;
        self
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// `Field: value`, or `Field: {not: value}`.
#[derive(Debug)]
pub struct RecordCondition {
    pub field: &'static str,
    pub negated: bool,
    pub equals: Constant,
    /// It holds where NPSP is not installed.
    pub needs_npsp: bool,
}

/// A plain value written in a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(&'static str),
}

/// Where a record's field comes from.
#[derive(Debug)]
pub enum Origin {
    /// The index of a field of the payload.
    Payload(usize),
    /// `value:` in the mapping.
    Constant,
}

/// One way of finding a record: fields of the record, all equal. E-mail alone is a rung that only proposes.
#[derive(Debug)]
pub struct Rung {
    pub fields: &'static [usize],
    /// One field of personal data that many people may share is not enough to link by itself.
    pub proposes_only: bool,
}

/// What becomes of a record that a rung finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchPolicy {
    Adopt,
    Review,
    AlwaysCreate,
}

impl Constant {
    /// Is the JSON value this one? What is not there is null.
    pub fn is(self, value: Option<&serde_json::Value>) -> bool {
        use serde_json::Value;
        match self {
            Constant::Null => value.is_none_or(Value::is_null),
            Constant::Boolean(truth) => value.and_then(Value::as_bool) == Some(truth),
            Constant::Integer(number) => value.and_then(Value::as_i64) == Some(number),
            Constant::Text(text) => value.and_then(Value::as_str) == Some(text),
        }
    }
}

impl MappingDescriptor {
    /// A record with every field absent.
    pub fn new_record(&self) -> Box<dyn Entity> {
        self.record.new_entity()
    }

    /// A payload with every field absent.
    pub fn new_payload(&self) -> Box<dyn Entity> {
        self.payload.new_entity()
    }

    /// May this record of Salesforce's go back?
    pub fn takes_back(
        &self,
        record: &serde_json::Map<String, serde_json::Value>,
        npsp: bool,
    ) -> bool {
        self.direction == Direction::Both && self.holds_for(record, npsp)
    }

    /// Does a record of Salesforce's have what `when: destination` wants?
    pub fn holds_for(
        &self,
        record: &serde_json::Map<String, serde_json::Value>,
        npsp: bool,
    ) -> bool {
        self.when_record.iter().all(|condition| {
            (condition.needs_npsp && !npsp)
                || condition.equals.is(record.get(condition.field)) != condition.negated
        })
    }

    /// What two-way sync makes of a record field, by its index.
    pub fn sync(&self, field: usize) -> FieldSync {
        self.sync.get(field).copied().unwrap_or(FieldSync::FORWARD)
    }

    /// The name of a record field, by its index.
    pub fn field_name(&self, field: usize) -> &'static str {
        let path = self.record.fields.get(field).map(|field| field.path);
        path.and_then(|path| path.last())
            .copied()
            .unwrap_or_default()
    }

    /// The line of a record's field, by its index.
    pub fn line(&self, field: usize) -> Option<u32> {
        self.lines.get(field).copied()
    }

    /// `mappings/contact.yaml:17 (Email)`, for a field that Salesforce named in an error.
    pub fn place(&self, destination: &str) -> Option<String> {
        let field = self.record.field(destination)?;
        Some(format!(
            "{}:{} ({destination})",
            self.file,
            self.line(field)?
        ))
    }
}

impl std::fmt::Debug for MappingDescriptor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MappingDescriptor")
            .field("name", &self.name)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
