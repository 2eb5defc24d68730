//! Trees of which there shall be nothing: whoever waits for one does not wait for ever.

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Outcome, StoreError};
use runtime::row;
use serde_json::{Map, Value};

use super::Work;
use super::wanted::{is_of_root, reduced};
use crate::sync::TwoWaySync;
use crate::to_salesforce::references::{LeftOut, Resolved};

/// Does an `unless` of the root's hold, and nothing else is missing?
pub(super) fn is(
    root: &MappingDescriptor,
    members: &[&'static MappingDescriptor],
    rows: &BTreeMap<String, Vec<Value>>,
    settings: &Map<String, Value>,
) -> bool {
    let roots = members.iter().filter(|mapping| is_of_root(root, mapping));
    let mut rows = roots.flat_map(|mapping| {
        let rows = reduced(mapping, rows).unwrap_or_default();
        rows.into_iter().map(|row| (mapping.tree, row))
    });
    rows.any(|(shape, mut row)| {
        row::with_settings(&mut row, settings);
        shape.is_some_and(|shape| {
            row::hold(shape.exists_when, &row)
                && shape.unless.iter().any(|case| row::hold(case, &row))
        })
    })
}

impl TwoWaySync {
    /// Those of the records that are not in Salesforce whose own rows, or a person, keep them out of it.
    pub(super) async fn kept_out(
        &self,
        work: &Work,
        records: &[(&'static str, String)],
        resolved: &Resolved,
    ) -> Result<LeftOut, StoreError> {
        let mut kept_out = self.left_out(records, resolved).await?;
        let mut missing: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for (name, id) in records {
            let record = (*name, id.clone());
            if !resolved.contains_key(&record) && !kept_out.contains(&record) {
                missing.entry(name).or_default().insert(id.clone());
            }
        }
        for (name, ids) in missing {
            let Some(root) = self.mapping(name).filter(|root| root.tree.is_some()) else {
                continue;
            };
            let mut trees: BTreeMap<String, BTreeMap<String, Vec<Value>>> = BTreeMap::new();
            for row in self
                .store
                .tree_rows(name, ids.into_iter().collect())
                .await?
            {
                if let Ok(value) = serde_json::from_str(&row.row) {
                    let rows = trees.entry(row.root).or_default();
                    rows.entry(row.payload_type).or_default().push(value);
                }
            }
            let members = self.members(root);
            let out = trees
                .into_iter()
                .filter(|(_, rows)| is(root, &members, rows, &work.settings));
            kept_out.extend(out.map(|(id, _)| (name, id)));
        }
        Ok(kept_out)
    }

    /// A record may have been left out between the look at it and the settlement of what waits for it: that looks again.
    pub(super) async fn wake_if_left_out(&self, work: &Work) -> Result<(), StoreError> {
        let mut waits = Vec::new();
        for tree in &work.trees {
            if let (Some(of), Some(Outcome::Park { .. })) = (&tree.waits_for, &tree.stopped) {
                waits.push(of.clone());
            }
        }
        if waits.is_empty() {
            return Ok(());
        }
        let out = self.kept_out(work, &waits, &Resolved::new()).await?;
        let keys = out.into_iter().map(|(name, id)| format!("{name}:{id}"));
        self.store.wake(keys.collect()).await.map(|_| ())
    }
}
