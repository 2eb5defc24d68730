//! `usher review --link`: the record that the operator names has to be there, and a pair in step is not replaced by
//! accident.

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Choice, ReviewDecision, Store};
use runtime::salesforce::SalesforceClient;
use serde_json::Value;

/// First characters of the ids of standard objects. The ids of custom objects begin otherwise in each org.
const PREFIXES: [(&str, &str); 13] = [
    ("Account", "001"),
    ("Campaign", "701"),
    ("Case", "500"),
    ("Contact", "003"),
    ("Event", "00U"),
    ("Lead", "00Q"),
    ("Opportunity", "006"),
    ("OpportunityContactRole", "00K"),
    ("OpportunityLineItem", "00k"),
    ("PricebookEntry", "01u"),
    ("Product2", "01t"),
    ("Task", "00T"),
    ("User", "005"),
];

/// Checks a decision that links before it is stored. Other decisions need no check.
///
/// # Errors
/// Names what is wrong with the record or the pair, and what to do.
pub async fn verify(
    store: &Store,
    salesforce: &SalesforceClient,
    decision: &ReviewDecision,
    yes: bool,
) -> Result<(), String> {
    let Choice::Link { destination_id } = &decision.choice else {
        return Ok(());
    };
    let mut mappings = generated::MAPPINGS.iter();
    let mapping = mappings.find(|mapping| mapping.name == decision.mapping);
    let mapping = *mapping.ok_or_else(|| format!("there is no mapping {}", decision.mapping))?;
    check_prefix(mapping, destination_id)?;
    let failed = |error: runtime::queue::StoreError| error.to_string();
    let ids = vec![destination_id.clone()];
    let owners = store.links_by_destination(mapping.name, ids).await;
    let owner = owners.map_err(failed)?.remove(destination_id);
    if owner.is_some_and(|link| link.source_id != decision.source_id) {
        // The store refuses the link and names the record.
        return Ok(());
    }
    let ids = vec![decision.source_id.clone()];
    let links = store.links(mapping.name, ids).await.map_err(failed)?;
    let before = links.get(&decision.source_id);
    let before = before.filter(|link| link.destination_id != *destination_id);
    let mut asked = vec![destination_id.as_str()];
    asked.extend(before.map(|link| link.destination_id.as_str()));
    let there = there(salesforce, mapping.object, &asked).await?;
    let is_there = |id: &str| there.iter().any(|known| known == id);
    if !is_there(destination_id) {
        return Err(format!(
            "Salesforce has no {} {destination_id}: it is deleted, or is in another org; give the id of one that is there",
            mapping.object
        ));
    }
    match before.filter(|link| is_there(&link.destination_id)) {
        Some(link) if !yes => Err(format!(
            "{} {} is linked to {} already, which is in Salesforce; with --yes the new link replaces that one",
            mapping.name, decision.source_id, link.destination_id
        )),
        Some(_) | None => Ok(()),
    }
}

/// Checks the beginning of an id against the object of the mapping.
fn check_prefix(mapping: &MappingDescriptor, id: &str) -> Result<(), String> {
    let object = mapping.object;
    let own = PREFIXES.iter().find(|(known, _)| *known == object);
    let Some((_, prefix)) = own.filter(|(_, prefix)| !id.starts_with(prefix)) else {
        return Ok(());
    };
    let mut known = PREFIXES.iter();
    let other = known.find(|(_, prefix)| id.starts_with(prefix));
    let other = other.map_or("another object", |(other, _)| other);
    Err(format!(
        "{id} is an id of {other}, and {} links to {object}: give an id that begins with {prefix}",
        mapping.name
    ))
}

/// The ids that the org has, without deleted records.
async fn there(
    salesforce: &SalesforceClient,
    object: &str,
    ids: &[&str],
) -> Result<Vec<String>, String> {
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    let soql = format!("SELECT Id FROM {object} WHERE Id IN ({})", quoted.join(","));
    let found = salesforce.query(&soql).await.map_err(|error| {
        format!("Salesforce cannot be asked for the record: {error}; try again when it answers")
    })?;
    let ids = found.iter().filter_map(|record| record.get("Id"));
    let ids = ids.filter_map(Value::as_str);
    Ok(ids.map(runtime::salesforce::normalise).collect())
}
