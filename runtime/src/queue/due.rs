//! What time brings: delayed items are ready, and parked ones have waited long enough.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::item::{ErrorRecord, State};
use super::problem;
use super::settle::bury;
use super::step::Step;

/// Items that come due in one commit, at most: after a long outage they do not all come at once.
const AT_ONCE: usize = 4_000;

/// Links of a chain that are told.
const CHAIN_MAX: usize = 8;

/// Delayed items whose time has come are ready; parked ones whose time has come are dead.
pub(super) fn come_due(step: &Step<'_>, now_ms: i64) -> Result<(), StoreError> {
    for (id, state) in due(step, now_ms)? {
        match State::from_number(state) {
            State::Parked if problem::is_one(step, id)? => problem::fail(step, id)?,
            State::Parked => never_arrived(step, id)?,
            _ => _ = step.execute("UPDATE items SET state = 0, due = NULL WHERE id = ?1", [id])?,
        }
    }
    Ok(())
}

fn due(step: &Step<'_>, now_ms: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT id, state FROM items WHERE state IN (2, 3) AND due IS NOT NULL AND due <= ?1
         ORDER BY due, id",
    )?;
    let rows = statement.query_map([now_ms], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.take(AT_ONCE).collect::<Result<_, _>>()?)
}

/// What it waits for never came. It keeps the key: should it come after all, the item goes on.
/// What waits for a person, or for a record whose word nobody knows, waits on.
fn never_arrived(step: &Step<'_>, id: i64) -> Result<(), StoreError> {
    if waits_for_review(step, id)? || waits_for_a_word(step, id)? {
        let later = step.now_ms + step.options.keep.parked_ms;
        step.execute("UPDATE items SET due = ?2 WHERE id = ?1", (id, later))?;
        return Ok(());
    }
    let chain = chain(step, id)?;
    let Some(last) = chain.last() else {
        return Ok(());
    };
    let named: Vec<String> = chain.iter().map(|key| named(key)).collect();
    let (fate, help) = match is_heard_of(step, last)? {
        true => (
            "of which there are rows and no record in Salesforce",
            format!(
                "`usher explain {}` shows its rows and what is in the way, such as a cart that nobody has checked out. When its record is there, this item goes on by itself.",
                last.split_once(':').map_or(last.as_str(), |(_, id)| id)
            ),
        ),
        false => (
            "which never arrived",
            format!(
                "Look for {} in Ticketure and save it there again, so that it is sent; when it arrives, this item goes on by itself.",
                self::named(last)
            ),
        ),
    };
    let error = ErrorRecord {
        code: "NEVER_ARRIVED".into(),
        message: format!("it waits for {}, {fate}", named.join(", which waits for ")),
        mapping_line: None,
        help,
        group: None,
    };
    step.execute("UPDATE items SET due = NULL WHERE id = ?1", [id])?;
    bury(step, id, &error)
}

/// Returns whether the key is that of a tree with rows, such as a cart that nobody has checked out.
fn is_heard_of(step: &Step<'_>, key: &str) -> Result<bool, StoreError> {
    let Some((tree, root)) = key.split_once(':') else {
        return Ok(false);
    };
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM tree_rows WHERE tree = ?1 AND root = ?2")?;
    Ok(statement.exists((tree, root))?)
}

/// Formats a key such as `account:i-8` as `account i-8`, for error texts.
fn named(key: &str) -> String {
    key.replacen(':', " ", 1)
}

fn waits_for_review(step: &Step<'_>, id: i64) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items CROSS JOIN reviews
         ON reviews.mapping = substr(wait_key, 1, instr(wait_key, ':') - 1)
            AND reviews.source_id = substr(wait_key, instr(wait_key, ':') + 1)
         WHERE items.id = ?1",
    )?;
    Ok(statement.exists([id])?)
}

/// Returns whether the record that it waits for came with a word that no mapping knows: the error log has that line.
fn waits_for_a_word(step: &Step<'_>, id: i64) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items CROSS JOIN items AS unknown
         ON unknown.error_group IS NOT NULL AND unknown.state = 4
            AND unknown.key = substr(items.wait_key, instr(items.wait_key, ':') + 1)
         WHERE items.id = ?1",
    )?;
    Ok(statement.exists([id])?)
}

/// Follows the wait keys from the item to the record that is missing. A ticket that arrived before its cart is an item
/// of the cart and waits for it. Its own key is then left out, so that ticket and cart have the same error text.
fn chain(step: &Step<'_>, id: i64) -> Result<Vec<String>, StoreError> {
    let mut chain: Vec<String> = Vec::new();
    let mut statement = step.transaction.prepare_cached(
        "SELECT wait_key, mapping || ':' || key FROM items WHERE id = ?1 AND wait_key IS NOT NULL",
    )?;
    let found: Option<(String, Option<String>)> = statement
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut next, own) = match found {
        Some((waits_for, own)) => (Some(waits_for), own),
        None => (None, None),
    };
    while let Some(key) = next
        && chain.len() < CHAIN_MAX
        && !chain.contains(&key)
    {
        next = waits_for(step, &key)?;
        chain.push(key);
    }
    if chain.len() > 1 {
        chain.retain(|key| Some(key) != own.as_ref());
    }
    Ok(chain)
}

/// What the item that would bring this key waits for itself.
fn waits_for(step: &Step<'_>, key: &str) -> Result<Option<String>, StoreError> {
    let Some((mapping, source_id)) = key.split_once(':') else {
        return Ok(None);
    };
    let mut statement = step.transaction.prepare_cached(
        "SELECT wait_key FROM items
         WHERE wait_key IS NOT NULL AND mapping = ?1 AND key = ?2 AND payload_type <> 'salesforce_changed'
           AND wait_key <> ?3 LIMIT 1",
    )?;
    Ok(statement
        .query_row((mapping, source_id, key), |row| row.get(0))
        .optional()?)
}
