//! Records without an external id, known by what they join: contact roles. What is there is left alone, whoever made it;
//! only what is missing is made. Which ones are about to be made is on the disk before the call, so that after a crash
//! they are known as ours.

use std::collections::{BTreeMap, BTreeSet};

use runtime::change::present;
use runtime::entity::Kind;
use runtime::mapping::{Gone, MappingDescriptor};
use runtime::queue::{StoreError, TreeRecord};
use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value};

use super::body::{Body, body, new_body, parent_field};
use super::steps::Place;
use super::takeover::{LEADS, Leading, ROLE};
use super::{Tree, Wanted, Work, plan};
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};

/// In the place of an id: somebody else made the record.
pub(super) const SOMEBODYS: &str = "there";

/// In the place of an id, before the values of its key: it is about to be made.
const MAKING: &str = "making:";

/// The fields that say whose role it is, and which.
const CONTACT: &str = "ContactId";
pub(super) const WORD: &str = "Role";
/// The settings with the words for members and ticket holders.
pub(super) const ROLE_MEMBER: &str = "role_member";
pub(super) const ROLE_HOLDER: &str = "role_holder";

/// The values of the natural key.
type Key = Vec<String>;

/// Are they about to be made, as far as is known?
pub(crate) fn is_making(id: &str) -> bool {
    id.starts_with(MAKING)
}

/// Leaves out roles that stay whatever happens, of contacts that a role of the same tree names before: the buyer, or the
/// holder of another ticket.
pub(super) fn once_each(wanted: &mut Vec<Wanted>) {
    let contact = |wanted: &Wanted| {
        let is_role = wanted.mapping.object == ROLE;
        let index = wanted.mapping.record.field(CONTACT).filter(|_| is_role)?;
        match wanted.mapping.record.fields.get(index)?.kind {
            Kind::Reference { .. } => wanted.record.slot(index).text().map(str::to_owned),
            _ => None,
        }
    };
    let stays = |wanted: &Wanted| {
        let tree = wanted.mapping.tree;
        tree.is_some_and(|tree| tree.gone == Gone::Keep)
    };
    let firm = wanted.iter().filter(|one| !stays(one));
    let mut named: BTreeSet<String> = firm.filter_map(contact).collect();
    wanted.retain(|one| match contact(one) {
        Some(contact) if stays(one) => named.insert(contact),
        _ => true,
    });
}

