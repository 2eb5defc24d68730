//! What the author wrote: every part in its place, every name still a text.

mod allow;
mod fields;
pub mod language;
mod literal;
mod made;
mod policies;
mod read;
mod reader;
mod tests;
mod tree;
mod words;

use crate::model::{Allow, Push};
use crate::model::{
    Conflict, Direction, FoldWord, Gone, Literal, MatchPolicy, Missing, Otherwise, Policies, PushAs,
};
use crate::span::{FileId, Span, Spanned};

pub use read::read;

/// Names and values, in the author's order.
pub type Pairs = Vec<(Spanned<String>, Spanned<Literal>)>;

/// One mapping file. What was missing or misshapen has been reported and is `None`.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub file: FileId,
    pub name: Option<Spanned<String>>,
    pub source: Option<Spanned<String>>,
    pub destination: Option<Spanned<String>>,
    pub direction: Direction,
    /// `direction:`, where it is written.
    pub direction_span: Option<Span>,
    /// `direction: reverse`, where it is written.
    pub reverse: Option<Span>,
    pub push_as: Option<Spanned<PushAs>>,
    /// `on_edit: refuse`, where it is written.
    pub refuses_edits: Option<Span>,
    pub on: Option<Spanned<String>>,
    pub when: Pairs,
    pub when_destination: Pairs,
    pub nothing: Pairs,
    pub key: Option<Key>,
    pub tree: Option<Tree>,
    pub lane: Option<Spanned<String>>,
    pub lock: Option<Spanned<String>>,
    pub rungs: Vec<(Span, Vec<Spanned<String>>)>,
    pub policy: MatchPolicy,
    /// `match:`, or its `policy:`, where it is written.
    pub policy_span: Option<Span>,
    pub adopts_on_conflict: bool,
    pub policies: Policies,
    /// `on_rewrite:` is written, and not only taken for granted.
    pub says_on_rewrite: bool,
    /// The key `fields`.
    pub fields_span: Span,
    pub fields: Vec<Field>,
    /// Some entries of `fields` could not be read, so what seems to be missing may be in them.
    pub fields_broken: bool,
    pub ignore: Vec<Spanned<String>>,
    /// `unmapped: error`.
    pub unmapped: Option<Span>,
    pub allow: Vec<Allow>,
    pub tests: Vec<Test>,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub span: Span,
    /// A path, several of which the first that is given counts, or text made of members.
    pub source: Option<Made>,
    /// The external id, or the fields that a record is known by among its parent's.
    pub destination: Vec<Spanned<String>>,
    /// `destination` is a list.
    pub is_natural: bool,
}

/// What a mapping says of the records that are written together with its own.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The first of its words, where it is written.
    pub first: Spanned<&'static str>,
    pub part_of: Option<Spanned<String>>,
    pub record: Option<RecordOf>,
    /// `record:` is there and could not be read.
    pub record_broken: bool,
    pub adopt: Vec<Adopt>,
    pub reduce: Option<Reduce>,
    pub for_each: Option<ForEach>,
    pub exists_when: Pairs,
    pub unless: Vec<Pairs>,
    pub gone: Option<Spanned<Gone>>,
    pub after: Vec<Spanned<String>>,
    pub needs_npsp: Option<Span>,
}

/// `record: { of: cart, by: cart_id }`.
#[derive(Debug, Clone)]
pub struct RecordOf {
    pub of: Spanned<String>,
    pub by: Spanned<String>,
}

/// An entry of `adopt:`.
#[derive(Debug, Clone)]
pub struct Adopt {
    pub span: Span,
    pub from: AdoptFrom,
    pub when: Pairs,
    /// `writes: key`.
    pub key_only: bool,
}

#[derive(Debug, Clone)]
pub enum AdoptFrom {
    /// The path of its Salesforce id.
    Id(Spanned<String>),
    Record(RecordOf),
}

/// `reduce:`.
#[derive(Debug, Clone)]
pub struct Reduce {
    pub span: Span,
    pub by: Vec<Spanned<String>>,
    pub distinct: Option<Spanned<String>>,
    pub order: Vec<Rank>,
    /// `order:`, where it is written.
    pub order_span: Option<Span>,
    pub folds: Vec<Fold>,
}

