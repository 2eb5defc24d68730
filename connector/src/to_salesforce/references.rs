//! Records that a record refers to: resolved by links, else asked for once, else waited for.

use std::collections::{BTreeMap, BTreeSet};

use runtime::entity::{Entity, Kind};
use runtime::mapping::MappingDescriptor;
use runtime::queue::{Link, Outcome, Settlement, StoreError};
use runtime::salesforce::CallError;
use serde_json::Value;

use crate::sync::clones::several;
use crate::sync::outcome::settle;
use crate::sync::{TwoWaySync, Unit};

/// Salesforce ids by mapping and source id.
pub(crate) type Resolved = BTreeMap<(&'static str, String), String>;

/// Records that a person keeps out of Salesforce: mapping and source id.
pub(crate) type LeftOut = BTreeSet<(&'static str, String)>;

/// A record that no mapping writes is referred to by its Salesforce id, after this.
pub(crate) const BY_ID: &str = "sf:";

/// What a record refers to: mapping and source id.
pub(crate) fn of(record: &dyn Entity) -> Vec<(&'static str, String)> {
    let fields = record.descriptor().fields.iter().enumerate();
    fields
        .filter_map(|(index, field)| match field.kind {
            Kind::Reference { mapping } => Some((mapping, record.slot(index).text()?.to_owned())),
            _ => None,
        })
        .filter(|(_, id)| !id.starts_with(BY_ID))
        .collect()
}

/// The record that it refers to is not in Salesforce yet.
pub(crate) fn waits_for(
    mapping: &MappingDescriptor,
    unit: &Unit,
    parent: &str,
    id: &str,
) -> Outcome {
    Outcome::Park {
        key: format!("{parent}:{id}"),
        reason: format!(
            "{} {} refers to {parent} {id}, which is not in Salesforce yet",
            mapping.name, unit.source_id
        ),
    }
}

/// What refers to a record that a person keeps out of Salesforce says nothing there.
pub(crate) fn leave_out(record: &mut dyn Entity, left_out: &LeftOut) {
    if left_out.is_empty() {
        return;
    }
    for (index, field) in record.descriptor().fields.iter().enumerate() {
        let Kind::Reference { mapping } = field.kind else {
            continue;
        };
        let id = record.slot(index).text().map(str::to_owned);
        if id.is_some_and(|id| left_out.contains(&(mapping, id))) {
            record.slot_mut(index).set_absent();
        }
    }
}

impl TwoWaySync {
    /// The units that can go on, and those that wait.
    pub(crate) async fn with_references(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Unit>, Vec<Settlement>), StoreError> {
        let wanted: Vec<(&'static str, String)> = units
            .iter()
            .flat_map(|unit| of(unit.record.as_ref()))
            .collect();
        let (resolved, failure) = self.resolve(wanted.clone()).await?;
        let left_out = self.left_out(&wanted, &resolved).await?;
        let mut ready = Vec::with_capacity(units.len());
        let mut settlements = Vec::new();
        for mut unit in units {
            leave_out(unit.record.as_mut(), &left_out);
            let references = of(unit.record.as_ref());
            let missing = references
                .iter()
                .find(|reference| !resolved.contains_key(*reference))
                .cloned();
            let Some((parent, id)) = missing else {
                let known = references
                    .into_iter()
                    .filter_map(|key| resolved.get(&key).map(|id| (key.0, key.1, id.clone())));
                unit.references = known.collect();
                ready.push(unit);
                continue;
            };
            let outcome = match &failure {
                // Whether the record is there is not known: parking could wait for what has happened already.
                Some(error) => self.not_answered(&unit, error),
                None => waits_for(mapping, &unit, parent, &id),
            };
            settlements.extend(settle(unit, &outcome, None));
        }
        Ok((ready, settlements))
    }

    /// Every reference of the units that has a record. What no link knows is asked of Salesforce, in one query.
    pub(crate) async fn resolve(
        &self,
        references: Vec<(&'static str, String)>,
    ) -> Result<(Resolved, Option<CallError>), StoreError> {
        let mut wanted: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for (mapping, id) in references {
            wanted.entry(mapping).or_default().insert(id);
        }
        let mut resolved = Resolved::new();
        let mut failure = None;
        for (name, ids) in wanted {
            let links = self
                .store
                .links(name, ids.iter().cloned().collect())
                .await?;
            let mut missing: Vec<String> = ids
                .iter()
                .filter(|id| !links.contains_key(*id))
                .cloned()
                .collect();
            resolved.extend(
                links
                    .into_values()
                    .map(|link| ((name, link.source_id), link.destination_id)),
            );
            let heirs = self.heirs_of(name, &mut missing, &mut resolved).await?;
            match self.in_salesforce(name, missing).await {
                Ok(found) => self.link_found(name, found, &heirs, &mut resolved).await?,
                Err(error) => failure = Some(error),
            }
        }
        Ok((resolved, failure))
    }

    /// Who was merged means its survivor. What is not known to be in Salesforce is asked for by the survivor's id, in the
    /// place of the old one; gives which old ones stand behind each.
    async fn heirs_of(
        &self,
        name: &'static str,
        missing: &mut Vec<String>,
        resolved: &mut Resolved,
    ) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let mut behind: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if missing.is_empty() {
            return Ok(behind);
        }
        let heirs = self.store.heirs(name, missing.clone()).await?;
        for (old, heir) in heirs {
            missing.retain(|id| *id != old);
            match (heir.destination_id, heir.source_id) {
                (Some(id), _) => _ = resolved.insert((name, old), id),
                (None, Some(id)) => {
                    if !missing.contains(&id) {
                        missing.push(id.clone());
                    }
                    behind.entry(id).or_default().push(old);
                }
                (None, None) => {}
            }
        }
        Ok(behind)
    }

    /// Links records that were found by their external ids; of clones nobody knows which it is.
    async fn link_found(
        &self,
        name: &'static str,
        found: Vec<Link>,
        heirs: &BTreeMap<String, Vec<String>>,
        resolved: &mut Resolved,
    ) -> Result<(), StoreError> {
        let mut by_id: BTreeMap<String, Vec<Link>> = BTreeMap::new();
        for link in found {
            by_id.entry(link.source_id.clone()).or_default().push(link);
        }
        for (source_id, mut links) in by_id {
            if links.len() > 1 {
                let ids = links.into_iter().map(|link| link.destination_id).collect();
                if let Some(mapping) = self.mapping(name) {
                    let question = several(mapping, &source_id, ids);
                    self.store.add_review(question).await?;
                }
                continue;
            }
            let Some(link) = links.pop() else { continue };
            let id = link.destination_id.clone();
            // A record that is linked to another source record is not this one's.
            if self.store.put_links(vec![link]).await.is_err() {
                continue;
            }
            for old in heirs.get(&source_id).into_iter().flatten() {
                resolved.insert((name, old.clone()), id.clone());
            }
            resolved.insert((name, source_id), id);
        }
        Ok(())
    }

    /// The link table is a cache: records may be in Salesforce that it does not know.
    async fn in_salesforce(&self, name: &str, ids: Vec<String>) -> Result<Vec<Link>, CallError> {
        let Some(mapping) = self.mapping(name).filter(|_| !ids.is_empty()) else {
            return Ok(Vec::new());
        };
        let groups: Vec<Vec<Option<String>>> = ids.into_iter().map(|id| vec![Some(id)]).collect();
        let fields = [mapping.external_id];
        let records = self
            .salesforce
            .query_in(
                mapping.object,
                &["Id", mapping.external_id],
                &fields,
                &groups,
            )
            .await?;
        let text = |record: &serde_json::Map<String, Value>, field: &str| {
            record.get(field).and_then(Value::as_str).map(str::to_owned)
        };
        let links = records.iter().filter_map(|record| {
            Some(Link {
                mapping: name.to_owned(),
                source_id: text(record, mapping.external_id)?,
                destination_id: text(record, "Id")?,
                base: "{}".to_owned(),
                lock: String::new(),
                lane: String::new(),
            })
        });
        Ok(links.collect())
    }
}
