//! A mapping's `tests:`.

use super::{DestinationField, Literal};
use crate::span::{Span, Spanned};

/// One entry of `tests:`.
#[derive(Debug, Clone)]
pub struct Test {
    pub span: Span,
    pub name: Spanned<String>,
    /// The row, an object, or a list of rows.
    pub given: Option<Spanned<Literal>>,
    /// Settings that are not as they are by default: names without `$`.
    pub settings: Vec<(Spanned<String>, Spanned<Literal>)>,
    /// There is to be no record.
    pub absent: Option<Span>,
    /// The record as it was agreed on: `before` or `base`.
    pub base: Option<Expectation>,
    /// The record as Salesforce has it now: `after` or `linked`.
    pub now: Option<Expectation>,
    /// The two sides meet for the first time.
    pub linked: bool,
    pub expect: Option<Expectation>,
    /// Several records instead, in the order of their keys.
    pub records: Option<Spanned<Vec<Expectation>>>,
    /// What goes to the source.
    pub push: Option<Push>,
}

impl Test {
    /// The records that must come out.
    pub fn expected(&self) -> impl Iterator<Item = &Expectation> {
        let several = self.records.iter().flat_map(|records| &records.value);
        self.expect.iter().chain(several)
    }

    /// The rows that come in.
    pub fn rows(&self) -> &[Spanned<Literal>] {
        match &self.given {
            Some(given) => match &given.value {
                Literal::List(rows) => rows,
                _ => std::slice::from_ref(given),
            },
            None => &[],
        }
    }
}

/// `push:` of a test.
#[derive(Debug, Clone)]
pub enum Push {
    Nothing,
    /// The members of the body, as the source's API takes them.
    Body(Spanned<Literal>),
}

/// What must come out: field names of the destination and their values.
#[derive(Debug, Clone)]
pub struct Expectation {
    pub exact: bool,
    pub fields: Vec<(DestinationField, Spanned<Literal>)>,
}