/// An entry of `order:`, a path and its words in their order.
#[derive(Debug, Clone)]
pub struct Rank {
    pub path: Spanned<String>,
    pub words: Vec<Spanned<String>>,
}

/// An entry of `fold:`.
#[derive(Debug, Clone)]
pub struct Fold {
    pub name: Spanned<String>,
    pub how: How,
    pub of: Pairs,
    /// Names of earlier folds of the list.
    pub same: Vec<Spanned<String>>,
}

#[derive(Debug, Clone)]
pub struct How {
    pub word: FoldWord,
    /// Of all words but `count`.
    pub path: Option<Spanned<String>>,
}

/// `for_each:`.
#[derive(Debug, Clone)]
pub struct ForEach {
    pub list: Spanned<String>,
    pub share: Option<Spanned<String>>,
}

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub enum Made {
    /// The first of these paths that is given.
    Source(Vec<Spanned<String>>),
    Constant(Spanned<Literal>),
    Template(Spanned<String>),
}

/// Fields of an object, and what they have to be.
pub type MadeFields = Vec<(Spanned<String>, Made)>;

/// A case of `choose:`.
#[derive(Debug, Clone)]
pub struct Case {
    pub span: Span,
    pub when: Pairs,
    pub then: Made,
}

/// `values:` and `otherwise:`.
#[derive(Debug, Clone)]
pub struct Values {
    pub span: Span,
    pub table: Pairs,
    pub otherwise: Otherwise,
}

/// `lookup:`.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub span: Span,
    pub object: Spanned<String>,
    pub by: MadeFields,
    pub within: Option<Within>,
    pub missing: Spanned<Missing>,
    pub create: MadeFields,
}

/// The field that holds the account, and mappings with the path of an id: whose account it is.
#[derive(Debug, Clone)]
pub struct Within {
    pub span: Span,
    pub field: Spanned<String>,
    pub of: Vec<(Spanned<String>, Spanned<String>)>,
}

/// `written_last:`.
#[derive(Debug, Clone)]
pub struct WrittenLast {
    pub span: Span,
    pub until_then: Made,
}

/// One entry of `fields:`.
#[derive(Debug, Clone)]
pub struct Field {
    pub span: Span,
    pub origin: Origin,
    pub destination: Spanned<String>,
    pub convert: Option<Spanned<String>>,
    pub reference: Option<Spanned<String>>,
    pub values: Option<Values>,
    /// `date_in:`, the paths of zones.
    pub date_in: Option<Spanned<Vec<Spanned<String>>>>,
    pub written_last: Option<WrittenLast>,
    /// `or_first:`, where it is written.
    pub or_first: Option<Span>,
    pub direction: Option<Spanned<Direction>>,
    pub conflict: Option<Spanned<Conflict>>,
    pub monitored: bool,
    pub required: bool,
    pub when_creating: bool,
    pub pii: bool,
    /// `needs: npsp`, where it is written.
    pub needs_npsp: Option<Span>,
    pub allow: Vec<Allow>,
}

#[derive(Debug, Clone)]
pub enum Origin {
    Source(Spanned<String>),
    Constant(Spanned<Literal>),
    /// `source:` with a list.
    FirstOf(Vec<Spanned<String>>),
    Template(Spanned<String>),
    Choose(Spanned<Vec<Case>>),
    Lookup(Lookup),
}

#[derive(Debug, Clone)]
pub struct Test {
    pub span: Span,
    pub name: Spanned<String>,
    /// A row, or a list of rows.
    pub given: Option<Spanned<Literal>>,
    pub settings: Pairs,
    /// `expect: absent`.
    pub absent: Option<Span>,
    /// `before` or `base`.
    pub base: Option<Pairs>,
    /// `after` or `linked`.
    pub now: Option<Pairs>,
    pub linked: bool,
    pub exact: bool,
    pub expect: Option<Pairs>,
    /// Several records instead, and where the list of them stands.
    pub records: Option<Spanned<Vec<Pairs>>>,
    pub push: Option<Push>,
}
