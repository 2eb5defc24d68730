//! Records that are written together, and values that are made: what a mapping says beyond one row, one record.

use super::{DestinationField, Literal, SourceField};
use crate::schema::{SalesforceField, SourceSchemaField};
use crate::span::{Span, Spanned};

/// `part_of:` and what belongs to it.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The mapping of the record at the root; the root's own names itself.
    pub root: Spanned<String>,
    /// `record: {of: ...}`: it writes the record of this mapping.
    pub record_of: Option<Spanned<String>>,
    /// Records that are taken over before one is made.
    pub adopt: Vec<Adopt>,
    pub reduce: Option<Reduce>,
    pub for_each: Option<ForEach>,
    pub exists_when: Vec<Condition>,
    pub unless: Vec<Vec<Condition>>,
    pub gone: Gone,
    /// `gone:`, where it is written.
    pub gone_span: Option<Span>,
    /// `needs: npsp`, where it is written.
    pub needs_npsp: Option<Span>,
    /// Mappings of the tree whose records are written before.
    pub after: Vec<Spanned<String>>,
}

/// An entry of `adopt:`.
#[derive(Debug, Clone)]
pub struct Adopt {
    pub span: Span,
    pub from: AdoptFrom,
    pub when: Vec<Condition>,
    /// Nothing but its key is written to it.
    pub key_only: bool,
}

#[derive(Debug, Clone)]
pub enum AdoptFrom {
    /// The path of its Salesforce id.
    Id(SourceField),
    /// The record of another mapping, and the path of its key.
    Record(Spanned<String>, SourceField),
}

/// `path: value`, and what else a condition can say of a path.
#[derive(Debug, Clone)]
pub struct Condition {
    pub source: SourceField,
    /// What is wanted, where it is written.
    pub span: Span,
    pub is: Is,
}

/// What a value has to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Is {
    Equal(Literal),
    OneOf(Vec<Spanned<Literal>>),
    NoneOf(Vec<Spanned<Literal>>),
    /// A number greater than this one.
    Above(String),
    /// There, and neither null nor blank; or the opposite.
    Given(bool),
}

impl Condition {
    /// The one value that it wants.
    pub fn equals(&self) -> Option<&Literal> {
        match &self.is {
            Is::Equal(value) => Some(value),
            Is::OneOf(_) | Is::NoneOf(_) | Is::Above(_) | Is::Given(_) => None,
        }
    }

    /// What is not there does not do.
    pub fn wants_something(&self) -> bool {
        match &self.is {
            Is::Above(_) => true,
            Is::Given(given) => *given,
            Is::NoneOf(values) => values.iter().any(|value| value.value == Literal::Null),
            Is::Equal(_) | Is::OneOf(_) => {
                let allowed = self.allowed().unwrap_or_default();
                !allowed.contains(&&Literal::Null)
            }
        }
    }

    /// Can no row meet both?
    pub fn excludes(&self, other: &Condition) -> bool {
        if self.source.path != other.source.path {
            return false;
        }
        let (one, two) = (self.allowed(), other.allowed());
        if let (Some(one), Some(two)) = (&one, &two) {
            return !one
                .iter()
                .any(|value| two.iter().any(|other| equal(value, other)));
        }
        let refuses = |values: &Option<Vec<&Literal>>, is: &Is| match (values, is) {
            (Some(values), Is::NoneOf(refused)) => values
                .iter()
                .all(|value| refused.iter().any(|refused| equal(value, &refused.value))),
            _ => false,
        };
        let given = |condition: &Condition, given: bool| condition.is == Is::Given(given);
        refuses(&one, &other.is)
            || refuses(&two, &self.is)
            || (given(self, true) && given(other, false))
            || (given(self, false) && given(other, true))
    }

    /// The values that it names, wanted or not.
    pub fn values(&self) -> Vec<Spanned<Literal>> {
        match &self.is {
            Is::Equal(value) => vec![Spanned::new(value.clone(), self.span)],
            Is::OneOf(values) | Is::NoneOf(values) => values.clone(),
            Is::Above(_) | Is::Given(_) => Vec::new(),
        }
    }

    /// The values that it lets through, where it lists them.
    pub fn allowed(&self) -> Option<Vec<&Literal>> {
        match &self.is {
            Is::Equal(value) => Some(vec![value]),
            Is::OneOf(values) => Some(values.iter().map(|value| &value.value).collect()),
            Is::NoneOf(_) | Is::Above(_) | Is::Given(_) => None,
        }
    }
}

