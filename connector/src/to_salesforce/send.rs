//! The calls: creates and updates in slices of 200, and the read back of what Salesforce added.

use runtime::change::present;
use runtime::entity::Entity;
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::LinkState;
use runtime::queue::{Intent, IntentKey, Link, Outcome, Repeat, Settlement, StoreError};
use runtime::salesforce::RETRIEVE_MAX;
use serde_json::{Map, Value};

use super::adopt::lock;
use super::references::{BY_ID, of};
use crate::sync::batch::give_back;
use crate::sync::calls::{Record, Sent};
use crate::sync::outcome::{settle, with_link};
use crate::sync::{Broken, TwoWaySync, Unit, lane_of};

impl TwoWaySync {
    /// Creates records that nobody has. A lost answer is looked up by external id before the next try.
    pub(crate) async fn create_all(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<Vec<Settlement>, StoreError> {
        let units = self.as_begun(mapping, units).await?;
        let intents = units.iter().map(|unit| self.create_intent(unit)).collect();
        self.store.begin(intents, Vec::new(), Vec::new()).await?;
        let records = units.into_iter().map(new_record).collect();
        let mut settlements = Vec::new();
        let mut created: Vec<(Unit, String)> = Vec::new();
        let sent = self.in_calls(mapping, records).await;
        let key = |unit: &Unit| unit.source_id.clone();
        for (unit, sent) in self.once_more(mapping, sent, key, new_record).await? {
            let Some(outcome) = self.outcome_of(&unit, &sent, false).await? else {
                if let Sent::Landed(id) = sent {
                    created.push((unit, id));
                }
                continue;
            };
            let key = intent_key(&unit);
            // Of an earlier try only what the org makes of the record says something.
            let undone = match unit.repeats {
                true => sent.is_refused_for_good(),
                false => sent.is_undone(),
            };
            let mut settled = settle(unit, &outcome, None);
            if let (Some(last), true) = (settled.last_mut(), undone) {
                last.closes.push(key);
            }
            settlements.extend(settled);
        }
        settlements.extend(self.linked(mapping, created).await?);
        Ok(settlements)
    }

    /// A create whose answer never came may still be carried out. Its repeat says the same, so that whichever comes
    /// through is known; what the rows say since then follows as a change of the pair.
    async fn as_begun(
        &self,
        mapping: &'static MappingDescriptor,
        mut units: Vec<Unit>,
    ) -> Result<Vec<Unit>, StoreError> {
        if self.breaks(Broken::Intents) {
            return Ok(units);
        }
        let keys = units.iter().map(|unit| unit.source_id.clone()).collect();
        let open = self.store.intents(mapping.name, keys).await?;
        for intent in open
            .iter()
            .filter(|intent| intent.key.side == Side::Destination && intent.kind == "create")
        {
            let mut begun = mapping.new_record();
            let read = json::read(begun.as_mut(), intent.fields.as_bytes());
            let unit = units
                .iter_mut()
                .find(|unit| unit.source_id == intent.key.key);
            if let (Ok(()), Some(unit)) = (read, unit)
                && refers_alike(unit, begun.as_ref())
            {
                unit.record = begun;
                unit.repeats = true;
            }
        }
        Ok(units)
    }

    /// On the disk before the call: after a crash the record is known to be ours.
    fn create_intent(&self, unit: &Unit) -> Intent {
        Intent {
            key: intent_key(unit),
            kind: "create",
            fields: json::write(
                unit.record.as_ref(),
                &present(unit.record.as_ref()),
                &json::as_source_id,
            )
            .unwrap_or_default(),
            repeat: Repeat::UniqueKey,
            made_at_ms: self.now_ms(),
        }
    }

    /// Links of new records, with what Salesforce's automation gave them: the household that NPSP made.
    async fn linked(
        &self,
        mapping: &'static MappingDescriptor,
        created: Vec<(Unit, String)>,
    ) -> Result<Vec<Settlement>, StoreError> {
        let ids = created.iter().map(|(unit, _)| unit.source_id.clone());
        let owed = self.owed(mapping, ids.collect()).await?;
        let mut settlements = Vec::with_capacity(created.len());
        let mut locks: Vec<String> = Vec::with_capacity(created.len());
        for chunk in created.chunks(RETRIEVE_MAX) {
            let ids: Vec<String> = chunk.iter().map(|(_, id)| id.clone()).collect();
            let read = match mapping.lock {
                Some(lock) if self.has_npsp() => self
                    .salesforce
                    .retrieve::<Map<String, Value>>(mapping.object, &ids, &["Id", lock])
                    .await
                    .unwrap_or_default(),
                _ => Vec::new(),
            };
            // What could not be read is not known; it is read again when somebody needs it.
            locks.extend((0..chunk.len()).map(|index| {
                read.get(index)
                    .and_then(Option::as_ref)
                    .map(|record| lock(mapping, record))
                    .unwrap_or_default()
            }));
        }
        let ids = created.iter().map(|(_, id)| id.clone());
        let inserted = ids.zip(locks.iter().cloned()).collect();
        self.note_inserted(mapping.name, inserted).await?;
        for ((unit, id), lock) in created.into_iter().zip(locks) {
            let (version_ms, outcome) = match unit.repeats {
                true => (0, give_back()),
                // The pair is opted out next.
                false if owed.contains_key(&unit.source_id) => (unit.version_ms(), give_back()),
                false => (unit.version_ms(), Outcome::Done),
            };
            let mut state = LinkState::created(mapping, unit.record.as_ref(), version_ms);
            state.made(Side::Destination);
            let link = Link {
                mapping: mapping.name.to_owned(),
                source_id: unit.source_id.clone(),
                destination_id: id,
                base: state.to_json(),
                lock,
                lane: lane_of(&unit),
            };
            let key = intent_key(&unit);
            let right = match unit.repeats {
                true => Vec::new(),
                false => unit.forward_put_right(version_ms),
            };
            let mut settled = with_link(settle(unit, &outcome, None), Some(link));
            if let Some(last) = settled.last_mut() {
                last.closes.push(key);
                last.puts_right = right;
            }
            settlements.extend(settled);
        }
        Ok(settlements)
    }
}

fn new_record(unit: Unit) -> Record<Unit> {
    Record {
        key: unit.source_id.clone(),
        id: None,
        body: body(&unit, unit.record.as_ref()),
        locks: parents(&unit).collect(),
        of: unit,
    }
}

/// Are all records that this one refers to known?
fn refers_alike(unit: &Unit, record: &dyn Entity) -> bool {
    of(record).iter().all(|(mapping, id)| {
        let mut known = unit.references.iter();
        known.any(|(name, source_id, _)| name == mapping && source_id == id)
    })
}

/// The records that it refers to: Salesforce locks them with it.
pub(crate) fn parents(unit: &Unit) -> impl Iterator<Item = String> + '_ {
    unit.references.iter().map(|(_, _, id)| id.clone())
}

fn intent_key(unit: &Unit) -> IntentKey {
    IntentKey {
        mapping: unit.mapping.name.to_owned(),
        key: unit.source_id.clone(),
        side: Side::Destination,
    }
}

/// The fields that a record says, with references as Salesforce's ids.
pub(crate) fn body(unit: &Unit, record: &dyn Entity) -> String {
    let resolve = |mapping: &str, id: &str| {
        if let Some(id) = id.strip_prefix(BY_ID) {
            return Some(id.to_owned());
        }
        unit.references
            .iter()
            .find(|(name, source_id, _)| *name == mapping && source_id == id)
            .map(|(_, _, id)| id.clone())
    };
    json::write(record, &present(record), &resolve).unwrap_or_else(|_| "{}".to_owned())
}
