//! What people and slow checks do: bring dead items back, note what needs a decision, sweep.

use super::StoreError;
use super::item::{Review, Which};
use super::step::Step;
use super::{link, view};

/// Dead items become ready again, in their old place, with a clean slate of attempts.
pub(super) fn retry(step: &Step<'_>, which: Which) -> Result<usize, StoreError> {
    let only = match which {
        Which::One(id) => Some(id),
        Which::All => None,
    };
    step.execute(
        "INSERT INTO history (item_id, at, what, detail)
         SELECT id, ?2, 'retried', 'by hand' FROM items WHERE state = 4 AND (?1 IS NULL OR id = ?1)",
        (only, step.now_ms),
    )?;
    step.execute(
        "UPDATE items SET state = 0, attempts = 0, due = NULL, wait_key = NULL, note = NULL, error = NULL
         WHERE state = 4 AND (?1 IS NULL OR id = ?1)",
        [only],
    )
}

/// One open question a source record: a later one replaces it.
pub(super) fn add_review(step: &Step<'_>, review: &Review) -> Result<usize, StoreError> {
    step.execute(
        "INSERT OR REPLACE INTO reviews (mapping, source_id, candidates, reason) VALUES (?1, ?2, ?3, ?4)",
        (
            &review.mapping,
            &review.source_id,
            view::json_list(&review.candidates),
            &review.reason,
        ),
    )
}

/// A direction stands still, or goes on.
pub(super) fn pause(
    step: &Step<'_>,
    direction: &str,
    reason: Option<&str>,
) -> Result<usize, StoreError> {
    match reason {
        Some(reason) => step.execute(
            "INSERT INTO pauses (direction, reason, since) VALUES (?1, ?2, ?3)
             ON CONFLICT (direction) DO UPDATE SET reason = excluded.reason",
            (direction, reason, step.now_ms),
        ),
        None => step.execute("DELETE FROM pauses WHERE direction = ?1", [direction]),
    }
}

/// What was deleted or merged is remembered so long: a year of season tickets, and some weeks.
const TOMBSTONES_MS: i64 = 400 * 24 * 3_600_000;

/// The net under the wake: wakes whoever waits for a link that is there. Forgets what was deleted long ago.
pub(super) fn sweep(step: &Step<'_>) -> Result<usize, StoreError> {
    step.execute(
        "DELETE FROM tombstones WHERE at < ?1",
        [step.now_ms - TOMBSTONES_MS],
    )?;
    let mut woken = 0;
    for key in waited_for(step)? {
        if link::exists(step, &key)? {
            woken += link::wake(step, &key)?;
        }
    }
    Ok(woken)
}

fn waited_for(step: &Step<'_>) -> Result<Vec<String>, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT DISTINCT wait_key FROM items WHERE state = 2")?;
    let keys = statement.query_map([], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}
