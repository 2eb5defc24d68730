//! Records of ours that refer to the record of an identity that was merged in Ticketure: they refer to its survivor's
//! from now on. Salesforce does this by itself when its own records are merged, and leaves two roles where both had one.
//!
//! What still names the old record is asked of Salesforce, so that nothing that a person put there meanwhile is touched,
//! and only records that belong to something of Ticketure's are moved.

mod donors;
mod doubles;
mod joined;

use std::collections::{BTreeMap, BTreeSet};

use runtime::entity::Kind;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Item, Outcome, Settlement, StoreError};
use runtime::salesforce::{CallError, SalesforceError};
use serde_json::{Map, Value};

use super::TwoWaySync;
use super::calls::{Record, Sent};
use super::meeting::Meeting;
use super::outcome::Failure;
use crate::handlers::households::{self, Unknown};
use crate::trees::once_more;
use doubles::Doubles;

/// Writes that were under way when the identity was merged have ended by then: a call takes two minutes at most.
const UNDER_WAY_MS: i64 = 150_000;
/// While other batches are under way it is looked again so often.
const LOOK_MS: i64 = 2_000;

/// One merge: the item that tells of it, and the two records.
struct Merge {
    item: Item,
    from: String,
    to: String,
    outcome: Option<Outcome>,
}

/// Where records of an object name one of the merged kind.
#[derive(Clone, Copy)]
struct Referring {
    /// One of the mappings that write it.
    mapping: &'static MappingDescriptor,
    field: &'static str,
}

/// A record that has to name another.
struct Referred {
    /// The merge's place.
    merge: usize,
    /// As it is.
    record: Map<String, Value>,
    /// What it has to say.
    body: Map<String, Value>,
}

impl TwoWaySync {
    /// Identities that were merged. `in_hand` are the items of this batch that are not settled yet, these among them.
    pub(super) async fn follow_merges(
        &self,
        items: Vec<Item>,
        in_hand: usize,
        npsp: bool,
    ) -> Result<(), StoreError> {
        if items.is_empty() {
            return Ok(());
        }
        // Asked before anything is moved: what is claimed from now on knows of the merges.
        let running = self.store.status().await?.running;
        let are_alone = running <= in_hand as u64;
        let mut by_mapping: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for item in items {
            let name = item.mapping.clone().unwrap_or_default();
            by_mapping.entry(name).or_default().push(item);
        }
        for (name, items) in by_mapping {
            let (mut merges, mut settled) = self.merges(&name, items).await?;
            let from = merges.iter().map(|merge| merge.from.as_str());
            self.wake_families(&name, from).await?;
            self.wake_kin_of_survivors(&name, &merges).await?;
            if let (Some(mapping), false) = (self.mapping(&name), merges.is_empty()) {
                self.move_all(mapping, &mut merges, npsp).await?;
            }
            settled.extend(merges.into_iter().map(|merge| self.moved(merge, are_alone)));
            self.store.settle(settled).await?;
        }
        Ok(())
    }

    /// Judges the families of survivors again: those merged into them may have shared a name or an address.
    /// Done once: an item comes again while writes are under way. A second claim may follow a crash.
    async fn wake_kin_of_survivors(&self, name: &str, merges: &[Merge]) -> Result<(), StoreError> {
        let is_first = |merge: &&Merge| merge.item.attempt <= 2;
        let ids = merges.iter().filter(is_first);
        let ids = ids.map(|merge| merge.item.key.clone()).collect();
        let heirs = self.store.heirs(name, ids).await?;
        let survivors = heirs.values().filter_map(|heir| heir.source_id.as_deref());
        let keys = self.kin_keys(name, survivors).await?;
        self.wake_trees(keys).await
    }

    /// The merges whose survivor has a record of its own, and what becomes of the others.
    async fn merges(
        &self,
        name: &str,
        items: Vec<Item>,
    ) -> Result<(Vec<Merge>, Vec<Settlement>), StoreError> {
        let ids = items.iter().map(|item| item.key.clone()).collect();
        let mut heirs = self.store.heirs(name, ids).await?;
        let (mut merges, mut settled) = (Vec::new(), Vec::new());
        for item in items {
            let from = record_in(&item);
            let heir = heirs.remove(&item.key).unwrap_or_default();
            let outcome = match (heir.destination_id, heir.source_id) {
                (Some(to), _) if to != from => {
                    merges.push(Merge {
                        item,
                        from,
                        to,
                        outcome: None,
                    });
                    continue;
                }
                (None, Some(survivor)) => Outcome::Park {
                    key: format!("{name}:{}", item.key),
                    reason: format!(
                        "{name} {} was merged into {survivor}, which is not in Salesforce yet",
                        item.key
                    ),
                },
                // The survivor has taken the record over, or it is there again.
                _ => Outcome::Done,
            };
            settled.push(Settlement::new(item.id, item.attempt, outcome));
        }
        Ok((merges, settled))
    }

