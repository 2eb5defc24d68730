//! The oldest ready items, with each lane's order held.

use std::collections::{HashMap, HashSet};

use rusqlite::Row;

use super::StoreError;
use super::item::Item;
use super::step::Step;

/// Reads the held lanes once, then walks the ready items by sequence: one pass, however hot a lane is.
/// (A search for each lane's head is some twenty-five times slower once half the backlog is one lane.)
pub(super) fn claim(step: &Step<'_>, limit: usize, now_ms: i64) -> Result<Vec<Item>, StoreError> {
    step.execute(
        "UPDATE items SET state = 0, due = NULL WHERE state = 3 AND due <= ?1",
        [now_ms],
    )?;
    let held = HeldLanes::load(step)?;
    let chosen = choose(step, &held, limit)?;
    chosen.into_iter().map(|id| start(step, id)).collect()
}

/// Lanes in which something must come first.
#[derive(Default)]
struct HeldLanes {
    /// An item is in flight.
    running: HashSet<String>,
    /// Up to which sequence the lane is free: its first delayed or parked item.
    waiting: HashMap<String, i64>,
}

impl HeldLanes {
    fn load(step: &Step<'_>) -> Result<HeldLanes, StoreError> {
        let mut held = HeldLanes::default();
        let mut statement = step
            .transaction
            .prepare_cached("SELECT DISTINCT lane FROM items WHERE state = 1")?;
        for lane in statement.query_map([], |row| row.get(0))? {
            held.running.insert(lane?);
        }
        let mut statement = step.transaction.prepare_cached(
            "SELECT lane, id FROM items WHERE state = 2 UNION ALL SELECT lane, id FROM items WHERE state = 3",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get(1)?;
            let first = held.waiting.entry(row.get(0)?).or_insert(id);
            *first = id.min(*first);
        }
        Ok(held)
    }

    fn holds(&self, lane: &str, id: i64) -> bool {
        self.running.contains(lane) || self.waiting.get(lane).is_some_and(|first| *first < id)
    }
}

fn choose(step: &Step<'_>, held: &HeldLanes, limit: usize) -> Result<Vec<i64>, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT id, lane FROM items WHERE state = 0 ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut chosen = Vec::new();
    while chosen.len() < limit
        && let Some(row) = rows.next()?
    {
        let id = row.get(0)?;
        let lane = row.get_ref(1)?.as_str().unwrap_or_default();
        if !held.holds(lane, id) {
            chosen.push(id);
        }
    }
    Ok(chosen)
}

fn start(step: &Step<'_>, id: i64) -> Result<Item, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "UPDATE items SET state = 1, attempt = attempt + 1 WHERE id = ?1
         RETURNING id, attempt, mapping, payload_type, lane, key, payload, attempts, received_at",
    )?;
    Ok(statement.query_row([id], item)?)
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: row.get(0)?,
        attempt: row.get(1)?,
        mapping: row.get(2)?,
        payload_type: row.get(3)?,
        lane: row.get(4)?,
        key: row.get(5)?,
        payload: row.get(6)?,
        attempts: row.get(7)?,
        received_at_ms: row.get(8)?,
    })
}
