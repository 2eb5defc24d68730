//! Opt-outs of records that are merged into others: the survivor is opted out on both sides, and the conflict log says
//! so. They are kept until both sides have them.

mod merged;

use std::collections::{BTreeSet, HashMap};

use runtime::entity::{Entity, Slot, SlotMut};
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{LinkState, consents, opted_out};
use runtime::queue::{Link, Outcome, StoreError, Tombstone, TreeRecord};
use runtime::retry::Verdict;
use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value};

use super::calls::Record;
use super::outcome::{Failure, attempts_of};
use super::pair::Pair;
use super::{Broken, TwoWaySync, Unit};
use crate::to_salesforce::send::body;
use crate::to_ticketure::endpoint;

/// The name under which they are kept among the trees' records, by the survivor's source id.
const OPT_OUT: &str = "opt_out";
/// The name under which the opt-outs are kept that a merged identity has handed on, by its source id. The base is the
/// survivor's.
const HANDED_ON: &str = "opt_out_handed_on";
/// Kept in the place of an id.
const OWED: &str = "owed";
/// The length of a chain of merges that is followed.
const MERGES_MAX: usize = 8;

impl TwoWaySync {
    /// Returns the consent fields in which these identities are to be opted out, by source id.
    pub(crate) async fn owed(
        &self,
        mapping: &'static MappingDescriptor,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Vec<usize>>, StoreError> {
        let mut owed: HashMap<String, Vec<usize>> = HashMap::new();
        if ids.is_empty() || consents(mapping).next().is_none() {
            return Ok(owed);
        }
        let kept = self.store.tree_records(OPT_OUT, ids).await?;
        for record in kept.iter().filter(|record| record.mapping == mapping.name) {
            if let Some(field) = mapping.record.field(&record.key) {
                owed.entry(record.root.clone()).or_default().push(field);
            }
        }
        Ok(owed)
    }

    /// Tells pairs which pairs were merged into them, and which opt-outs they owe, these among them.
    pub(super) async fn know_owed(
        &self,
        mapping: &'static MappingDescriptor,
        pairs: &mut [Pair],
    ) -> Result<(), StoreError> {
        if consents(mapping).next().is_none() {
            return Ok(());
        }
        let records = pairs.iter().map(|pair| {
            let record = pair.link.destination_id.clone();
            (pair.unit.source_id.clone(), record)
        });
        let records = records.collect();
        let mut merged = self.store.merged_pairs(mapping.name, records).await?;
        let ended = merged.values().flatten().map(|one| one.source_id.clone());
        let ids = pairs.iter().map(|pair| pair.unit.source_id.clone());
        let owed = self.owed(mapping, ids.chain(ended).collect()).await?;
        for pair in pairs {
            pair.merged = merged.remove(&pair.unit.source_id).unwrap_or_default();
            let fields = sources(pair).filter_map(|id| owed.get(id)).flatten();
            let fields: BTreeSet<usize> = fields.copied().collect();
            pair.owed = fields.into_iter().collect();
        }
        Ok(())
    }

