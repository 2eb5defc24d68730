//! What a worker says about its items, fenced by attempt.

use std::collections::HashSet;

use rusqlite::OptionalExtension;

use super::StoreError;
use super::item::{ErrorRecord, Outcome, Settled, Settlement};
use super::options::Breaks;
use super::step::{Step, Total};
use super::view::error_text;
use super::{aside, capture, intent, link, problem, review, stand_in, tree, words};

/// Links land before any item parks, so that nobody waits for what this very batch brings.
pub(super) fn settle(step: &Step<'_>, settlements: &[Settlement]) -> Result<Settled, StoreError> {
    let mut result = Settled::default();
    let mut current = Vec::with_capacity(settlements.len());
    let mut seen = HashSet::new();
    for settlement in settlements {
        let lane = match seen.insert(settlement.id) {
            true => current_lane(step, settlement)?,
            false => None,
        };
        match lane {
            Some(lane) => current.push((settlement, lane)),
            None => result.stale += 1,
        }
    }
    let mut finished = Vec::with_capacity(current.len());
    for (settlement, lane) in current {
        match land(step, settlement, &mut result)? {
            true => finished.push((settlement, lane)),
            false => result.conflicts += 1,
        }
    }
    for (settlement, lane) in finished {
        for key in &settlement.closes {
            intent::close(step, key)?;
        }
        if let Some(gate) = &settlement.gate {
            capture::note_gate(step, gate)?;
        }
        if let Some(review) = &settlement.review {
            review::add(step, review)?;
        }
        if let Some(problems) = &settlement.problems {
            problem::report(step, problems)?;
        }
        problem::put_right(step, &settlement.puts_right)?;
        result.woken += apply(step, settlement, &lane)?;
    }
    for settlement in settlements {
        tree::wake_by(step, &settlement.wakes)?;
    }
    Ok(result)
}

/// The lane of the item, when the settlement is that of its latest claim.
fn current_lane(step: &Step<'_>, settlement: &Settlement) -> Result<Option<String>, StoreError> {
    let fenced = "SELECT lane FROM items WHERE id = ?1 AND attempt = ?2 AND state = 1";
    let sql = match step.options.breaks {
        Some(Breaks::Fence) => "SELECT lane FROM items WHERE id = ?1 AND ?2 > 0",
        _ => fenced,
    };
    let mut statement = step.transaction.prepare_cached(sql)?;
    let lane = statement.query_row((settlement.id, settlement.attempt), |row| row.get(0));
    Ok(lane.optional()?)
}

