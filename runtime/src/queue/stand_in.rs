//! Records in the place of those that are waited for: an identity that a cart names may be an organization's.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension;

use super::step::Step;
use super::view::json_list;
use super::{Store, StoreError, link, wake};

/// Whether anything was ever made of a source record under a mapping: a pair, its end, a question or an error.
const KNOWN: &str = "SELECT value FROM json_each(?2) AS asked WHERE
    EXISTS (SELECT 1 FROM links WHERE mapping = ?1 AND source_id = asked.value)
    OR EXISTS (SELECT 1 FROM tombstones WHERE mapping = ?1 AND source_id = asked.value)
    OR EXISTS (SELECT 1 FROM reviews WHERE mapping = ?1 AND source_id = asked.value)
    OR EXISTS (SELECT 1 FROM review_decisions WHERE mapping = ?1 AND source_id = asked.value)
    OR EXISTS (SELECT 1 FROM items WHERE mapping = ?1 AND key = asked.value AND state = 4)";

impl Store {
    /// Returns those of the source records of which something is known under this mapping.
    pub async fn known_records(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(KNOWN)?;
            let known = statement.query_map((mapping, json_list(&ids)), |row| row.get(0))?;
            Ok(known.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Wakes who waits for this record, or for one that it stands in for. Returns the count.
pub(super) fn wake(step: &Step<'_>, mapping: &str, source_id: &str) -> Result<usize, StoreError> {
    let mut woken = wake::wake(step, &format!("{mapping}:{source_id}"))?;
    let stand_ins = step.options.stand_ins.iter();
    for one in stand_ins.filter(|one| one.instead == mapping) {
        woken += wake::wake(step, &format!("{}:{source_id}", one.waited_for))?;
    }
    Ok(woken)
}

/// Returns whether another record is there in the place of the one that the item waits for. An item about the record
/// itself waits for that alone.
pub(super) fn is_there(step: &Step<'_>, item: i64, key: &str) -> Result<bool, StoreError> {
    let Some((waited_for, others)) = others(step, key) else {
        return Ok(false);
    };
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM items WHERE id = ?1 AND mapping IS NOT ?2")?;
    Ok(statement.exists((item, waited_for))? && any(step, &others)?)
}

/// Returns whether a stand-in is there for others than the record's own items.
pub(super) fn is_missed(step: &Step<'_>, key: &str) -> Result<bool, StoreError> {
    let Some((waited_for, others)) = others(step, key) else {
        return Ok(false);
    };
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items WHERE wait_key = ?1 AND wait_key IS NOT NULL AND mapping IS NOT ?2",
    )?;
    Ok(statement.exists((key, waited_for))? && any(step, &others)?)
}

/// The mapping that the key names, and the keys of what may be there instead.
fn others<'k>(step: &Step<'_>, key: &'k str) -> Option<(&'k str, Vec<String>)> {
    let (mapping, source_id) = key.split_once(':')?;
    let stand_ins = step.options.stand_ins.iter();
    let others = stand_ins.filter(|one| one.waited_for == mapping);
    let others: Vec<String> = others
        .map(|one| format!("{}:{source_id}", one.instead))
        .collect();
    (!others.is_empty() && !source_id.starts_with("sf:")).then_some((mapping, others))
}

fn any(step: &Step<'_>, keys: &[String]) -> Result<bool, StoreError> {
    for key in keys {
        if link::exists(step, key)? || is_left_out(step, key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether a person keeps the record out of Salesforce.
fn is_left_out(step: &Step<'_>, key: &str) -> Result<bool, StoreError> {
    let Some((mapping, source_id)) = key.split_once(':') else {
        return Ok(false);
    };
    let mut statement = step.transaction.prepare_cached(
        "SELECT choice = 'ignore' FROM review_decisions WHERE mapping = ?1 AND source_id = ?2
         ORDER BY id DESC LIMIT 1",
    )?;
    let ignored = statement.query_row((mapping, source_id), |row| row.get(0));
    Ok(ignored.optional()?.unwrap_or(false))
}
