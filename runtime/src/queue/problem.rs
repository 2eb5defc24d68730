//! Problems of trees and pairs. Each is an item, parked or dead, whose cause identifies it within its tree. A worker
//! reports all problems of a tree; the store opens, changes and closes their items.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::item::{Extent, Failed, FailedItem, NewItem, Problem, ProblemStage, Problems, State};
use super::review::LOOK_AGAIN;
use super::settle::leave;
use super::step::{Step, Total};
use super::tree::TREE_AGAIN;
use super::view::{error_record, error_text, json_list};
use super::{Store, StoreError, view};

/// The item of an open problem.
struct Open {
    id: i64,
    state: State,
    error: Option<String>,
    /// True if the item brings its tree to no worker: the error log has it, or it waits for what settles the problem.
    is_idle: bool,
}

impl Store {
    /// The dead items, newest first.
    pub async fn errors(&self, limit: u32) -> Result<Vec<FailedItem>, StoreError> {
        self.read(move |connection| view::errors(connection, limit.into()))
            .await
    }

    /// Waiting problems, newest first. The error log does not have them yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn waiting_problems(&self, limit: u32) -> Result<Vec<FailedItem>, StoreError> {
        self.read(move |connection| waiting(connection, limit))
            .await
    }
}

impl Store {
    /// The dead items and problems of these records of a mapping. A key is the record's id on either side.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn failed_of(
        &self,
        mapping: &str,
        keys: Vec<String>,
    ) -> Result<Vec<Failed>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| failed_of(connection, &mapping, &keys))
            .await
    }
}

