//! Which source record is which destination record; a link that lands wakes whoever waits for it.

use rusqlite::OptionalExtension;

use super::StoreError;
use super::item::{Link, Tombstone};
use super::step::Step;
use super::{heirs, review, stand_in, wake};

/// All of them, or none when one destination record is another's. Says how many items woke.
pub(super) fn put_all(step: &Step<'_>, links: &[Link]) -> Result<usize, StoreError> {
    if all_kept(step, links)? {
        // None of them takes over a record, so nothing will have to be taken back: that costs a copy of every page.
        return links.iter().map(|link| put(step, link)).sum();
    }
    step.execute("SAVEPOINT links", [])?;
    let mut woken = 0;
    for link in links {
        match put(step, link) {
            Ok(more) => woken += more,
            Err(error) => {
                step.execute("ROLLBACK TO links", [])?;
                step.execute("RELEASE links", [])?;
                return Err(error);
            }
        }
    }
    step.execute("RELEASE links", [])?;
    Ok(woken)
}

/// Writes one link and wakes its waiters; writes nothing when the destination record is another's.
pub(super) fn put(step: &Step<'_>, link: &Link) -> Result<usize, StoreError> {
    let kept = kept(step, link)?;
    if let Some((destination_id, lane)) = &kept
        && *destination_id == link.destination_id
    {
        refresh(step, link)?;
        if !link.lane.is_empty() && *lane != link.lane {
            share_lane(step, link)?;
        }
        answer(step, link)?;
        // Nobody waits for a pair that is known already.
        return Ok(0);
    }
    if is_anothers(step, link)? {
        return Err(StoreError::LinkConflict {
            mapping: link.mapping.clone(),
            source_id: link.source_id.clone(),
            destination_id: link.destination_id.clone(),
        });
    }
    match kept {
        Some(_) => change(step, link)?,
        None => insert(step, link)?,
    };
    if !link.lane.is_empty() {
        share_lane(step, link)?;
    }
    answer(step, link)?;
    let mut woken = stand_in::wake(step, &link.mapping, &link.source_id)?;
    let of_record = format!("{}:sf:{}", link.mapping, link.destination_id);
    woken += wake::wake(step, &of_record)?;
    Ok(woken + heirs::inherit(step, &link.mapping, &link.source_id, &link.destination_id)?)
}

/// What a person was asked about the pair has its answer; what is asked now is noted after the link.
fn answer(step: &Step<'_>, link: &Link) -> Result<(), StoreError> {
    review::close(step, &link.mapping, &link.source_id)?;
    let of_record = format!("sf:{}", link.destination_id);
    review::close(step, &link.mapping, &of_record)
}

/// The destination record and the lane of the source record's pair, as it is kept.
fn kept(step: &Step<'_>, link: &Link) -> Result<Option<(String, String)>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT destination_id, lane FROM links WHERE mapping = ?1 AND source_id = ?2",
    )?;
    let kept = statement.query_row((&link.mapping, &link.source_id), |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(kept.optional()?)
}

