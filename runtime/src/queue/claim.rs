//! The oldest ready items, with each lane's order held.
//!
//! The ready items are walked by sequence, once, and each lane that turns up is looked at once. (A search for each
//! lane's head is some twenty-five times slower once half the backlog is one lane.)

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Row};

use super::StoreError;
use super::item::Item;
use super::options::Breaks;
use super::step::Step;
use super::{aside, due, wake};

/// Items that a claim walks over, at most, beside those that it takes.
const WALK_MAX: usize = 10_000;

/// Claims up to `limit` items that are ready at `now_ms`.
pub(super) fn claim(step: &Step<'_>, limit: usize, now_ms: i64) -> Result<Vec<Item>, StoreError> {
    due::come_due(step, now_ms)?;
    wake::go_on(step)?;
    let mut lanes = Lanes::load(step)?;
    let chosen = choose(step, &mut lanes, limit)?;
    start(step, &chosen)
}

/// What is known of the lanes that were met.
struct Lanes<'s> {
    step: &'s Step<'s>,
    /// An item of the lane is in flight.
    running: HashSet<String>,
    /// Values that calls in flight have for themselves: locks, and the records themselves.
    locks: HashSet<String>,
    /// Some item somewhere is delayed or parked.
    any_waiting: bool,
    /// The first delayed or parked item of each lane that was met.
    waiting: HashMap<String, Option<Holder>>,
}

/// An item that holds those behind it.
struct Holder {
    id: i64,
    waits_for: Option<String>,
}

/// Whether an item may go.
#[derive(PartialEq, Eq)]
enum May {
    Go,
    /// Something in its lane comes first.
    Wait,
    /// Another call has its lock.
    Later,
}

impl<'s> Lanes<'s> {
    fn load(step: &'s Step<'s>) -> Result<Self, StoreError> {
        let running = texts(step, "SELECT DISTINCT lane FROM items WHERE state = 1")?;
        let locks = match running.is_empty() {
            true => HashSet::new(),
            false => locks_in_flight(step)?,
        };
        let mut statement = step
            .transaction
            .prepare_cached("SELECT 1 FROM items WHERE state IN (2, 3)")?;
        Ok(Lanes {
            step,
            running,
            locks,
            any_waiting: statement.exists([])?,
            waiting: HashMap::new(),
        })
    }

    fn may(&mut self, id: i64, lane: &str) -> Result<May, StoreError> {
        if self.step.options.breaks == Some(Breaks::Order) {
            return Ok(May::Go);
        }
        if self.running.contains(lane) {
            return Ok(May::Wait);
        }
        if self.any_waiting && !self.waiting.contains_key(lane) {
            let holder = holder(self.step, lane)?;
            self.waiting.insert(lane.to_owned(), holder);
        }
        if let Some(Some(holder)) = self.waiting.get(lane)
            && holder.id < id
            && !self.brings(id, lane, holder)?
        {
            return Ok(May::Wait);
        }
        match !self.locks.is_empty() && self.is_locked(id)? {
            true => Ok(May::Later),
            false => Ok(May::Go),
        }
    }

    /// Does the item bring what the holder, and whoever else waits before it, waits for? Then it goes first.
    fn brings(&self, id: i64, lane: &str, holder: &Holder) -> Result<bool, StoreError> {
        let Some(key) = &holder.waits_for else {
            return Ok(false);
        };
        let mut statement = self
            .step
            .transaction
            .prepare_cached("SELECT mapping || ':' || key = ?2 FROM items WHERE id = ?1")?;
        let brings: Option<bool> = statement.query_row((id, key), |row| row.get(0))?;
        if brings != Some(true) {
            return Ok(false);
        }
        let mut statement = self.step.transaction.prepare_cached(
            "SELECT 1 FROM items WHERE lane = ?2 AND state IN (2, 3) AND id < ?1
             AND (wait_key IS NULL OR wait_key NOT IN (?3, ?4))",
        )?;
        Ok(!statement.exists((id, lane, key, aside::key(lane)))?)
    }

