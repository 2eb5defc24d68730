//! Records that are written together: every row that was heard of them, and what was written because of it.
//!
//! Rows are never changed: the same one that comes again is the same. A record's `base` is what it was given last.

mod subject;

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::item::NewItem;
use super::step::{Command, Step};
use super::view::json_list;
use super::{OpenProblem, Store, StoreError, problem, words};

/// A row of Ticketure's about a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    /// The mapping of the root, and the root's source id.
    pub tree: String,
    pub root: String,
    pub payload_type: String,
    /// What tells one row from another: the same row has the same.
    pub id: String,
    /// The id of the item that first brought the row, which gives the order of arrival.
    pub arrived: i64,
    /// JSON text.
    pub row: String,
    /// A record that rows of other trees may describe too. A new row wakes those trees.
    pub subject: Option<String>,
}

/// A record of a tree, as it is in Salesforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRecord {
    pub tree: String,
    pub root: String,
    pub mapping: String,
    pub key: String,
    /// Blank: the record is no more.
    pub destination_id: String,
    /// JSON: the values that it was given, references as source ids.
    pub base: String,
}

/// The payload type of an item that says nothing but that its tree has to be looked at again.
pub const TREE_AGAIN: &str = "tree_again";

/// What such an item says where more or less of the tree may be in Salesforce than is known: it is asked for.
pub const ASK: &str = "{\"ask\":true}";

/// Begins the keys of trees that are to be asked for at a time, which follows.
const AT: &str = "at:";
/// Trees that one sweep wakes, at most.
const AT_ONCE: usize = 1_000;

/// A tree that looked for a record in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeWait {
    /// `Contact.Email=ada@example.org`.
    pub key: String,
    pub tree: String,
    pub root: String,
}

impl Store {
    /// Trees are looked at again when a record of which this is true was written.
    pub async fn keep_waits(&self, waits: Vec<TreeWait>) -> Result<(), StoreError> {
        self.count(Command::KeepWaits(waits)).await.map(|_| ())
    }

    /// Records of which these are true were written: an item for each tree that looked for one. Says how many.
    pub async fn wake_trees(&self, keys: Vec<String>) -> Result<usize, StoreError> {
        let asked = keys.clone();
        let waits = self
            .read(move |connection| waiting(connection, &asked))
            .await?;
        match waits.is_empty() {
            true => Ok(0),
            false => self.count(Command::WakeTrees(waits)).await,
        }
    }

    /// Trees of whose writes one may be carried out late, or be forgotten: it is asked what is there at the time that
    /// the sweep finds past, once however often it is said within a minute.
    pub async fn ask_at(
        &self,
        tree: &str,
        roots: Vec<String>,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let at_ms = (at_ms / 60_000 + 1) * 60_000;
        let wait = |root| TreeWait {
            key: at(at_ms),
            tree: tree.to_owned(),
            root,
        };
        self.keep_waits(roots.into_iter().map(wait).collect()).await
    }

    /// The trees that are still to be asked for: the root's mapping and source id.
    pub async fn to_be_asked(&self) -> Result<BTreeSet<(String, String)>, StoreError> {
        let waits = self
            .read(move |connection| timed(connection, i64::MAX, usize::MAX))
            .await?;
        Ok(waits
            .into_iter()
            .map(|wait| (wait.tree, wait.root))
            .collect())
    }

    /// The trees that wait for records of which these are true.
    pub async fn tree_waits(&self, keys: Vec<String>) -> Result<Vec<TreeWait>, StoreError> {
        self.read(move |connection| waiting(connection, &keys))
            .await
    }

    /// There will be no such record: whoever waits for `cart:<id>` looks again. Says how many.
    pub async fn wake(&self, keys: Vec<String>) -> Result<usize, StoreError> {
        match keys.is_empty() {
            true => Ok(0),
            false => self.count(Command::Wake(keys)).await,
        }
    }

    /// Keeps rows about trees; says how many of them are new.
    pub async fn keep_rows(&self, rows: Vec<TreeRow>) -> Result<usize, StoreError> {
        self.count(Command::KeepRows(rows)).await
    }

    /// Keeps what trees have become.
    pub async fn keep_records(&self, records: Vec<TreeRecord>) -> Result<(), StoreError> {
        self.count(Command::KeepRecords(records)).await.map(|_| ())
    }