    async fn move_all(
        &self,
        merged: &'static MappingDescriptor,
        merges: &mut [Merge],
        npsp: bool,
    ) -> Result<(), StoreError> {
        // Claimed until all is moved: of an opportunity the roles go first, and then its donor.
        let mut meeting = self.meeting();
        for referring in self.referring(merged.object, npsp) {
            match self.still_referring(referring, merges).await {
                Err(error) => {
                    for place in 0..merges.len() {
                        self.note_no_answer(merges, place, referring.mapping, &error);
                    }
                    return Ok(());
                }
                Ok(records) => {
                    self.answered(referring.mapping.name);
                    let records = self.of_ours(referring, records).await?;
                    let trees = self.trees_of_records(referring, &records).await?;
                    // Who is of which family may have another answer now. Before anything is moved: after a crash nothing
                    // names the old record any more.
                    let again = trees.iter().map(|(tree, root)| once_more(tree, root));
                    self.store.add(again.collect()).await?;
                    self.move_records(referring, merges, (records, npsp), &mut meeting)
                        .await?;
                    self.join_roles(referring, merges, &mut meeting).await?;
                    // Automation would follow the parents before the children are as they have to be.
                    if merges.iter().any(|merge| merge.outcome.is_some()) {
                        let waits = "another merge of the batch is not through";
                        for merge in merges.iter_mut() {
                            merge.outcome.get_or_insert(self.again(LOOK_MS, waits));
                        }
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Children before their parents: what automation does about a parent then finds them as they have to be.
    fn referring(&self, object: &str, npsp: bool) -> Vec<Referring> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for mapping in super::batch::in_order(&self.handlers).into_iter().rev() {
            if !npsp && mapping.tree.is_some_and(|tree| tree.needs_npsp) {
                continue;
            }
            let fields = mapping.record.fields.iter();
            for field in fields.filter(|field| npsp || !field.needs_npsp) {
                let is_meant = match field.kind {
                    Kind::Reference { mapping } => self
                        .mapping(mapping)
                        .is_some_and(|other| other.object == object),
                    Kind::Lookup(lookup) => lookup.object == object,
                    _ => false,
                };
                if let (true, Some(name)) = (is_meant, field.path.last())
                    && seen.insert((mapping.object, *name))
                {
                    all.push(Referring {
                        mapping,
                        field: name,
                    });
                }
            }
        }
        all
    }

    async fn still_referring(
        &self,
        referring: Referring,
        merges: &[Merge],
    ) -> Result<Vec<Map<String, Value>>, CallError> {
        let Referring { mapping, field } = referring;
        let mut select = BTreeSet::from(["Id", field]);
        if field == households::DONOR {
            select.insert(households::HOUSEHOLD_OF);
        }
        select.extend(parent(mapping).map(|(parent, _)| parent));
        match natural_key(mapping) {
            [] => select.extend(self.external_ids(mapping.object)),
            key => {
                let said = [self.checked(mapping.object), self.worded(mapping.object)];
                select.extend(key.iter().copied().chain(said.into_iter().flatten()));
            }
        }
        let select: Vec<&str> = select.into_iter().collect();
        let from = merges.iter().map(|merge| vec![Some(merge.from.clone())]);
        let from: Vec<Vec<Option<String>>> = from.collect();
        self.salesforce
            .query_in(mapping.object, &select, &[field], &from)
            .await
    }

    /// Those that have an external id of Ticketure's, or stand under something that is linked.
    async fn of_ours(
        &self,
        referring: Referring,
        mut records: Vec<Map<String, Value>>,
    ) -> Result<Vec<Map<String, Value>>, StoreError> {
        let mapping = referring.mapping;
        let Some((parent, _)) = parent(mapping).filter(|_| !natural_key(mapping).is_empty()) else {
            let keys = self.external_ids(mapping.object);
            records.retain(|record| keys.iter().any(|key| text(record, key).is_some()));
            return Ok(records);
        };
        let parents = records.iter().filter_map(|record| text(record, parent));
        let parents: BTreeSet<String> = parents.collect();
        let parents: Vec<String> = parents.into_iter().collect();
        let mut linked = BTreeSet::new();
        for root in self.roots_of(mapping.object) {
            let links = self.store.links_by_destination(root, parents.clone());
            linked.extend(links.await?.into_keys());
        }
        records.retain(|record| text(record, parent).is_some_and(|id| linked.contains(&id)));
        Ok(records)
    }

    /// The trees that the records belong to.
    async fn trees_of_records(
        &self,
        referring: Referring,
        records: &[Map<String, Value>],
    ) -> Result<Vec<(&'static str, String)>, StoreError> {
        let object = referring.mapping.object;
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        let is_root = |mapping: &MappingDescriptor| {
            mapping.tree.is_some_and(|tree| tree.root == mapping.name)
        };
        let (by, roots) = match parent(referring.mapping) {
            Some((parent, _)) => (parent, self.roots_of(object)),
            None => {
                let own = mappings.filter(|mapping| mapping.object == object && is_root(mapping));
                ("Id", own.map(|mapping| mapping.name).collect())
            }
        };
        let ids: BTreeSet<String> = records.iter().filter_map(|one| text(one, by)).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let mut trees = Vec::new();
        for root in roots {
            let links = self.store.links_by_destination(root, ids.clone()).await?;
            trees.extend(links.into_values().map(|link| (root, link.source_id)));
        }
        Ok(trees)
    }

    /// What records of the object stand under, by any mapping.
    fn roots_of(&self, object: &str) -> BTreeSet<&'static str> {
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        let mappings = mappings.filter(|mapping| mapping.object == object);
        let parents = mappings.filter_map(|mapping| parent(mapping));
        parents.map(|(_, root)| root).collect()
    }

    async fn move_records(
        &self,
        referring: Referring,
        merges: &mut [Merge],
        (records, npsp): (Vec<Map<String, Value>>, bool),
        meeting: &mut Meeting,
    ) -> Result<(), StoreError> {
        let mut referred = Vec::new();
        for record in records {
            let named = text(&record, referring.field);
            let place = merges
                .iter()
                .position(|merge| Some(&merge.from) == named.as_ref());
            if let Some((place, merge)) = place.and_then(|place| Some((place, merges.get(place)?)))
            {
                let body =
                    Map::from_iter([(referring.field.to_owned(), Value::from(merge.to.clone()))]);
                referred.push(Referred {
                    merge: place,
                    record,
                    body,
                });
            }
        }
        self.claim_roles_of(referring, merges, &mut referred, meeting);
        if referred.is_empty() {
            return Ok(());
        }
        let doubles = match natural_key(referring.mapping) {
            [] if npsp && referring.field == households::DONOR => {
                let households = self.with_households(merges, &mut referred).await;
                households.map(|()| Doubles::default())
            }
            [] => Ok(Doubles::default()),
            _ => {
                let doubles = self.doubles(referring, merges, &mut referred).await;
                doubles.map_err(Unknown::Call)
            }
        };
        let doubles = match doubles {
            Ok(doubles) => doubles,
            Err(Unknown::Store(error)) => return Err(error),
            Err(Unknown::Call(error)) => {
                for of in referred {
                    self.note_no_answer(merges, of.merge, referring.mapping, &error);
                }
                return Ok(());
            }
        };
        // Noted before the calls: after a crash the trees know whose role is left.
        self.keep_doubles(referring, &doubles).await?;
        let records = referred.into_iter().map(into_call).collect();
        for (place, sent) in self.in_calls(referring.mapping, records).await {
            if let Some(merge) = merges.get_mut(place)
                && let Some(outcome) = self.not_moved(merge, referring, sent)
            {
                merge.outcome.get_or_insert(outcome);
            }
        }
        self.delete_doubles(referring, merges, doubles.gone).await;
        Ok(())
    }

    /// What Ticketure's records of an object are known by.
    fn external_ids(&self, object: &str) -> BTreeSet<&'static str> {
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        let mappings = mappings.filter(|mapping| mapping.object == object);
        let keys = mappings.map(|mapping| mapping.external_id);
        keys.filter(|key| !key.is_empty()).collect()
    }

    /// The check boxes of an object that mappings write.
    fn checked(&self, object: &str) -> BTreeSet<&'static str> {
        self.written(object, |kind| matches!(kind, Kind::Boolean))
    }

    /// The words of an object that mappings write.
    fn worded(&self, object: &str) -> BTreeSet<&'static str> {
        self.written(object, |kind| matches!(kind, Kind::Text))
    }

