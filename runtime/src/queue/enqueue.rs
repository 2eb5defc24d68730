//! New items in, each delivery once.

use super::StoreError;
use super::item::{Enqueued, ErrorRecord, NewItem, State, Word};
use super::step::{Step, Total};
use super::{settle, words};

/// All of them or, when the queue is full, none.
pub(super) fn enqueue(step: &Step<'_>, items: &[NewItem]) -> Result<Enqueued, StoreError> {
    refuse_when_full(step, items.len())?;
    add(step, items)
}

/// The same of what follows from items that are there already: a full queue takes that, or it would never be emptied.
pub(super) fn add(step: &Step<'_>, items: &[NewItem]) -> Result<Enqueued, StoreError> {
    let mut result = Enqueued::default();
    for item in items {
        if item.word == Word::Ignored {
            result.ignored += 1;
            continue;
        }
        let is_new = is_new(step, item)?;
        let id = match is_new && !words::is_told_already(step, item)? {
            true => Some(insert(step, item)?),
            false => None,
        };
        if step.options.event_log {
            log_event(step, item, id)?;
        }
        match id {
            Some(id) => result.accepted.push(id),
            None => result.duplicates += 1,
        }
    }
    step.add(Total::Duplicates, number(result.duplicates));
    step.add(Total::Ignored, number(result.ignored));
    Ok(result)
}

fn refuse_when_full(step: &Step<'_>, more: usize) -> Result<(), StoreError> {
    let waiting = step.total(Total::Waiting)?.max(0).unsigned_abs();
    let limit = step.options.queue_limit;
    match waiting.saturating_add(more as u64) > limit {
        true => Err(StoreError::QueueFull { waiting, limit }),
        false => Ok(()),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn is_new(step: &Step<'_>, item: &NewItem) -> Result<bool, StoreError> {
    let Some(dedupe) = &item.dedupe else {
        return Ok(true);
    };
    let inserted = step.execute(
        "INSERT OR IGNORE INTO deliveries (dedupe, received_at) VALUES (?1, ?2)",
        (dedupe, step.now_ms),
    )?;
    Ok(inserted == 1)
}

pub(super) fn insert(step: &Step<'_>, item: &NewItem) -> Result<i64, StoreError> {
    let error = why_dead(item);
    let state = match error {
        Some(_) => State::Dead,
        None if item.due_ms.is_some() => State::Delayed,
        None => State::Ready,
    };
    let group = error.as_ref().and_then(|error| error.group.as_deref());
    let counts = matches!(item.word, Word::Known | Word::Unknown { .. });
    let asked = matches!(item.word, Word::Unknown { asked: true, .. });
    step.execute(
        "INSERT INTO items (state, mapping, payload_type, lane, key, received_at, error, due, error_group, at, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        (
            state as i64,
            &item.mapping,
            &item.payload_type,
            &item.lane,
            &item.key,
            step.now_ms,
            error.as_ref().map(super::view::error_text),
            item.due_ms,
            group,
            counts.then(|| item.at_ms.unwrap_or(step.now_ms)),
            asked.then_some(words::ASKED),
        ),
    )?;
    let id = step.transaction.last_insert_rowid();
    step.execute(
        "INSERT INTO payloads (id, payload) VALUES (?1, ?2)",
        (id, &item.payload),
    )?;
    match error {
        Some(error) => {
            step.remember(id, "dead", &error.message)?;
            words::came(step, id, &error)?;
        }
        None => step.add(Total::Waiting, 1),
    }
    if item.word == Word::Known {
        // Closes older errors now, since the item may wait long behind others of its lane.
        words::put_right(step, id)?;
    }
    if item.word == Word::Nothing {
        let mapping = item.mapping.as_deref().unwrap_or_default();
        let why = item.reason.clone();
        let why = why.unwrap_or_else(|| format!("its word is nothing to {mapping}"));
        step.remember(id, "ignored", &why)?;
        settle::finish(step, id)?;
    }
    Ok(id)
}

/// What cannot be processed is kept all the same, and shown.
fn why_dead(item: &NewItem) -> Option<ErrorRecord> {
    match &item.word {
        Word::Unknown { error, .. } => return Some(error.clone()),
        Word::Nothing => return None,
        Word::Unasked | Word::Known | Word::Ignored => {}
    }
    let (code, help) = match (&item.mapping, &item.reason) {
        (None, _) => (
            "unknown",
            "Add a mapping for this payload, then retry the item.",
        ),
        (Some(_), Some(_)) => (
            "does_not_fit",
            "Compare the payload with its schema and correct either, then retry the item.",
        ),
        (Some(_), None) => return None,
    };
    let message = item
        .reason
        .clone()
        .unwrap_or_else(|| format!("no mapping takes the payload type {:?}", item.payload_type));
    Some(ErrorRecord {
        code: code.into(),
        message,
        mapping_line: None,
        help: help.into(),
        group: None,
    })
}

fn log_event(step: &Step<'_>, item: &NewItem, id: Option<i64>) -> Result<(), StoreError> {
    step.add(Total::EventBytes, number(item.payload.len()));
    step.execute(
        "INSERT INTO events (at, item_id, payload_type, dedupe, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            step.now_ms,
            id,
            &item.payload_type,
            &item.dedupe,
            &item.payload,
        ),
    )?;
    Ok(())
}
