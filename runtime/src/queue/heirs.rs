//! Records that were merged into others: what refers to them refers to the survivor, however long the chain.

mod merged;

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension};

use super::intent::side_of;
use super::item::{Captured, NewItem, SALESFORCE_CHANGED, Tombstone};
use super::step::Step;
use super::{Store, StoreError, capture, enqueue, review, stand_in};
use crate::mapping::Side;

/// The payload type of an item that says that a pair ended by a merge, on either side: what refers to the record that it
/// had has to be its survivor's. The payload names the record: `{"record": "003..."}`.
pub const MERGED: &str = "merged";

/// Merges in a row that are followed.
const CHAIN_MAX: usize = 20;

/// Who is there now in the place of a record that was merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heir {
    /// Its source id; nothing where only the survivor's record in Salesforce is known.
    pub source_id: Option<String>,
    /// Its record in Salesforce, where it is known.
    pub destination_id: Option<String>,
}

impl Store {
    /// The survivors of these source records, by source id; those that were never merged are left out.
    pub async fn heirs(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Heir>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| {
            let mut heirs = HashMap::new();
            for id in ids {
                if let Some(heir) = of(connection, &mapping, &id)? {
                    heirs.insert(id, heir);
                }
            }
            Ok(heirs)
        })
        .await
    }
}

/// The records that were merged into one, on either side and however long the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// Their source ids.
    pub sources: BTreeSet<String>,
    /// Their records in Salesforce.
    pub records: BTreeSet<String>,
}

impl Store {
    /// Returns what was merged into each of these, which are source ids or records in Salesforce. Others are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn absorbed(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Absorbed>, StoreError> {
        let mapping = mapping.to_owned();
        self.read(move |connection| {
            let mut all = HashMap::new();
            for id in ids {
                let one = absorbed_by(connection, &mapping, &id)?;
                if one != Absorbed::default() {
                    all.insert(id, one);
                }
            }
            Ok(all)
        })
        .await
    }
}

fn absorbed_by(connection: &Connection, mapping: &str, id: &str) -> Result<Absorbed, StoreError> {
    let mut all = Absorbed::default();
    let mut keys = vec![id.to_owned()];
    keys.extend(record(connection, mapping, id)?);
    keys.extend(owner(connection, mapping, id)?);
    let own = keys.clone();
    while let Some(key) = keys.pop() {
        for (source, record) in absorbed(connection, mapping, &key)? {
            if !own.contains(&source) && all.sources.insert(source.clone()) {
                keys.push(source);
            }
            let is_new = !record.is_empty() && !own.contains(&record);
            if is_new && all.records.insert(record.clone()) {
                keys.push(record);
            }
        }
    }
    Ok(all)
}

/// Follows the merges of one record.
pub(super) fn of(
    connection: &Connection,
    mapping: &str,
    id: &str,
) -> Result<Option<Heir>, StoreError> {
    let mut last = id.to_owned();
    for _ in 0..CHAIN_MAX {
        match merged_into(connection, mapping, &last)? {
            None => break,
            Some((Side::Source, into)) => last = into,
            Some((Side::Destination, into)) => match person_of(connection, mapping, &into)? {
                Some(source_id) => last = source_id,
                None => {
                    return Ok(Some(Heir {
                        source_id: None,
                        destination_id: Some(into),
                    }));
                }
            },
        }
        if last == id || record(connection, mapping, &last)?.is_some() {
            break;
        }
    }
    if last == id {
        return Ok(None);
    }
    Ok(Some(Heir {
        destination_id: record(connection, mapping, &last)?,
        source_id: Some(last),
    }))
}

/// A pair is no more because one of its records was merged: what refers to the record of a merged source record is to be
/// moved, and the survivor is read again.
pub(super) fn disinherit(step: &Step<'_>, tombstone: &Tombstone) -> Result<(), StoreError> {
    if tombstone.merged_into.is_some()
        && let Some(heir) = of(step.transaction, &tombstone.mapping, &tombstone.source_id)?
        && let (Some(_), Some(record)) = (heir.source_id, heir.destination_id)
    {
        read_again(step, &tombstone.mapping, record)?;
    }
    if tombstone.merged_into.is_none() || tombstone.destination_id.is_empty() {
        return Ok(());
    }
    let item = NewItem {
        mapping: Some(tombstone.mapping.clone()),
        payload_type: MERGED.to_owned(),
        lane: format!("merged:{}", tombstone.source_id),
        key: tombstone.source_id.clone(),
        payload: serde_json::json!({ "record": tombstone.destination_id }).to_string(),
        ..NewItem::default()
    };
    enqueue::add(step, &[item])?;
    Ok(())
}

