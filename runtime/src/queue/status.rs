//! The state of the queue in numbers.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::item::Pause;
use super::{StoreError, sync};

/// The queue in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    pub ready: u64,
    pub running: u64,
    pub delayed: u64,
    pub parked: u64,
    /// Count of dead items. The error log may have fewer lines, since items with one cause share one.
    pub dead: u64,
    /// Since the file was made.
    pub done: u64,
    pub duplicates: u64,
    /// Payloads of types that `ignore_webhooks` lists, since the file was made.
    pub ignored: u64,
    /// Payloads of unknown webhooks that were dropped unread, since the file was made.
    pub expired: u64,
    /// Requests with the right secret that were no JSON, since the file was made.
    pub refused: u64,
    /// How long the oldest item that is neither done nor dead has been here.
    pub oldest_age_ms: Option<i64>,
    /// Records of Salesforce's that may not go back as they are.
    pub incomplete: u64,
    pub unmonitored: u64,
    /// Linked records with edits that are held, by mapping and reason, most first.
    pub held_edits: Vec<HeldEdits>,
    /// Writes whose outcome is not known yet.
    pub open_intents: u64,
    pub pauses: Vec<Pause>,
    /// Keys that parked items wait for, with their counts, largest first, at most 100. Problems have no key.
    pub parked_by_key: Vec<(String, u64)>,
    /// Count of waiting problems. `parked` includes them.
    pub problems: u64,
    /// Messages of the waiting problems, oldest first, at most 100.
    pub problem_notes: Vec<String>,
}

/// Count of linked records whose edits one reason holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldEdits {
    pub mapping: String,
    pub reason: String,
    pub records: u64,
}

pub(super) fn status(connection: &Connection, now_ms: i64) -> Result<Status, StoreError> {
    let states = counts(
        connection,
        // One small index a state: the rows themselves are never read.
        "SELECT '0', COUNT(*) FROM items WHERE state = 0
         UNION ALL SELECT '1', COUNT(*) FROM items WHERE state = 1
         UNION ALL SELECT '2', COUNT(*) FROM items WHERE state = 2
         UNION ALL SELECT '3', COUNT(*) FROM items WHERE state = 3
         UNION ALL SELECT '4', COUNT(*) FROM items WHERE state = 4",
    )?;
    let gates = counts(connection, "SELECT gate, COUNT(*) FROM gated GROUP BY gate")?;
    let intents = counts(connection, "SELECT 'open', COUNT(*) FROM intents")?;
    let totals = counts(connection, "SELECT name, value FROM counters")?;
    let of = |pairs: &[(String, u64)], name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map_or(0, |(_, count)| *count)
    };
    Ok(Status {
        ready: of(&states, "0"),
        running: of(&states, "1"),
        parked: of(&states, "2"),
        delayed: of(&states, "3"),
        dead: of(&states, "4"),
        done: of(&totals, "done"),
        duplicates: of(&totals, "duplicates"),
        ignored: of(&totals, "ignored"),
        expired: of(&totals, "expired"),
        refused: of(&totals, "refused"),
        oldest_age_ms: oldest(connection)?.map(|at_ms| (now_ms - at_ms).max(0)),
        incomplete: of(&gates, "incomplete"),
        unmonitored: of(&gates, "unmonitored"),
        held_edits: held_edits(connection)?,
        open_intents: of(&intents, "open"),
        pauses: sync::pauses(connection)?,
        parked_by_key: counts(
            connection,
            "SELECT wait_key, COUNT(*) FROM items WHERE state = 2 AND cause IS NULL
             GROUP BY wait_key ORDER BY COUNT(*) DESC, wait_key LIMIT 100",
        )?,
        problems: counts(
            connection,
            "SELECT 'problems', COUNT(*) FROM items WHERE state = 2 AND cause IS NOT NULL",
        )?
        .first()
        .map_or(0, |(_, count)| *count),
        problem_notes: problem_notes(connection)?,
    })
}

/// Edits of linked records that lack what is required. A record that was never linked has no edits that are held.
fn held_edits(connection: &Connection) -> Result<Vec<HeldEdits>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT gated.mapping, reason, COUNT(*) FROM gated
         JOIN links ON links.mapping = gated.mapping AND links.destination_id = gated.destination_id
         WHERE gate = 'incomplete' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(HeldEdits {
            mapping: row.get(0)?,
            reason: row.get(1)?,
            records: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn problem_notes(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT note FROM items WHERE state = 2 AND cause IS NOT NULL AND note IS NOT NULL
         ORDER BY id LIMIT 100",
    )?;
    let notes = statement.query_map([], |row| row.get(0))?;
    Ok(notes.collect::<Result<_, _>>()?)
}

fn oldest(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT received_at FROM items WHERE state <> 4 ORDER BY id LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

fn counts(connection: &Connection, sql: &str) -> Result<Vec<(String, u64)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
