//! Consent, an invariant of every scenario: an opt-out is on both sides, and no write of ours opts anybody in.

use serde_json::{Map, Value};
use simulator::Simulator;

use super::state::Left;
use crate::sim::judge::consent::{one_sided, opted_in};

/// Names the people who were opted in by a write of ours, and the linked ones who are opted out on one side. Pairs that
/// wait, failed or are asked about are left out: a person has to act first.
pub fn faults(simulator: &Simulator, left: &Left) -> Vec<String> {
    let mut faults = opted_in(&simulator.tenant_log());
    for identity in simulator.identities() {
        let id = text(&identity, "id");
        let mut contacts = simulator.find("Contact", "Ticketure_Identity_Id__c", id);
        // Two of one identity are a clone, about which a person is asked.
        let Some(contact) = contacts.pop().filter(|_| contacts.is_empty()) else {
            continue;
        };
        let is_settled = !is_open(left, id) && !is_open(left, text(&contact, "Id"));
        faults.extend(one_sided(&identity, &contact).filter(|_| is_settled));
    }
    faults
}

/// Returns whether an item or a question about the record is open.
fn is_open(left: &Left, id: &str) -> bool {
    let asked = format!("sf:{id}");
    let is_asked = left.reviews.iter().any(|review| {
        review.source_id == id
            || review.source_id == asked
            || review.candidates.iter().any(|candidate| candidate == id)
    });
    is_asked
        || left.waiting.iter().any(|item| item.key == id)
        || left.errors.iter().any(|error| error.key == id)
}

fn text<'r>(record: &'r Map<String, Value>, name: &str) -> &'r str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}
