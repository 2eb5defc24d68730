//! A birth that Ticketure refuses, since it has such a customer: ours from an earlier try, the same person, or another.

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Review, Settlement, StoreError};
use runtime::ticketure::Row;
use serde_json::Value;

use super::super::endpoint;
use super::{Birth, birth_key, blank_link, linked};
use crate::sync::TwoWaySync;
use crate::sync::batch::to_record;
use crate::sync::outcome::{dead, settle};
use crate::to_salesforce::resembling::are_born_apart;

impl TwoWaySync {
    /// Somebody has it already: ours from a try whose answer was lost, or one that was there before.
    pub(super) async fn known_already(
        &self,
        mapping: &'static MappingDescriptor,
        birth: Birth,
        source_id: &str,
    ) -> Result<Vec<Settlement>, StoreError> {
        let links = self
            .store
            .links(mapping.name, vec![source_id.to_owned()])
            .await?;
        let taken = links.values().find(|link| link.destination_id != birth.id);
        if let Some(other) = taken {
            if let Some(outcome) = self.unless_stands(mapping, &birth.unit, other).await {
                let mut settled = settle(birth.unit, &outcome, None);
                if let Some(last) = settled.last_mut() {
                    last.closes.push(birth_key(mapping, &birth.id));
                }
                return Ok(settled);
            }
            if let Some(ticketure) = &self.ticketure {
                match ticketure.read(endpoint::entity(mapping), source_id).await {
                    Ok(Some(row)) if self.is_somebody_else(mapping, &birth, &row) => {
                        return Ok(is_somebody_else(mapping, birth, source_id));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let outcome = self.not_pushed(&birth.unit, &error);
                        return Ok(settle(birth.unit, &outcome, None));
                    }
                }
            }
            let message = format!(
                "Ticketure has this customer already as {source_id}, which is {} in Salesforce",
                other.destination_id
            );
            let question = Review {
                mapping: mapping.name.to_owned(),
                source_id: format!("sf:{}", birth.id),
                candidates: vec![other.destination_id.clone()],
                reason: format!("{message}: merge the two, or give this one what tells it apart"),
            };
            let mut settled = is_a_duplicate(mapping, birth, message);
            if let Some(last) = settled.last_mut() {
                last.review = Some(question);
            }
            return Ok(settled);
        }
        // Made by a try whose answer was lost.
        if let Some(ticketure) = &self.ticketure {
            match ticketure.read(endpoint::entity(mapping), source_id).await {
                Ok(Some(row))
                    if row.get("external_ref").and_then(Value::as_str) == Some(&birth.id) =>
                {
                    return Ok(self.made(mapping, birth, row));
                }
                Ok(Some(row)) if self.is_somebody_else(mapping, &birth, &row) => {
                    return Ok(is_somebody_else(mapping, birth, source_id));
                }
                Ok(_) => {}
                Err(error) => {
                    let outcome = self.not_pushed(&birth.unit, &error);
                    return Ok(settle(birth.unit, &outcome, None));
                }
            }
        }
        if !mapping.adopts_on_conflict {
            let message = format!("Ticketure has this customer already as {source_id}");
            return Ok(is_a_duplicate(mapping, birth, message));
        }
        let link = blank_link(mapping, source_id, &birth.id);
        Ok(linked(mapping, birth, link))
    }

    /// Returns whether the row of Ticketure's and the record have different birth dates.
    fn is_somebody_else(
        &self,
        mapping: &'static MappingDescriptor,
        birth: &Birth,
        row: &Row,
    ) -> bool {
        let row = Value::Object(row.clone()).to_string();
        let theirs = to_record(&self.handlers, mapping, row.as_bytes(), self.terms());
        theirs.is_ok_and(|theirs| {
            are_born_apart(mapping, birth.record.as_ref(), theirs.record.as_ref())
        })
    }
}

/// Ticketure takes none like it, so no earlier try has made one either: the next says what the record says by then.
fn is_a_duplicate(mapping: &MappingDescriptor, birth: Birth, message: String) -> Vec<Settlement> {
    let help = "Merge the two records in Salesforce, or give this one what tells it apart; then retry the item.";
    refused(mapping, birth, message, help)
}

/// Ends the birth of a person whose address is another person's in Ticketure.
fn is_somebody_else(mapping: &MappingDescriptor, birth: Birth, source_id: &str) -> Vec<Settlement> {
    let message = format!(
        "Ticketure has a customer with this address already as {source_id}, born on another day"
    );
    let help =
        "Give this contact an address of its own, or correct the birth date; then retry the item.";
    refused(mapping, birth, message, help)
}

fn refused(
    mapping: &MappingDescriptor,
    birth: Birth,
    message: String,
    help: &str,
) -> Vec<Settlement> {
    let outcome = dead("DUPLICATE", message, None, help);
    let mut settled = settle(birth.unit, &outcome, None);
    if let Some(last) = settled.last_mut() {
        last.closes.push(birth_key(mapping, &birth.id));
    }
    settled
}