/// Writes the link, if there is one; when its destination record is another's, the item is dead instead.
fn land(
    step: &Step<'_>,
    settlement: &Settlement,
    result: &mut Settled,
) -> Result<bool, StoreError> {
    // First, since another pair may take over its record.
    if let Some(tombstone) = &settlement.tombstone {
        result.woken += link::bury(step, tombstone)?;
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
            refuse(step, settlement.id, &error)?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Another batch may have linked the record meanwhile: the item is looked at anew, once.
fn refuse(step: &Step<'_>, id: i64, error: &StoreError) -> Result<(), StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT attempts = 0 FROM items WHERE id = ?1")?;
    match statement.query_row([id], |row| row.get(0))? {
        true => delay(step, id, step.now_ms, &error.to_string(), true),
        false => bury(step, id, &conflict(error)),
    }
}

fn conflict(error: &StoreError) -> ErrorRecord {
    ErrorRecord {
        code: "link_conflict".into(),
        message: error.to_string(),
        mapping_line: None,
        help: "Two source records claim one destination record: merge or separate them, then retry the item.".into(),
        group: None,
    }
}

/// Says how many items are ready again at once.
fn apply(step: &Step<'_>, settlement: &Settlement, lane: &str) -> Result<usize, StoreError> {
    let id = settlement.id;
    match &settlement.outcome {
        Outcome::Done => finish(step, id)?,
        Outcome::Ignored { reason } => {
            step.remember(id, "ignored", reason)?;
            finish(step, id)?;
        }
        Outcome::Park { key, reason } => return park(step, id, lane, key, reason),
        Outcome::Retry {
            due_ms,
            error,
            charge,
        } => return delay(step, id, *due_ms, error, *charge).map(|()| 0),
        Outcome::Dead { error } => bury(step, id, error)?,
    }
    aside::release(step, lane)
}

pub(super) fn finish(step: &Step<'_>, id: i64) -> Result<(), StoreError> {
    step.add(Total::Waiting, -1);
    leave(step, id)
}

/// Moves an item to the table of finished items.
pub(super) fn leave(step: &Step<'_>, id: i64) -> Result<(), StoreError> {
    words::put_right(step, id)?;
    step.execute(
        "INSERT INTO done (id, attempt, attempts, mapping, payload_type, lane, key, received_at, finished_at)
         SELECT id, attempt, attempts, mapping, payload_type, lane, key, received_at, ?2 FROM items WHERE id = ?1",
        (id, step.now_ms),
    )?;
    step.execute("DELETE FROM items WHERE id = ?1", [id])?;
    step.execute("DELETE FROM payloads WHERE id = ?1", [id])?;
    step.add(Total::Done, 1);
    Ok(())
}

/// One writer, one transaction: the link cannot land between the look and the parking.
fn park(
    step: &Step<'_>,
    id: i64,
    lane: &str,
    key: &str,
    reason: &str,
) -> Result<usize, StoreError> {
    let looks = step.options.breaks != Some(Breaks::Parking);
    if looks
        && (link::exists(step, key)?
            || stand_in::is_there(step, id, key)?
            || review::is_ignored(step, id, key)?)
    {
        step.execute("UPDATE items SET state = 0 WHERE id = ?1", [id])?;
        return Ok(1);
    }
    // After one item of the lane has waited the full time for this key, the next does not wait again.
    let waits_ms = if never_arrived(step, lane, key)? {
        0
    } else {
        step.options.keep.parked_ms
    };
    step.execute(
        "UPDATE items SET state = 2, wait_key = ?2, note = ?3, due = ?4 WHERE id = ?1",
        (id, key, reason, step.now_ms + waits_ms),
    )?;
    step.remember(id, "parked", &format!("{key}: {reason}"))?;
    problem::supersede(step, id, key)?;
    aside::let_pass(step, lane, key)?;
    Ok(0)
}

/// Returns whether an earlier item of the lane is dead because this key never arrived.
fn never_arrived(step: &Step<'_>, lane: &str, key: &str) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items WHERE wait_key = ?1 AND wait_key IS NOT NULL AND state = 4 AND lane = ?2",
    )?;
    Ok(statement.exists((key, lane))?)
}

/// What is due already is ready: it only makes room for another item of its lane.
fn delay(
    step: &Step<'_>,
    id: i64,
    due_ms: i64,
    error: &str,
    charge: bool,
) -> Result<(), StoreError> {
    if due_ms <= step.now_ms && !charge {
        step.execute(
            "UPDATE items SET state = 0, note = ?2 WHERE id = ?1",
            (id, error),
        )?;
        return Ok(());
    }
    let is_said = !charge && is_noted(step, id, error)?;
    step.execute(
        "UPDATE items SET state = 3, due = ?2, note = ?3, attempts = attempts + ?4 WHERE id = ?1",
        (id, due_ms, error, i64::from(charge)),
    )?;
    match is_said {
        true => Ok(()),
        false => step.remember(id, "delayed", error),
    }
}

/// Returns whether the item was delayed last with these words. A long standstill leaves one line in its history.
fn is_noted(step: &Step<'_>, id: i64, note: &str) -> Result<bool, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT note = ?2 FROM items WHERE id = ?1")?;
    let is_noted: Option<bool> = statement.query_row((id, note), |row| row.get(0))?;
    Ok(is_noted == Some(true))
}

pub(super) fn bury(step: &Step<'_>, id: i64, error: &ErrorRecord) -> Result<(), StoreError> {
    step.execute(
        "UPDATE items SET state = 4, error = ?2, error_group = ?3 WHERE id = ?1",
        (id, error_text(error), &error.group),
    )?;
    step.add(Total::Waiting, -1);
    step.remember(id, "dead", &format!("{}: {}", error.code, error.message))?;
    if error.group.is_some() {
        step.any_grouped.set(Some(true));
        if words::is_put_right(step, id, error)? {
            words::close(step, id, words::PUT_RIGHT)?;
        }
    }
    Ok(())
}
