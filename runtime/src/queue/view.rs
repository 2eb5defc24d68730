//! Reads, all on connections that cannot write.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};

use super::item::{ErrorRecord, Event, FailedItem, HistoryLine, ItemView, Link, Pause, State};
use super::{StoreError, sync, words};

pub(super) fn links(
    connection: &Connection,
    mapping: &str,
    ids: &[String],
) -> Result<HashMap<String, Link>, StoreError> {
    let found = links_where(connection, "source_id", mapping, ids)?;
    Ok(found
        .into_iter()
        .map(|link| (link.source_id.clone(), link))
        .collect())
}

pub(super) fn links_by_destination(
    connection: &Connection,
    mapping: &str,
    ids: &[String],
) -> Result<HashMap<String, Link>, StoreError> {
    let found = links_where(connection, "destination_id", mapping, ids)?;
    Ok(found
        .into_iter()
        .map(|link| (link.destination_id.clone(), link))
        .collect())
}

/// The pairs that a record of either side is in, by any mapping.
pub(super) fn links_of(connection: &Connection, id: &str) -> Result<Vec<Link>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT mapping, source_id, destination_id, base, lock, lane FROM links
         WHERE source_id = ?1 OR destination_id = ?1 ORDER BY mapping",
    )?;
    let rows = statement.query_map([id], link)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn links_where(
    connection: &Connection,
    column: &str,
    mapping: &str,
    ids: &[String],
) -> Result<Vec<Link>, StoreError> {
    let sql = format!(
        "SELECT mapping, source_id, destination_id, base, lock, lane FROM links
         WHERE mapping = ?1 AND {column} IN (SELECT value FROM json_each(?2))"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((mapping, json_list(ids)), link)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn link(row: &Row<'_>) -> rusqlite::Result<Link> {
    Ok(Link {
        mapping: row.get(0)?,
        source_id: row.get(1)?,
        destination_id: row.get(2)?,
        base: row.get(3)?,
        lock: row.get(4)?,
        lane: row.get(5)?,
    })
}

/// The error log, newest first. Items with one cause are one line, which shows the latest of them. An item that usher
/// asked for is shown only if Ticketure has sent no other.
pub(super) fn errors(connection: &Connection, limit: i64) -> Result<Vec<FailedItem>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, mapping, payload_type, key, attempts, received_at, error, 1 FROM items
         WHERE state = 4 AND error_group IS NULL
         UNION ALL
         SELECT id, mapping, payload_type, key, attempts, received_at, error, count FROM (
           SELECT *, count(*) OVER (PARTITION BY error_group) count,
                  row_number() OVER (PARTITION BY error_group ORDER BY coalesce(note, '') = ?2, at DESC, error DESC, id DESC) place
           FROM items WHERE state = 4 AND error_group IS NOT NULL
         ) WHERE place = 1
         ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map((limit, words::ASKED), |row| {
        Ok(FailedItem {
            id: row.get(0)?,
            mapping: row.get(1)?,
            payload_type: row.get(2)?,
            key: row.get(3)?,
            attempts: row.get(4)?,
            received_at_ms: row.get(5)?,
            error: error_record(row.get(6)?).unwrap_or_default(),
            waits_until_ms: None,
            count: row.get::<_, i64>(7)?.unsigned_abs(),
        })
    })?;
    let mut failed: Vec<FailedItem> = sync::pauses(connection)?.into_iter().map(paused).collect();
    for row in rows {
        failed.push(row?);
    }
    Ok(failed)
}

/// A direction that stands still is no item's fault; it is first in the error log all the same.
fn paused(pause: Pause) -> FailedItem {
    FailedItem {
        id: 0,
        mapping: None,
        payload_type: pause.direction,
        key: String::new(),
        attempts: 0,
        received_at_ms: pause.since_ms,
        waits_until_ms: None,
        error: ErrorRecord {
            code: "STANDS_STILL".to_owned(),
            message: pause.reason,
            mapping_line: None,
            help: "Mend what it says, if it is yours to mend; it is tried again and goes on by itself. Nothing is lost meanwhile.".to_owned(),
            group: None,
        },
        count: 1,
    }
}

/// Newest first.
pub(super) fn events(connection: &Connection, limit: i64) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, item_id, payload_type, dedupe, payload FROM events ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], |row| {
        Ok(Event {
            id: row.get(0)?,
            at_ms: row.get(1)?,
            item_id: row.get(2)?,
            payload_type: row.get(3)?,
            dedupe: row.get(4)?,
            payload: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn item(connection: &Connection, id: i64) -> Result<Option<ItemView>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, state, attempt, attempts, mapping, payload_type, lane, key,
                (SELECT payload FROM payloads WHERE payloads.id = ?1), received_at, due, wait_key, note, error, NULL, cause
         FROM items WHERE id = ?1
         UNION ALL
         SELECT id, 5, attempt, attempts, mapping, payload_type, lane, key,
                (SELECT payload FROM events WHERE item_id = ?1),
                received_at, NULL, NULL, NULL, NULL, finished_at, NULL
         FROM done WHERE id = ?1",
    )?;
    let Some(mut view) = statement.query_row([id], item_view).optional()? else {
        return Ok(None);
    };
    view.history = history(connection, id)?;
    Ok(Some(view))
}

/// The items with these keys that are not done.
pub(super) fn open_items(
    connection: &Connection,
    keys: &[String],
) -> Result<Vec<ItemView>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM items WHERE key IN (SELECT value FROM json_each(?1)) ORDER BY id",
    )?;
    let ids = statement.query_map([json_list(keys)], |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    let views = ids.into_iter().map(|id| item(connection, id));
    let views: Vec<Option<ItemView>> = views.collect::<Result<_, _>>()?;
    Ok(views.into_iter().flatten().collect())
}

fn item_view(row: &Row<'_>) -> rusqlite::Result<ItemView> {
    Ok(ItemView {
        id: row.get(0)?,
        state: State::from_number(row.get(1)?),
        attempt: row.get(2)?,
        attempts: row.get(3)?,
        mapping: row.get(4)?,
        payload_type: row.get(5)?,
        lane: row.get(6)?,
        key: row.get(7)?,
        payload: row.get(8)?,
        received_at_ms: row.get(9)?,
        due_ms: row.get(10)?,
        wait_key: row.get(11)?,
        note: row.get(12)?,
        error: error_record(row.get(13)?),
        finished_at_ms: row.get(14)?,
        cause: row.get(15)?,
        history: Vec::new(),
    })
}

fn history(connection: &Connection, id: i64) -> Result<Vec<HistoryLine>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT at, what, detail FROM history WHERE item_id = ?1 ORDER BY rowid")?;
    let rows = statement.query_map([id], |row| {
        Ok(HistoryLine {
            at_ms: row.get(0)?,
            what: row.get(1)?,
            detail: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT iif(EXISTS (SELECT 1 FROM landed), 0,
                    (SELECT MIN(due) FROM items WHERE state IN (2, 3) AND due IS NOT NULL))",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

pub(super) fn json_list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

pub(super) fn error_text(error: &ErrorRecord) -> String {
    serde_json::json!(error).to_string()
}

pub(super) fn error_record(text: Option<String>) -> Option<ErrorRecord> {
    serde_json::from_str(&text?).ok()
}