    /// The trees that a source id or a Salesforce id is of: the root's mapping and source id. It looks through all of
    /// them: for a person who asks.
    pub async fn trees_of(&self, id: &str) -> Result<Vec<(String, String)>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| trees_of(connection, &id)).await
    }

    /// The roots of these trees whose source ids begin like this.
    pub async fn roots_from(&self, tree: &str, start: &str) -> Result<Vec<String>, StoreError> {
        let (tree, start) = (tree.to_owned(), start.to_owned());
        self.read(move |connection| roots_from(connection, &tree, &start))
            .await
    }

    /// The roots of these trees of whose rows one has the text as a value. It looks through all of them: for a person
    /// who asks.
    pub async fn roots_that_say(&self, tree: &str, text: &str) -> Result<Vec<String>, StoreError> {
        let (tree, text) = (tree.to_owned(), text.to_owned());
        self.read(move |connection| roots_that_say(connection, &tree, &text))
            .await
    }

    /// All rows of these trees, in the order of arrival. `roots` holds source ids.
    pub async fn tree_rows(
        &self,
        tree: &str,
        roots: Vec<String>,
    ) -> Result<Vec<TreeRow>, StoreError> {
        let name = tree.to_owned();
        self.read(move |connection| rows(connection, &name, &roots))
            .await
    }

    /// All rows of the trees that share one of these subjects.
    pub async fn rows_of_subjects(
        &self,
        tree: &str,
        subjects: Vec<String>,
    ) -> Result<Vec<TreeRow>, StoreError> {
        let name = tree.to_owned();
        self.read(move |connection| subject::rows(connection, &name, &subjects))
            .await
    }

    /// The open problems of these trees.
    pub async fn open_problems(
        &self,
        mapping: &str,
        keys: Vec<String>,
    ) -> Result<Vec<OpenProblem>, StoreError> {
        let name = mapping.to_owned();
        self.read(move |connection| problem::of_trees(connection, &name, &keys))
            .await
    }

    /// What was written of these trees.
    pub async fn tree_records(
        &self,
        tree: &str,
        roots: Vec<String>,
    ) -> Result<Vec<TreeRecord>, StoreError> {
        let name = tree.to_owned();
        self.read(move |connection| records(connection, &name, &roots))
            .await
    }
}

pub(super) fn keep_rows(step: &Step<'_>, rows: &[TreeRow]) -> Result<usize, StoreError> {
    let mut new = 0;
    for row in rows {
        let added = step.execute(
            "INSERT OR IGNORE INTO tree_rows (tree, root, payload_type, id, arrived, row) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (&row.tree, &row.root, &row.payload_type, &row.id, row.arrived, &row.row),
        )?;
        words::kept(step, row)?;
        if let Some(subject) = row.subject.as_ref().filter(|_| added > 0) {
            subject::note(step, row, subject)?;
        }
        new += added;
    }
    Ok(new)
}

pub(super) fn keep_records(step: &Step<'_>, records: &[TreeRecord]) -> Result<usize, StoreError> {
    for record in records {
        match record.destination_id.as_str() {
            "" => step.execute(
                "DELETE FROM tree_records WHERE tree = ?1 AND root = ?2 AND mapping = ?3 AND key = ?4",
                (&record.tree, &record.root, &record.mapping, &record.key),
            )?,
            id => step.execute(
                "INSERT OR REPLACE INTO tree_records (tree, root, mapping, key, destination_id, base)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (&record.tree, &record.root, &record.mapping, &record.key, id, &record.base),
            )?,
        };
    }
    Ok(records.len())
}

pub(super) fn keep_waits(step: &Step<'_>, waits: &[TreeWait]) -> Result<usize, StoreError> {
    let mut new = 0;
    for wait in waits {
        new += step.execute(
            "INSERT OR IGNORE INTO tree_waits (wait_key, tree, root) VALUES (?1, ?2, ?3)",
            (&wait.key, &wait.tree, &wait.root),
        )?;
    }
    Ok(new)
}

/// The waits go with the items that they become.
pub(super) fn wake(step: &Step<'_>, waits: &[TreeWait]) -> Result<usize, StoreError> {
    let mut items = Vec::new();
    for wait in waits {
        let gone = step.execute(
            "DELETE FROM tree_waits WHERE wait_key = ?1 AND tree = ?2 AND root = ?3",
            (&wait.key, &wait.tree, &wait.root),
        )?;
        if gone > 0 {
            items.push(NewItem {
                mapping: Some(wait.tree.clone()),
                payload_type: TREE_AGAIN.to_owned(),
                lane: wait.root.clone(),
                key: wait.root.clone(),
                payload: match wait.key.starts_with(AT) {
                    true => ASK.to_owned(),
                    false => "{}".to_owned(),
                },
                ..NewItem::default()
            });
        }
    }
    let count = items.len();
    super::enqueue::add(step, &items)?;
    Ok(count)
}

