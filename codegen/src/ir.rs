//! What will be written: plain data with nothing left to look up. Every name is final, every index known.

mod tree;

use crate::model::{Literal, MatchPolicy, Policies, PushAs};
use crate::schema::envelope::Names;

pub use tree::{
    Adopt, AdoptFrom, Case, Computed, Condition, Fold, ForEach, How, Lookup, Made, Missing,
    Otherwise, Path, Piece, Rank, Reduce, Rule, Tree, WrittenLast,
};

/// The whole generated crate.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Sorted by name.
    pub mappings: Vec<Mapping>,
    /// Sorted by payload type.
    pub handlers: Vec<Handler>,
}

/// One payload type and the mappings that it feeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    pub payload_type: String,
    pub module: String,
    /// `IdentityChanged`.
    pub trait_name: String,
    /// `IdentityChangedAdapter`.
    pub adapter_name: String,
    /// Indexes of [`Program::mappings`].
    pub mappings: Vec<usize>,
}

/// One mapping, as one module.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub name: String,
    /// `mappings/contact.yaml`.
    pub file: String,
    pub module: String,
    pub payload_struct: String,
    pub record_struct: String,
    /// `CONTACT` in the table of lines.
    pub lines_name: String,
    /// `identity`.
    pub source_entity: String,
    /// `Contact`.
    pub object: String,
    /// Blank where a record is known by fields among its parent's.
    pub external_id: String,
    pub lock: Option<String>,
    pub payload_type: String,
    pub rows: Vec<String>,
    pub envelope: Names,
    pub when: Vec<Condition>,
    pub nothing: Vec<Condition>,
    /// Records may go back to the source.
    pub both: bool,
    pub when_record: Vec<RecordCondition>,
    pub adopts_on_conflict: bool,
    pub policies: Policies,
    pub key: Vec<String>,
    pub lane: Vec<String>,
    pub policy: MatchPolicy,
    pub rungs: Vec<Rung>,
    /// Sorted by path.
    pub payload: Vec<Field>,
    /// The index of the source's id in `payload`.
    pub payload_key: usize,
    /// Sorted by path.
    pub record: Vec<Field>,
    /// The index of the external id in `record`.
    pub record_key: usize,
    /// Some fields of the payload get no value on the way back.
    pub some_stay_absent: bool,
    /// For each record field, its value.
    pub values: Vec<Value>,
    /// For each record field, what two-way sync makes of it.
    pub sync: Vec<FieldSync>,
    /// For each record field, its line.
    pub lines: Vec<u32>,
    /// Members that are made before a row is read, in their order.
    pub computed: Vec<Computed>,
    pub lookups: Vec<Lookup>,
    pub tree: Option<Tree>,
    /// The mapping whose records its rows speak of.
    pub rows_of: Option<String>,
    /// What records of Salesforce's become, where the mapping goes back only.
    pub push_as: Option<PushAs>,
    pub refuses_edits: bool,
    pub tests: Vec<Test>,
}

/// A field of a generated struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// A Rust name, unique in its struct.
    pub ident: String,
    /// The same as a variant of the enum that counts the struct's fields.
    pub variant: String,
    pub path: Vec<String>,
    pub kind: Kind,
    pub max_length: Option<u32>,
    pub pii: bool,
    pub create_only: bool,
    pub needs_npsp: bool,
    pub required: bool,
    pub demanded: bool,
    pub whole_digits: Option<u32>,
    pub doc: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    Date,
    Decimal {
        scale: Scale,
    },
    DateTime,
    Reference {
        mapping: String,
    },
    /// The index in [`Mapping::lookups`].
    Lookup {
        index: usize,
        static_name: String,
    },
}

/// How many digits there are after a number's point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Any,
    Digits(u32),
}

impl Kind {
    /// It is kept as text.
    pub fn is_text(&self) -> bool {
        !matches!(self, Kind::Boolean | Kind::Date)
    }
}

/// What a record must look like to go back.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordCondition {
    pub field: String,
    pub negated: bool,
    pub equals: Literal,
    pub needs_npsp: bool,
}

/// A record field in two-way sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSync {
    pub both: bool,
    pub monitored: bool,
    pub required: bool,
    pub conflict: Conflict,
}

/// Who wins; `Restrictive` with the value that permits less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    Source,
    Destination,
    Newest,
    Restrictive(bool),
    Review,
}

/// What a record field is given.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A payload field through a function of `runtime::convert`.
    Payload {
        index: usize,
        ident: String,
        function: &'static str,
        /// Nothing reads the payload's field after this.
        moves: bool,
    },
    Text(String),
    Boolean(bool),
    /// Year, month and day.
    Date(i16, i8, i8),
}

/// Indexes of record fields, all equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub fields: Vec<usize>,
    pub proposes_only: bool,
}

/// One entry of `tests:`. All records and rows are JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The Rust test's name.
    pub function: String,
    pub name: String,
    /// Where the mapping says its name.
    pub line: u32,
    pub subject: Subject,
    /// `expect` is all there is to be, not a part.
    pub exact: bool,
}

/// What a test is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A row becomes a record.
    Record { given: String, expect: String },
    /// Rows become one record, or none.
    Rows {
        /// A row or a list of rows.
        given: String,
        settings: String,
        /// The records that are to come out: one, several as a list, or none.
        expect: Records,
    },
    /// Two sides of a pair are merged.
    Pair(Pair),
    /// A record of Salesforce's goes back only: the record, and what goes; an empty object for nothing.
    Pushed { now: String, push: String },
}

/// The records of a test, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Records {
    None,
    One(String),
    /// A list, in the order of their keys.
    Several(String),
}

/// The two sides of a pair, and what is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The settings with which the row is made ready before it is read; nothing where it is read as it is.
    pub settings: Option<String>,
    /// What both sides agreed on.
    pub base: Option<String>,
    /// What Salesforce has now.
    pub now: Option<String>,
    /// What the source has now.
    pub given: Option<String>,
    /// What goes to Salesforce.
    pub expect: Option<String>,
    /// What goes to the source; an empty object for nothing.
    pub push: Option<String>,
}
