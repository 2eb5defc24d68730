//! Trees whose rows name another record than their root: for example, a term whose cart was corrected.
//!
//! The record that such a tree leaves belongs to another mapping. The tree's own fields there are blanked, and those
//! that both mappings write are restored. A temporary record of the tree's own is deleted once the shared one exists
//! (`plan::outgrow`).

use std::collections::{BTreeMap, BTreeSet};

use runtime::change::present;
use runtime::entity::Kind;
use runtime::json;
use runtime::mapping::{AdoptFrom, Lookup, MappingDescriptor, Path};
use runtime::queue::{ASK, Item, NewItem, StoreError, TREE_AGAIN, TreeWait};
use runtime::retry::Verdict;
use runtime::row;
use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value};

use super::adopt::{MEETS_MS, Wish, wishes};
use super::adopted::only_of_its_own;
use super::body::Body;
use super::holders::once_more;
use super::roles::SOMEBODYS;
use super::wanted::is_of_root;
use super::{Tree, Work};
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::sync::meeting::{Meeting, destination_key};
use crate::to_salesforce::references::Resolved;

/// Payload of the item that has a tree read its record again, because another tree may have written to it.
const ASKED_ON: &str = "{\"ask\":true,\"by\":\"another\"}";

/// Trees of a batch that have a root already and may get another.
#[derive(Default)]
pub(super) struct Moves {
    /// Roots that the rows do not name any longer, by the trees' ids.
    left: BTreeMap<String, String>,
    /// Trees whose own record is temporary, until the shared one exists.
    for_now: BTreeSet<String>,
    /// Trees without a root so far.
    new: BTreeSet<String>,
}

impl Moves {
    /// The root that the tree's rows do not name any longer.
    pub(super) fn left_by(&self, tree: &str) -> Option<&str> {
        self.left.get(tree).map(String::as_str)
    }

    /// Returns whether the tree's own record only stands in for this one.
    pub(super) fn for_now(&self, tree: &str, wish: &Wish) -> bool {
        matches!(wish, Wish::Record { .. }) && self.for_now.contains(tree)
    }
}

impl TwoWaySync {
    pub(super) async fn moves(&self, work: &Work) -> Result<Moves, StoreError> {
        let root = work.root;
        let going = work.trees.iter().filter(|tree| tree.goes_on());
        let going: Vec<&Tree> = going.collect();
        let ids: Vec<String> = going.iter().map(|tree| tree.id.clone()).collect();
        let own = self.store.links(root.name, ids.clone()).await?;
        let records: Vec<String> = own
            .values()
            .map(|link| link.destination_id.clone())
            .collect();
        let mut moves = Moves::default();
        let new = ids.iter().filter(|id| !own.contains_key(*id));
        moves.new = new.cloned().collect();
        if records.is_empty() {
            return Ok(moves);
        }
        for (mapping, by) in named_by(root) {
            let shared = self
                .store
                .links_by_destination(mapping, records.clone())
                .await?;
            for tree in &going {
                let link = own.get(&tree.id);
                let of = link.and_then(|link| shared.get(&link.destination_id));
                let (Some(of), Some(named)) = (of, named(root, tree, by)) else {
                    continue;
                };
                if named.as_ref() != Some(&of.source_id) {
                    let record = normalise(&of.destination_id);
                    moves.left.insert(tree.id.clone(), record);
                }
            }
        }
        let keys = ids.iter().map(|id| for_now_key(root, id)).collect();
        let waits = self.store.tree_waits(keys).await?.into_iter();
        moves.for_now = waits.map(|wait| wait.root).collect();
        Ok(moves)
    }

