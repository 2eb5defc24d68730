//! The net under the wake: what waits for something that is there goes on, should it ever have been forgotten. And
//! trees that are to be asked for at some time are.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::step::Step;
use super::{aside, link, stand_in, tree, wake};

/// Keys that one sweep looks at; the next one goes on behind them.
const KEYS_MAX: usize = 1_000;
/// Where the last sweep ended.
const CURSOR: &str = "sweep";

/// What was deleted or merged is remembered so long: a year of season tickets, and some weeks.
const TOMBSTONES_MS: i64 = 400 * 24 * 3_600_000;

/// Says how many items it woke. Forgets what was deleted long ago.
pub(super) fn sweep(step: &Step<'_>) -> Result<usize, StoreError> {
    step.execute(
        "DELETE FROM tombstones WHERE at < ?1",
        [step.now_ms - TOMBSTONES_MS],
    )?;
    let mut woken = 0;
    for lane in aside::lanes(step)? {
        woken += aside::release(step, &lane)?;
    }
    woken += tree::ask_due(step)?;
    let mut key = last(step)?;
    for _ in 0..KEYS_MAX {
        let Some(next) = next_key(step, &key)? else {
            key.clear();
            break;
        };
        if link::exists(step, &next)? || stand_in::is_missed(step, &next)? {
            woken += wake::wake(step, &next)?;
        }
        key = next;
    }
    step.execute(
        "INSERT OR REPLACE INTO cursors (name, value) VALUES (?1, ?2)",
        (CURSOR, key),
    )?;
    Ok(woken)
}

fn last(step: &Step<'_>) -> Result<String, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT value FROM cursors WHERE name = ?1")?;
    let last = statement.query_row([CURSOR], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or_default())
}

fn next_key(step: &Step<'_>, after: &str) -> Result<Option<String>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT min(wait_key) FROM items WHERE wait_key IS NOT NULL AND wait_key > ?1",
    )?;
    Ok(statement.query_row([after], |row| row.get(0))?)
}
