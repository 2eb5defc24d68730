//! What will be written: plain data with nothing left to look up. Every name is final, every index known.

use crate::model::{Literal, MatchPolicy};

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
    pub external_id: String,
    pub lock: Option<String>,
    pub payload_type: String,
    pub rows: Vec<String>,
    pub when: Vec<(Vec<String>, Literal)>,
    pub key: Vec<String>,
    pub lane: Vec<String>,
    pub policy: MatchPolicy,
    pub rungs: Vec<Rung>,
    /// Sorted by path.
    pub payload: Vec<Field>,
    /// Sorted by path.
    pub record: Vec<Field>,
    /// For each record field, its value.
    pub values: Vec<Value>,
    /// For each record field, its line.
    pub lines: Vec<u32>,
    pub tests: Vec<Test>,
}

/// A field of a generated struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// A Rust name, unique in its struct.
    pub ident: String,
    pub path: Vec<String>,
    pub kind: Kind,
    pub max_length: Option<u32>,
    pub pii: bool,
    pub create_only: bool,
    pub needs_npsp: bool,
    pub required: bool,
    pub doc: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    Date,
    Reference { mapping: String },
}

/// What a record field is given.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A payload field through a function of `runtime::convert`.
    Payload {
        index: usize,
        ident: String,
        function: &'static str,
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

/// One entry of `tests:` as a Rust test.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub function: String,
    pub name: String,
    /// JSON.
    pub given: String,
    /// JSON.
    pub expect: String,
    pub exact: bool,
}
