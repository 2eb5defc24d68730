//! Trees of which more may be in Salesforce than is known: after a crash, a call without an answer, a database that was
//! made anew.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::MappingDescriptor;
use runtime::queue::TreeRecord;
use runtime::salesforce::CallError;
use serde_json::{Map, Value};

use super::body::parent_field;
use super::wanted::is_of_root;
use super::{Tree, Work, plan};
use crate::sync::TwoWaySync;

type Record = Map<String, Value>;

impl TwoWaySync {
    /// Asks for their records: by the root's external id, then by the root.
    pub(super) async fn ask_where_in_doubt(&self, work: &mut Work) {
        if !work.trees.iter().any(|tree| tree.doubt && tree.goes_on()) {
            return;
        }
        if let Err(error) = self.ask_for_all(work).await {
            for tree in work.going().filter(|tree| tree.doubt) {
                tree.stop(self.unanswered(tree.attempts(), &error));
            }
        }
    }

    async fn ask_for_all(&self, work: &mut Work) -> Result<(), CallError> {
        self.ask_for_roots(work).await?;
        let members: Vec<_> = work.members.clone();
        let mut objects = BTreeSet::new();
        for mapping in members {
            let is_child = !is_of_root(work.root, mapping) && !plan::is_fixed(mapping);
            if is_child && (work.npsp || !mapping.tree.is_some_and(|tree| tree.needs_npsp)) {
                let mut first = objects.insert(mapping.object);
                if std::mem::take(&mut first) {
                    self.ask_for_children(work, mapping).await?;
                }
            }
        }
        for tree in work.going().filter(|tree| tree.doubt) {
            tree.doubt = false;
            // What was written last is not known: all of it is said again.
            for wanted in &mut tree.wanted {
                wanted.base = None;
            }
        }
        Ok(())
    }

    async fn ask_for_roots(&self, work: &mut Work) -> Result<(), CallError> {
        let root = work.root;
        let unknown: Vec<Vec<Option<String>>> = work
            .going()
            .filter(|tree| tree.doubt)
            .map(|tree| vec![Some(tree.id.clone())])
            .collect();
        let select = ["Id", root.external_id];
        let by = [root.external_id];
        let records = self
            .salesforce
            .query_in(root.object, &select, &by, &unknown)
            .await?;
        let ids: BTreeMap<String, String> = records
            .iter()
            .filter_map(|record| Some((text(record, root.external_id)?, text(record, "Id")?)))
            .collect();
        for tree in work.going().filter(|tree| tree.doubt) {
            tree.root_id = ids.get(&tree.id).cloned();
            let known = tree.root_id.clone();
            let parts = tree.wanted.iter_mut();
            for wanted in parts.filter(|wanted| is_of_root(root, wanted.mapping)) {
                wanted.id.clone_from(&known);
            }
            if tree.root_id.is_none() {
                forget(tree);
            }
        }
        Ok(())
    }

    /// The children of one object, whichever of the mappings they are of.
    async fn ask_for_children(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
    ) -> Result<(), CallError> {
        let Some(parent) = parent_field(work.root, mapping) else {
            return Ok(());
        };
        let roots: Vec<Vec<Option<String>>> = work
            .going()
            .filter(|tree| tree.doubt)
            .filter_map(|tree| Some(vec![Some(tree.root_id.clone()?)]))
            .collect();
        if roots.is_empty() {
            return Ok(());
        }
        let select = ["Id", parent, mapping.external_id];
        let records = self
            .salesforce
            .query_in(mapping.object, &select, &[parent], &roots)
            .await?;
        let root = work.root;
        for tree in work
            .going()
            .filter(|tree| tree.doubt && tree.root_id.is_some())
        {
            let is_own = |record: &&Record| {
                let of = text(record, parent).map(|id| runtime::salesforce::normalise(&id));
                of == tree.root_id
            };
            let own: BTreeMap<String, String> = records
                .iter()
                .filter(is_own)
                .filter_map(|record| {
                    Some((text(record, mapping.external_id)?, text(record, "Id")?))
                })
                .collect();
            take_in(tree, root, mapping, own);
        }
        Ok(())
    }
}

/// The root is not there, so nothing else is.
fn forget(tree: &mut Tree) {
    for wanted in &mut tree.wanted {
        wanted.id = None;
        wanted.base = None;
    }
    for mut record in std::mem::take(&mut tree.gone) {
        record.destination_id.clear();
        tree.written.push(record);
    }
}

/// What is there is known; what is there and not wanted is gone.
fn take_in(
    tree: &mut Tree,
    root: &MappingDescriptor,
    mapping: &'static MappingDescriptor,
    mut own: BTreeMap<String, String>,
) {
    for wanted in tree.wanted.iter_mut() {
        if wanted.mapping.object == mapping.object && !is_of_root(root, wanted.mapping) {
            wanted.id = own.remove(&wanted.key);
        }
    }
    tree.gone.retain(|record| {
        let is_there = own.remove(&record.key).is_some();
        is_there || record.mapping != mapping.name
    });
    tree.gone
        .extend(own.into_iter().map(|(key, destination_id)| TreeRecord {
            tree: root.name.to_owned(),
            root: tree.id.clone(),
            mapping: mapping.name.to_owned(),
            key,
            destination_id,
            base: "{}".to_owned(),
        }));
}

fn text(record: &Record, field: &str) -> Option<String> {
    record.get(field).and_then(Value::as_str).map(str::to_owned)
}
