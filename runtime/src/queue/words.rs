//! Rows with a word that no mapping knows: in the error log one line a word, and put right by a later row of the same
//! record that has a known one.
//!
//! Two rows of a record are compared by when their deliveries say that they happened, and by arrival where both say the
//! same. So an error that is put right is closed whichever row arrives first.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::item::{ErrorRecord, NewItem, Word};
use super::settle::finish;
use super::step::{Step, Total};
use super::tree::TreeRow;

/// Begins the groups of such errors; the tree whose root the row says follows, where it is one.
const UNKNOWN: &str = "word:";

/// The end of the range that [`UNKNOWN`] begins.
const UNKNOWN_END: &str = "word;";

/// The note of an error that usher came upon by asking Ticketure.
pub(super) const ASKED: &str = "usher asked Ticketure for this row";

/// Why an error is closed without a person.
pub(super) const PUT_RIGHT: &str = "a later row of its record has a word that is known";

/// Names the error log's line of a word: the tree whose root such rows speak of, and the word with where it stands.
pub fn unknown_word(tree: Option<&str>, word: &str) -> String {
    format!("{UNKNOWN}{}:{word}", tree.unwrap_or_default())
}

/// Says whether the log has this very row already: Ticketure may deliver it once more under another id. Of what usher is
/// told when it asks one row is enough, since the webhook tells of it too, unless it was lost.
pub(super) fn is_told_already(step: &Step<'_>, item: &NewItem) -> Result<bool, StoreError> {
    let Word::Unknown { error, asked } = &item.word else {
        return Ok(false);
    };
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

/// An item came in with an error: where it shares a line of the log, it may be put right already, or say more than what
/// usher was told when it asked.
pub(super) fn came(step: &Step<'_>, id: i64, error: &ErrorRecord) -> Result<(), StoreError> {
    if error.group.is_none() {
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

/// Says whether the error of this item is put right: a row of its record that happened later has a word that is known.
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

/// Says whether the very row of this item was delivered again later, with a word that is known.
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

/// Says whether the second is the same row as the first, delivered later: by when it says that it happened, else by when
/// its delivery does, else by arrival.
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

/// Closes the errors that rows of a tree put right, and notes which of the rows have a known word.
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

/// This row has a word that is known: errors about older deliveries of it are closed.
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

/// An item is done: where its row has a known word, errors about older rows of its record are closed.
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

/// The error is none any more.
pub(super) fn close(step: &Step<'_>, id: i64, why: &str) -> Result<(), StoreError> {
    step.remember(id, "closed", why)?;
    // What is done was waiting before; what is dead was not.
    step.add(Total::Waiting, 1);
    finish(step, id)
}

/// Usually there is none.
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
