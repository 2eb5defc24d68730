//! One object's records, and the indexes of the fields that records are looked up by.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::schema::{Field, Object};

pub(super) type Record = Map<String, Value>;

/// Folded value to ids.
type Index = HashMap<String, BTreeSet<String>>;

pub(super) struct Table {
    pub(super) schema: Arc<Object>,
    records: BTreeMap<String, Record>,
    deleted: BTreeMap<String, Record>,
    /// One for each looked-up field.
    indexes: HashMap<String, Index>,
    made: u64,
    /// What was there before each write of a transaction, oldest first; nothing for what was not there.
    before: Vec<(String, Option<Record>)>,
    /// Transactions that are open, one within the other.
    open: usize,
}

impl Table {
    pub(super) fn new(schema: Object) -> Self {
        let looked_up = schema.fields.iter().filter(|field| is_looked_up(field));
        let indexes = looked_up
            .filter(|field| field.name != "Id")
            .map(|field| (field.name.clone(), HashMap::new()))
            .collect();
        Table {
            schema: Arc::new(schema),
            records: BTreeMap::new(),
            deleted: BTreeMap::new(),
            indexes,
            made: 0,
            before: Vec::new(),
            open: 0,
        }
    }

    /// The id of the next record, and its number.
    pub(super) fn next_id(&mut self) -> (String, u64) {
        self.made += 1;
        let id = crate::id::make(&self.schema.key_prefix, self.made);
        (id, self.made)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(&crate::id::long(id)?)
    }

    pub(super) fn was_deleted(&self, id: &str) -> bool {
        crate::id::long(id).is_some_and(|id| self.deleted.contains_key(&id))
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    pub(super) fn deleted(&self) -> impl Iterator<Item = &Record> {
        self.deleted.values()
    }

    pub(super) fn deleted_mut(&mut self, id: &str) -> Option<&mut Record> {
        self.deleted.get_mut(id)
    }

    pub(super) fn is_indexed(&self, field: &str) -> bool {
        self.indexes.contains_key(field)
    }

    /// Ids of the records whose field has this value.
    pub(super) fn by_value(&self, field: &Field, value: &str) -> Vec<String> {
        let index = self.indexes.get(&field.name);
        let ids = index.and_then(|index| index.get(&folded(field, value)));
        ids.map(|ids| ids.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Puts the record in the place of the one with its id.
    pub(super) fn put(&mut self, id: &str, record: Record) {
        let before = match self.records.get_mut(id) {
            Some(there) => Some(std::mem::replace(there, record)),
            None => {
                self.records.insert(id.to_owned(), record);
                None
            }
        };
        self.index(id, before.as_ref());
        self.remember(id, before);
    }

    pub(super) fn delete(&mut self, id: &str) -> Option<String> {
        let id = crate::id::long(id)?;
        let record = self.take(&id)?;
        if self.open > 0 {
            self.remember(&id, Some(record.clone()));
        }
        self.deleted.insert(id.clone(), record);
        Some(id)
    }

    /// From now on everything can be taken back. Gives the place to go back to.
    pub(super) fn begin(&mut self) -> usize {
        self.open += 1;
        self.before.len()
    }

    /// What the outermost transaction did is done.
    pub(super) fn commit(&mut self) {
        self.open -= 1;
        if self.open == 0 {
            self.before.clear();
        }
    }

    /// As it was at the beginning. Ids that were given are not given again.
    pub(super) fn roll_back(&mut self, to: usize) {
        let open = std::mem::take(&mut self.open);
        for (id, before) in self.before.split_off(to).into_iter().rev() {
            match before {
                Some(record) => {
                    self.deleted.remove(&id);
                    self.put(&id, record);
                }
                None => {
                    self.take(&id);
                }
            }
        }
        self.open = open;
        self.commit();
    }

    fn remember(&mut self, id: &str, record: Option<Record>) {
        if self.open > 0 {
            self.before.push((id.to_owned(), record));
        }
    }

    /// The record is found by what it says now and not by what it said before; most fields say the same.
    fn index(&mut self, id: &str, before: Option<&Record>) {
        let now = self.records.get(id);
        for (name, index) in &mut self.indexes {
            let said = before.and_then(|record| record.get(name));
            let says = now.and_then(|record| record.get(name));
            if said == says {
                continue;
            }
            let Some(field) = self.schema.fields.iter().find(|field| &field.name == name) else {
                continue;
            };
            if let Some(Value::String(text)) = said {
                forget(index, &folded(field, text), id);
            }
            if let Some(Value::String(text)) = says {
                let ids = index.entry(folded(field, text)).or_default();
                ids.insert(id.to_owned());
            }
        }
    }

    /// Takes the record out, with its places in the indexes.
    fn take(&mut self, id: &str) -> Option<Record> {
        let record = self.records.remove(id)?;
        self.index(id, Some(&record));
        Some(record)
    }
}

/// Records are found by keys, and by the records that they refer to.
fn is_looked_up(field: &Field) -> bool {
    let refers = field.kind == "reference" && field.reference_to.iter().any(|to| to != "User");
    field.external_id || field.unique || field.id_lookup || refers
}

fn forget(index: &mut Index, value: &str, id: &str) {
    if let Some(ids) = index.get_mut(value) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(value);
        }
    }
}

/// Text as it is compared: case counts only where the field says so.
pub(super) fn folded(field: &Field, text: &str) -> String {
    if field.case_sensitive || field.kind == "reference" {
        text.to_owned()
    } else {
        text.to_lowercase()
    }
}
