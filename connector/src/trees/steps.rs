//! Writes trees step by step, so that no amount exceeds its parent's. Each step takes as few calls as possible for all
//! trees of the batch.
//!
//! 1. Records that others depend on are created or raised, from the root: lines, payments.
//! 2. Amounts are lowered and records deleted, from the leaves: allocations, refunds, lines.
//! 3. The leaves are created or raised.
//! 4. Fields that state completeness, such as the stage, are written.

use std::collections::BTreeSet;

use runtime::entity::copied;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{StoreError, TreeRecord};
use runtime::retry::Verdict;
use runtime::salesforce::{COLLECTION_MAX, RecordResult};
use serde_json::Value;

use super::body::{body, new_body};
use super::plan::{self, Phase};
use super::takeover::ROLE;
use super::wanted::{comes_after, is_of_root};
use super::{Tree, Wanted, Work, refused_fields, roles};
use crate::sync::calls::{Record, Sent};
use crate::sync::{Broken, TwoWaySync};

/// Each try leaves out a refused field. Records have few such fields, so more tries would not help.
const TRIES_MAX: usize = 8;

/// Runs of one object that a call of the Collections API takes.
const RUNS_MAX: usize = 10;

/// A record of a tree: their places.
pub(super) type Place = (usize, usize);

impl TwoWaySync {
    /// Brings every tree that goes on to where it has to be.
    pub(super) async fn write_steps(&self, work: &mut Work) -> Result<(), StoreError> {
        let up: Vec<_> = work.members.clone();
        for mapping in up.iter().filter(|mapping| is_followed(mapping, &up)) {
            // Deleting a line below 0 raises the sum, so it comes first.
            self.delete_gone(work, &[mapping], is_below_zero).await;
            self.create(work, mapping, |wanted| !lowers(wanted)).await;
            self.update(work, mapping, Phase::Up).await;
        }
        // Deletions that no other write comes between share their calls.
        let mut deleted: Vec<&'static MappingDescriptor> = Vec::new();
        for mapping in up.iter().rev() {
            deleted.push(mapping);
            if !writes_less(work, mapping) {
                continue;
            }
            self.delete_gone(work, &deleted, |_, _| true).await;
            deleted.clear();
            self.update(work, mapping, Phase::Down).await;
            if is_followed(mapping, &up) {
                self.create(work, mapping, lowers).await;
            }
        }
        self.delete_gone(work, &deleted, |_, _| true).await;
        let (fixed, others): (Vec<_>, Vec<_>) =
            up.iter().partition(|mapping| plan::is_fixed(mapping));
        for mapping in others {
            self.create(work, mapping, |_| true).await;
            self.update(work, mapping, Phase::Up).await;
        }
        for mappings in by_object(fixed) {
            self.add_missing(work, &mappings).await?;
        }
        for mapping in &up {
            self.update(work, mapping, Phase::Last).await;
        }
        Ok(())
    }

    async fn create(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
        is_meant: impl Fn(&Wanted) -> bool,
    ) {
        if plan::is_fixed(mapping) {
            return;
        }
        let mut again = None;
        for _ in 0..TRIES_MAX {
            let refused = self
                .create_once(work, mapping, again.as_ref(), &is_meant)
                .await;
            if refused.is_empty() {
                return;
            }
            again = Some(refused);
        }
    }