    /// Forgets the opt-outs that both sides of a pair have now.
    pub(super) async fn forget_paid<'p>(
        &self,
        pairs: impl Iterator<Item = &'p Pair>,
    ) -> Result<(), StoreError> {
        let mut paid = Vec::new();
        for pair in pairs.filter(|pair| !pair.owed.is_empty()) {
            let on_both = pair.state.opted_out_on_both();
            let fields = pair.owed.iter().filter(|field| on_both.contains(field));
            for field in fields {
                let of_field = |id: &str| kept((pair.mapping(), id), *field, String::new());
                paid.extend(sources(pair).map(of_field));
            }
        }
        match paid.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(paid).await,
        }
    }

    /// Keeps that an identity is to be opted out in these fields, and has its pair looked at.
    pub(super) async fn owe(
        &self,
        mapping: &'static MappingDescriptor,
        survivor: &str,
        fields: &[usize],
    ) -> Result<(), StoreError> {
        if fields.is_empty() || self.breaks(Broken::Consent) {
            return Ok(());
        }
        let owed = fields.iter();
        let owed = owed.map(|field| kept((mapping, survivor), *field, OWED.to_owned()));
        self.store.keep_records(owed.collect()).await?;
        // Asked after they are stored: the pair of a merge that ends later reads what is owed to this one.
        let heirs = self.store.heirs(mapping.name, vec![survivor.to_owned()]);
        let heir = heirs.await?.remove(survivor);
        let heir = heir.and_then(|heir| heir.source_id);
        let survivor = heir.unwrap_or_else(|| survivor.to_owned());
        // One that has no pair yet is opted out once it has.
        let links = self.store.links(mapping.name, vec![survivor]).await?;
        for link in links.into_values() {
            self.look_at_link(&link, &link.destination_id).await?;
        }
        Ok(())
    }

    /// Hands the opt-outs of an identity that was merged in Ticketure on to its survivor, each once: a row that comes
    /// again undoes no lift. A row that comes late still counts, whatever a later one said.
    pub(super) async fn hand_on(
        &self,
        mapping: &'static MappingDescriptor,
        (merged, survivor): (&str, &str),
        refused: &[usize],
    ) -> Result<(), StoreError> {
        let new = self
            .not_handed_on(mapping, (merged, survivor), refused)
            .await?;
        self.owe(mapping, survivor, &new).await?;
        // After the opt-outs: what a crash cuts off in between is asked for again.
        let handed_on = new.iter().map(|field| TreeRecord {
            tree: HANDED_ON.to_owned(),
            base: survivor.to_owned(),
            ..kept((mapping, merged), *field, OWED.to_owned())
        });
        match new.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(handed_on.collect()).await,
        }
    }

    /// Returns the opt-outs that a merged identity has not handed on yet.
    pub(super) async fn not_handed_on(
        &self,
        mapping: &MappingDescriptor,
        (merged, survivor): (&str, &str),
        refused: &[usize],
    ) -> Result<Vec<usize>, StoreError> {
        if refused.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.store.tree_records(HANDED_ON, vec![merged.to_owned()]);
        let known = known.await?;
        let is_known = |field: usize| {
            let mut known = known.iter();
            known.any(|one| {
                one.mapping == mapping.name
                    && one.key == mapping.field_name(field)
                    && one.base == survivor
            })
        };
        let new = refused.iter().copied().filter(|field| !is_known(*field));
        Ok(new.collect())
    }

    /// Hands on the opt-outs of a record whose pair ended since its identity was merged in Ticketure.
    pub(crate) async fn hand_on_of_record(
        &self,
        mapping: &'static MappingDescriptor,
        buried: &[Tombstone],
        (id, record): (&str, &Map<String, Value>),
    ) -> Result<(), StoreError> {
        let Some(both) = merged_identity(buried, id) else {
            return Ok(());
        };
        self.hand_on(mapping, both, &refused_in(mapping, record))
            .await
    }

    /// Returns the consents that a pair's person has refused, on either side, as far as this batch knows.
    pub(super) fn refused_by(&self, pair: &Pair) -> Vec<usize> {
        let mapping = pair.mapping();
        let mut fields: BTreeSet<usize> = pair.owed.iter().copied().collect();
        fields.extend(&pair.unit.refused);
        let mut add = |record: &dyn Entity| fields.extend(opted_out(mapping, record));
        for side in [Side::Source, Side::Destination] {
            add(pair.state.current(side).as_ref());
        }
        add(pair.unit.record.as_ref());
        for (record, _) in pair.earlier() {
            add(record.as_ref());
        }
        fields.into_iter().collect()
    }

    /// Returns the consents that the person of another pair has refused, as far as its link knows.
    pub(super) async fn refused_by_link(
        &self,
        mapping: &'static MappingDescriptor,
        link: &Link,
    ) -> Result<Vec<usize>, StoreError> {
        let owed = self.owed(mapping, vec![link.source_id.clone()]);
        let mut fields = owed.await?.remove(&link.source_id).unwrap_or_default();
        let state = LinkState::from_json(mapping, &link.base);
        for side in [Side::Source, Side::Destination] {
            fields.extend(opted_out(mapping, state.current(side).as_ref()));
        }
        Ok(fields)
    }

    /// Returns the consents that the record of a pair refuses in Salesforce.
    pub(super) async fn refused_in_salesforce(&self, pair: &Pair) -> Result<Vec<usize>, CallError> {
        let mapping = pair.mapping();
        let ids = [pair.link.destination_id.clone()];
        let select = super::image::select(mapping, self.has_npsp());
        let found = self.salesforce.retrieve(mapping.object, &ids, &select);
        let found: Option<Map<String, Value>> = found.await?.into_iter().next().flatten();
        Ok(found.map_or(Vec::new(), |record| refused_in(mapping, &record)))
    }

    /// Returns the consents that a person without a pair has refused.
    pub(super) async fn refused_by_unlinked(&self, unit: &Unit) -> Result<Vec<usize>, StoreError> {
        let owed = self.owed(unit.mapping, vec![unit.source_id.clone()]);
        let mut fields = owed.await?.remove(&unit.source_id).unwrap_or_default();
        fields.extend(opted_out(unit.mapping, unit.record.as_ref()));
        fields.extend(&unit.refused);
        fields.sort_unstable();
        fields.dedup();
        Ok(fields)
    }

    /// Opts out the identity of a record that was merged in Salesforce, whose pair ends. An answer that stays out is
    /// returned as what becomes of the pair's items.
    pub(super) async fn opt_out_identity(
        &self,
        unit: &Unit,
        identity: &str,
        missing: &[usize],
    ) -> Result<Option<Outcome>, StoreError> {
        let mapping = unit.mapping;
        let Some(ticketure) = self.ticketure.as_ref().filter(|_| !missing.is_empty()) else {
            return Ok(None);
        };
        let record = refusing(mapping, missing);
        let handler = super::batch::handler_of(&self.handlers, mapping);
        let back = handler.and_then(|handler| handler.back(mapping.name, record.as_ref()));
        let body = match back {
            Ok(back) => json::write_tree(
                back.payload.as_ref(),
                &runtime::change::present(back.payload.as_ref()),
            ),
            Err(error) => return Ok(Some(super::outcome::unfit(mapping, &error))),
        };
        let entity = endpoint::entity(mapping);
        let said = ticketure.change(entity, identity, &body).await;
        Ok(said.err().map(|error| self.not_pushed(unit, &error)))
    }

    /// Opts out the record of a pair that ends. An answer that stays out is returned as what becomes of the pair's items.
    pub(super) async fn opt_out_record(
        &self,
        unit: &Unit,
        id: &str,
        missing: &[usize],
    ) -> Option<Outcome> {
        if missing.is_empty() || self.breaks(Broken::Consent) {
            return None;
        }
        let record = refusing(unit.mapping, missing);
        let call = Record {
            key: unit.source_id.clone(),
            id: Some(id.to_owned()),
            body: body(unit, record.as_ref()),
            locks: Vec::new(),
            of: (),
        };
        let sent = self.opt_outs_in_calls(unit.mapping, vec![call]).await;
        let attempts = attempts_of(unit);
        sent.iter().find_map(|((), sent)| {
            match self.unless_refused(&[unit.mapping], attempts, sent) {
                Ok(outcome) => outcome,
                Err(refusal) => {
                    let error = refusal.errors.first()?;
                    // A record that is deleted, or refused for good, stays as it is.
                    let may_pass = matches!(error.verdict(), Verdict::Transient | Verdict::Lock);
                    let failure = Failure::of(&error.code, error.message.clone());
                    let outcome = self.failed(unit, failure);
                    (may_pass && matches!(outcome, Outcome::Retry { .. })).then_some(outcome)
                }
            }
        })
    }

    /// Keeps the opt-out that the items show of a record that was deleted, for the record that it was merged into.
    pub(crate) async fn owe_of_deleted(
        &self,
        mapping: &'static MappingDescriptor,
        unit: &Unit,
        id: &str,
    ) -> Result<Result<(), CallError>, StoreError> {
        for item in &unit.items {
            let Ok(Value::Object(record)) = serde_json::from_str(&item.payload) else {
                continue;
            };
            if let Err(error) = self.owe_of_unlinked(mapping, &record, id).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Keeps the opt-out of a contact that was never linked, and that was deleted since it was merged into one that is.
    async fn owe_of_unlinked(
        &self,
        mapping: &'static MappingDescriptor,
        record: &Map<String, Value>,
        id: &str,
    ) -> Result<Result<(), CallError>, StoreError> {
        let fields = refused_in(mapping, record);
        if fields.is_empty() {
            return Ok(Ok(()));
        }
        let mut id = id.to_owned();
        for _ in 0..MERGES_MAX {
            let ids = [id.clone()];
            let found = self.salesforce.with_deleted(mapping.object, "Id", &ids);
            let found = match found.await {
                Ok(found) => found.into_iter().next().unwrap_or_default(),
                Err(error) => return Ok(Err(error)),
            };
            let master = found.get("MasterRecordId").and_then(Value::as_str);
            let Some(master) = master.map(normalise) else {
                return Ok(Ok(()));
            };
            let links = self
                .store
                .links_by_destination(mapping.name, vec![master.clone()])
                .await?;
            if let Some(Link { source_id, .. }) = links.values().next() {
                return self.owe(mapping, source_id, &fields).await.map(Ok);
            }
            id = master;
        }
        Ok(Ok(()))
    }
}

/// Returns the source ids of a pair and of those that were merged into it.
fn sources(pair: &Pair) -> impl Iterator<Item = &str> {
    let merged = pair.merged.iter().map(|one| one.source_id.as_str());
    merged.chain([pair.unit.source_id.as_str()])
}

/// Returns the identity that was merged in Ticketure while its pair had this record, and its survivor.
fn merged_identity<'t>(buried: &'t [Tombstone], id: &str) -> Option<(&'t str, &'t str)> {
    let mut buried = buried.iter();
    let own = buried
        .find(|one| one.side == Side::Source && normalise(&one.destination_id) == normalise(id))?;
    Some((&own.source_id, own.merged_into.as_deref()?))
}

