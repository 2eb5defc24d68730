//! Changes of records that go to Ticketure without being pairs: what is pushed, and edits that are refused. All mappings
//! of an object share one reading.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::{MappingDescriptor, PushAs};
use runtime::queue::{Captured, GateNote, NewItem, SALESFORCE_CHANGED, StoreError};
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use crate::sync::TwoWaySync;
use crate::sync::notes::missing_named;
use crate::to_ticketure::pushed;

type Record = Map<String, Value>;

/// The mappings that want to know of an object's changes.
pub(super) struct Watched {
    pub(super) object: &'static str,
    pushes: Vec<&'static MappingDescriptor>,
    roots: Vec<&'static MappingDescriptor>,
}

/// By object; none where there is no way to Ticketure.
pub(super) fn watched(sync: &TwoWaySync) -> Vec<Watched> {
    if sync.ticketure.is_none() {
        return Vec::new();
    }
    let mut by_object: BTreeMap<&'static str, Watched> = BTreeMap::new();
    let mappings = sync.handlers.iter().flat_map(|handler| handler.mappings());
    for mapping in mappings.filter(|mapping| mapping.push_as.is_some() || mapping.refuses_edits) {
        let watched = by_object.entry(mapping.object).or_insert_with(|| Watched {
            object: mapping.object,
            pushes: Vec::new(),
            roots: Vec::new(),
        });
        match mapping.push_as {
            Some(_) => watched.pushes.push(mapping),
            None => watched.roots.push(mapping),
        }
    }
    by_object.into_values().collect()
}

impl Watched {
    pub(super) fn select(&self, npsp: bool) -> Vec<&'static str> {
        let all = self.pushes.iter().chain(&self.roots);
        let mut select: BTreeSet<&'static str> = all
            .flat_map(|mapping| pushed::select(mapping, npsp))
            .collect();
        select.insert("IsDeleted");
        select.into_iter().collect()
    }

    /// Which records of a page become items.
    pub(super) async fn judge(
        &self,
        sync: &TwoWaySync,
        records: Vec<Record>,
    ) -> Result<Captured, StoreError> {
        let is_living = |record: &Record| record.get("IsDeleted") != Some(&Value::Bool(true));
        let (records, deleted): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(is_living);
        let ids: Vec<String> = records.iter().map(id_of).collect();
        let mut captured = Captured::default();
        for root in &self.roots {
            let given = sync.given_roots(root, ids.clone()).await?;
            for record in &records {
                if let Some(given) = given.get(&id_of(record)) {
                    let edited = sync.edits(root, given, record);
                    if !edited.is_empty() {
                        captured.items.push(item(root, record, &edited));
                    }
                }
            }
            sync.look_at_touched(root, &records).await?;
        }
        for mapping in &self.pushes {
            let others = records
                .iter()
                .filter(|record| !sync.pushes(mapping, record));
            let ended: Vec<&Record> = others.chain(&deleted).collect();
            captured
                .items
                .extend(with_errors(sync, mapping, ended).await?);
            let done = sync
                .store
                .links_by_destination(mapping.name, ids.clone())
                .await?;
            for record in records.iter().filter(|record| sync.pushes(mapping, record)) {
                let id = id_of(record);
                let said = pushed::said(mapping, record, sync.has_npsp());
                let is_held = !said.missing.is_empty();
                captured.gates.push(GateNote {
                    mapping: mapping.name.to_owned(),
                    destination_id: id.clone(),
                    held: is_held.then(|| ("incomplete", missing_named(mapping, &said.missing))),
                });
                let is_done = mapping.push_as == Some(PushAs::Extend) && {
                    let until = said.row.get("valid_until").and_then(Value::as_str);
                    let is_same = |done: &str| {
                        until.is_some_and(|until| done.contains(&format!(">{until}@")))
                    };
                    done.get(&id).is_some_and(|link| is_same(&link.source_id))
                };
                if !is_held && !is_done {
                    let fields: Vec<&'static str> = pushed::select(mapping, sync.has_npsp())
                        .into_iter()
                        .collect();
                    captured.items.push(item(mapping, record, &fields));
                }
            }
        }
        Ok(captured)
    }
}

/// Returns an item for each record with an error in the log that goes to Ticketure no longer, which closes the error.
async fn with_errors(
    sync: &TwoWaySync,
    mapping: &'static MappingDescriptor,
    ended: Vec<&Record>,
) -> Result<Vec<NewItem>, StoreError> {
    if mapping.push_as != Some(PushAs::Create) || ended.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ended.iter().map(|record| id_of(record)).collect();
    let failed = sync.store.failed_of(mapping.name, ids).await?;
    let has_failed = |record: &&Record| failed.iter().any(|one| one.key == id_of(record));
    let ended = ended.into_iter().filter(has_failed);
    Ok(ended.map(|record| item(mapping, record, &[])).collect())
}

fn id_of(record: &Record) -> String {
    let id = record.get("Id").and_then(Value::as_str);
    id.map(normalise).unwrap_or_default()
}

/// Says what it is about, so that the same edit is told once.
fn item(mapping: &MappingDescriptor, record: &Record, fields: &[&'static str]) -> NewItem {
    let said = fields.iter().filter(|field| **field != "SystemModstamp");
    let said = said.filter_map(|field| Some(((*field).to_owned(), record.get(*field)?.clone())));
    let said: Map<String, Value> = said.collect();
    let id = id_of(record);
    NewItem {
        mapping: Some(mapping.name.to_owned()),
        payload_type: SALESFORCE_CHANGED.to_owned(),
        lane: format!("sf:{id}"),
        key: id,
        payload: Value::Object(said).to_string(),
        ..NewItem::default()
    }
}
