//! Pairs that ended because their records were merged, by the pair at the end of the chain of merges.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;

use super::{owner, record};
use crate::queue::item::Tombstone;
use crate::queue::sync::tombstone;
use crate::queue::view::json_list;
use crate::queue::{Store, StoreError};

impl Store {
    /// Returns the ended pairs of the people who are these pairs now, by source id. `pairs` holds source ids with the ids of
    /// their records. A record that another pair has is left blank.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn merged_pairs(
        &self,
        mapping: &str,
        pairs: Vec<(String, String)>,
    ) -> Result<HashMap<String, Vec<Tombstone>>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| {
            let ends: Vec<String> = pairs
                .iter()
                .flat_map(|(source, record)| [source.clone(), record.clone()])
                .collect();
            let survivors = survivors(connection, &mapping, &ends)?;
            let mut all = HashMap::new();
            for (source, record) in pairs {
                if survivors.contains(&source) || survivors.contains(&record) {
                    let merged = merged_into(connection, &mapping, (&source, record))?;
                    all.insert(source, merged);
                }
            }
            Ok(all)
        })
        .await
    }
}

/// Returns those of these ids that other records were merged into. One statement: most batches have none.
pub(super) fn survivors(
    connection: &Connection,
    mapping: &str,
    ids: &[String],
) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT merged_into FROM tombstones
         WHERE mapping = ?1 AND merged_into IS NOT NULL
           AND merged_into IN (SELECT value FROM json_each(?2))",
    )?;
    let found = statement.query_map((mapping, json_list(ids)), |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn merged_into(
    connection: &Connection,
    mapping: &str,
    (source, destination): (&str, String),
) -> Result<Vec<Tombstone>, StoreError> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::from([source.to_owned()]);
    let mut ends = vec![source.to_owned(), destination];
    while let Some(end) = ends.pop() {
        for mut merged in tombstones(connection, mapping, &end)? {
            // A source record that has a pair again is a person of its own.
            let stands = record(connection, mapping, &merged.source_id)?.is_some();
            if stands || !seen.insert(merged.source_id.clone()) {
                continue;
            }
            ends.push(merged.source_id.clone());
            if owner(connection, mapping, &merged.destination_id)?.is_some() {
                merged.destination_id.clear();
            }
            if !merged.destination_id.is_empty() {
                ends.push(merged.destination_id.clone());
            }
            all.push(merged);
        }
    }
    Ok(all)
}

fn tombstones(
    connection: &Connection,
    mapping: &str,
    survivor: &str,
) -> Result<Vec<Tombstone>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT source_id, destination_id, side, deleted_at, merged_into FROM tombstones
         WHERE mapping = ?1 AND merged_into = ?2 AND merged_into IS NOT NULL",
    )?;
    let rows = statement.query_map((mapping, survivor), |row| tombstone(mapping, row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