/// Returns the consents that a record of Salesforce's refuses.
fn refused_in(mapping: &'static MappingDescriptor, record: &Map<String, Value>) -> Vec<usize> {
    let mut seen = mapping.new_record();
    let text = Value::Object(record.clone()).to_string();
    // A value that does not fit is no opt-out.
    let _ = json::read(seen.as_mut(), text.as_bytes());
    opted_out(mapping, seen.as_ref())
}

/// Returns a record that says nothing but these opt-outs.
fn refusing(mapping: &'static MappingDescriptor, fields: &[usize]) -> Box<dyn Entity> {
    let mut record = mapping.new_record();
    for (field, refuses) in consents(mapping).filter(|(field, _)| fields.contains(field)) {
        if let SlotMut::Boolean(slot) = record.slot_mut(field) {
            *slot = Slot::Value(refuses);
        }
    }
    record
}

fn kept(
    (mapping, source_id): (&MappingDescriptor, &str),
    field: usize,
    destination_id: String,
) -> TreeRecord {
    TreeRecord {
        tree: OPT_OUT.to_owned(),
        root: source_id.to_owned(),
        mapping: mapping.name.to_owned(),
        key: mapping.field_name(field).to_owned(),
        destination_id,
        base: "{}".to_owned(),
    }
}