fn failed_of(
    connection: &Connection,
    mapping: &str,
    keys: &[String],
) -> Result<Vec<Failed>, StoreError> {
    // Usually no item has failed, so thousands of keys are not searched for.
    let mut any = connection
        .prepare_cached("SELECT 1 FROM items WHERE state = 4 AND mapping = ?1 LIMIT 1")?;
    if !any.exists([mapping])? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT id, key, payload_type, (SELECT payload FROM payloads WHERE payloads.id = items.id), received_at, cause
         FROM items WHERE state = 4 AND mapping = ?1 AND key IN (SELECT value FROM json_each(?2)) ORDER BY id",
    )?;
    let rows = statement.query_map((mapping, json_list(keys)), |row| {
        Ok(Failed {
            id: row.get(0)?,
            key: row.get(1)?,
            payload_type: row.get(2)?,
            payload: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            received_at_ms: row.get(4)?,
            cause: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn waiting(connection: &Connection, limit: u32) -> Result<Vec<FailedItem>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, mapping, payload_type, key, attempts, received_at, error, due FROM items
         WHERE state = 2 AND cause IS NOT NULL ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([limit], |row| {
        Ok(FailedItem {
            id: row.get(0)?,
            mapping: row.get(1)?,
            payload_type: row.get(2)?,
            key: row.get(3)?,
            attempts: row.get(4)?,
            received_at_ms: row.get(5)?,
            error: error_record(row.get(6)?).unwrap_or_default(),
            waits_until_ms: row.get(7)?,
            count: 1,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Opens new problems, changes the known ones, and closes those that the report's extent covers and leaves out.
pub(super) fn report(step: &Step<'_>, problems: &Problems) -> Result<(), StoreError> {
    let mut open = open(step, &problems.mapping, &problems.key)?;
    for problem in &problems.all {
        match open.remove(&problem.cause) {
            Some(known) => change(step, &known, problem)?,
            None if matches!(problems.extent, Extent::Waiting(_)) => {}
            None => add(step, problems, problem)?,
        }
    }
    match &problems.extent {
        Extent::Whole => {
            open.values().try_for_each(|known| close(step, known))?;
            close_never_arrived(step, problems)
        }
        Extent::Partial(checked) => {
            let mut right = among(&open, checked);
            right.try_for_each(|known| close(step, known))?;
            close_waiting(step, problems)
        }
        // An operator may have retried a problem, so that the tree waits by that item alone.
        Extent::Waiting(checked) => {
            let mut right = among(&open, checked).filter(|known| known.is_idle);
            right.try_for_each(|known| close(step, known))
        }
        Extent::PutRight(causes) => {
            let right = causes.iter().filter_map(|cause| open.get(cause));
            right.into_iter().try_for_each(|known| close(step, known))
        }
    }
}

/// The open problems whose causes begin with one of these texts.
fn among<'o>(
    open: &'o BTreeMap<String, Open>,
    starts: &'o [String],
) -> impl Iterator<Item = &'o Open> {
    let is_one = |cause: &str| starts.iter().any(|start| cause.starts_with(start));
    let open = open.iter().filter(move |(cause, _)| is_one(cause));
    open.map(|(_, known)| known)
}

/// Closes items that wait for the root itself. The reported problem explains why the root is missing, and the rows of
/// these items are stored.
fn close_waiting(step: &Step<'_>, problems: &Problems) -> Result<(), StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT id, state FROM items WHERE state IN (2, 4) AND mapping = ?1 AND key = ?2
         AND cause IS NULL AND wait_key = ?1 || ':' || ?2",
    )?;
    let waiting = statement.query_map((&problems.mapping, &problems.key), |row| {
        Ok((row.get(0)?, State::from_number(row.get(1)?)))
    })?;
    let waiting: Vec<(i64, State)> = waiting.collect::<Result<_, _>>()?;
    for (id, state) in waiting {
        if state == State::Parked {
            step.add(Total::Waiting, -1);
        }
        step.remember(id, "closed", "what it waits for is in the error log")?;
        leave(step, id)?;
    }
    Ok(())
}

/// Closes dead items that waited too long for a record. The complete report shows that the tree waits for nothing now.
fn close_never_arrived(step: &Step<'_>, problems: &Problems) -> Result<(), StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT id FROM items WHERE state = 4 AND mapping = ?1 AND key = ?2 AND cause IS NULL AND wait_key IS NOT NULL",
    )?;
    let ids = statement.query_map((&problems.mapping, &problems.key), |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    put_right(step, &ids)
}

/// Closes these items of the error log. An item that the operator has retried meanwhile is left alone.
pub(super) fn put_right(step: &Step<'_>, ids: &[i64]) -> Result<(), StoreError> {
    for id in ids {
        let mut statement = step
            .transaction
            .prepare_cached("SELECT 1 FROM items WHERE id = ?1 AND state = 4")?;
        if statement.exists([id])? {
            step.remember(*id, "closed", "a later item put it right")?;
            leave(step, *id)?;
        }
    }
    Ok(())
}

/// Closes older dead items of the tree that waited for the same key, as a single line is enough. Their rows are stored.
pub(super) fn supersede(step: &Step<'_>, id: i64, key: &str) -> Result<(), StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT dead.id FROM items AS own JOIN items AS dead ON dead.mapping = own.mapping AND dead.key = own.key
         WHERE own.id = ?1 AND dead.state = 4 AND dead.wait_key = ?2 AND dead.cause IS NULL
           AND EXISTS (SELECT 1 FROM tree_rows WHERE tree = own.mapping AND root = own.key)",
    )?;
    let ids = statement.query_map((id, key), |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    for id in ids {
        step.remember(id, "closed", "a later item waits for the same")?;
        leave(step, id)?;
    }
    Ok(())
}

/// An open problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenProblem {
    /// The id of the problem's item.
    pub item: i64,
    /// The source id of the tree's root.
    pub key: String,
    pub cause: String,
}

/// The open problems of these trees.
pub(super) fn of_trees(
    connection: &Connection,
    mapping: &str,
    keys: &[String],
) -> Result<Vec<OpenProblem>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, key, cause FROM items
         WHERE mapping = ?1 AND key IN (SELECT value FROM json_each(?2)) AND cause IS NOT NULL",
    )?;
    let rows = statement.query_map((mapping, json_list(keys)), |row| {
        Ok(OpenProblem {
            item: row.get(0)?,
            key: row.get(1)?,
            cause: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns whether the item is a problem.
pub(super) fn is_one(step: &Step<'_>, id: i64) -> Result<bool, StoreError> {
    let mut statement = step
        .transaction
        .prepare_cached("SELECT 1 FROM items WHERE id = ?1 AND cause IS NOT NULL")?;
    Ok(statement.exists([id])?)
}

/// Moves a problem to the error log, since its waiting time is over.
pub(super) fn fail(step: &Step<'_>, id: i64) -> Result<(), StoreError> {
    step.execute(
        "UPDATE items SET state = 4, due = NULL, wait_key = NULL WHERE id = ?1",
        [id],
    )?;
    step.add(Total::Waiting, -1);
    step.remember(id, "dead", "nothing came that puts it right")
}

/// The open problems of a tree by cause, without those that a worker has claimed.
fn open(step: &Step<'_>, mapping: &str, key: &str) -> Result<BTreeMap<String, Open>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT cause, id, state, error, state = 4 OR wait_key IS ?1 || ':' || ?2 || ':' || cause FROM items
         WHERE mapping = ?1 AND key = ?2 AND cause IS NOT NULL AND state <> 1",
    )?;
    let rows = statement.query_map((mapping, key), |row| {
        let known = Open {
            id: row.get(1)?,
            state: State::from_number(row.get(2)?),
            error: row.get(3)?,
            is_idle: row.get(4)?,
        };
        Ok((row.get(0)?, known))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Updates the error of an open problem. A problem in the error log stays there, even if it is reported as waiting.
fn change(step: &Step<'_>, known: &Open, problem: &Problem) -> Result<(), StoreError> {
    let error = error_text(&problem.error);
    if known.error.as_ref() != Some(&error) {
        step.execute(
            "UPDATE items SET error = ?2, note = iif(note IS NULL, NULL, ?3) WHERE id = ?1",
            (known.id, &error, &problem.error.message),
        )?;
    }
    match (known.state, problem.stage) {
        (State::Parked, ProblemStage::Failed) => fail(step, known.id),
        _ => Ok(()),
    }
}

fn add(step: &Step<'_>, problems: &Problems, problem: &Problem) -> Result<(), StoreError> {
    let (payload_type, lane) = match &problems.lane {
        Some(lane) => (LOOK_AGAIN, lane.clone()),
        // The lane holds problems alone, so that a problem delays no row.
        None => (
            TREE_AGAIN,
            format!("problem:{}:{}", problems.mapping, problems.key),
        ),
    };
    let item = NewItem {
        mapping: Some(problems.mapping.clone()),
        payload_type: payload_type.to_owned(),
        lane,
        key: problems.key.clone(),
        payload: "{}".to_owned(),
        ..NewItem::default()
    };
    let id = super::enqueue::insert(step, &item)?;
    let message = &problem.error.message;
    let state = match problem.stage {
        ProblemStage::Waits => State::Parked,
        ProblemStage::Failed => State::Dead,
    };
    let waits = state == State::Parked;
    let due = waits.then(|| step.now_ms + step.options.keep.parked_ms);
    let wait_key =
        waits.then(|| format!("{}:{}:{}", problems.mapping, problems.key, problem.cause));
    step.execute(
        "UPDATE items SET state = ?2, cause = ?3, error = ?4, note = ?5, due = ?6, wait_key = ?7 WHERE id = ?1",
        (
            id,
            state as i64,
            &problem.cause,
            error_text(&problem.error),
            waits.then_some(message),
            due,
            wait_key,
        ),
    )?;
    if waits {
        return step.remember(id, "parked", message);
    }
    step.add(Total::Waiting, -1);
    step.remember(id, "dead", &format!("{}: {message}", problem.error.code))
}

/// Closes the problem's item. A retried item was counted as waiting, a dead one was not.
fn close(step: &Step<'_>, known: &Open) -> Result<(), StoreError> {
    if known.state != State::Dead {
        step.add(Total::Waiting, -1);
    }
    step.remember(known.id, "closed", "it was put right")?;
    leave(step, known.id)
}
