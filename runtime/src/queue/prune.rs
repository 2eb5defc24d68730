//! What is old goes, a slice at a time, so that the writer is never busy with it for long.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::step::{Step, Total};
use super::words::{UNKNOWN_WEBHOOK, UNKNOWN_WEBHOOK_END};

/// Rows of each kind that one commit looks at.
const SLICE: i64 = 2_000;
/// The most payloads of unknown webhooks: some hundred megabytes, which nobody may ever read.
const UNKNOWN_MAX: i64 = 100_000;
/// Where the last look at the deliveries ended.
const CURSOR: &str = "prune_deliveries";

/// Says how many rows went; as long as there are some, there may be more.
pub(super) fn prune(step: &Step<'_>) -> Result<usize, StoreError> {
    let keep = &step.options.keep;
    let oldest = step.now_ms - keep.done_ms;
    Ok(events(step)? + done(step, oldest)? + deliveries(step, oldest)? + unknown(step, oldest)?)
}

/// Payloads of webhooks that no mapping takes go by age, and by number: first those of the type that has the most.
fn unknown(step: &Step<'_>, oldest: i64) -> Result<usize, StoreError> {
    let mut old = step.transaction.prepare_cached(
        "SELECT id FROM items WHERE error_group BETWEEN ?1 AND ?2 AND at < ?3 LIMIT ?4",
    )?;
    let of_age = (UNKNOWN_WEBHOOK, UNKNOWN_WEBHOOK_END, oldest, SLICE);
    let mut ids = old
        .query_map(of_age, |row| row.get::<_, i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() {
        ids = too_many(step)?;
    }
    for id in &ids {
        step.execute("DELETE FROM history WHERE item_id = ?1", [id])?;
        step.execute("DELETE FROM payloads WHERE id = ?1", [id])?;
        step.execute("DELETE FROM items WHERE id = ?1", [id])?;
    }
    step.add(Total::Expired, i64::try_from(ids.len()).unwrap_or(i64::MAX));
    Ok(ids.len())
}

/// The oldest payloads of the type that has the most, where there are too many of all types together.
fn too_many(step: &Step<'_>) -> Result<Vec<i64>, StoreError> {
    let mut counts = step.transaction.prepare_cached(
        "SELECT error_group, COUNT(*) FROM items WHERE error_group BETWEEN ?1 AND ?2
         GROUP BY error_group ORDER BY 2 DESC",
    )?;
    let counts = counts
        .query_map((UNKNOWN_WEBHOOK, UNKNOWN_WEBHOOK_END), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<Vec<(String, i64)>, _>>()?;
    let excess = counts.iter().map(|(_, count)| count).sum::<i64>() - UNKNOWN_MAX;
    let Some((group, _)) = counts.first().filter(|_| excess > 0) else {
        return Ok(Vec::new());
    };
    let mut oldest = step
        .transaction
        .prepare_cached("SELECT id FROM items WHERE error_group = ?1 ORDER BY at, id LIMIT ?2")?;
    let ids = oldest.query_map((group, excess.min(SLICE)), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// By age, and by size.
fn events(step: &Step<'_>) -> Result<usize, StoreError> {
    let keep = &step.options.keep;
    let mut excess =
        step.total(Total::EventBytes)? - i64::try_from(keep.events_bytes).unwrap_or(i64::MAX);
    let mut statement = step
        .transaction
        .prepare_cached("SELECT id, at, octet_length(payload) FROM events ORDER BY id LIMIT ?1")?;
    let mut rows = statement.query([SLICE])?;
    let mut last = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (at, size): (i64, i64) = (row.get(1)?, row.get(2)?);
        if at >= step.now_ms - keep.events_ms && excess <= 0 {
            break;
        }
        excess -= size;
        step.add(Total::EventBytes, -size);
        last = Some(row.get::<_, i64>(0)?);
        count += 1;
    }
    drop(rows);
    if let Some(last) = last {
        step.execute("DELETE FROM events WHERE id <= ?1", [last])?;
    }
    Ok(count)
}

/// Items are done in about the order in which they came: the oldest go first.
fn done(step: &Step<'_>, oldest: i64) -> Result<usize, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT id FROM (SELECT id, finished_at FROM done ORDER BY id LIMIT ?1) WHERE finished_at < ?2",
    )?;
    let ids = statement
        .query_map((SLICE, oldest), |row| row.get::<_, i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for id in &ids {
        step.execute("DELETE FROM history WHERE item_id = ?1", [id])?;
        step.execute("DELETE FROM done WHERE id = ?1", [id])?;
    }
    Ok(ids.len())
}

/// Walks round and round through what was delivered: no index of its own, and nothing to write while webhooks come in.
fn deliveries(step: &Step<'_>, oldest: i64) -> Result<usize, StoreError> {
    let first = cursor(step)?;
    let mut statement = step.transaction.prepare_cached(
        "SELECT max(dedupe) FROM (SELECT dedupe FROM deliveries WHERE dedupe > ?1 ORDER BY dedupe LIMIT ?2)",
    )?;
    let last: Option<String> = statement.query_row((&first, SLICE), |row| row.get(0))?;
    let gone = match &last {
        Some(last) => step.execute(
            "DELETE FROM deliveries WHERE dedupe > ?1 AND dedupe <= ?2 AND received_at < ?3",
            (&first, last, oldest),
        )?,
        None => 0,
    };
    let next = last.unwrap_or_default();
    if next != first {
        step.execute(
            "INSERT OR REPLACE INTO cursors (name, value) VALUES (?1, ?2)",
            (CURSOR, next),
        )?;
    }
    Ok(gone)
}

fn cursor(step: &Step<'_>) -> Result<String, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT value FROM cursors WHERE name = ?1")?;
    let kept = statement.query_row([CURSOR], |row| row.get(0)).optional()?;
    Ok(kept.unwrap_or_default())
}
