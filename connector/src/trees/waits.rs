//! Trees that looked for somebody's relatives in vain: they look again when a record like that is written.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use runtime::entity::Kind;
use runtime::mapping::{Lookup, MappingDescriptor};
use runtime::queue::{Settlement, StoreError, TreeWait};
use serde_json::{Map, Value};

use super::{LookupId, Work};
use crate::sync::{TwoWaySync, Unit};

/// Tells batches that are under way what is written meanwhile: a wait that is noted after the look-up would miss it.
#[derive(Default)]
pub(crate) struct Woken(Mutex<Vec<Weak<Heard>>>);

/// The keys that were woken since a batch began.
#[derive(Default)]
pub(super) struct Heard(Mutex<HashSet<String>>);

impl Woken {
    /// Listens until the result is dropped.
    pub(super) fn listen(&self) -> Arc<Heard> {
        let heard = Arc::default();
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|one| one.strong_count() > 0);
        listeners.push(Arc::downgrade(&heard));
        heard
    }

    fn tell(&self, keys: &[String]) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for heard in listeners.iter().filter_map(Weak::upgrade) {
            let mut heard = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            heard.extend(keys.iter().cloned());
        }
    }
}

impl Heard {
    fn has(&self, key: &str) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.contains(key)
    }
}

impl TwoWaySync {
    /// What was looked for and not found, of trees that were written.
    pub(super) async fn wait_for_found(&self, work: &Work) -> Result<(), StoreError> {
        let mut waits = Vec::new();
        for tree in work.trees.iter().filter(|tree| tree.goes_on()) {
            for (lookup, text) in lookups(tree.wanted.iter().map(|wanted| wanted.record.as_ref())) {
                let found = work.found.get(&(LookupId::of(lookup), text.clone()));
                if lookup.within.is_some() && found == Some(&None) {
                    waits.extend(keys(lookup, &text).into_iter().map(|key| TreeWait {
                        key,
                        tree: work.root.name.to_owned(),
                        root: tree.id.clone(),
                    }));
                }
            }
        }
        self.keep_waits(work, waits).await
    }

    /// Stores what trees wait for. What other batches wrote since this one began wakes them at once.
    pub(crate) async fn keep_waits(
        &self,
        work: &Work,
        waits: Vec<TreeWait>,
    ) -> Result<(), StoreError> {
        if waits.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<String> = waits.iter().map(|wait| wait.key.clone()).collect();
        self.store.keep_waits(waits).await?;
        let missed = keys.into_iter().filter(|key| work.heard.has(key));
        // Nothing is written here, so no batch is told: two that told each other would wake each other for ever.
        self.store.wake_trees(missed.collect()).await.map(|_| ())
    }

    /// What records that are about to be written can be found by.
    pub(crate) fn may_be_looked_for(
        &self,
        mapping: &'static MappingDescriptor,
        units: &[Unit],
    ) -> Vec<String> {
        let fields = self.looked_for(mapping.object);
        let mut keys = Vec::new();
        for field in fields {
            let Some(index) = mapping.record.field(field) else {
                continue;
            };
            for unit in units {
                if let Some(value) = unit.record.slot(index).text() {
                    keys.push(key(mapping.object, field, value));
                }
            }
        }
        keys
    }

    /// Settles items, and wakes in the same transaction the trees that wait for what was written because of them. So the
    /// end of this process comes before both or after both.
    pub(crate) async fn settle_and_wake(
        &self,
        mut settlements: Vec<Settlement>,
        keys: &[String],
    ) -> Result<(), StoreError> {
        // Told first: a batch that notes a wait later than this transaction wakes its tree itself.
        self.woken.tell(keys);
        if let Some(first) = settlements.first_mut() {
            first.wakes = keys.to_vec();
        }
        self.store.settle(settlements).await.map(|_| ())
    }

    /// They were written: whoever looked for them looks again.
    pub(crate) async fn wake_trees(&self, keys: Vec<String>) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.woken.tell(&keys);
        self.store.wake_trees(keys).await.map(|_| ())
    }

    /// The fields of an object by which trees look for its records.
    fn looked_for(&self, object: &str) -> BTreeSet<&'static str> {
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        let fields = mappings.flat_map(|mapping| mapping.record.fields);
        fields
            .filter_map(|field| match field.kind {
                Kind::Lookup(lookup) if lookup.object == object && lookup.within.is_some() => {
                    Some(lookup.by.iter().map(|(field, _)| *field))
                }
                _ => None,
            })
            .flatten()
            .collect()
    }
}

fn lookups<'r>(
    records: impl Iterator<Item = &'r dyn runtime::entity::Entity>,
) -> Vec<(&'static Lookup, String)> {
    let mut all = Vec::new();
    for record in records {
        for (index, field) in record.descriptor().fields.iter().enumerate() {
            if let (Kind::Lookup(lookup), Some(text)) = (field.kind, record.slot(index).text()) {
                all.push((lookup, text.to_owned()));
            }
        }
    }
    all
}

fn keys(lookup: &Lookup, text: &str) -> Vec<String> {
    let asked: Value = serde_json::from_str(text).unwrap_or_default();
    let by: Map<String, Value> = match asked.get("by") {
        Some(Value::Object(by)) => by.clone(),
        _ => Map::new(),
    };
    by.iter()
        .filter_map(|(field, value)| Some(key(lookup.object, field, value.as_str()?)))
        .collect()
}

fn key(object: &str, field: &str, value: &str) -> String {
    format!("{object}.{field}={}", value.trim().to_lowercase())
}
