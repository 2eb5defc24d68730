//! Records without an external id, known by what they join: contact roles. What is there is left alone, whoever made it;
//! only what is missing is made.

use std::collections::BTreeSet;

use runtime::change::present;
use runtime::mapping::MappingDescriptor;
use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value};

use super::body::{Body, body, new_body, parent_field};
use super::{Work, plan};
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};

/// In the place of an id: somebody else made the record.
pub(super) const SOMEBODYS: &str = "there";

/// The values of the natural key.
type Key = Vec<String>;

impl TwoWaySync {
    pub(super) async fn add_missing(&self, work: &mut Work, mapping: &'static MappingDescriptor) {
        let new = new_ones(work, mapping);
        if new.is_empty() {
            return;
        }
        let there = match self.there(work, mapping, &new).await {
            Ok(there) => there,
            Err(error) => {
                for (place, ..) in new {
                    if let Some(tree) = work.trees.get_mut(place) {
                        tree.stop(self.unanswered(tree.attempts(), &error));
                    }
                }
                return;
            }
        };
        let mut known: BTreeSet<Key> = there
            .iter()
            .filter_map(|record| key(mapping, record))
            .collect();
        let mut records = Vec::new();
        for (place, index, body, key) in new {
            // Two of them may mean one.
            if known.insert(key) {
                records.push(Record {
                    of: (place, index),
                    key: format!("{}:{place}:{index}", mapping.name),
                    id: None,
                    body: Value::Object(body).to_string(),
                    locks: Vec::new(),
                });
            } else {
                self.note_role(work, mapping, (place, index), &Sent::Landed(String::new()));
            }
        }
        for (place, sent) in self.in_calls(mapping, records).await {
            self.note_role(work, mapping, place, &sent);
        }
    }

    fn note_role(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
        (place, index): (usize, usize),
        sent: &Sent,
    ) {
        let root = work.root;
        let Some(tree) = work.trees.get_mut(place) else {
            return;
        };
        match sent {
            Sent::Landed(id) => {
                if let Some(wanted) = tree.wanted.get_mut(index) {
                    // Somebody else's is there: it is remembered that ours need not be made.
                    let id = Some(id.clone()).filter(|id| !id.is_empty());
                    wanted.id = id.or_else(|| Some(SOMEBODYS.to_owned()));
                    tree.written.push(plan::kept(root, &tree.id, wanted));
                }
            }
            sent => self.fail(tree, mapping, sent),
        }
    }

    async fn there(
        &self,
        work: &Work,
        mapping: &'static MappingDescriptor,
        new: &[(usize, usize, Body, Key)],
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        let (Some(shape), Some(parent)) = (mapping.tree, parent_field(work.root, mapping)) else {
            return Ok(Vec::new());
        };
        let roots: BTreeSet<String> = new
            .iter()
            .filter_map(|(place, ..)| work.trees.get(*place)?.root_id.clone())
            .collect();
        let groups: Vec<Vec<Option<String>>> = roots.into_iter().map(|id| vec![Some(id)]).collect();
        let mut select = vec!["Id"];
        select.extend(shape.natural_key);
        self.salesforce
            .query_in(mapping.object, &select, &[parent], &groups)
            .await
    }
}

/// Those that were never made: their places, what they say, and what they are known by. One whose key is not known is
/// none.
fn new_ones(work: &Work, mapping: &'static MappingDescriptor) -> Vec<(usize, usize, Body, Key)> {
    let mut new = Vec::new();
    for (place, tree) in work.trees.iter().enumerate() {
        if !tree.goes_on() || tree.root_id.is_none() {
            continue;
        }
        for (index, wanted) in tree.wanted.iter().enumerate() {
            if wanted.mapping.name != mapping.name || wanted.id.is_some() {
                continue;
            }
            let all = body(work, tree, wanted, &present(wanted.record.as_ref()));
            if let Some(key) = key(mapping, &all) {
                new.push((place, index, new_body(work, tree, wanted), key));
            }
        }
    }
    new
}

fn key(mapping: &MappingDescriptor, record: &Map<String, Value>) -> Option<Key> {
    let fields = mapping.tree?.natural_key;
    let values = fields.iter().map(|field| {
        let value = record.get(*field)?.as_str()?;
        Some(normalise(value))
    });
    values.collect()
}