/// Wakes the trees that wait for records of which these are true, in the transaction that says so.
pub(super) fn wake_by(step: &Step<'_>, keys: &[String]) -> Result<usize, StoreError> {
    match keys.is_empty() {
        true => Ok(0),
        false => wake(step, &waiting(step.transaction, keys)?),
    }
}

/// The trees whose time has come are asked for.
pub(super) fn ask_due(step: &Step<'_>) -> Result<usize, StoreError> {
    let due = timed(step.transaction, step.now_ms, AT_ONCE)?;
    wake(step, &due)
}

fn at(at_ms: i64) -> String {
    format!("{AT}{at_ms:019}")
}

/// Those that are to be asked for by then, a range of the primary key.
fn timed(connection: &Connection, by_ms: i64, most: usize) -> Result<Vec<TreeWait>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT wait_key, tree, root FROM tree_waits WHERE wait_key BETWEEN ?1 AND ?2",
    )?;
    let waits = statement.query_map((AT, at(by_ms)), |row| {
        Ok(TreeWait {
            key: row.get(0)?,
            tree: row.get(1)?,
            root: row.get(2)?,
        })
    })?;
    Ok(waits.take(most).collect::<Result<_, _>>()?)
}

fn trees_of(connection: &Connection, id: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT tree, root FROM tree_rows WHERE root = ?1
         UNION SELECT tree, root FROM tree_records WHERE key = ?1 OR destination_id = ?1",
    )?;
    let trees = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(trees.collect::<Result<_, _>>()?)
}

/// A range of the primary key: no character comes after the last one there is.
fn roots_from(connection: &Connection, tree: &str, start: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT root FROM tree_rows WHERE tree = ?1 AND root >= ?2 AND root < ?2 || char(1114111)",
    )?;
    let roots = statement.query_map((tree, start), |row| row.get(0))?;
    Ok(roots.collect::<Result<_, _>>()?)
}

fn roots_that_say(
    connection: &Connection,
    tree: &str,
    text: &str,
) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT root FROM tree_rows WHERE tree = ?1 AND instr(row, ?2) > 0",
    )?;
    let value = serde_json::Value::from(text).to_string();
    let roots = statement.query_map((tree, value), |row| row.get(0))?;
    Ok(roots.collect::<Result<_, _>>()?)
}

fn waiting(connection: &Connection, keys: &[String]) -> Result<Vec<TreeWait>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT wait_key, tree, root FROM tree_waits WHERE wait_key IN (SELECT value FROM json_each(?1))",
    )?;
    let waits = statement.query_map([json_list(keys)], |row| {
        Ok(TreeWait {
            key: row.get(0)?,
            tree: row.get(1)?,
            root: row.get(2)?,
        })
    })?;
    Ok(waits.collect::<Result<_, _>>()?)
}

/// All rows of these trees, in the order of arrival.
pub(super) fn rows(
    connection: &Connection,
    tree: &str,
    roots: &[String],
) -> Result<Vec<TreeRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT root, payload_type, id, arrived, row FROM tree_rows
         WHERE tree = ?1 AND root IN (SELECT value FROM json_each(?2))",
    )?;
    let rows = statement.query_map((tree, json_list(roots)), |row| {
        Ok(TreeRow {
            tree: tree.to_owned(),
            root: row.get(0)?,
            payload_type: row.get(1)?,
            id: row.get(2)?,
            arrived: row.get(3)?,
            row: row.get(4)?,
            subject: None,
        })
    })?;
    let mut rows: Vec<TreeRow> = rows.collect::<Result<_, _>>()?;
    // The id decides among rows that an older version stored, which have 0 for the order of arrival.
    rows.sort_by(|one, other| (one.arrived, &one.id).cmp(&(other.arrived, &other.id)));
    Ok(rows)
}

/// Every record of these trees.
pub(super) fn records(
    connection: &Connection,
    tree: &str,
    roots: &[String],
) -> Result<Vec<TreeRecord>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT root, mapping, key, destination_id, base FROM tree_records
         WHERE tree = ?1 AND root IN (SELECT value FROM json_each(?2))",
    )?;
    let records = statement.query_map((tree, json_list(roots)), |row| {
        Ok(TreeRecord {
            tree: tree.to_owned(),
            root: row.get(0)?,
            mapping: row.get(1)?,
            key: row.get(2)?,
            destination_id: row.get(3)?,
            base: row.get(4)?,
        })
    })?;
    Ok(records.collect::<Result<_, _>>()?)
}
