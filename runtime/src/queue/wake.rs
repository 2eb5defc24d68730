//! Parked items and what they wait for: the commit of a link wakes its waiters, in order, so many a commit.

use super::StoreError;
use super::step::{Step, Total};

/// Items that one commit wakes, at most: a parent with fifty thousand children must not hold up the writer.
pub(super) const WAKES_MAX: usize = 2_000;

/// A link is there, or a lane is free: whoever waits for it is ready. They keep their sequence number, so they go in the
/// order in which they arrived. What is too much for this commit follows in the next ones. Says how many woke.
pub(super) fn wake(step: &Step<'_>, key: &str) -> Result<usize, StoreError> {
    let left = step.wakes_left.get();
    let ids = waiters(step, key, left)?;
    for (id, dead) in &ids {
        step.execute(
            "UPDATE items SET state = 0, wait_key = NULL, note = NULL, error = NULL, due = NULL WHERE id = ?1",
            [id],
        )?;
        // That an item was set aside behind its lane is no story of its own.
        if !key.starts_with("lane:") {
            step.remember(*id, "woken", key)?;
        }
        if *dead {
            step.add(Total::Waiting, 1);
        }
    }
    step.wakes_left.set(left - ids.len());
    if ids.len() == left {
        step.execute("INSERT OR IGNORE INTO landed (key) VALUES (?1)", [key])?;
    }
    Ok(ids.len())
}

/// Whoever waits for one of these is ready, though no link came.
pub(super) fn wake_all(step: &Step<'_>, keys: &[String]) -> Result<usize, StoreError> {
    keys.iter().map(|key| wake(step, key)).sum()
}

/// Goes on with those that earlier commits had no room for.
pub(super) fn go_on(step: &Step<'_>) -> Result<usize, StoreError> {
    let mut woken = 0;
    while step.wakes_left.get() > 0
        && let Some(key) = next_landed(step)?
    {
        step.execute("DELETE FROM landed WHERE key = ?1", [&key])?;
        woken += wake(step, &key)?;
    }
    Ok(woken)
}

fn next_landed(step: &Step<'_>) -> Result<Option<String>, StoreError> {
    use rusqlite::OptionalExtension;
    let mut statement = step
        .transaction
        .prepare_cached("SELECT key FROM landed ORDER BY key LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

/// The first that wait for it, and whether they are dead by now because it did not come.
fn waiters(step: &Step<'_>, key: &str, limit: usize) -> Result<Vec<(i64, bool)>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT id, state = 4 FROM items WHERE wait_key = ?1 AND wait_key IS NOT NULL ORDER BY id",
    )?;
    let rows = statement.query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.take(limit).collect::<Result<_, _>>()?)
}
