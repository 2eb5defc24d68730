//! What the author wrote: every part in its place, every name still a text.

mod allow;
mod fields;
pub mod language;
mod literal;
mod policies;
mod read;
mod reader;
mod tests;
mod words;

use crate::model::{Allow, Push};
use crate::model::{Conflict, Direction, Literal, MatchPolicy, Policies};
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
    pub on: Option<Spanned<String>>,
    pub when: Pairs,
    pub when_destination: Pairs,
    pub key: Option<Key>,
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
    pub source: Option<Spanned<String>>,
    pub destination: Option<Spanned<String>>,
}

/// One entry of `fields:`.
#[derive(Debug, Clone)]
pub struct Field {
    pub span: Span,
    pub origin: Origin,
    pub destination: Spanned<String>,
    pub convert: Option<Spanned<String>>,
    pub reference: Option<Spanned<String>>,
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
}

#[derive(Debug, Clone)]
pub struct Test {
    pub span: Span,
    pub name: Spanned<String>,
    pub given: Option<Spanned<Literal>>,
    /// `before` or `base`.
    pub base: Option<Pairs>,
    /// `after` or `linked`.
    pub now: Option<Pairs>,
    pub linked: bool,
    pub exact: bool,
    pub expect: Option<Pairs>,
    pub push: Option<Push>,
}
