//! Writes of ours that may still be carried out: what they put there is nobody's edit.

use std::collections::BTreeMap;

use runtime::entity::Entity;
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{ASK, NewItem, StoreError, TreeRecord};
use runtime::salesforce::CallError;
use serde_json::{Map, Value};

use super::Work;
use super::holders::once_more;
use super::wanted::Made;
use crate::sync::{Broken, TwoWaySync};

/// A write whose answer never came may be carried out so much later. Salesforce gives up on a call after ten minutes.
const LATE_MS: i64 = 600_000;

impl TwoWaySync {
    /// Fields of a root's record are otherwise than they were written last. Is that an earlier write of ours, whose
    /// answer never came? Then the tree is asked for at once, and puts it right.
    pub(crate) async fn put_right_if_late(
        &self,
        root: &'static MappingDescriptor,
        given: &TreeRecord,
        fields: &[&'static str],
        record: &Map<String, Value>,
    ) -> Result<bool, StoreError> {
        let tree = (root.name.to_owned(), given.root.clone());
        if !self.store.to_be_asked().await?.contains(&tree) {
            return Ok(false);
        }
        let mut there = root.new_record();
        let text = Value::Object(record.clone()).to_string();
        if json::read(there.as_mut(), text.as_bytes()).is_err() {
            return Ok(false);
        }
        let Ok(said) = self.said_by_each_row(root, &given.root).await? else {
            return Ok(false);
        };
        let is_said = |name: &&str| {
            let index = root.record.field(name);
            index.is_some_and(|index| {
                let mut each = said.iter();
                each.any(|row| row.slot(index).equivalent(there.slot(index)))
            })
        };
        if !fields.iter().all(is_said) {
            return Ok(false);
        }
        // Also at its time: another may come.
        let now = NewItem {
            payload: ASK.to_owned(),
            ..once_more(root.name, &given.root)
        };
        self.store.add(vec![now]).await.map(|_| true)
    }

    /// What is written to these trees' records may be carried out late, over what is written after it: by then they are
    /// asked for.
    pub(super) async fn may_be_late(
        &self,
        root: &MappingDescriptor,
        trees: Vec<String>,
    ) -> Result<(), StoreError> {
        if trees.is_empty() || self.breaks(Broken::Late) {
            return Ok(());
        }
        let late = self.now_ms() + LATE_MS;
        self.store.ask_at(root.name, trees, late).await
    }

    /// What each row alone makes of the root's record.
    async fn said_by_each_row(
        &self,
        root: &'static MappingDescriptor,
        id: &str,
    ) -> Result<Result<Vec<Box<dyn Entity>>, CallError>, StoreError> {
        let kept = self.store.tree_rows(root.name, vec![id.to_owned()]).await?;
        let settings = match self.tree_settings().await {
            Ok(settings) => settings,
            Err(error) => return Ok(Err(error)),
        };
        let work = Work::new(root, self.members(root), self.has_npsp(), settings);
        let rows = kept
            .into_iter()
            .filter(|row| row.payload_type == root.payload_type);
        let rows = rows.filter_map(|row| serde_json::from_str::<Value>(&row.row).ok());
        let made = rows.flat_map(|row| {
            let alone = BTreeMap::from([(root.payload_type.to_owned(), vec![row])]);
            let made = root.tree.map(|shape| {
                let (made, _) = self.made_of_rows(&work, root, shape, &alone);
                made
            });
            made.into_iter().flatten()
        });
        Ok(Ok(made.map(|Made { record, .. }| record).collect()))
    }
}