    fn written(&self, object: &str, is_it: fn(Kind) -> bool) -> BTreeSet<&'static str> {
        let mappings = self.handlers.iter().flat_map(|handler| handler.mappings());
        let mappings = mappings.filter(|mapping| mapping.object == object);
        let fields = mappings.flat_map(|mapping| mapping.record.fields);
        let fields = fields.filter(|field| is_it(field.kind));
        fields
            .filter_map(|field| field.path.last().copied())
            .collect()
    }

    /// `mapping`: the one whose records were asked for.
    fn note_no_answer(
        &self,
        merges: &mut [Merge],
        place: usize,
        mapping: &'static MappingDescriptor,
        error: &CallError,
    ) {
        if let Some(merge) = merges.get_mut(place) {
            let outcome = self.unanswered_by(&[mapping], merge.item.attempts, error);
            merge.outcome.get_or_insert(outcome);
        }
    }

    fn not_moved(&self, merge: &Merge, referring: Referring, sent: Sent) -> Option<Outcome> {
        match self.unless_refused(&[referring.mapping], merge.item.attempts, &sent) {
            Ok(outcome) => outcome,
            Err(refusal) => {
                let error = refusal.errors.first().cloned().unwrap_or_default();
                Some(self.refused_move(merge, referring, &error))
            }
        }
    }

    fn refused_move(
        &self,
        merge: &Merge,
        referring: Referring,
        error: &SalesforceError,
    ) -> Outcome {
        let message = format!(
            "a {} of {} {}, which was merged, does not go to {}: {}: {}",
            referring.mapping.name,
            merge.item.mapping.as_deref().unwrap_or_default(),
            merge.item.key,
            merge.to,
            error.code,
            error.message
        );
        let failure = Failure {
            code: &error.code,
            verdict: error.verdict(),
            place: referring.mapping.place(referring.field),
            message,
        };
        self.failed_after(merge.item.attempts, failure)
    }

    /// What all that was moved comes to. A write that was under way may still name the old record: then it is looked at
    /// once more.
    fn moved(&self, merge: Merge, are_alone: bool) -> Settlement {
        let now_ms = self.now_ms();
        let is_over = are_alone || now_ms >= merge.item.received_at_ms + UNDER_WAY_MS;
        let again = || Outcome::Retry {
            due_ms: now_ms + LOOK_MS,
            error: format!(
                "what referred to {} refers to {}; what was on its way meanwhile is looked at once more",
                merge.from, merge.to
            ),
            charge: false,
        };
        let outcome = match (&merge.outcome, is_over) {
            (Some(outcome), _) => outcome.clone(),
            (None, true) => Outcome::Done,
            (None, false) => again(),
        };
        Settlement::new(merge.item.id, merge.item.attempt, outcome)
    }
}

