//! Records that carry an external id which is another's: somebody cloned a contact, and its hidden id went along. A clone
//! is never taken for the identity; a person is told what to clear.

use runtime::mapping::{MappingDescriptor, Side};
use runtime::queue::{Outcome, Review, Settlement, StoreError};
use runtime::salesforce::normalise;
use serde_json::Value;

use super::gone::GRACE_MS;
use super::outcome::settle;
use super::{TwoWaySync, Unit};

impl TwoWaySync {
    /// A record without a pair carries a source id. `Ok` where nobody else carries it, else what becomes of its items.
    pub(crate) async fn unless_cloned(
        &self,
        mapping: &'static MappingDescriptor,
        unit: Unit,
        id: &str,
        source_id: &str,
    ) -> Result<Result<Unit, Vec<Settlement>>, StoreError> {
        let links = self
            .store
            .links(mapping.name, vec![source_id.to_owned()])
            .await?;
        if let Some(link) = links.get(source_id) {
            let original = link.destination_id.clone();
            let asked = [original.clone()];
            let found = self.salesforce.with_deleted(mapping.object, "Id", &asked);
            return match found.await {
                Err(error) => {
                    let outcome = self.not_answered(&unit, &error);
                    Ok(Err(settle(unit, &outcome, None)))
                }
                Ok(found) if found.iter().any(is_living) => {
                    let question = cloned(mapping, id, source_id, vec![original]);
                    Ok(Err(asked_about(unit, question)))
                }
                // What became of the pair's own record is found out first: it may have been merged into this one.
                Ok(_) => {
                    self.look_at_link(link, &original).await?;
                    let later = self.again(GRACE_MS, "the record of its pair is looked at first");
                    Ok(Err(settle(unit, &later, None)))
                }
            };
        }
        if let Some(record) = self.heirs_record(mapping, id, source_id).await? {
            let question = outlived(mapping, id, source_id, record);
            return Ok(Err(asked_about(unit, question)));
        }
        let asked = [source_id.to_owned()];
        let found = self
            .salesforce
            .with_deleted(mapping.object, mapping.external_id, &asked)
            .await;
        match found {
            Err(error) => {
                let outcome = self.not_answered(&unit, &error);
                Ok(Err(settle(unit, &outcome, None)))
            }
            Ok(found) => {
                let living = found.iter().filter(|record| is_living(record));
                let ids: Vec<String> = living
                    .filter_map(|record| record.get("Id").and_then(Value::as_str))
                    .map(str::to_owned)
                    .collect();
                match ids.len() > 1 {
                    true => Ok(Err(asked_about(unit, several(mapping, source_id, ids)))),
                    false => Ok(Ok(unit)),
                }
            }
        }
    }

    /// The record of whom the identity was merged into; nothing where this was its own, of which it is asked already.
    async fn heirs_record(
        &self,
        mapping: &'static MappingDescriptor,
        id: &str,
        source_id: &str,
    ) -> Result<Option<String>, StoreError> {
        let asked = vec![source_id.to_owned()];
        let buried = self
            .store
            .tombstones(mapping.name, Side::Source, asked.clone())
            .await?;
        if buried
            .iter()
            .any(|one| normalise(&one.destination_id) == id)
        {
            return Ok(None);
        }
        let mut heirs = self.store.heirs(mapping.name, asked).await?;
        Ok(heirs.remove(source_id).and_then(|heir| heir.destination_id))
    }
}

fn is_living(record: &serde_json::Map<String, Value>) -> bool {
    record.get("IsDeleted") != Some(&Value::Bool(true))
}

/// Nothing is done with it; the question is kept with its items' end.
fn asked_about(unit: Unit, review: Review) -> Vec<Settlement> {
    let mut settled = settle(unit, &Outcome::Done, None);
    if let Some(last) = settled.last_mut() {
        last.review = Some(review);
    }
    settled
}

/// The record of the pair is known: the other one is the clone.
fn cloned(
    mapping: &MappingDescriptor,
    id: &str,
    source_id: &str,
    originals: Vec<String>,
) -> Review {
    Review {
        mapping: mapping.name.to_owned(),
        source_id: format!("sf:{id}"),
        reason: format!(
            "it carries the {} {source_id} of {}, as a clone does, and is not synced: clear the field on it, or merge the two in Salesforce",
            mapping.external_id,
            originals.join(", ")
        ),
        candidates: originals,
    }
}

/// The identity that it names was merged into another, whose record is known: so a create ends whose answer was lost,
/// and which was carried out only when the two had been merged.
fn outlived(mapping: &MappingDescriptor, id: &str, source_id: &str, record: String) -> Review {
    Review {
        mapping: mapping.name.to_owned(),
        source_id: format!("sf:{id}"),
        reason: format!(
            "it carries the {} {source_id}, which was merged into that of {record}, and is not synced: merge the two in Salesforce, or clear the field on it",
            mapping.external_id
        ),
        candidates: vec![record],
    }
}

/// Nobody knows yet which of them is the identity's.
pub(crate) fn several(
    mapping: &MappingDescriptor,
    source_id: &str,
    candidates: Vec<String>,
) -> Review {
    Review {
        mapping: mapping.name.to_owned(),
        source_id: source_id.to_owned(),
        reason: clones_reason(mapping),
        candidates,
    }
}

/// Why records with one source id wait for a person.
pub(crate) fn clones_reason(mapping: &MappingDescriptor) -> String {
    format!(
        "several records carry its {}, as clones do: link it to the right one, and clear the field on the others",
        mapping.external_id
    )
}
