//! Rows with a word that no mapping knows. The error log has one line for each word. A later row of the same record
//! with a known word closes the error.
//!
//! Two rows of a record compare by the time of the event, then by arrival. So the result does not depend on which row
//! arrives first.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::item::{ErrorRecord, NewItem, Word};
use super::settle::finish;
use super::step::{Step, Total};
use super::tree::TreeRow;

/// Prefix of the error groups of unknown words. The name of the tree follows; it is empty for a pair's row.
const UNKNOWN: &str = "word:";

/// End of the range of texts that start with [`UNKNOWN`].
const UNKNOWN_END: &str = "word;";

/// Prefix of the error groups of webhooks that no mapping takes. The type follows; it is empty where none is said.
pub const UNKNOWN_WEBHOOK: &str = "webhook:";

/// End of the range of texts that start with [`UNKNOWN_WEBHOOK`].
pub(super) const UNKNOWN_WEBHOOK_END: &str = "webhook;";

/// Note of an error in a row that usher asked Ticketure for.
pub(super) const ASKED: &str = "usher asked Ticketure for this row";

/// Reason in the history of an error that a later row closes.
pub(super) const PUT_RIGHT: &str = "a later row of its record has a word that is known";

/// Names the error group of a word. `tree` is the mapping of the root that such rows belong to; `word` includes its
/// member.
pub fn unknown_word(tree: Option<&str>, word: &str) -> String {
    format!("{UNKNOWN}{}:{word}", tree.unwrap_or_default())
}

/// Returns whether the error log has this row already, since Ticketure may deliver a row again under another id. If
/// usher asked for the row, any row of the record counts, since the webhook usually sends it too.
pub(super) fn is_told_already(step: &Step<'_>, item: &NewItem) -> Result<bool, StoreError> {
    let Word::Unknown { error, asked } = &item.word else {
        return Ok(false);
    };
    if !is_of_word(error) {
        return Ok(false);
    }
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items JOIN payloads USING (id)
         WHERE state = 4 AND error_group = ?1 AND payload_type = ?2 AND key = ?3
         AND (?4 OR (note IS NULL AND payload = ?5))",
    )?;
    Ok(statement.exists((
        &error.group,
        &item.payload_type,
        &item.key,
        asked,
        &item.payload,
    ))?)
}

/// True if the error is one of a row. Payloads that are kept whole have other groups, and may have no key at all.
fn is_of_word(error: &ErrorRecord) -> bool {
    let group = error.group.as_deref();
    group.is_some_and(|group| group.starts_with(UNKNOWN))
}

/// Adds a dead item to the errors of its group. Closes the items that usher had asked for, and this item if a later row
/// has a known word.
pub(super) fn came(step: &Step<'_>, id: i64, error: &ErrorRecord) -> Result<(), StoreError> {
    if !is_of_word(error) {
        return Ok(());
    }
    step.any_grouped.set(Some(true));
    let mut statement = step.transaction.prepare_cached(
        "SELECT asked.id FROM items came JOIN items asked
         ON asked.error_group = came.error_group AND asked.payload_type = came.payload_type AND asked.key = came.key
         WHERE came.id = ?1 AND came.note IS NULL AND asked.state = 4 AND asked.note = ?2",
    )?;
    let asked = statement
        .query_map((id, ASKED), |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    for asked in asked {
        close(step, asked, "the row itself has come")?;
    }
    match is_put_right(step, id, error)? {
        true => close(step, id, PUT_RIGHT),
        false => Ok(()),
    }
}

/// Returns whether a later row of the item's record has a known word.
pub(super) fn is_put_right(
    step: &Step<'_>,
    id: i64,
    error: &ErrorRecord,
) -> Result<bool, StoreError> {
    let group = error.group.as_deref().unwrap_or_default();
    let tree = group
        .strip_prefix(UNKNOWN)
        .and_then(|rest| rest.split_once(':'));
    let Some((tree, _)) = tree else {
        return Ok(false);
    };
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items JOIN tree_rows ON tree = ?2 AND root = key AND tree_rows.payload_type = items.payload_type
         WHERE items.id = ?1 AND known_at IS NOT NULL
         AND (known_at > items.at OR (known_at = items.at AND arrived > items.id))",
    )?;
    Ok(statement.exists((id, tree))? || is_delivered_again(step, id, tree)?)
}