/// Are all of them kept with the destination record that they name?
fn all_kept(step: &Step<'_>, links: &[Link]) -> Result<bool, StoreError> {
    for link in links {
        let kept = kept(step, link)?;
        if kept.is_none_or(|(destination_id, _)| destination_id != link.destination_id) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Has some pair the destination record? Call it when the link's own has another or none.
fn is_anothers(step: &Step<'_>, link: &Link) -> Result<bool, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM links WHERE mapping = ?1 AND destination_id = ?2")?;
    Ok(statement.exists((&link.mapping, &link.destination_id))?)
}

/// From now on the pair has one lane.
fn share_lane(step: &Step<'_>, link: &Link) -> Result<usize, StoreError> {
    step.execute(
        "UPDATE items SET lane = ?1, state = iif(wait_key LIKE 'lane:%', 0, state),
                          wait_key = iif(wait_key LIKE 'lane:%', NULL, wait_key)
         WHERE payload_type = 'salesforce_changed' AND key = ?2 AND mapping = ?3 AND lane <> ?1",
        (&link.lane, &link.destination_id, &link.mapping),
    )
}

/// The same pair, as it is now. What is not named needs no look at its index.
fn refresh(step: &Step<'_>, link: &Link) -> Result<usize, StoreError> {
    step.execute(
        "UPDATE links SET base = iif(?3 = '{}', base, ?3), lock = ?4, lane = CASE ?5 WHEN '' THEN lane ELSE ?5 END
         WHERE mapping = ?1 AND source_id = ?2",
        (
            &link.mapping,
            &link.source_id,
            &link.base,
            &link.lock,
            &link.lane,
        ),
    )
}

/// The source record has another destination record now.
fn change(step: &Step<'_>, link: &Link) -> Result<usize, StoreError> {
    step.execute(
        "UPDATE links SET destination_id = ?3, base = ?4, lock = ?5, lane = CASE ?6 WHEN '' THEN lane ELSE ?6 END
         WHERE mapping = ?1 AND source_id = ?2",
        columns(link),
    )
}

fn insert(step: &Step<'_>, link: &Link) -> Result<usize, StoreError> {
    step.execute(
        "INSERT INTO links (mapping, source_id, destination_id, base, lock, lane) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        columns(link),
    )
}

type Columns<'l> = (&'l str, &'l str, &'l str, &'l str, &'l str, &'l str);

fn columns(link: &Link) -> Columns<'_> {
    (
        &link.mapping,
        &link.source_id,
        &link.destination_id,
        &link.base,
        &link.lock,
        &link.lane,
    )
}

fn lane_of_record(
    step: &Step<'_>,
    mapping: &str,
    destination_id: &str,
) -> Result<Option<String>, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT lane FROM links WHERE mapping = ?1 AND destination_id = ?2")?;
    let lane = statement.query_row((mapping, destination_id), |row| row.get(0));
    Ok(lane.optional()?)
}

/// The lane of the pair that this destination record is of.
pub(super) fn lane_of(
    step: &Step<'_>,
    mapping: &str,
    destination_id: &str,
) -> Result<Option<String>, StoreError> {
    let lane = lane_of_record(step, mapping, destination_id)?;
    Ok(lane.filter(|lane| !lane.is_empty()))
}

/// The pair is no more; what was is kept. Says how many items woke.
pub(super) fn bury(step: &Step<'_>, tombstone: &Tombstone) -> Result<usize, StoreError> {
    step.execute(
        "DELETE FROM links WHERE mapping = ?1 AND source_id = ?2",
        (&tombstone.mapping, &tombstone.source_id),
    )?;
    step.execute(
        "INSERT OR REPLACE INTO tombstones
         (mapping, source_id, destination_id, side, deleted_at, merged_into, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            &tombstone.mapping,
            &tombstone.source_id,
            &tombstone.destination_id,
            super::intent::side_name(tombstone.side),
            tombstone.deleted_at_ms,
            &tombstone.merged_into,
            step.now_ms,
        ),
    )?;
    // Whether it is somebody twice is no question any more.
    review::close(
        step,
        &tombstone.mapping,
        &format!("{}:double", tombstone.source_id),
    )?;
    heirs::disinherit(step, tombstone)?;
    let key = format!("{}:{}", tombstone.mapping, tombstone.source_id);
    // What waited for a record that was merged may have its survivor.
    match tombstone.merged_into.is_some() && exists(step, &key)? {
        true => stand_in::wake(step, &tombstone.mapping, &tombstone.source_id),
        false => Ok(0),
    }
}

/// Is there a link for `<mapping>:<source_id>`, or for the record that it was merged into; or for `<mapping>:sf:<id>`,
/// a record of Salesforce's?
pub(super) fn exists(step: &Step<'_>, key: &str) -> Result<bool, StoreError> {
    let Some((mapping, source_id)) = key.split_once(':') else {
        return Ok(false);
    };
    if let Some(record) = source_id.strip_prefix("sf:") {
        return Ok(lane_of_record(step, mapping, record)?.is_some());
    }
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM links WHERE mapping = ?1 AND source_id = ?2")?;
    if statement.exists((mapping, source_id))? {
        return Ok(true);
    }
    let heir = heirs::of(step.transaction, mapping, source_id)?;
    Ok(heir.is_some_and(|heir| heir.destination_id.is_some()))
}