impl TwoWaySync {
    /// Creates what is missing of these mappings, which all write to one object.
    pub(super) async fn add_missing(
        &self,
        work: &mut Work,
        mappings: &[&'static MappingDescriptor],
    ) -> Result<(), StoreError> {
        self.claim_parents(work, mappings);
        let of = |mapping: &&'static MappingDescriptor| new_ones(work, mapping);
        let new: Vec<New> = mappings.iter().flat_map(of).collect();
        let Some(first) = new.first().map(|one| one.mapping) else {
            return Ok(());
        };
        let there = match self.there(work, &new).await {
            Ok(there) => there,
            Err(error) => {
                for place in new.iter().map(|one| one.place.0) {
                    if let Some(tree) = work.trees.get_mut(place) {
                        tree.stop(self.unanswered_by(&[first], tree.attempts(), &error));
                    }
                }
                return Ok(());
            }
        };
        let keyed = there.into_iter();
        let keyed = keyed.filter_map(|record| Some((key(first, &record)?, record)));
        let there: BTreeMap<Key, Map<String, Value>> = keyed.collect();
        let mut known: BTreeSet<Key> = there.keys().cloned().collect();
        let (mut records, mut making, mut leading) = (Vec::new(), Vec::new(), Vec::new());
        for one in new {
            let New {
                mapping,
                place,
                mut body,
                key,
            } = one;
            let leads = body.get(LEADS) == Some(&Value::Bool(true));
            let goes_over = |role: &&Map<String, Value>| leads || is_more(work, &body, role);
            // Two of them may mean one.
            if let Some(role) = there.get(&key).filter(goes_over) {
                let fields = mapping.tree.map_or(&[] as &[&str], |tree| tree.natural_key);
                fields.iter().for_each(|field| drop(body.remove(*field)));
                leading.push(Leading {
                    place,
                    role: role.clone(),
                    body,
                });
            } else if known.insert(key.clone()) {
                making.extend(in_the_making(work, place, &key));
                records.push(Record {
                    of: place,
                    key: format!("{}:{}:{}", mapping.name, place.0, place.1),
                    id: None,
                    body: Value::Object(body).to_string(),
                    locks: Vec::new(),
                });
            } else {
                self.note_role(work, place, &Sent::Landed(String::new()));
            }
        }
        if !making.is_empty() {
            self.store.keep_records(making).await?;
        }
        let mut sent = self.in_calls(first, records).await;
        if !leading.is_empty() {
            sent.extend(self.promote(work, first, leading).await?);
        }
        for (place, sent) in sent {
            self.note_role(work, place, &sent);
        }
        Ok(())
    }

    fn claim_parents(&self, work: &mut Work, mappings: &[&'static MappingDescriptor]) {
        for mapping in mappings {
            for one in new_ones(work, mapping) {
                self.claim_roles(work, one.place.0, mapping.object);
            }
        }
    }

    /// Of those that were about to be made it is asked whether they were.
    pub(super) async fn ask_for_making(&self, work: &mut Work) {
        for mapping in work.members.clone() {
            let keys = making(work, mapping);
            if keys.is_empty() {
                continue;
            }
            match self.made_meanwhile(work, mapping, &keys).await {
                Ok(made) => {
                    for tree in work.going() {
                        settle(tree, mapping, &made);
                    }
                }
                Err(error) => {
                    for place in 0..work.trees.len() {
                        let tree = work.trees.get(place);
                        if tree.is_some_and(|tree| makes(tree, mapping).next().is_some()) {
                            self.stop_unanswered(work, place, &error);
                        }
                    }
                }
            }
        }
    }

    /// Those that are there, by what was kept of them before they were made.
    async fn made_meanwhile(
        &self,
        work: &Work,
        mapping: &'static MappingDescriptor,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let fields = mapping.tree.map_or(&[] as &[&str], |tree| tree.natural_key);
        let parent = parent_field(work.root, mapping);
        let place = fields.iter().position(|field| Some(*field) == parent);
        let (Some(parent), Some(place)) = (parent, place) else {
            return Ok(BTreeMap::new());
        };
        let parents: BTreeSet<&str> = keys
            .iter()
            .filter_map(|key| key.strip_prefix(MAKING)?.split(',').nth(place))
            .collect();
        let records = self.of_parents(mapping, parent, parents).await?;
        // A role that leads, or does not, where ours was to be the other kind, is another tree's, or somebody's.
        let leads = mapping.record.field(LEADS).is_some();
        let is_kind =
            |record: &&Map<String, Value>| (record.get(LEADS) == Some(&Value::Bool(true))) == leads;
        let made = records.iter().filter(is_kind).filter_map(|record| {
            let id = record.get("Id")?.as_str()?;
            Some((spelled(&key(mapping, record)?), id.to_owned()))
        });
        Ok(made.collect())
    }

    fn note_role(&self, work: &mut Work, (place, index): Place, sent: &Sent) {
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
            sent => {
                let wanted = tree.wanted.get(index);
                if let Some((mapping, key)) = wanted.map(|one| (one.mapping, one.key.clone())) {
                    self.fail(tree, root, (mapping, &key), sent);
                }
            }
        }
    }

    async fn there(&self, work: &Work, new: &[New]) -> Result<Vec<Map<String, Value>>, CallError> {
        let mapping = new.first().map(|one| one.mapping);
        let parent = mapping.and_then(|mapping| parent_field(work.root, mapping));
        let (Some(mapping), Some(parent)) = (mapping, parent) else {
            return Ok(Vec::new());
        };
        let roots = new
            .iter()
            .filter_map(|one| work.trees.get(one.place.0)?.root_id.as_deref());
        self.of_parents(mapping, parent, roots.collect()).await
    }

    async fn of_parents(
        &self,
        mapping: &'static MappingDescriptor,
        parent: &'static str,
        parents: BTreeSet<&str>,
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        let groups: Vec<Vec<Option<String>>> = parents
            .into_iter()
            .map(|id| vec![Some(id.to_owned())])
            .collect();
        let mut select = vec!["Id"];
        select.extend(mapping.tree.map_or(&[] as &[&str], |tree| tree.natural_key));
        if mapping.object == ROLE {
            select.extend([LEADS, WORD]);
        }
        self.salesforce
            .query_in(mapping.object, &select, &[parent], &groups)
            .await
    }
}

/// A member is more than a ticket holder: the role says so, whichever was heard of first.
fn is_more(work: &Work, body: &Body, role: &Map<String, Value>) -> bool {
    let is = |word: Option<&Value>, setting: &str| {
        let word = word.and_then(Value::as_str);
        word.is_some() && word == work.setting(setting)
    };
    let leads = role.get(LEADS) == Some(&Value::Bool(true));
    !leads && is(body.get(WORD), ROLE_MEMBER) && is(role.get(WORD), ROLE_HOLDER)
}

/// What somebody else had made may have been moved since, by NPSP and because of a write of ours.
pub(super) fn look_again(tree: &mut Tree) {
    for wanted in &mut tree.wanted {
        if wanted.id.as_deref() == Some(SOMEBODYS) {
            wanted.forget();
        }
    }
}

/// What is kept of a record before it is made.
fn in_the_making(work: &Work, (place, index): (usize, usize), key: &Key) -> Option<TreeRecord> {
    let tree = work.trees.get(place)?;
    let kept = plan::kept(work.root, &tree.id, tree.wanted.get(index)?);
    Some(TreeRecord {
        destination_id: spelled(key),
        ..kept
    })
}

/// What is kept of such a record until its id is known.
pub(super) fn in_the_making_as(
    mapping: &MappingDescriptor,
    record: &Map<String, Value>,
) -> Option<String> {
    key(mapping, record).map(|key| spelled(&key))
}

fn spelled(key: &Key) -> String {
    format!("{MAKING}{}", key.join(","))
}

/// What was kept of those of all trees that were about to be made.
fn making(work: &Work, mapping: &MappingDescriptor) -> BTreeSet<String> {
    let trees = work.trees.iter().filter(|tree| tree.goes_on());
    let all = trees.flat_map(|tree| makes(tree, mapping));
    all.map(str::to_owned).collect()
}

fn makes<'t>(tree: &'t Tree, mapping: &'t MappingDescriptor) -> impl Iterator<Item = &'t str> {
    let wanted = tree
        .wanted
        .iter()
        .filter(|one| one.mapping.name == mapping.name);
    let gone = tree.gone.iter().filter(|one| one.mapping == mapping.name);
    let ids = wanted.filter_map(|wanted| wanted.id.as_deref());
    let ids = ids.chain(gone.map(|record| record.destination_id.as_str()));
    ids.filter(|id| is_making(id))
}

/// Those that were made have their ids; the others are none.
fn settle(tree: &mut Tree, mapping: &MappingDescriptor, made: &BTreeMap<String, String>) {
    let wanted = tree.wanted.iter_mut();
    for wanted in wanted.filter(|wanted| wanted.mapping.name == mapping.name) {
        if wanted.id.as_deref().is_some_and(is_making) {
            wanted.id = wanted.id.take().and_then(|id| made.get(&id).cloned());
        }
        if wanted.id.is_none() {
            wanted.base = None;
        }
    }
    for mut record in std::mem::take(&mut tree.gone) {
        if record.mapping != mapping.name || !is_making(&record.destination_id) {
            tree.gone.push(record);
            continue;
        }
        let id = made.get(&record.destination_id);
        record.destination_id = id.cloned().unwrap_or_default();
        match id {
            Some(_) => tree.gone.push(record),
            None => tree.written.push(record),
        }
    }
}

/// A record that was never made.
struct New {
    mapping: &'static MappingDescriptor,
    place: Place,
    body: Body,
    key: Key,
}

/// Finds the records that were never made, without those whose keys are not known.
fn new_ones(work: &Work, mapping: &'static MappingDescriptor) -> Vec<New> {
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
                new.push(New {
                    mapping,
                    place: (place, index),
                    body: new_body(work, tree, wanted),
                    key,
                });
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
