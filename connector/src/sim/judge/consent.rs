//! Consent: an opt-out is on both sides, also of two people who were merged, and nobody is opted in by silence.

use serde_json::Value;
use simulator::{Actor, Operation, Write};

use super::{Record, pairs, survivor, text};
use crate::sim::world::Ended;

/// A merge on either side: when the org or the tenant had it, and both ids there.
struct Merge {
    at: Position,
    gone: String,
    stays: String,
}

/// The place of a write in the log of its side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Ticketure(u64),
    Salesforce(u64),
}

/// Checks that each pair at rest is opted out on both sides or on neither.
pub(super) fn opt_outs_arrive(ended: &Ended, faults: &mut Vec<String>) {
    faults
        .extend(people(ended).filter_map(|(identity, contact, _)| one_sided(&identity, &contact)));
}

/// Says that a pair is opted out on one side. A contact that lacks what is required keeps an opt-out that is lifted to
/// itself: only the opt-out passes the gate.
pub(crate) fn one_sided(identity: &Record, contact: &Record) -> Option<String> {
    let (there, here) = (is_out_there(identity), is_out_here(contact));
    let lift_waits = there && !here && super::is_incomplete(contact, super::FIELDS);
    (there != here && !lift_waits).then(|| {
        format!(
            "{} is opted out on one side: email_opt_in is {}, HasOptedOutOfEmail of {} is {here}",
            text(identity, "id"),
            identity.get("email_opt_in").unwrap_or(&Value::Null),
            text(contact, "Id")
        )
    })
}

/// Checks that no write of the connector's opts anybody in.
pub(super) fn nobody_is_opted_in(ended: &Ended, faults: &mut Vec<String>) {
    faults.extend(opted_in(&ended.simulator.tenant_log()));
}

/// Names the identities that a write of the connector's opts in.
pub(crate) fn opted_in(log: &[Write]) -> Vec<String> {
    let ours = log.iter().filter(|write| write.actor == Actor::Api);
    let yes = ours.filter(|write| write.fields.get("email_opt_in") == Some(&Value::Bool(true)));
    yes.map(|write| format!("identity {} was opted in by a write of ours", write.id))
        .collect()
}

/// Checks that whoever was opted out when they were merged is opted out as the survivor, unless somebody lifts it.
pub(super) fn merges_keep_opt_outs(ended: &Ended, faults: &mut Vec<String>) {
    let (here, there) = (ended.simulator.write_log(), ended.simulator.tenant_log());
    for merge in merges(&here, &there) {
        let was_out = match merge.at {
            Position::Ticketure(at) => last_consent(&there, &merge.gone, at) == Some(true),
            Position::Salesforce(at) => last_consent(&here, &merge.gone, at) == Some(true),
        };
        if !was_out {
            continue;
        }
        for (identity, contact, _) in people(ended) {
            let is_survivor = match merge.at {
                Position::Ticketure(_) => text(&identity, "id") == survivor(ended, &merge.stays),
                Position::Salesforce(_) => text(&contact, "Id") == merge.stays,
            };
            let lifted = is_lifted(&there, text(&identity, "id"))
                || is_lifted(&here, text(&contact, "Id"))
                || is_lifted(&here, &merge.gone);
            if is_survivor && !lifted && !(is_out_there(&identity) && is_out_here(&contact)) {
                faults.push(format!(
                    "{} was opted out and merged into {}, who is not",
                    merge.gone, merge.stays
                ));
            }
        }
    }
}

fn people(ended: &Ended) -> impl Iterator<Item = (Record, Record, super::Common)> {
    let pairs = pairs(ended).into_iter();
    pairs.filter(|(identity, _, _)| text(identity, "identity_type") != "organization")
}

fn merges(here: &[Write], there: &[Write]) -> Vec<Merge> {
    let into = |write: &Write, name: &str| {
        let into = write.fields.get(name)?.as_str()?;
        Some(into.to_owned())
    };
    let in_ticketure = there.iter().filter_map(|write| {
        Some(Merge {
            at: Position::Ticketure(write.sequence),
            gone: write.id.clone(),
            stays: into(write, "merged_into_id")?,
        })
    });
    let deletes = here
        .iter()
        .filter(|write| write.operation == Operation::Delete && write.object == "Contact");
    let in_salesforce = deletes.filter_map(|write| {
        Some(Merge {
            at: Position::Salesforce(write.sequence),
            gone: write.id.clone(),
            stays: into(write, "MasterRecordId")?,
        })
    });
    in_ticketure.chain(in_salesforce).collect()
}

/// The consent that a record was written with last before a place of the log: true is opted out.
fn last_consent(log: &[Write], id: &str, before: u64) -> Option<bool> {
    let own = log
        .iter()
        .filter(|write| write.id == id && write.sequence < before);
    own.filter_map(consent).next_back()
}

/// A user permits mail in some write of the record.
fn is_lifted(log: &[Write], id: &str) -> bool {
    let mut own = log
        .iter()
        .filter(|write| write.id == id && write.actor == Actor::User);
    own.any(|write| write.operation != Operation::Create && consent(write) == Some(false))
}

fn consent(write: &Write) -> Option<bool> {
    let there = write.fields.get("email_opt_in");
    let here = write.fields.get("HasOptedOutOfEmail");
    match (there, here) {
        (Some(opted_in), _) => Some(opted_in == &Value::Bool(false)),
        (None, Some(opted_out)) => Some(opted_out == &Value::Bool(true)),
        (None, None) => None,
    }
}

fn is_out_there(identity: &Record) -> bool {
    identity.get("email_opt_in") == Some(&Value::Bool(false))
}

fn is_out_here(contact: &Record) -> bool {
    contact.get("HasOptedOutOfEmail") == Some(&Value::Bool(true))
}
