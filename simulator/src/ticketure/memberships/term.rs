//! The days that a membership is for.

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::rows::{Row, given};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) from: Date,
    /// The last day.
    pub(super) until: Date,
}

impl Term {
    /// Nothing where a date cannot be read; a year less a day where no end is given.
    pub(super) fn of(row: &Row) -> Option<Term> {
        let from = date(row, "valid_from")?;
        let until = match row.get("valid_until").is_none_or(|end| end.is_null()) {
            true => from.checked_add(1.year()).ok()?.yesterday().ok()?,
            false => date(row, "valid_until")?,
        };
        Some(Term { from, until })
    }

    pub(super) fn status(&self, today: Date) -> &'static str {
        match (self.from > today, self.until < today) {
            (true, _) => "pending",
            (_, true) => "expired",
            _ => "active",
        }
    }

    pub(super) fn meets(&self, other: Term) -> bool {
        self.from <= other.until && other.from <= self.until
    }

    /// The days that are new when it ends then; none where that is no later.
    pub(super) fn added(&self, until: Date) -> Option<Term> {
        let from = self.until.tomorrow().ok()?;
        (from <= until).then_some(Term { from, until })
    }
}

/// `2026-03-01` and nothing beside it.
pub(super) fn date(row: &Row, field: &str) -> Option<Date> {
    let text = given(row, field)?;
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}