/// As the runtime compares: texts without regard to case.
fn equal(one: &Literal, other: &Literal) -> bool {
    match (one, other) {
        (Literal::Text(one), Literal::Text(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    }
}

/// `reduce:`.
#[derive(Debug, Clone)]
pub struct Reduce {
    pub span: Span,
    /// What the rows of one record have in common: the first of these that is given.
    pub by: Vec<SourceField>,
    pub distinct: Option<SourceField>,
    pub order: Vec<Rank>,
    pub order_span: Option<Span>,
    pub folds: Vec<Fold>,
}

#[derive(Debug, Clone)]
pub struct Rank {
    pub path: SourceField,
    pub words: Vec<Spanned<String>>,
}

#[derive(Debug, Clone)]
pub struct Fold {
    pub name: Spanned<String>,
    pub word: FoldWord,
    /// Of all words but `count`.
    pub path: Option<SourceField>,
    pub of: Vec<Condition>,
    /// Earlier folds, each with the member that it is made of.
    pub same: Vec<(Spanned<String>, SourceField)>,
    /// What it gives.
    pub schema: SourceSchemaField,
}

/// How the values of several rows become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldWord {
    First,
    Last,
    Count,
    Sum,
    Max,
    Min,
}

impl FoldWord {
    pub const ALL: [(&'static str, FoldWord); 6] = [
        ("first", FoldWord::First),
        ("last", FoldWord::Last),
        ("count", FoldWord::Count),
        ("sum", FoldWord::Sum),
        ("max", FoldWord::Max),
        ("min", FoldWord::Min),
    ];
}

/// `for_each:`.
#[derive(Debug, Clone)]
pub struct ForEach {
    pub list: SourceField,
    pub share: Option<SourceField>,
}

/// What happens to a record that no row speaks for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    Delete,
    Keep,
}

/// A value that is made of members.
#[derive(Debug, Clone)]
pub enum Rule {
    Template(Vec<Piece>),
    /// The first case whose conditions all hold.
    Cases(Vec<Case>),
    Values {
        span: Span,
        of: SourceField,
        table: Vec<(Spanned<Literal>, Spanned<Literal>)>,
        otherwise: Otherwise,
    },
    /// The date of a time in the first zone that is given.
    DateIn {
        span: Span,
        time: SourceField,
        zones: Vec<SourceField>,
    },
    /// The number with its sign turned round.
    Negative(SourceField),
    FirstOf(Vec<SourceField>),
    Lookup(Box<Lookup>),
}

#[derive(Debug, Clone)]
pub enum Piece {
    Text(String),
    Member(SourceField),
}

#[derive(Debug, Clone)]
pub struct Case {
    pub span: Span,
    pub when: Vec<Condition>,
    pub then: Made,
}

/// A value, and where it comes from.
#[derive(Debug, Clone)]
pub enum Made {
    Constant(Spanned<Literal>),
    Member(SourceField),
    FirstOf(Vec<SourceField>),
    Template(Span, Vec<Piece>),
}

/// What a value without a line in the table becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Otherwise {
    Fail,
    Same,
    Constant(Spanned<Literal>),
}

/// `lookup:`.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub span: Span,
    pub object: Spanned<String>,
    pub by: Vec<(LookupField, Made)>,
    pub within: Option<Within>,
    pub missing: Spanned<Missing>,
    pub create: Vec<(LookupField, Made)>,
}

/// A field of the object, or of a parent: `Product2.Name`.
#[derive(Debug, Clone)]
pub struct LookupField {
    pub span: Span,
    pub name: String,
    /// What its snapshot says; nothing where there is no snapshot of the parent.
    pub schema: Option<SalesforceField>,
}

/// Only among the records of one account.
#[derive(Debug, Clone)]
pub struct Within {
    pub field: DestinationField,
    /// A mapping, and the path of its source id.
    pub of: Vec<(Spanned<String>, SourceField)>,
}

/// What happens where nothing is found.
#[derive(Debug, Clone, PartialEq)]
pub enum Missing {
    Create,
    Fail,
    Leave,
    /// The record whose first `by` field has this value.
    Use(Spanned<Literal>),
}

/// `written_last:` of a field.
#[derive(Debug, Clone)]
pub struct WrittenLast {
    pub span: Span,
    pub until_then: Made,
}

impl Made {
    /// The constant that it is.
    pub fn constant(&self) -> Option<&Spanned<Literal>> {
        match self {
            Made::Constant(literal) => Some(literal),
            Made::Member(_) | Made::FirstOf(_) | Made::Template(..) => None,
        }
    }

    /// The members that it reads.
    pub fn members(&self) -> Vec<&SourceField> {
        match self {
            Made::Constant(_) => Vec::new(),
            Made::Member(source) => vec![source],
            Made::FirstOf(sources) => sources.iter().collect(),
            Made::Template(_, pieces) => members(pieces),
        }
    }
}

/// The members that a template reads.
pub fn members(pieces: &[Piece]) -> Vec<&SourceField> {
    pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Member(source) => Some(source),
            Piece::Text(_) => None,
        })
        .collect()
}

impl Rule {
    /// The members that it reads.
    pub fn members(&self) -> Vec<&SourceField> {
        match self {
            Rule::Template(pieces) => members(pieces),
            Rule::Cases(cases) => cases
                .iter()
                .flat_map(|case| {
                    let when = case.when.iter().map(|condition| &condition.source);
                    when.chain(case.then.members())
                })
                .collect(),
            Rule::Values { of, .. } => vec![of],
            Rule::DateIn { time, zones, .. } => [time].into_iter().chain(zones).collect(),
            Rule::Negative(source) => vec![source],
            Rule::FirstOf(sources) => sources.iter().collect(),
            Rule::Lookup(lookup) => lookup.members(),
        }
    }
}

impl Rule {
    /// The constants that a field may be.
    pub fn constants(&self) -> Vec<&Spanned<Literal>> {
        match self {
            Rule::Cases(cases) => cases
                .iter()
                .filter_map(|case| case.then.constant())
                .collect(),
            Rule::Values {
                table, otherwise, ..
            } => {
                let other = match otherwise {
                    Otherwise::Constant(constant) => Some(constant),
                    Otherwise::Fail | Otherwise::Same => None,
                };
                table.iter().map(|(_, to)| to).chain(other).collect()
            }
            Rule::Template(_)
            | Rule::DateIn { .. }
            | Rule::Negative(_)
            | Rule::FirstOf(_)
            | Rule::Lookup(_) => Vec::new(),
        }
    }
}

impl Lookup {
    fn members(&self) -> Vec<&SourceField> {
        let made = self.by.iter().chain(&self.create);
        let owners = self.within.iter().flat_map(|within| &within.of);
        made.flat_map(|(_, made)| made.members())
            .chain(owners.map(|(_, source)| source))
            .collect()
    }
}
