//! What people do: bring dead items back, and stop a direction or let it go on.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::heirs::MERGED;
use super::item::{SALESFORCE_CHANGED, TakeBack, Which};
use super::review::{LOOK_AGAIN, OF_SALESFORCE, ReviewDecision};
use super::step::{Step, Total};
use super::tree::TREE_AGAIN;
use super::view::json_list;

/// Makes dead items ready again, in their old place and with no attempts charged. A single item brings along all items
/// of its error group.
pub(super) fn retry(step: &Step<'_>, which: Which) -> Result<usize, StoreError> {
    let only = match which {
        Which::One(id) => Some(id),
        Which::All => None,
    };
    let group = match only {
        Some(id) => group_of(step, id)?,
        None => None,
    };
    step.execute(
        "INSERT INTO history (item_id, at, what, detail)
         SELECT id, ?3, 'retried', 'by hand' FROM items
         WHERE state = 4 AND (?1 IS NULL OR id = ?1 OR error_group = ?2)",
        (only, &group, step.now_ms),
    )?;
    // A payload that did not fit is routed anew: its schema may have been corrected since, or the mapping's `when`.
    let back = step.execute(
        "UPDATE items SET state = 0, attempts = 0, due = NULL, wait_key = NULL, note = NULL, error = NULL,
                          error_group = NULL,
                          mapping = iif(cause IS NULL AND error ->> '$.code' = 'does_not_fit'
                                        AND payload_type NOT IN (?3, ?4, ?5, ?6), NULL, mapping)
         WHERE state = 4 AND (?1 IS NULL OR id = ?1 OR error_group = ?2)",
        (
            only,
            &group,
            SALESFORCE_CHANGED,
            LOOK_AGAIN,
            TREE_AGAIN,
            MERGED,
        ),
    )?;
    step.add(Total::Waiting, i64::try_from(back).unwrap_or(i64::MAX));
    Ok(back)
}

/// Takes items out of the error log that failed for a reason that is not their own. They wait until they are due.
pub(super) fn take_back(step: &Step<'_>, back: &TakeBack) -> Result<usize, StoreError> {
    let parameters = (
        &back.mapping,
        json_list(&back.keys),
        &back.code,
        back.due_ms,
        &back.note,
        step.now_ms,
        i64::try_from(back.latest).unwrap_or(i64::MAX),
        back.since_ms,
    );
    let failed = "state = 4 AND mapping = ?1 AND json_extract(error, '$.code') = ?3";
    let which = format!(
        "{failed} AND (key IN (SELECT value FROM json_each(?2))
                       OR id IN (SELECT id FROM items WHERE {failed} AND received_at >= ?8 ORDER BY id DESC LIMIT ?7))"
    );
    step.execute(
        &format!(
            "INSERT INTO history (item_id, at, what, detail)
             SELECT id, ?6, 'delayed', ?5 FROM items WHERE {which} AND ?4 IS NOT NULL"
        ),
        parameters.clone(),
    )?;
    let taken = step.execute(
        &format!(
            "UPDATE items SET state = 3, due = ?4, note = ?5, wait_key = NULL, error = NULL, error_group = NULL
             WHERE {which} AND ?6 IS NOT NULL"
        ),
        parameters,
    )?;
    step.add(Total::Waiting, i64::try_from(taken).unwrap_or(i64::MAX));
    Ok(taken)
}

/// Makes delayed items due whose notes begin so.
pub(super) fn go_on(step: &Step<'_>, beginning: &str) -> Result<usize, StoreError> {
    step.execute(
        "UPDATE items SET due = ?2 WHERE state = 3 AND due > ?2 AND substr(note, 1, length(?1)) = ?1",
        (beginning, step.now_ms),
    )
}

/// Reads the error group of an item.
fn group_of(step: &Step<'_>, id: i64) -> Result<Option<String>, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT error_group FROM items WHERE id = ?1")?;
    let group = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(group.flatten())
}

/// What failed of a record that a person has decided about goes through again.
pub(super) fn retry_of(step: &Step<'_>, decision: &ReviewDecision) -> Result<usize, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT id FROM items WHERE state = 4 AND mapping = ?1 AND key = ?2")?;
    let id = &decision.source_id;
    let key = id.strip_prefix(OF_SALESFORCE).unwrap_or(id);
    let ids = statement
        .query_map((&decision.mapping, key), |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    ids.into_iter().map(|id| retry(step, Which::One(id))).sum()
}

/// A direction stands still, or goes on.
pub(super) fn pause(
    step: &Step<'_>,
    direction: &str,
    reason: Option<&str>,
) -> Result<usize, StoreError> {
    match reason {
        Some(reason) => step.execute(
            "INSERT INTO pauses (direction, reason, since) VALUES (?1, ?2, ?3)
             ON CONFLICT (direction) DO UPDATE SET reason = excluded.reason",
            (direction, reason, step.now_ms),
        ),
        None => step.execute("DELETE FROM pauses WHERE direction = ?1", [direction]),
    }
}