fn into_call(of: Referred) -> Record<usize> {
    let id = text(&of.record, "Id").unwrap_or_default();
    Record {
        of: of.merge,
        key: id.clone(),
        locks: vec![id.clone()],
        id: Some(id),
        body: Value::Object(of.body).to_string(),
    }
}

/// The record that the identity had.
fn record_in(item: &Item) -> String {
    let payload: Value = serde_json::from_str(&item.payload).unwrap_or_default();
    let record = payload.get("record").and_then(Value::as_str);
    record.unwrap_or_default().to_owned()
}

fn natural_key(mapping: &MappingDescriptor) -> &'static [&'static str] {
    mapping.tree.map_or(&[], |tree| tree.natural_key)
}

/// The field that holds the root of the tree, and the root's mapping.
fn parent(mapping: &'static MappingDescriptor) -> Option<(&'static str, &'static str)> {
    let root = mapping.tree?.root;
    let mut fields = mapping.record.fields.iter();
    let field = fields
        .find(|field| matches!(field.kind, Kind::Reference { mapping } if mapping == root))?;
    Some((field.path.last()?, root))
}

fn text(record: &Map<String, Value>, field: &str) -> Option<String> {
    let text = record.get(field)?.as_str()?;
    Some(runtime::salesforce::normalise(text))
}
