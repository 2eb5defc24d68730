//! Records that are written together: every row that was heard of them, and what was written because of it.
//!
//! Rows are never changed: the same one that comes again is the same. A record's `base` is what it was given last.

use rusqlite::Connection;

use super::step::{Command, Step};
use super::view::json_list;
use super::{Store, StoreError};

/// A row of Ticketure's about a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    /// The mapping of the root, and the root's source id.
    pub tree: String,
    pub root: String,
    pub payload_type: String,
    /// What tells one row from another: the same row has the same.
    pub id: String,
    /// JSON text.
    pub row: String,
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

impl Store {
    /// Keeps rows about trees; says how many of them are new.
    pub async fn keep_rows(&self, rows: Vec<TreeRow>) -> Result<usize, StoreError> {
        self.count(Command::KeepRows(rows)).await
    }

    /// Keeps what trees have become.
    pub async fn keep_records(&self, records: Vec<TreeRecord>) -> Result<(), StoreError> {
        self.count(Command::KeepRecords(records)).await.map(|_| ())
    }

    /// Everything that was heard of these trees, by their root's mapping and source ids.
    pub async fn tree_rows(
        &self,
        tree: &str,
        roots: Vec<String>,
    ) -> Result<Vec<TreeRow>, StoreError> {
        let name = tree.to_owned();
        self.read(move |connection| rows(connection, &name, &roots))
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
        new += step.execute(
            "INSERT OR IGNORE INTO tree_rows (tree, root, payload_type, id, row) VALUES (?1, ?2, ?3, ?4, ?5)",
            (&row.tree, &row.root, &row.payload_type, &row.id, &row.row),
        )?;
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

/// Every row about these trees.
pub(super) fn rows(
    connection: &Connection,
    tree: &str,
    roots: &[String],
) -> Result<Vec<TreeRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT root, payload_type, id, row FROM tree_rows
         WHERE tree = ?1 AND root IN (SELECT value FROM json_each(?2))",
    )?;
    let rows = statement.query_map((tree, json_list(roots)), |row| {
        Ok(TreeRow {
            tree: tree.to_owned(),
            root: row.get(0)?,
            payload_type: row.get(1)?,
            id: row.get(2)?,
            row: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
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