/// Returns whether a later delivery of the item's row has a known word.
fn is_delivered_again(step: &Step<'_>, id: i64, tree: &str) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT payload, row, arrived FROM items JOIN payloads USING (id)
         JOIN tree_rows ON root = key AND tree_rows.payload_type = items.payload_type
         WHERE items.id = ?1 AND (?2 = '' OR tree = ?2)",
    )?;
    let rows = statement.query_map((id, tree), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let rows = rows.collect::<Result<Vec<(String, String, i64)>, _>>()?;
    Ok(rows
        .into_iter()
        .any(|(payload, row, arrived)| is_later_delivery(&(payload, id), &(row, arrived))))
}

/// Returns whether `second` is a later delivery of the same row: by the row's time, the delivery's, or arrival.
fn is_later_delivery(first: &(String, i64), second: &(String, i64)) -> bool {
    let read = |(row, arrived): &(String, i64)| {
        let row: serde_json::Value = serde_json::from_str(row).ok()?;
        let moment =
            |member: &'static str| crate::clock::parse_ms(&crate::json::text_at(&row, &[member])?);
        let id = crate::json::text_at(&row, &["id"])?;
        Some((id, (moment("occurred_at"), moment("$at"), *arrived)))
    };
    match (read(first), read(second)) {
        (Some((id, before)), Some((other, after))) => id == other && before < after,
        _ => false,
    }
}

/// Closes the errors that a stored row of a tree settles, and stores its time if its word is known.
pub(super) fn kept(step: &Step<'_>, row: &TreeRow) -> Result<(), StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT at FROM items WHERE id = ?1 AND error_group IS NULL")?;
    let at: Option<Option<i64>> = statement
        .query_row([row.arrived], |row| row.get(0))
        .optional()?;
    if at.is_none() {
        return Ok(());
    }
    close_older_deliveries(step, row)?;
    let Some(at) = at.flatten() else {
        return Ok(());
    };
    step.execute(
        "UPDATE tree_rows SET known_at = ?5 WHERE tree = ?1 AND root = ?2 AND payload_type = ?3 AND id = ?4",
        (&row.tree, &row.root, &row.payload_type, &row.id, at),
    )?;
    put_right(step, row.arrived)
}

/// Closes the errors about older deliveries of this row.
fn close_older_deliveries(step: &Step<'_>, row: &TreeRow) -> Result<(), StoreError> {
    if !any(step)? {
        return Ok(());
    }
    let mut statement = step.transaction.prepare_cached(
        "SELECT items.id, payload FROM items JOIN payloads USING (id)
         WHERE state = 4 AND payload_type = ?1 AND key = ?2 AND error_group BETWEEN ?3 AND ?4",
    )?;
    let wrong = statement.query_map(
        (&row.payload_type, &row.root, UNKNOWN, UNKNOWN_END),
        |wrong| Ok((wrong.get(1)?, wrong.get(0)?)),
    )?;
    let wrong = wrong.collect::<Result<Vec<(String, i64)>, _>>()?;
    let known = (row.row.clone(), row.arrived);
    let older = wrong
        .into_iter()
        .filter(|wrong| is_later_delivery(wrong, &known));
    older
        .map(|(_, id)| id)
        .try_for_each(|id| close(step, id, PUT_RIGHT))
}

/// Closes the errors about older rows of the record, if this item's row has a known word.
pub(super) fn put_right(step: &Step<'_>, id: i64) -> Result<(), StoreError> {
    if !any(step)? {
        return Ok(());
    }
    let mut statement = step.transaction.prepare_cached(
        "SELECT wrong.id FROM items known JOIN items wrong
         ON wrong.payload_type = known.payload_type AND wrong.key = known.key AND wrong.error_group IS NOT NULL
         WHERE known.id = ?1 AND known.at IS NOT NULL AND known.mapping IS NOT NULL AND wrong.state = 4
         AND wrong.error_group BETWEEN ?2 AND ?3
         AND (wrong.at < known.at OR (wrong.at = known.at AND wrong.id < known.id))",
    )?;
    let wrong = statement
        .query_map((id, UNKNOWN, UNKNOWN_END), |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    wrong
        .into_iter()
        .try_for_each(|id| close(step, id, PUT_RIGHT))
}

/// Moves a dead item to the finished ones, with the reason in its history.
pub(super) fn close(step: &Step<'_>, id: i64, why: &str) -> Result<(), StoreError> {
    step.remember(id, "closed", why)?;
    // `finish` takes one from the count of waiting items, and a dead item was not counted.
    step.add(Total::Waiting, 1);
    finish(step, id)
}

/// Returns whether any item has an error group. Usually there is none, which spares the queries above.
fn any(step: &Step<'_>) -> Result<bool, StoreError> {
    if let Some(known) = step.any_grouped.get() {
        return Ok(known);
    }
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM items WHERE error_group IS NOT NULL")?;
    let any = statement.exists([])?;
    step.any_grouped.set(Some(any));
    Ok(any)
}
