//! Subjects: records that rows of several trees may describe, such as a ticket that moved to another cart.

use rusqlite::Connection;

use super::{TREE_AGAIN, TreeRow};
use crate::queue::StoreError;
use crate::queue::enqueue;
use crate::queue::item::NewItem;
use crate::queue::step::Step;
use crate::queue::view::json_list;

/// Stores the subject of a new row, and enqueues the other trees that share it.
pub(super) fn note(step: &Step<'_>, row: &TreeRow, subject: &str) -> Result<(), StoreError> {
    step.execute(
        "INSERT OR IGNORE INTO tree_subjects (tree, subject, root) VALUES (?1, ?2, ?3)",
        (&row.tree, subject, &row.root),
    )?;
    let again = others(step, row, subject)?.into_iter().map(|root| NewItem {
        mapping: Some(row.tree.clone()),
        payload_type: TREE_AGAIN.to_owned(),
        lane: root.clone(),
        key: root,
        payload: "{}".to_owned(),
        ..NewItem::default()
    });
    enqueue::add(step, &again.collect::<Vec<_>>())?;
    Ok(())
}

fn others(step: &Step<'_>, row: &TreeRow, subject: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = step.transaction.prepare_cached(
        "SELECT root FROM tree_subjects WHERE tree = ?1 AND subject = ?2 AND root <> ?3",
    )?;
    let roots = statement.query_map((&row.tree, subject, &row.root), |row| row.get(0))?;
    Ok(roots.collect::<Result<_, _>>()?)
}

/// All rows of the trees that share one of the subjects. A subject of a single tree yields no rows.
pub(super) fn rows(
    connection: &Connection,
    tree: &str,
    subjects: &[String],
) -> Result<Vec<TreeRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT root FROM tree_subjects WHERE tree = ?1 AND subject IN (
           SELECT subject FROM tree_subjects
           WHERE tree = ?1 AND subject IN (SELECT value FROM json_each(?2))
           GROUP BY subject HAVING count(*) > 1)",
    )?;
    let roots = statement.query_map((tree, json_list(subjects)), |row| row.get(0))?;
    let roots: Vec<String> = roots.collect::<Result<_, _>>()?;
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    super::rows(connection, tree, &roots)
}