/// A pair came about, or has another record: what waited for those that were merged into it goes on, and the question
/// whether to merge their records is answered where it took theirs.
pub(super) fn inherit(
    step: &Step<'_>,
    mapping: &str,
    source_id: &str,
    destination_id: &str,
) -> Result<usize, StoreError> {
    let mut woken = 0;
    let mut heirs = vec![source_id.to_owned()];
    for _ in 0..CHAIN_MAX {
        let Some(heir) = heirs.pop() else { break };
        for (id, record) in absorbed(step.transaction, mapping, &heir)? {
            woken += stand_in::wake(step, mapping, &id)?;
            if record == destination_id {
                review::close(step, mapping, &id)?;
            }
            heirs.push(id);
        }
    }
    let ends = [source_id.to_owned(), destination_id.to_owned()];
    if !merged::survivors(step.transaction, mapping, &ends)?.is_empty() {
        read_again(step, mapping, destination_id.to_owned())?;
    }
    Ok(woken)
}

/// Adds an item that has both sides of a survivor read: a consent that it refuses is refused for those merged into it.
fn read_again(step: &Step<'_>, mapping: &str, record: String) -> Result<(), StoreError> {
    let item = NewItem {
        mapping: Some(mapping.to_owned()),
        payload_type: SALESFORCE_CHANGED.to_owned(),
        lane: format!("sf:{record}"),
        key: record,
        payload: "{}".to_owned(),
        ..NewItem::default()
    };
    let captured = Captured {
        items: vec![item],
        ..Captured::default()
    };
    capture::capture(step, &captured).map(|_| ())
}

fn merged_into(
    connection: &Connection,
    mapping: &str,
    id: &str,
) -> Result<Option<(Side, String)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT side, merged_into FROM tombstones
         WHERE mapping = ?1 AND source_id = ?2 AND merged_into IS NOT NULL",
    )?;
    let found = statement.query_row((mapping, id), |row| {
        let side: String = row.get(0)?;
        Ok((side_of(&side), row.get(1)?))
    });
    Ok(found.optional()?)
}

/// Source ids of those that were merged into it, with the records that they had.
fn absorbed(
    connection: &Connection,
    mapping: &str,
    source_id: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT source_id, destination_id FROM tombstones
         WHERE mapping = ?1 AND merged_into = ?2 AND merged_into IS NOT NULL",
    )?;
    let rows = statement.query_map((mapping, source_id), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the source id of the pair that has the record, or had it before the pair ended by a merge.
fn person_of(
    connection: &Connection,
    mapping: &str,
    record: &str,
) -> Result<Option<String>, StoreError> {
    if let Some(owner) = owner(connection, mapping, record)? {
        return Ok(Some(owner));
    }
    let mut statement = connection.prepare_cached(
        "SELECT source_id FROM tombstones
         WHERE mapping = ?1 AND destination_id = ?2 AND merged_into IS NOT NULL ORDER BY at DESC",
    )?;
    let found = statement.query_row((mapping, record), |row| row.get(0));
    Ok(found.optional()?)
}

fn owner(
    connection: &Connection,
    mapping: &str,
    destination_id: &str,
) -> Result<Option<String>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT source_id FROM links WHERE mapping = ?1 AND destination_id = ?2")?;
    let found = statement.query_row((mapping, destination_id), |row| row.get(0));
    Ok(found.optional()?)
}

fn record(
    connection: &Connection,
    mapping: &str,
    source_id: &str,
) -> Result<Option<String>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT destination_id FROM links WHERE mapping = ?1 AND source_id = ?2")?;
    let found = statement.query_row((mapping, source_id), |row| row.get(0));
    Ok(found.optional()?)
}
