//! What people do: bring dead items back, note what needs a decision.

use super::StoreError;
use super::item::{Review, Which};
use super::step::{Step, Total};
use super::view;

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
    let back = step.execute(
        "UPDATE items SET state = 0, attempts = 0, due = NULL, wait_key = NULL, note = NULL, error = NULL
         WHERE state = 4 AND (?1 IS NULL OR id = ?1)",
        [only],
    )?;
    step.add(Total::Waiting, i64::try_from(back).unwrap_or(i64::MAX));
    Ok(back)
}

/// Usually there is none.
pub(super) fn any_reviews(step: &Step<'_>) -> Result<bool, StoreError> {
    if let Some(known) = step.any_reviews.get() {
        return Ok(known);
    }
    let mut statement = step.transaction.prepare_cached("SELECT 1 FROM reviews")?;
    let any = statement.exists([])?;
    step.any_reviews.set(Some(any));
    Ok(any)
}

/// One open question a source record: a later one replaces it.
pub(super) fn add_review(step: &Step<'_>, review: &Review) -> Result<usize, StoreError> {
    step.any_reviews.set(Some(true));
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
