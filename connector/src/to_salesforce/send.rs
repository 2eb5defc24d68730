//! The calls: creates and updates in slices of 200, and the read back of what Salesforce added.

use runtime::change::{Mask, present};
use runtime::entity::overlay;
use runtime::json;
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Link, Outcome, Settlement};
use runtime::salesforce::{COLLECTION_MAX, CallError, RETRIEVE_MAX, RecordResult};

use super::adopt::facts;
use super::outcome::settle;
use super::{Target, ToSalesforce, Unit};

impl ToSalesforce {
    /// Writes the fields that changed; what did not change is done without a call.
    pub(super) async fn update_all(
        &self,
        mapping: &'static MappingDescriptor,
        targets: Vec<Target>,
    ) -> Vec<Settlement> {
        let mut settlements = Vec::new();
        let mut changed = Vec::new();
        for target in targets {
            let mask = changes(mapping, &target);
            if mask.is_empty() {
                let link = link(
                    mapping,
                    &target.unit,
                    &target.id,
                    target.base.as_ref(),
                    &target.facts,
                );
                settlements.extend(settle(target.unit, &Outcome::Done, link));
            } else {
                changed.push((target, mask));
            }
        }
        // After a call that failed as a whole the others of the batch are not made: they would fail as well.
        let mut down = None;
        while !changed.is_empty() {
            let rest = changed.split_off(changed.len().min(COLLECTION_MAX));
            settlements.extend(
                self.update_slice(mapping, std::mem::replace(&mut changed, rest), &mut down)
                    .await,
            );
        }
        settlements
    }

    async fn update_slice(
        &self,
        mapping: &'static MappingDescriptor,
        slice: Vec<(Target, Mask)>,
        down: &mut Option<CallError>,
    ) -> Vec<Settlement> {
        let bodies: Vec<(String, String)> = slice
            .iter()
            .map(|(target, mask)| (target.id.clone(), body(&target.unit, mask)))
            .collect();
        let results = match down.as_ref() {
            Some(error) => Err(error.clone()),
            None => self.counted(self.client.update(mapping.object, &bodies).await),
        };
        if let Err(error) = &results {
            *down = Some(error.clone());
        }
        let each = spread(results, slice.len());
        slice
            .into_iter()
            .zip(each)
            .flat_map(|((mut target, _), result)| match result {
                Ok(Ok(_)) => {
                    overlay(target.base.as_mut(), target.unit.record.as_ref());
                    let link = link(
                        mapping,
                        &target.unit,
                        &target.id,
                        target.base.as_ref(),
                        &target.facts,
                    );
                    settle(target.unit, &Outcome::Done, link)
                }
                Ok(Err(errors)) => {
                    let outcome = self.refused(&target.unit, &errors);
                    settle(target.unit, &outcome, None)
                }
                Err(error) => {
                    let outcome = self.not_answered(&target.unit, &error);
                    settle(target.unit, &outcome, None)
                }
            })
            .collect()
    }

    /// Creates records that nobody has. A lost answer is looked up by external id before the next try.
    pub(super) async fn create_all(
        &self,
        mapping: &'static MappingDescriptor,
        mut units: Vec<Unit>,
    ) -> Vec<Settlement> {
        let mut settlements = Vec::new();
        let mut created: Vec<(Unit, String)> = Vec::new();
        let mut down: Option<CallError> = None;
        while !units.is_empty() {
            let rest = units.split_off(units.len().min(COLLECTION_MAX));
            let slice = std::mem::replace(&mut units, rest);
            let bodies: Vec<String> = slice
                .iter()
                .map(|unit| body(unit, &present(unit.record.as_ref())))
                .collect();
            let results = match &down {
                Some(error) => Err(CallError::clone(error)),
                None => self.counted(self.client.create(mapping.object, &bodies).await),
            };
            if let Err(error) = &results {
                down = Some(error.clone());
            }
            let each = spread(results, slice.len());
            for (unit, result) in slice.into_iter().zip(each) {
                match result {
                    Ok(Ok(id)) => created.push((unit, id)),
                    Ok(Err(errors)) => {
                        let outcome = self.refused(&unit, &errors);
                        settlements.extend(settle(unit, &outcome, None));
                    }
                    Err(error) => {
                        let outcome = self.not_answered(&unit, &error);
                        settlements.extend(settle(unit, &outcome, None));
                    }
                }
            }
        }
        settlements.extend(self.linked(mapping, created).await);
        settlements
    }

    /// Links of new records, with what Salesforce's automation gave them: the household that NPSP made.
    async fn linked(
        &self,
        mapping: &'static MappingDescriptor,
        created: Vec<(Unit, String)>,
    ) -> Vec<Settlement> {
        let mut settlements = Vec::with_capacity(created.len());
        let mut facts_of: Vec<String> = Vec::with_capacity(created.len());
        for chunk in created.chunks(RETRIEVE_MAX) {
            let ids: Vec<String> = chunk.iter().map(|(_, id)| id.clone()).collect();
            let read = match mapping.lock {
                Some(lock) if self.has_npsp() => self
                    .client
                    .retrieve(mapping.object, &ids, &["Id", lock])
                    .await
                    .unwrap_or_default(),
                _ => Vec::new(),
            };
            // What could not be read is not known; it is read again when somebody needs it.
            facts_of.extend((0..chunk.len()).map(|index| {
                read.get(index)
                    .and_then(Option::as_ref)
                    .map_or("{}".to_owned(), |record| facts(mapping, record))
            }));
        }
        for ((unit, id), facts) in created.into_iter().zip(facts_of) {
            let link = link(mapping, &unit, &id, unit.record.as_ref(), &facts);
            settlements.extend(settle(unit, &Outcome::Done, link));
        }
        settlements
    }
}

/// The fields that differ from the base, without those that only a create may set.
fn changes(mapping: &MappingDescriptor, target: &Target) -> Mask {
    let mut mask = target.unit.record.changed_since(target.base.as_ref());
    for (index, field) in mapping.record.fields.iter().enumerate() {
        if field.create_only {
            mask.clear(index);
        }
    }
    mask
}

fn body(unit: &Unit, mask: &Mask) -> String {
    let resolve = |mapping: &str, id: &str| {
        unit.references
            .iter()
            .find(|(name, source_id, _)| *name == mapping && source_id == id)
            .map(|(_, _, id)| id.clone())
    };
    json::write(unit.record.as_ref(), mask, &resolve).unwrap_or_else(|_| "{}".to_owned())
}

fn link(
    mapping: &MappingDescriptor,
    unit: &Unit,
    id: &str,
    base: &dyn runtime::entity::Entity,
    facts: &str,
) -> Option<Link> {
    let base = json::write(base, &present(base), &json::as_source_id).ok()?;
    Some(Link {
        mapping: mapping.name.to_owned(),
        source_id: unit.source_id.clone(),
        destination_id: id.to_owned(),
        base,
        facts: facts.to_owned(),
    })
}

/// One result a record, also when the call as a whole failed.
fn spread(
    results: Result<Vec<RecordResult>, CallError>,
    count: usize,
) -> Vec<Result<RecordResult, CallError>> {
    match results {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}