    /// Keeps only the waiting trees whose rows still name the record. A later correction may name another.
    pub(super) async fn wishing_still(
        &self,
        work: &Work,
        mut waits: BTreeMap<String, BTreeSet<String>>,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
        if waits.is_empty() {
            return Ok(waits);
        }
        let root = work.root;
        let ids: BTreeSet<String> = waits.values().flatten().cloned().collect();
        let mut trees: BTreeMap<String, Tree> = BTreeMap::new();
        let rows = self.store.tree_rows(root.name, ids.into_iter().collect());
        for row in rows.await? {
            if let Ok(value) = serde_json::from_str(&row.row) {
                let tree = trees
                    .entry(row.root.clone())
                    .or_insert_with(|| Tree::new(row.root));
                tree.rows.entry(row.payload_type).or_default().push(value);
            }
        }
        let mut known: BTreeSet<(&'static str, String, String)> = BTreeSet::new();
        for (mapping, _) in named_by(root) {
            let records = waits.keys().cloned().collect();
            let links = self.store.links_by_destination(mapping, records).await?;
            let links = links.into_iter();
            known.extend(links.map(|(record, link)| (mapping, link.source_id, record)));
        }
        for (record, waiting) in &mut waits {
            let wishes_it = |wish: Wish| match wish {
                Wish::Id(adopted) => adopted.id == *record,
                Wish::Record {
                    of: (mapping, id), ..
                } => known.contains(&(mapping, id, record.clone())),
            };
            waiting.retain(|id| {
                let tree = trees.get(id);
                tree.is_some_and(|tree| wishes(work, tree).into_iter().any(wishes_it))
            });
        }
        Ok(waits)
    }

    /// Reserves the records that trees leave, so that no batch takes them before all is written.
    pub(super) fn claim_left(
        &self,
        work: &mut Work,
        moves: &Moves,
        meeting: &mut Meeting,
    ) -> BTreeSet<String> {
        let root = work.root;
        let mut claimed = BTreeSet::new();
        for tree in work.going() {
            let Some(left) = moves.left_by(&tree.id) else {
                continue;
            };
            match meeting.claim(vec![destination_key(root, left)]) {
                true => _ = claimed.insert(left.to_owned()),
                false => {
                    tree.stop(self.again(MEETS_MS, "another batch is about to take its record"))
                }
            }
        }
        claimed
    }

    /// Stores which trees get a temporary record, and which other tree has the record that they name.
    pub(super) async fn note_for_now(
        &self,
        work: &Work,
        wishes: &[Vec<Wish>],
        moves: &Moves,
        resolved: &Resolved,
    ) -> Result<(), StoreError> {
        let root = work.root;
        let mut waits = Vec::new();
        for (tree, wishes) in work.trees.iter().zip(wishes) {
            if !tree.goes_on() || tree.adopted.is_some() {
                continue;
            }
            let wait = |key| TreeWait {
                key,
                tree: root.name.to_owned(),
                root: tree.id.clone(),
            };
            let is_new =
                moves.new.contains(&tree.id) || tree.left.is_some() || tree.given_up.is_some();
            let mut named = named_by(root).map(|(_, by)| named(root, tree, by));
            let names_none = named.all(|named| named == Some(None));
            if is_new && (names_none || !wishes.is_empty()) {
                waits.push(wait(for_now_key(root, &tree.id)));
            }
            let records = wishes.iter().filter_map(|wish| match wish {
                Wish::Id(_) => None,
                Wish::Record { of, .. } => resolved.get(of),
            });
            if is_new || moves.for_now.contains(&tree.id) {
                waits.extend(records.map(|record| wait(behind_key(root, record))));
            }
        }
        self.keep_new_waits(waits).await
    }

    /// Stores the waits that are not stored yet.
    async fn keep_new_waits(&self, mut waits: Vec<TreeWait>) -> Result<(), StoreError> {
        if waits.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<String> = waits.iter().map(|wait| wait.key.clone()).collect();
        let known = self.store.tree_waits(keys.into_iter().collect()).await?;
        waits.retain(|wait| !known.contains(wait));
        match waits.is_empty() {
            true => Ok(()),
            false => self.store.keep_waits(waits).await,
        }
    }

    /// Blanks or restores the fields that trees wrote to the records that they leave.
    pub(super) async fn leave_all(&self, work: &mut Work) -> Result<(), StoreError> {
        let mut left: Vec<(usize, String)> = Vec::new();
        let mut waits = Vec::new();
        for (place, tree) in work
            .trees
            .iter()
            .enumerate()
            .filter(|(_, tree)| tree.goes_on())
        {
            waits.extend(tree.left.iter().map(|record| TreeWait {
                key: left_key(work.root, &tree.id),
                tree: work.root.name.to_owned(),
                root: record.clone(),
            }));
            let records = tree.left.iter().chain(&tree.left_earlier);
            left.extend(records.map(|record| (place, record.clone())));
        }
        self.keep_new_waits(waits).await?;
        let blank = blank(work.root, work.npsp);
        let mut records = Vec::with_capacity(left.len());
        for (place, id) in left {
            let mut body = blank.clone();
            match self.said_by_others(work, &id).await? {
                Ok(said) => body.extend(said),
                Err(error) => {
                    self.stop_unanswered(work, place, &error);
                    continue;
                }
            }
            records.push(Record {
                of: place,
                key: format!("{}:{place}:{id}", work.root.name),
                id: Some(id.clone()),
                body: Value::Object(body).to_string(),
                locks: vec![id],
            });
        }
        for (place, sent) in self.in_calls(work.root, records).await {
            if !matches!(sent, Sent::Landed(_)) && !is_deleted(&sent) {
                self.stop_for(work, place, work.root.name, &sent);
                // The old root stays the tree's link until its fields are blanked.
                if let Some(tree) = work.trees.get_mut(place) {
                    tree.root_id = None;
                }
            }
        }
        Ok(())
    }

    /// Values that another mapping gave to fields which the tree's mapping writes too, such as the record type.
    async fn said_by_others(
        &self,
        work: &Work,
        record: &str,
    ) -> Result<Result<Body, CallError>, StoreError> {
        let mut said = Body::new();
        for (name, _) in named_by(work.root) {
            let Some(root) = self.mapping(name) else {
                continue;
            };
            let ids = vec![record.to_owned()];
            let links = self.store.links_by_destination(name, ids).await?;
            let trees = links.into_values().map(|link| link.source_id).collect();
            for kept in self.store.tree_records(name, trees).await? {
                let Some(mapping) = self
                    .mapping(&kept.mapping)
                    .filter(|mapping| is_of_root(root, mapping))
                else {
                    continue;
                };
                let base: Map<String, Value> = serde_json::from_str(&kept.base).unwrap_or_default();
                for (field, lookup, text) in looked_up(mapping, work.root, &base) {
                    let found = match text {
                        Some(text) => self.look_up_one(work, lookup, text).await?,
                        None => Ok(None),
                    };
                    match found {
                        Ok(found) => said.insert(field.to_owned(), Value::from(found)),
                        Err(error) => return Ok(Err(error)),
                    };
                }
            }
        }
        Ok(Ok(said))
    }

    /// Wakes the trees that took the roles of a leaving tree, or roles that a tree deleted, for foreign ones, so that they
    /// check again.
    pub(super) async fn look_at_roles_left(&self, work: &mut Work) -> Result<(), StoreError> {
        let trees = work.trees.iter().filter(|tree| tree.goes_on());
        let left = trees.flat_map(|tree| {
            let lost = tree.root_id.as_deref().filter(|_| tree.lost_roles);
            [tree.left.clone(), lost.map(normalise)]
        });
        let left: BTreeSet<String> = left.flatten().collect();
        if left.is_empty() {
            return Ok(());
        }
        let left = left.iter().map(String::as_str).collect();
        let kept = self.roles_known(work.root.object, &left).await?.into_iter();
        let own: BTreeSet<&str> = work.trees.iter().map(|tree| tree.id.as_str()).collect();
        let others = kept.filter(|one| {
            one.destination_id == SOMEBODYS
                && (one.tree != work.root.name || !own.contains(one.root.as_str()))
        });
        let others = others.collect();
        self.look_again(work, others).await
    }

    /// Wakes the trees that wait for a record which a tree has left.
    pub(super) async fn no_longer_behind(&self, work: &Work) -> Result<(), StoreError> {
        let left = work.trees.iter().filter_map(|tree| tree.left.as_ref());
        let keys: Vec<String> = left.map(|record| behind_key(work.root, record)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let waits = self.store.tree_waits(keys).await?.into_iter();
        let items: Vec<NewItem> = waits
            .map(|wait| once_more(&wait.tree, &wait.root))
            .collect();
        match items.is_empty() {
            true => Ok(()),
            false => self.store.add(items).await.map(|_| ()),
        }
    }

    /// Blanks the tree's fields in earlier roots of trees in doubt, since a late write may have reached them. A record
    /// that another tree has now is read again by that tree.
    pub(super) async fn left_earlier(&self, work: &mut Work) -> Result<(), StoreError> {
        let root = work.root;
        let in_doubt = work
            .trees
            .iter()
            .filter(|tree| tree.doubt && tree.goes_on() && !is_only_asked_on(tree));
        let keys = in_doubt.map(|tree| left_key(root, &tree.id));
        let waits = self.store.tree_waits(keys.collect()).await?;
        if waits.is_empty() {
            return Ok(());
        }
        let records: Vec<String> = waits.iter().map(|wait| wait.root.clone()).collect();
        let holders = self.store.links_by_destination(root.name, records).await?;
        let mut meeting = work.meeting.take().unwrap_or_else(|| self.meeting());
        let mut again = Vec::new();
        for TreeWait {
            key, root: record, ..
        } in waits
        {
            let Some(tree) = work.going().find(|tree| left_key(root, &tree.id) == key) else {
                continue;
            };
            match holders.get(&record) {
                Some(holder) if holder.source_id != tree.id => again.push(NewItem {
                    payload: ASKED_ON.to_owned(),
                    ..once_more(root.name, &holder.source_id)
                }),
                Some(_) => {}
                None if meeting.claim(vec![destination_key(root, &record)]) => {
                    tree.left_earlier.push(record);
                }
                // Another batch has reserved the record and blanks the fields itself.
                None => {}
            }
        }
        work.meeting = Some(meeting);
        for item in &again {
            self.note_foreign(root, &item.key).await?;
        }
        match again.is_empty() {
            true => Ok(()),
            false => self.store.add(again).await.map(|_| ()),
        }
    }
}

/// The mappings whose records may be a tree's root, and the members that name them.
fn named_by(root: &'static MappingDescriptor) -> impl Iterator<Item = (&'static str, Path)> {
    let entries = root.tree.map_or(&[] as &[_], |shape| shape.adopt);
    entries.iter().filter_map(|entry| match entry.from {
        AdoptFrom::Id(_) => None,
        AdoptFrom::Record { mapping, by } => Some((mapping, by)),
    })
}

/// The record that a tree's rows name, whatever the settings. `None` if the rows do not fit.
fn named(root: &MappingDescriptor, tree: &Tree, by: Path) -> Option<Option<String>> {
    let rows = tree.rows.get(root.payload_type)?;
    let rows = row::reduced(root, rows).ok()?;
    rows.first().map(|row| row::text(row, by))
}

/// Blank values for all fields of the mapping, except those that only its own record has.
fn blank(root: &'static MappingDescriptor, npsp: bool) -> Body {
    let mut record = root.new_record();
    for (index, field) in root.record.fields.iter().enumerate() {
        let name = field.path.last().copied().unwrap_or_default();
        let is_said = !field.create_only && !only_of_its_own(root, name);
        let is_looked_up = matches!(field.kind, Kind::Lookup(_));
        if is_said && !is_looked_up && (npsp || !field.needs_npsp) {
            record.slot_mut(index).set_blank();
        }
    }
    let all = present(record.as_ref());
    let text = json::write(record.as_ref(), &all, &json::as_source_id).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The look-ups of a mapping in fields that the tree's mapping looks up too, with the stored request of each.
fn looked_up<'b>(
    mapping: &'static MappingDescriptor,
    root: &'static MappingDescriptor,
    base: &'b Map<String, Value>,
) -> Vec<(&'static str, &'static Lookup, Option<&'b str>)> {
    let fields = mapping.record.fields.iter();
    let asked = fields.filter_map(|field| {
        let (Kind::Lookup(lookup), Some(name)) = (field.kind, field.path.last()) else {
            return None;
        };
        let own = root.record.fields.get(root.record.field(name)?)?;
        let text = base.get(*name).and_then(Value::as_str);
        (!own.create_only).then_some((*name, lookup, text))
    });
    asked.collect()
}

/// Returns whether only another tree had this tree read again. Without the check two trees that changed places would
/// wake each other for ever.
fn is_only_asked_on(tree: &Tree) -> bool {
    let asked = |payload: &str| tree.items.iter().any(|item| is_again(item, payload));
    asked(ASKED_ON) && !asked(ASK)
}

fn is_again(item: &Item, payload: &str) -> bool {
    item.payload_type == TREE_AGAIN && item.payload == payload
}

/// Returns whether the item has the tree's records read from Salesforce.
pub(super) fn asks(item: &Item) -> bool {
    is_again(item, ASK) || is_again(item, ASKED_ON)
}

fn is_deleted(sent: &Sent) -> bool {
    let Sent::Refused(refusal) = sent else {
        return false;
    };
    let mut errors = refusal.errors.iter();
    errors.any(|error| error.verdict() == Verdict::Stale)
}

/// Key of the note that a tree's own record is temporary.
fn for_now_key(root: &MappingDescriptor, tree: &str) -> String {
    format!("{} {tree} has its own for now", root.name)
}

/// Key of the trees that wait for a record which another tree has.
fn behind_key(root: &MappingDescriptor, record: &str) -> String {
    format!("{} behind another on {}", root.name, normalise(record))
}

/// Key of the records that a tree has left.
fn left_key(root: &MappingDescriptor, tree: &str) -> String {
    format!("{} {tree} has left", root.name)
}