    fn is_locked(&self, id: i64) -> Result<bool, StoreError> {
        let mut statement = self
            .step
            .transaction
            .prepare_cached(&of_items("items.id = ?1"))?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            for column in 0..2 {
                let value = row.get_ref(column)?.as_str().unwrap_or_default();
                if self.locks.contains(value) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The lock and the record of the links of items, whichever side they came from; each half has its own index.
fn of_items(which: &str) -> String {
    format!(
        "SELECT links.lock, links.destination_id FROM items CROSS JOIN links
         ON links.mapping = items.mapping AND links.source_id = items.key
         WHERE {which} AND items.payload_type <> 'salesforce_changed'
         UNION ALL
         SELECT links.lock, links.destination_id FROM items CROSS JOIN links
         ON links.mapping = items.mapping AND links.destination_id = items.key
         WHERE {which} AND items.payload_type = 'salesforce_changed'"
    )
}

/// Salesforce locks the parent of a record that it writes, and the record.
fn locks_in_flight(step: &Step<'_>) -> Result<HashSet<String>, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached(&of_items("items.state = 1"))?;
    let mut rows = statement.query([])?;
    let mut locks = HashSet::new();
    while let Some(row) = rows.next()? {
        locks.insert(row.get(0)?);
        locks.insert(row.get(1)?);
    }
    locks.remove("");
    Ok(locks)
}

fn holder(step: &Step<'_>, lane: &str) -> Result<Option<Holder>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT id, CASE state WHEN 2 THEN wait_key END FROM items
         WHERE lane = ?1 AND state IN (2, 3) ORDER BY id LIMIT 1",
    )?;
    let holder = statement.query_row([lane], |row| {
        Ok(Holder {
            id: row.get(0)?,
            waits_for: row.get(1)?,
        })
    });
    Ok(holder.optional()?)
}

fn choose(step: &Step<'_>, lanes: &mut Lanes<'_>, limit: usize) -> Result<Vec<i64>, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT id, lane, attempts FROM items WHERE state = 0 ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut chosen = Vec::new();
    let mut passed = aside::Passed::default();
    // Lanes whose next item has to wait for another call's lock, or another batch: those behind it wait as well.
    let mut later: HashSet<String> = HashSet::new();
    // What has failed, and whatever is behind it in its lane, is tried in batches of its own: it may fail others' calls,
    // or keep them waiting.
    let mut failing: HashSet<String> = HashSet::new();
    let mut of_failing = None;
    let mut at_end = false;
    for _ in 0..limit.saturating_add(WALK_MAX) {
        if chosen.len() == limit {
            break;
        }
        let Some(row) = rows.next()? else {
            at_end = true;
            break;
        };
        let id = row.get(0)?;
        let lane = row.get_ref(1)?.as_str().unwrap_or_default();
        if later.contains(lane) {
            continue;
        }
        let failed = row.get::<_, u32>(2)? > 0;
        match lanes.may(id, lane)? {
            May::Go => {
                if failed && !failing.contains(lane) {
                    failing.insert(lane.to_owned());
                }
                let is_of_failing = failing.contains(lane);
                match *of_failing.get_or_insert(is_of_failing) == is_of_failing {
                    true => chosen.push(id),
                    false => _ = later.insert(lane.to_owned()),
                }
            }
            May::Wait => passed.note(id, lane),
            May::Later => _ = later.insert(lane.to_owned()),
        }
    }
    drop(rows);
    // Whoever is behind them was not reached.
    if !at_end && chosen.len() < limit {
        aside::set_aside(step, &passed)?;
    }
    Ok(chosen)
}

fn texts(step: &Step<'_>, sql: &str) -> Result<HashSet<String>, StoreError> {
    let mut statement = step.transaction.prepare_cached(sql)?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Two plain statements: one that returns what it writes goes through a table and a journal of its own.
fn start(step: &Step<'_>, chosen: &[i64]) -> Result<Vec<Item>, StoreError> {
    let mut update = step
        .transaction
        .prepare_cached("UPDATE items SET state = 1, attempt = attempt + 1 WHERE id = ?1")?;
    let mut read = step.transaction.prepare_cached(
        "SELECT id, attempt, mapping, payload_type, lane, key,
                (SELECT payload FROM payloads WHERE payloads.id = items.id), attempts, received_at
         FROM items WHERE id = ?1",
    )?;
    let mut items = Vec::with_capacity(chosen.len());
    for id in chosen {
        update.execute([id])?;
        items.push(read.query_row([id], item)?);
    }
    Ok(items)
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
