//! Records that are written together, as a parent and its children: what their mappings say beyond one row, one record.
//!
//! The rows of such a record are kept. From all of them follows what there has to be in Salesforce, whatever the order
//! in which they came.

use super::{Condition, Constant};

/// Member names from a row's root. A name that starts with `$` is a setting, or a member that was computed.
pub type Path = &'static [&'static str];

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    Equal(Constant),
    OneOf(&'static [Constant]),
    NoneOf(&'static [Constant]),
    /// A number greater than this one.
    Above(&'static str),
    /// There, and neither null nor blank text; or the opposite.
    Given(bool),
}

/// A mapping whose records belong to a tree.
#[derive(Debug, PartialEq, Eq)]
pub struct Tree {
    /// The mapping of the record at the root; the root's own says itself.
    pub root: &'static str,
    /// It writes the record of this mapping instead of one of its own.
    pub record_of: Option<&'static str>,
    /// Records that are there already, and are taken over before one is made: the first that is found. Only a root's.
    pub adopt: &'static [Adopt],
    /// How the rows of one record become one row. Without it each is laid over those before it, by their deliveries.
    pub reduce: Option<Reduce>,
    /// Each entry of this list of a row makes a record.
    pub for_each: Option<ForEach>,
    /// All of them hold for a reduced row, or there is no record.
    pub exists_when: &'static [Condition],
    /// There is no record where all of one of these hold.
    pub unless: &'static [&'static [Condition]],
    /// What happens to a record that is there no longer.
    pub gone: Gone,
    /// There are no such records without NPSP.
    pub needs_npsp: bool,
    /// The fields that a record is known by among its parent's where it has no external id.
    pub natural_key: &'static [&'static str],
    /// Mappings whose records are there first when something grows, and go last when something shrinks.
    pub after: &'static [&'static str],
    /// What is written when everything else of the tree is there.
    pub written_last: Option<WrittenLast>,
    /// Fields whose reference within the tree means the first record of that mapping where none has its key.
    pub or_first: &'static [&'static str],
}

/// A record that is taken over as the root, instead of making one. While it is, `$adopted` is its Salesforce id.
#[derive(Debug, PartialEq, Eq)]
pub struct Adopt {
    pub from: AdoptFrom,
    /// Of the reduced row of the root.
    pub when: &'static [Condition],
    /// Nothing but its key is written to it, and nothing below it.
    pub key_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptFrom {
    /// Its Salesforce id is in the row.
    Id(Path),
    /// It is another mapping's record, which the tree waits for.
    Record { mapping: &'static str, by: Path },
}

/// A field that has another value until the whole tree is written.
#[derive(Debug, PartialEq, Eq)]
pub struct WrittenLast {
    pub field: &'static str,
    pub until_then: Made,
}

/// How the rows of one record become one row: each laid over those before it, then these members over all.
#[derive(Debug, PartialEq, Eq)]
pub struct Reduce {
    /// What the rows of one record have in common: the first of these that is given.
    pub by: &'static [Path],
    /// Rows that have this in common are one row, delivered more than once.
    pub distinct: Option<Path>,
    /// What comes first, by the first of these that differs.
    pub order: &'static [Rank],
    pub folds: &'static [Fold],
}

/// `$at` is the time of the delivery, as its envelope says.
#[derive(Debug, PartialEq, Eq)]
pub struct Rank {
    pub path: Path,
    /// In this order, before what is not listed; by the value itself where there are none.
    pub words: &'static [&'static str],
}

/// One member of the reduced row.
#[derive(Debug, PartialEq, Eq)]
pub struct Fold {
    pub name: &'static str,
    pub how: How,
    /// The rows that count.
    pub of: &'static [Condition],
    /// Earlier folds, each with the member that it is made of. Only rows with the value of the first given fold count.
    /// Without such folds all rows of `of` count.
    pub same: &'static [(&'static str, Path)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The first value of the member. Rows that leave the member out are skipped.
    First(Path),
    Last(Path),
    Count,
    /// Of decimals.
    Sum(Path),
    Max(Path),
    Min(Path),
}

/// An entry is at `each`.
#[derive(Debug, PartialEq, Eq)]
pub struct ForEach {
    pub list: Path,
    /// The amount that the entries share: `each.share` is an entry's own `amount`, its `percent` of the whole, or
    /// what the others leave, in units of a hundredth, together never more than the whole.
    pub share: Option<Path>,
}

/// What happens to a record that no row speaks for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    Delete,
    Keep,
}

/// A member that is made of others. Its name starts with `$`.
#[derive(Debug, PartialEq, Eq)]
pub struct Computed {
    pub name: &'static str,
    pub rule: Rule,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Rule {
    /// Text with members in it; what is not there is left out.
    Template(&'static [Piece]),
    /// The first case whose conditions all hold; absent when none does.
    Cases(&'static [Case]),
    /// Another word for each value.
    Values {
        of: Path,
        table: &'static [(Constant, Constant)],
        otherwise: Otherwise,
    },
    /// The date of a time in the first zone that is given.
    DateIn { time: Path, zones: &'static [Path] },
    /// The number with its sign turned round.
    Negative(Path),
    /// The first that is given.
    FirstOf(&'static [Path]),
    /// What a look-up asks for, as JSON.
    Lookup(&'static Lookup),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Text(&'static str),
    Member(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub when: &'static [Condition],
    pub then: Made,
}

/// A value that is written down, or a member of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Constant(Constant),
    Member(Path),
    /// The first that is given.
    FirstOf(&'static [Path]),
}

/// What a value without a line in the table becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// The field stays blank and gets an error. If Salesforce demands the field, the record is not written.
    Fail,
    /// Itself.
    Same,
    Constant(Constant),
}

/// A record that no mapping writes, found by its fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Lookup {
    pub object: &'static str,
    /// Fields of the object, or of its parents (`Product2.Name`), and what they have to be.
    pub by: &'static [(&'static str, Made)],
    /// Only among the records of one account.
    pub within: Option<Within>,
    pub missing: Missing,
    /// More fields of a record that is made because it is missing.
    pub create: &'static [(&'static str, Made)],
}

/// The field that holds the account, and whose account it is: the first of these that the row names.
#[derive(Debug, PartialEq, Eq)]
pub struct Within {
    pub field: &'static str,
    /// A mapping, and the path of its source id.
    pub of: &'static [(&'static str, Path)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Create,
    /// The row goes to the error log, and comes back when it is sent again.
    Fail,
    /// The field stays empty.
    Leave,
    /// The record whose first `by` field has this value.
    Use(Constant),
}
