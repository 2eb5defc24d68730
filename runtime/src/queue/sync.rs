//! Reads about two-way sync: intents, decisions, gates, cursors, pauses and what was.

use rusqlite::{Connection, OptionalExtension, Row};

use super::StoreError;
use super::intent::side_of;
use super::item::{DecisionRecord, Gated, Intent, IntentKey, Pause, Repeat, Tombstone};
use super::view::json_list;
use crate::mapping::Side;

/// Open intents of these records, on both sides.
pub(super) fn intents(
    connection: &Connection,
    mapping: &str,
    keys: &[String],
) -> Result<Vec<Intent>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key, side, kind, fields, repeat, made_at FROM intents
         WHERE mapping = ?1 AND key IN (SELECT value FROM json_each(?2))",
    )?;
    let rows = statement.query_map((mapping, json_list(keys)), |row| {
        let side: String = row.get(1)?;
        let kind: String = row.get(2)?;
        let repeat: String = row.get(4)?;
        Ok(Intent {
            key: IntentKey {
                mapping: mapping.to_owned(),
                key: row.get(0)?,
                side: side_of(&side),
            },
            kind: if kind == "create" { "create" } else { "update" },
            fields: row.get(3)?,
            repeat: Repeat::from_name(&repeat),
            made_at_ms: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The latest first.
pub(super) fn decisions(
    connection: &Connection,
    mapping: &str,
    source_id: &str,
) -> Result<Vec<DecisionRecord>, StoreError> {
    decisions_where(
        connection,
        "WHERE mapping = ?1 AND source_id = ?2 ORDER BY id DESC LIMIT 200",
        (mapping, source_id),
    )
}

/// Everything that was overwritten, the oldest first.
pub(super) fn conflicts(connection: &Connection) -> Result<Vec<DecisionRecord>, StoreError> {
    decisions_where(
        connection,
        "WHERE loser IS NOT NULL OR why = 'came_late' ORDER BY id",
        (),
    )
}

fn decisions_where(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<DecisionRecord>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT at, mapping, source_id, field, winner, why, value, winner_at, loser, loser_at FROM decisions {condition}"
    ))?;
    let rows = statement.query_map(parameters, |row| {
        Ok(DecisionRecord {
            at_ms: row.get(0)?,
            mapping: row.get(1)?,
            source_id: row.get(2)?,
            field: row.get(3)?,
            winner: row.get(4)?,
            why: row.get(5)?,
            value: row.get(6)?,
            winner_at_ms: row.get(7)?,
            loser: row.get(8)?,
            loser_at_ms: row.get(9)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn gated(
    connection: &Connection,
    destination_id: Option<&str>,
) -> Result<Vec<Gated>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT mapping, destination_id, gate, reason, since FROM gated
         WHERE ?1 IS NULL OR destination_id = ?1 ORDER BY since LIMIT 1000",
    )?;
    let rows = statement.query_map([destination_id], |row| {
        Ok(Gated {
            mapping: row.get(0)?,
            destination_id: row.get(1)?,
            gate: row.get(2)?,
            reason: row.get(3)?,
            since_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn cursor(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM cursors WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn pauses(connection: &Connection) -> Result<Vec<Pause>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT direction, reason, since FROM pauses ORDER BY direction")?;
    let rows = statement.query_map([], |row| {
        Ok(Pause {
            direction: row.get(0)?,
            reason: row.get(1)?,
            since_ms: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The records that were deleted or merged, by their ids on that side.
pub(super) fn tombstones(
    connection: &Connection,
    mapping: &str,
    side: Side,
    ids: &[String],
) -> Result<Vec<Tombstone>, StoreError> {
    let column = match side {
        Side::Source => "source_id",
        Side::Destination => "destination_id",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT source_id, destination_id, side, deleted_at, merged_into FROM tombstones
         WHERE mapping = ?1 AND {column} IN (SELECT value FROM json_each(?2))"
    ))?;
    let rows = statement.query_map((mapping, json_list(ids)), |row| tombstone(mapping, row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads `source_id, destination_id, side, deleted_at, merged_into`.
pub(super) fn tombstone(mapping: &str, row: &Row<'_>) -> rusqlite::Result<Tombstone> {
    let side: String = row.get(2)?;
    Ok(Tombstone {
        mapping: mapping.to_owned(),
        source_id: row.get(0)?,
        destination_id: row.get(1)?,
        side: side_of(&side),
        deleted_at_ms: row.get(3)?,
        merged_into: row.get(4)?,
    })
}
