//! Changes that were read from Salesforce: their items, their gates and how far the reading came, in one transaction.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::item::{Captured, GateNote, NewItem, SALESFORCE_CHANGED};
use super::step::Step;
use super::{enqueue, link, review};

/// Says how many items are new.
pub(super) fn capture(step: &Step<'_>, captured: &Captured) -> Result<usize, StoreError> {
    let mut new = 0;
    for item in &captured.items {
        if !waits_already(step, item)? {
            enqueue::insert(step, &in_its_lane(step, item)?)?;
            new += 1;
        }
    }
    for gate in &captured.gates {
        note_gate(step, gate)?;
    }
    for (mapping, source_id) in &captured.answered {
        review::close(step, mapping, source_id)?;
    }
    for (link, before) in &captured.seen {
        // A worker may have had the pair in hand meanwhile: then what it knows counts. An item that waits says what was
        // there before: it is told apart by what is known now.
        step.execute(
            "UPDATE links SET base = ?4 WHERE mapping = ?1 AND source_id = ?2 AND base = ?3
             AND NOT EXISTS (SELECT 1 FROM items WHERE payload_type = 'salesforce_changed'
                             AND key = links.destination_id AND mapping = ?1 AND state <> 4)",
            (&link.mapping, &link.source_id, before, &link.base),
        )?;
    }
    if let Some((name, value)) = &captured.cursor {
        step.execute(
            "INSERT INTO cursors (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )?;
    }
    Ok(new)
}

/// The newest item about this record says the same and nobody has it in hand.
fn waits_already(step: &Step<'_>, item: &NewItem) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT payload = ?3 FROM items JOIN payloads USING (id)
         WHERE payload_type = 'salesforce_changed' AND key = ?1 AND mapping = ?2 AND state IN (0, 2, 3, 4)
         ORDER BY id DESC LIMIT 1",
    )?;
    let same: Option<bool> = statement
        .query_row((&item.key, &item.mapping, &item.payload), |row| row.get(0))
        .optional()?;
    Ok(same.unwrap_or(false))
}

/// The link may have come since the change was read.
fn in_its_lane(step: &Step<'_>, item: &NewItem) -> Result<NewItem, StoreError> {
    debug_assert_eq!(item.payload_type, SALESFORCE_CHANGED);
    let mapping = item.mapping.clone().unwrap_or_default();
    let lane = link::lane_of(step, &mapping, &item.key)?;
    Ok(NewItem {
        lane: lane.unwrap_or_else(|| item.lane.clone()),
        ..item.clone()
    })
}

/// A record that is held is shown with its latest reason; one that went is not.
pub(super) fn note_gate(step: &Step<'_>, note: &GateNote) -> Result<(), StoreError> {
    match &note.held {
        Some((gate, reason)) => step.execute(
            "INSERT INTO gated (mapping, destination_id, gate, reason, since) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (mapping, destination_id) DO UPDATE SET gate = excluded.gate, reason = excluded.reason",
            (&note.mapping, &note.destination_id, gate, reason, step.now_ms),
        )?,
        None => step.execute(
            "DELETE FROM gated WHERE mapping = ?1 AND destination_id = ?2",
            (&note.mapping, &note.destination_id),
        )?,
    };
    Ok(())
}