    /// Creates the records once. Returns the places of those to try again without a refused field.
    async fn create_once(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
        only: Option<&BTreeSet<Place>>,
        is_meant: impl Fn(&Wanted) -> bool,
    ) -> BTreeSet<Place> {
        let records = self.records(work, only, |work, tree, wanted| {
            let is_new = wanted.mapping.name == mapping.name
                && wanted.id.is_none()
                && is_meant(wanted)
                && !is_renewed(tree, wanted);
            // A second mapping of the root's record changes it.
            is_new.then(|| match is_of_root(work.root, mapping) {
                true => (tree.root_id.clone(), new_body(work, tree, wanted)),
                false => (None, new_body(work, tree, wanted)),
            })
        });
        let mut again = BTreeSet::new();
        let (changes, news): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.id.is_some());
        for records in [changes, news] {
            for (place, sent) in self.in_calls(mapping, records).await {
                match leaves_out(work, place, &sent) {
                    true => _ = again.insert(place),
                    false => self.note_created(work, place, &sent),
                }
            }
        }
        again
    }

    fn note_created(&self, work: &mut Work, (place, index): Place, sent: &Sent) {
        let root = work.root;
        let made = work.trees.get(place).and_then(|tree| {
            let wanted = tree.wanted.get(index)?;
            Some((new_body(work, tree, wanted), plan::agreed(work, wanted)))
        });
        let Some((body, mut base)) = made else {
            return;
        };
        let Some(tree) = work.trees.get_mut(place) else {
            return;
        };
        let Some(wanted) = tree.wanted.get_mut(index) else {
            return;
        };
        let (mapping, key) = (wanted.mapping, wanted.key.clone());
        let Sent::Landed(id) = sent else {
            return self.fail(tree, root, (mapping, &key), sent);
        };
        if is_of_root(root, mapping) {
            tree.root_id = Some(id.clone());
        }
        wanted.id = Some(id.clone());
        if let Some((last, field)) = plan::written_last(mapping)
            && let runtime::entity::SlotMut::Text(slot) = base.slot_mut(field)
        {
            let until_then = body.get(last.field).and_then(Value::as_str);
            *slot = until_then.map_or(runtime::entity::Slot::Null, |text| {
                runtime::entity::Slot::Value(text.to_owned())
            });
        }
        keep(tree, root, index, base);
    }

    async fn update(&self, work: &mut Work, mapping: &'static MappingDescriptor, phase: Phase) {
        if plan::is_fixed(mapping) {
            return;
        }
        let mut again = None;
        for _ in 0..TRIES_MAX {
            let refused = self.update_once(work, mapping, phase, again.as_ref()).await;
            if refused.is_empty() {
                return;
            }
            again = Some(refused);
        }
    }

    /// Updates the records once. Returns the places of those to try again without a refused field.
    async fn update_once(
        &self,
        work: &mut Work,
        mapping: &'static MappingDescriptor,
        phase: Phase,
        only: Option<&BTreeSet<Place>>,
    ) -> BTreeSet<Place> {
        let records = self.records(work, only, |work, tree, wanted| {
            let id = wanted
                .id
                .clone()
                .filter(|_| wanted.mapping.name == mapping.name && !is_renewed(tree, wanted))?;
            let mask = plan::changed_in(wanted, phase);
            let mut body = body(work, tree, wanted, &mask);
            // What is looked for again and not found is blank as before.
            let was_blank = |name: &str| {
                let index = wanted.mapping.record.field(name)?;
                Some(wanted.base.as_ref()?.slot(index).is_blank())
            };
            body.retain(|name, value| !value.is_null() || was_blank(name) != Some(true));
            if let Some((with, field, value)) = &tree.along
                && is_of_root(work.root, mapping)
                && body.contains_key(*with)
            {
                body.insert((*field).to_owned(), Value::from(value.as_str()));
            }
            (!body.is_empty()).then_some((Some(id), body))
        });
        let root = work.root;
        let mut again = BTreeSet::new();
        for (place, sent) in self.in_calls(mapping, records).await {
            if let Sent::Landed(_) = sent {
                note_updated(work, place, phase);
            } else if leaves_out(work, place, &sent) {
                again.insert(place);
            } else if let Some(tree) = work.trees.get_mut(place.0) {
                let key = tree.wanted.get(place.1).map(|wanted| wanted.key.clone());
                self.fail(tree, root, (mapping, &key.unwrap_or_default()), &sent);
            }
        }
        again
    }

    /// Records of trees that go on, as `write` wants them.
    fn records(
        &self,
        work: &Work,
        only: Option<&BTreeSet<Place>>,
        write: impl Fn(&Work, &Tree, &Wanted) -> Option<(Option<String>, super::body::Body)>,
    ) -> Vec<Record<Place>> {
        let mut records = Vec::new();
        for (place, tree) in work.trees.iter().enumerate() {
            if !tree.goes_on() {
                continue;
            }
            for (index, wanted) in tree.wanted.iter().enumerate() {
                if only.is_some_and(|only| !only.contains(&(place, index))) {
                    continue;
                }
                if let Some((id, body)) = write(work, tree, wanted) {
                    records.push(Record {
                        of: (place, index),
                        key: format!("{}:{}", wanted.mapping.name, wanted.key),
                        id,
                        body: Value::Object(body).to_string(),
                        locks: tree.root_id.iter().cloned().collect(),
                    });
                }
            }
        }
        records
    }

    /// Deletes what is wanted no longer, in the order of the mappings.
    async fn delete_gone(
        &self,
        work: &mut Work,
        mappings: &[&'static MappingDescriptor],
        is_meant: impl Fn(&'static MappingDescriptor, &TreeRecord) -> bool,
    ) {
        if self.breaks(Broken::Books) {
            return;
        }
        let mut gone: Vec<Gone> = Vec::new();
        for mapping in mappings {
            gone.extend(take_gone(work, mapping, &is_meant));
        }
        let mut left = gone.as_slice();
        while !left.is_empty() {
            let (call, rest) = left.split_at(call_length(left));
            self.delete(work, call).await;
            left = rest;
        }
    }

    async fn delete(&self, work: &mut Work, call: &[Gone]) {
        let root = work.root;
        let ids = call.iter().map(|gone| gone.record.destination_id.clone());
        let ids: Vec<String> = ids.collect();
        let results = self.salesforce.delete(&ids).await;
        for (number, gone) in call.iter().enumerate() {
            let (mapping, record) = (gone.mapping, &gone.record);
            let Some(tree) = work.trees.get_mut(gone.tree) else {
                continue;
            };
            match &results {
                Err(error) => {
                    let error = error.clone();
                    let sent = Sent::Unanswered { error, alone: true };
                    self.fail(tree, root, (mapping, &record.key), &sent);
                }
                Ok(results) => match results.get(number) {
                    Some(result) if is_gone(result) => {
                        let mut record = record.clone();
                        record.destination_id.clear();
                        tree.written.push(record);
                        tree.lost_roles |= mapping.object == ROLE;
                    }
                    Some(Err(errors)) => {
                        let outcome = self.refused_record(tree, root, mapping, errors, true);
                        tree.refuse(root, mapping, &record.key, outcome);
                    }
                    _ => {}
                },
            }
        }
    }
}

/// A record to delete.
struct Gone {
    mapping: &'static MappingDescriptor,
    /// The place of its tree.
    tree: usize,
    record: TreeRecord,
}

/// Takes the records to delete out of their trees.
fn take_gone(
    work: &mut Work,
    mapping: &'static MappingDescriptor,
    is_meant: &impl Fn(&'static MappingDescriptor, &TreeRecord) -> bool,
) -> Vec<Gone> {
    let mut gone: Vec<Gone> = Vec::new();
    for (place, tree) in work.trees.iter_mut().enumerate() {
        if tree.goes_on() && plan::deletes(tree, mapping) {
            let all = std::mem::take(&mut tree.gone);
            let is_sure = |record: &TreeRecord| {
                let mut unsure = tree.unsure.iter();
                !unsure.any(|unsure| unsure.covers(record))
            };
            let (mine, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|record| {
                record.mapping == mapping.name && is_meant(mapping, record) && is_sure(record)
            });
            tree.gone = others;
            // A record that somebody else made stays, and its note goes.
            let (theirs, mine): (Vec<_>, Vec<_>) = mine
                .into_iter()
                .partition(|record| record.destination_id == roles::SOMEBODYS);
            tree.written
                .extend(theirs.into_iter().map(|record| TreeRecord {
                    destination_id: String::new(),
                    ..record
                }));
            gone.extend(mine.into_iter().map(|record| Gone {
                mapping,
                tree: place,
                record,
            }));
        }
    }
    gone
}

/// The length of the next call: at most so many records, and so many runs of one object.
fn call_length(gone: &[Gone]) -> usize {
    let mut runs = 0;
    let mut object = "";
    for (number, one) in gone.iter().enumerate().take(COLLECTION_MAX) {
        if one.mapping.object != object {
            (object, runs) = (one.mapping.object, runs + 1);
        }
        if runs > RUNS_MAX {
            return number;
        }
    }
    gone.len().min(COLLECTION_MAX)
}

/// Returns whether records of the mapping are to be lowered, or created with an amount below 0.
fn writes_less(work: &Work, mapping: &'static MappingDescriptor) -> bool {
    let trees = work.trees.iter().filter(|tree| tree.goes_on());
    let mut wanted = trees.flat_map(|tree| &tree.wanted);
    wanted.any(|wanted| {
        let is_lowered = || match wanted.id {
            Some(_) => !plan::changed_in(wanted, Phase::Down).is_empty(),
            None => lowers(wanted),
        };
        wanted.mapping.name == mapping.name && is_lowered()
    })
}

/// Divides mappings that keep their records as they are by where these go: one call takes those of a group.
fn by_object(mappings: Vec<&'static MappingDescriptor>) -> Vec<Vec<&'static MappingDescriptor>> {
    let mut groups: Vec<Vec<&'static MappingDescriptor>> = Vec::new();
    for mapping in mappings {
        let mut of = groups.iter_mut();
        let is_one = |one: &&'static MappingDescriptor| {
            let duplicates = one.policies.duplicates == mapping.policies.duplicates;
            let key = |one: &MappingDescriptor| one.tree.map(|tree| tree.natural_key);
            one.object == mapping.object && duplicates && key(one) == key(mapping)
        };
        match of.find(|group| group.iter().all(is_one)) {
            Some(group) => group.push(mapping),
            None => groups.push(vec![mapping]),
        }
    }
    groups
}

/// Returns whether another mapping of the tree depends on this one.
fn is_followed(mapping: &MappingDescriptor, all: &[&'static MappingDescriptor]) -> bool {
    let mut others = all.iter().filter(|other| other.name != mapping.name);
    others.any(|other| comes_after(other, mapping))
}

/// Returns whether a stored record has an amount below 0.
fn is_below_zero(mapping: &'static MappingDescriptor, record: &TreeRecord) -> bool {
    plan::base(mapping, &record.base).is_some_and(|base| plan::is_below_zero(base.as_ref()))
}

/// Returns whether the record lowers the sum of its parent.
fn lowers(wanted: &Wanted) -> bool {
    plan::is_below_zero(wanted.record.as_ref())
}

/// Returns whether the record replaces one with the same key, which has to be deleted first.
fn is_renewed(tree: &Tree, wanted: &Wanted) -> bool {
    let mut gone = tree.gone.iter();
    gone.any(|record| record.mapping == wanted.mapping.name && record.key == wanted.key)
}

/// Removes the field that Salesforce refuses from the record. Returns whether there was one.
fn leaves_out(work: &mut Work, (place, index): Place, sent: &Sent) -> bool {
    let root = work.root;
    match (sent, work.trees.get_mut(place)) {
        (Sent::Refused(refusal), Some(tree)) => {
            refused_fields::leave_out(tree, root, index, &refusal.errors)
        }
        _ => false,
    }
}

/// It was deleted now or earlier.
fn is_gone(result: &RecordResult) -> bool {
    match result {
        Ok(_) => true,
        Err(errors) => errors
            .first()
            .is_some_and(|error| error.verdict() == Verdict::Stale),
    }
}

/// What was written is what is agreed; the rest of the record follows.
fn note_updated(work: &mut Work, (place, index): Place, phase: Phase) {
    let wanted = work
        .trees
        .get(place)
        .and_then(|tree| tree.wanted.get(index));
    let Some(wanted) = wanted else {
        return;
    };
    let mask = plan::changed_in(wanted, phase);
    let mut base = match &wanted.base {
        Some(base) => copied(base.as_ref()),
        None => wanted.mapping.new_record(),
    };
    for (field, descriptor) in wanted.mapping.record.fields.iter().enumerate() {
        // What only a create says was said by whoever made the record.
        let was_said = wanted.base.is_none() && descriptor.create_only;
        if mask.contains(field) || was_said {
            base.slot_mut(field).set(wanted.record.slot(field));
        }
    }
    plan::blank_unfound(work, base.as_mut());
    let root = work.root;
    if let Some(tree) = work.trees.get_mut(place) {
        keep(tree, root, index, base);
    }
}

fn keep(
    tree: &mut Tree,
    root: &MappingDescriptor,
    index: usize,
    base: Box<dyn runtime::entity::Entity>,
) {
    let id = tree.id.clone();
    if let Some(wanted) = tree.wanted.get_mut(index) {
        tree.written
            .push(plan::kept_as(root, &id, wanted, base.as_ref()));
        wanted.base = Some(base);
    }
}
