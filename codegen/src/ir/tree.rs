//! What `runtime::mapping` has of trees and made members, with nothing left to look up.

use crate::model::{Gone, Is, Literal};

/// Member names from a row's root.
pub type Path = Vec<String>;

#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub path: Path,
    pub is: Is,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    pub root: String,
    pub record_of: Option<String>,
    pub adopt: Vec<Adopt>,
    pub reduce: Option<Reduce>,
    pub for_each: Option<ForEach>,
    pub exists_when: Vec<Condition>,
    pub unless: Vec<Vec<Condition>>,
    pub gone: Gone,
    pub needs_npsp: bool,
    pub natural_key: Vec<String>,
    pub written_last: Option<WrittenLast>,
    /// Destination fields.
    pub or_first: Vec<String>,
    /// Mappings whose records are written before.
    pub after: Vec<String>,
}

/// A record that is taken over before one is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopt {
    pub from: AdoptFrom,
    pub when: Vec<Condition>,
    pub key_only: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AdoptFrom {
    /// The path of its Salesforce id.
    Id(Path),
    /// A mapping, and the path of its record's key.
    Record(String, Path),
}

#[derive(Debug, Clone, PartialEq)]
pub struct WrittenLast {
    pub field: String,
    pub until_then: Made,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reduce {
    pub by: Vec<Path>,
    pub distinct: Option<Path>,
    pub order: Vec<Rank>,
    pub folds: Vec<Fold>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    pub path: Path,
    /// In small letters.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    pub name: String,
    pub how: How,
    pub of: Vec<Condition>,
    /// Earlier folds, each with the member that it is made of.
    pub same: Vec<(String, Path)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum How {
    First(Path),
    Last(Path),
    Count,
    Sum(Path),
    Max(Path),
    Min(Path),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ForEach {
    pub list: Path,
    pub share: Option<Path>,
}

/// A member that is made, under its name, which starts with `$`.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    pub name: String,
    pub rule: Rule,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    Template(Vec<Piece>),
    Cases(Vec<Case>),
    Values {
        of: Path,
        table: Vec<(Literal, Literal)>,
        otherwise: Otherwise,
    },
    DateIn {
        time: Path,
        zones: Vec<Path>,
    },
    Negative(Path),
    FirstOf(Vec<Path>),
    /// The index in [`super::Mapping::lookups`].
    Lookup(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Text(String),
    Member(Path),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub when: Vec<Condition>,
    pub then: Made,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    Constant(Literal),
    Member(Path),
    FirstOf(Vec<Path>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Otherwise {
    Fail,
    Same,
    Constant(Literal),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// `LOOKUP_PRICEBOOK_ENTRY_ID`.
    pub static_name: String,
    /// The destination field that it is for.
    pub field: String,
    pub object: String,
    pub by: Vec<(String, Made)>,
    /// The field that holds the account, and mappings with the path of an id.
    pub within: Option<(String, Vec<(String, Path)>)>,
    pub missing: Missing,
    pub create: Vec<(String, Made)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Missing {
    Create,
    Fail,
    Leave,
    Use(Literal),
}
