//! What a worker says about its items, fenced by attempt.

use std::collections::HashSet;

use super::StoreError;
use super::item::{ErrorRecord, Outcome, Settled, Settlement};
use super::step::Step;
use super::view::error_text;
use super::{capture, intent, link, mend};

/// Links land before any item parks, so that nobody waits for what this very batch brings.
pub(super) fn settle(step: &Step<'_>, settlements: &[Settlement]) -> Result<Settled, StoreError> {
    let mut result = Settled::default();
    let mut current = Vec::with_capacity(settlements.len());
    let mut seen = HashSet::new();
    for settlement in settlements {
        match seen.insert(settlement.id) && is_current(step, settlement)? {
            true => current.push(settlement),
            false => result.stale += 1,
        }
    }
    let mut finished = Vec::with_capacity(current.len());
    for settlement in current {
        match land(step, settlement, &mut result)? {
            true => finished.push(settlement),
            false => result.conflicts += 1,
        }
    }
    for settlement in finished {
        for key in &settlement.closes {
            intent::close(step, key)?;
        }
        if let Some(gate) = &settlement.gate {
            capture::note_gate(step, gate)?;
        }
        if let Some(review) = &settlement.review {
            mend::add_review(step, review)?;
        }
        result.woken += apply(step, settlement)?;
    }
    Ok(result)
}

fn is_current(step: &Step<'_>, settlement: &Settlement) -> Result<bool, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM items WHERE id = ?1 AND attempt = ?2 AND state = 1")?;
    Ok(statement.exists((settlement.id, settlement.attempt))?)
}

/// Writes the link, if there is one; when its destination record is another's, the item is dead instead.
fn land(
    step: &Step<'_>,
    settlement: &Settlement,
    result: &mut Settled,
) -> Result<bool, StoreError> {
    // First, since another pair may take over its record.
    if let Some(tombstone) = &settlement.tombstone {
        link::bury(step, tombstone)?;
    }
    let Some(link) = &settlement.link else {
        return Ok(true);
    };
    match link::put(step, link) {
        Ok(woken) => {
            result.woken += woken;
            Ok(true)
        }
        Err(error @ StoreError::LinkConflict { .. }) => {
            bury(step, settlement.id, &conflict(&error))?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn conflict(error: &StoreError) -> ErrorRecord {
    ErrorRecord {
        code: "link_conflict".into(),
        message: error.to_string(),
        mapping_line: None,
        help: "two source records claim one destination record: merge or separate them, then retry the item".into(),
    }
}

/// Says how many items are ready again at once.
fn apply(step: &Step<'_>, settlement: &Settlement) -> Result<usize, StoreError> {
    let id = settlement.id;
    match &settlement.outcome {
        Outcome::Done => finish(step, id)?,
        Outcome::Park { key, reason } => return park(step, id, key, reason),
        Outcome::Retry {
            due_ms,
            error,
            charge,
        } => delay(step, id, *due_ms, error, *charge)?,
        Outcome::Dead { error } => bury(step, id, error)?,
    }
    Ok(0)
}

fn finish(step: &Step<'_>, id: i64) -> Result<(), StoreError> {
    step.execute(
        "INSERT INTO done (id, attempt, attempts, mapping, payload_type, lane, key, received_at, finished_at)
         SELECT id, attempt, attempts, mapping, payload_type, lane, key, received_at, ?2 FROM items WHERE id = ?1",
        (id, step.now_ms),
    )?;
    step.execute("DELETE FROM items WHERE id = ?1", [id])?;
    step.count("done", 1)
}

/// One writer, one transaction: the link cannot land between the look and the parking.
fn park(step: &Step<'_>, id: i64, key: &str, reason: &str) -> Result<usize, StoreError> {
    if link::exists(step, key)? {
        step.execute("UPDATE items SET state = 0 WHERE id = ?1", [id])?;
        return Ok(1);
    }
    step.execute(
        "UPDATE items SET state = 2, wait_key = ?2, note = ?3 WHERE id = ?1",
        (id, key, reason),
    )?;
    step.remember(id, "parked", &format!("{key}: {reason}"))?;
    Ok(0)
}

fn delay(
    step: &Step<'_>,
    id: i64,
    due_ms: i64,
    error: &str,
    charge: bool,
) -> Result<(), StoreError> {
    step.execute(
        "UPDATE items SET state = 3, due = ?2, note = ?3, attempts = attempts + ?4 WHERE id = ?1",
        (id, due_ms, error, i64::from(charge)),
    )?;
    step.remember(id, "delayed", error)
}

fn bury(step: &Step<'_>, id: i64, error: &ErrorRecord) -> Result<(), StoreError> {
    step.execute(
        "UPDATE items SET state = 4, error = ?2 WHERE id = ?1",
        (id, error_text(error)),
    )?;
    step.remember(id, "dead", &format!("{}: {}", error.code, error.message))
}
