//! The records that a tree refers to: other mappings' by their links, its own by their keys.

use runtime::entity::{Kind, Slot, SlotMut};
use runtime::queue::{Outcome, StoreError};
use serde_json::{Value, json};

use super::wanted::is_of_root;
use super::{Tree, Wanted, Work};
use crate::handlers::households;
use crate::handlers::organizations::ORGANIZATIONS;
use crate::sync::TwoWaySync;
use crate::to_salesforce::references::{BY_ID, leave_out, of};

impl TwoWaySync {
    /// A tree that refers to a record which is not there waits for it.
    pub(super) async fn refer_all(&self, work: &mut Work) -> Result<(), StoreError> {
        let mut all = Vec::new();
        for place in 0..work.trees.len() {
            all.extend(outside(work, place));
        }
        let (resolved, failure) = self.resolve(all.clone()).await?;
        let left_out = self.left_out(&all, &resolved).await?;
        work.outside = resolved;
        let asking = [work.root];
        for place in 0..work.trees.len() {
            let mut references = outside(work, place).into_iter();
            let missing = references.find(|reference| {
                !work.outside.contains_key(reference) && !left_out.contains(reference)
            });
            let name = work.root.name;
            let Some(tree) = work.trees.get_mut(place) else {
                continue;
            };
            for wanted in &mut tree.wanted {
                leave_out(wanted.record.as_mut(), &left_out);
            }
            match (missing, &failure) {
                (None, _) => {}
                (Some(_), Some(error)) => {
                    tree.stop(self.unanswered_by(&asking, tree.attempts(), error))
                }
                (Some((parent, id)), None) => tree.stop(Outcome::Park {
                    key: format!("{parent}:{id}"),
                    reason: format!(
                        "{name} {} refers to {parent} {id}, which is not in Salesforce yet",
                        tree.id
                    ),
                }),
            }
        }
        Ok(())
    }
}

/// Other mappings' records that a tree needs: what its own refer to, and the buyer's family.
fn outside(work: &Work, place: usize) -> Vec<(&'static str, String)> {
    let Some(tree) = work.trees.get(place).filter(|tree| tree.goes_on()) else {
        return Vec::new();
    };
    let records = tree
        .wanted
        .iter()
        .flat_map(|wanted| of(wanted.record.as_ref()));
    let mut all: Vec<(&'static str, String)> =
        records.filter(|(name, _)| !work.is_member(name)).collect();
    if let (Some(family), true) = (households::family_of(work, tree), has_root(work, tree)) {
        let members = family.members.into_keys().chain([family.anchor]);
        all.extend(members.map(|id| (households::PEOPLE, id)));
    }
    let organizations = tree.organizations.iter().cloned();
    all.extend(organizations.map(|id| (ORGANIZATIONS, id)));
    all
}

fn has_root(work: &Work, tree: &Tree) -> bool {
    tree.wanted
        .iter()
        .any(|wanted| is_of_root(work.root, wanted.mapping))
}

/// References within a tree: one that leads nowhere means the first of its kind where the mapping says so, else its
/// record is not wanted yet.
pub(super) fn settle_within(work: &Work, tree: &mut Tree) {
    name_organization(work, tree);
    let mut keys: Vec<(&'static str, String)> = tree
        .wanted
        .iter()
        .map(|wanted| (wanted.mapping.name, wanted.key.clone()))
        .collect();
    keys.sort();
    tree.wanted
        .retain_mut(|wanted| is_settled(work, &keys, wanted));
}

fn is_settled(work: &Work, keys: &[(&'static str, String)], wanted: &mut Wanted) -> bool {
    let or_first = wanted
        .mapping
        .tree
        .map_or(&[] as &[&str], |tree| tree.or_first);
    for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
        let Kind::Reference { mapping } = field.kind else {
            continue;
        };
        if mapping == work.root.name || !work.is_member(mapping) {
            continue;
        }
        let falls_back = field
            .path
            .last()
            .is_some_and(|name| or_first.contains(name));
        let key = wanted.record.slot(index).text().map(str::to_owned);
        let is_there = match &key {
            Some(key) if key.starts_with(BY_ID) => true,
            Some(key) => keys
                .iter()
                .any(|(name, known)| *name == mapping && known == key),
            None => !falls_back,
        };
        if is_there {
            continue;
        }
        match first_of(keys, mapping).filter(|_| falls_back) {
            Some(first) => put(wanted, index, first),
            None => return false,
        }
    }
    true
}

fn first_of(keys: &[(&'static str, String)], mapping: &str) -> Option<String> {
    let mut of_mapping = keys.iter().filter(|(name, _)| *name == mapping);
    of_mapping.next().map(|(_, key)| key.clone())
}

fn put(wanted: &mut Wanted, index: usize, key: String) {
    if let SlotMut::Text(slot) = wanted.record.slot_mut(index) {
        *slot = Slot::Value(key);
    }
}

/// The organization that the root belongs to is the circle of everybody whom its tree looks for.
fn name_organization(work: &Work, tree: &mut Tree) {
    let is_root = |wanted: &&Wanted| is_of_root(work.root, wanted.mapping);
    let roots = tree.wanted.iter().filter(is_root);
    let referred = roots.flat_map(|root| of(root.record.as_ref()));
    let organizations: Vec<Value> = referred
        .filter(|(mapping, _)| *mapping != households::PEOPLE && !work.is_member(mapping))
        .map(|(mapping, id)| json!([mapping, id]))
        .collect();
    if organizations.is_empty() {
        return;
    }
    for wanted in &mut tree.wanted {
        for (index, field) in wanted.mapping.record.fields.iter().enumerate() {
            if matches!(field.kind, Kind::Lookup(lookup) if lookup.within.is_some())
                && let SlotMut::Text(Slot::Value(text)) = wanted.record.slot_mut(index)
                && let Ok(Value::Object(mut asked)) = serde_json::from_str(text)
            {
                if let Some(Value::Array(within)) = asked.get_mut("within") {
                    within.extend(organizations.clone());
                }
                *text = Value::Object(asked).to_string();
            }
        }
    }
}
