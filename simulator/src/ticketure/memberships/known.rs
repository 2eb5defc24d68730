//! What is asked of memberships again and again, so that nobody looks through all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rows::{Row, text};

#[derive(Debug, Default)]
pub(in super::super) struct Known {
    /// The levels that are sold; all where nobody said.
    pub(super) levels: Option<Vec<String>>,
    /// What was made for a reference and a first day, though the membership may have been renewed since.
    made: BTreeMap<(String, String), String>,
    /// The memberships that have, or had, somebody as primary member.
    of_primary: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// A membership was written.
    pub(in super::super) fn learn(&mut self, row: &Row) {
        let id = text(row, "id").to_owned();
        let primary = text(row, "primary_identity_id").to_owned();
        self.of_primary
            .entry(primary)
            .or_default()
            .insert(id.clone());
        if let Some(request) = request(row) {
            self.made.entry(request).or_insert(id);
        }
    }

    /// What was made by the same request before.
    pub(super) fn made_for(&self, asked: &Row) -> Option<&str> {
        let id = self.made.get(&request(asked)?)?;
        Some(id)
    }

    pub(super) fn of(&self, primary: &str) -> impl Iterator<Item = &String> {
        self.of_primary.get(primary).into_iter().flatten()
    }
}

/// What tells one request from another; nothing where no reference was given.
fn request(row: &Row) -> Option<(String, String)> {
    let (reference, from) = (text(row, "external_ref"), text(row, "valid_from"));
    (!reference.is_empty()).then(|| (reference.to_owned(), from.to_owned()))
}
