//! A lane that is held, with a long tail behind its holder: the tail is set aside, so that no claim walks over it again
//! and again. It comes back, in order, when the lane is free.

use std::collections::VecDeque;

use super::StoreError;
use super::step::Step;
use super::wake;

/// Items set aside in one commit.
const AT_ONCE: usize = 2_000;

/// Items that a claim passed, since their lane is held: the latest of them.
#[derive(Default)]
pub(super) struct Passed(VecDeque<(i64, String)>);

impl Passed {
    pub(super) fn note(&mut self, id: i64, lane: &str) {
        if self.0.len() == AT_ONCE {
            self.0.pop_front();
        }
        self.0.push_back((id, lane.to_owned()));
    }
}

/// Parks the latest on their lanes: those before them, which stay, are as many as a claim can walk over.
pub(super) fn set_aside(step: &Step<'_>, passed: &Passed) -> Result<(), StoreError> {
    for (id, lane) in &passed.0 {
        step.execute(
            "UPDATE items SET state = 2, wait_key = ?2, note = 'an earlier item of its lane waits' WHERE id = ?1 AND state = 0",
            (id, key(lane)),
        )?;
        step.execute("INSERT OR IGNORE INTO aside (lane) VALUES (?1)", [lane])?;
        step.any_aside.set(Some(true));
    }
    Ok(())
}

/// An item of the lane waits for `wanted`: whoever brings it goes before those that were set aside with it.
pub(super) fn let_pass(step: &Step<'_>, lane: &str, wanted: &str) -> Result<(), StoreError> {
    if any(step)? {
        step.execute(
            "UPDATE items SET state = 0, wait_key = NULL, note = NULL
             WHERE wait_key = ?1 AND mapping || ':' || key = ?2",
            (key(lane), wanted),
        )?;
    }
    Ok(())
}

/// Usually there is none.
fn any(step: &Step<'_>) -> Result<bool, StoreError> {
    if let Some(known) = step.any_aside.get() {
        return Ok(known);
    }
    let mut statement = step.transaction.prepare_cached("SELECT 1 FROM aside")?;
    let any = statement.exists([])?;
    step.any_aside.set(Some(any));
    Ok(any)
}

/// An item of the lane is done or dead: when nothing holds the lane any more, its tail comes back.
pub(super) fn release(step: &Step<'_>, lane: &str) -> Result<usize, StoreError> {
    if !any(step)? {
        return Ok(0);
    }
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM aside WHERE lane = ?1")?;
    if !statement.exists([lane])? {
        return Ok(0);
    }
    if is_held(step, lane)? {
        // What holds it may wait for something that was set aside behind another, which is done now.
        for wanted in waited_for(step, lane)? {
            let_pass(step, lane, &wanted)?;
        }
        return Ok(0);
    }
    step.execute("DELETE FROM aside WHERE lane = ?1", [lane])?;
    wake::wake(step, &key(lane))
}

/// Lanes with a tail, for the net that looks whether one was forgotten.
pub(super) fn lanes(step: &Step<'_>) -> Result<Vec<String>, StoreError> {
    let mut statement = step.transaction.prepare_cached("SELECT lane FROM aside")?;
    let lanes = statement.query_map([], |row| row.get(0))?;
    Ok(lanes.collect::<Result<_, _>>()?)
}

fn is_held(step: &Step<'_>, lane: &str) -> Result<bool, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT 1 FROM items WHERE state = 1 AND lane = ?1
         UNION ALL
         SELECT 1 FROM items WHERE state IN (2, 3) AND lane = ?1 AND (wait_key IS NULL OR wait_key <> ?2) LIMIT 1",
    )?;
    Ok(statement.exists((lane, key(lane)))?)
}

/// What the parked items of the lane wait for, but for its tail.
fn waited_for(step: &Step<'_>, lane: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT DISTINCT wait_key FROM items WHERE state = 2 AND lane = ?1 AND wait_key <> ?2",
    )?;
    let waited = statement.query_map((lane, key(lane)), |row| row.get(0))?;
    Ok(waited.collect::<Result<_, _>>()?)
}

/// What its tail waits for.
pub(super) fn key(lane: &str) -> String {
    format!("lane:{lane}")
}
