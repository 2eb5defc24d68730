//! Memberships: each term of Ticketure's is one opportunity that says the same; each of Salesforce's that may go is one
//! membership; what was extended is extended.

use std::collections::BTreeMap;

use serde_json::Value;
use simulator::{Actor, Operation};

use super::carts::was_deleted;
use super::{Record, text};
use crate::purchases::memberships::{Term, Terms, disagreeing};
use crate::sim::world::Ended;

/// Refusals of Ticketure's that tell why, and are right.
const REFUSED: &[&str] = &[
    "overlapping_term",
    "cancelled",
    "not_later",
    "unknown_identity",
];

pub(super) fn agree(ended: &Ended, faults: &mut Vec<String>) {
    let terms = terms(ended);
    for (key, expected, found) in disagreeing(&ended.simulator, &terms) {
        // On which record it is, is judged by its key: a cart's, or its own.
        let same = |term: &Term| {
            Term {
                cart: expected.cart.clone(),
                ..term.clone()
            } == expected
        };
        let is_one = matches!(found.as_slice(), [one] if same(one));
        if !is_one && !is_under_way(ended, &key) {
            faults.push(format!("term {key} is {found:?} and not {expected:?}"));
        }
    }
    of_salesforces(ended, faults);
}

/// What the rows of Ticketure came to: earlier terms by its own log, the last by the row itself.
fn terms(ended: &Ended) -> Terms {
    let mut rows: BTreeMap<String, Record> = BTreeMap::new();
    let mut terms = Terms::new();
    for write in ended.simulator.tenant_log() {
        if write.object == "membership" {
            let row = rows.entry(write.id.clone()).or_default();
            row.extend(write.fields.clone());
            terms.insert(key(&write.id, row), term(row));
        }
    }
    for row in ended.simulator.rows("membership") {
        terms.insert(key(text(&row, "id"), &row), term(&row));
    }
    terms
}

fn key(id: &str, row: &Record) -> String {
    format!("{id}:{}", text(row, "valid_from"))
}

fn term(row: &Record) -> Term {
    let of = |name: &str| text(row, name).to_owned();
    let status = match text(row, "status") {
        "pending" => "Pending",
        "active" => "Active",
        "expired" => "Expired",
        "cancelled" => "Cancelled",
        other => other,
    };
    Term {
        start: of("valid_from"),
        end: of("valid_until"),
        level: of("level_name"),
        status: status.to_owned(),
        cart: of("cart_id"),
    }
}

fn is_under_way(ended: &Ended, key: &str) -> bool {
    ended.waiting.iter().any(|item| item.key == key)
        || ended.errors.iter().any(|error| error.key == key)
}

/// What somebody made in Salesforce is in Ticketure once, or waits, or the error log says why not.
fn of_salesforces(ended: &Ended, faults: &mut Vec<String>) {
    let log = ended.simulator.write_log();
    let made = log.iter().filter(|write| {
        write.object == "Opportunity"
            && write.operation == Operation::Create
            && write.actor == Actor::User
    });
    let memberships = ended.simulator.rows("membership");
    for write in made {
        let of_it = memberships
            .iter()
            .filter(|row| text(row, "external_ref") == write.id);
        let count = of_it.count();
        let told = is_under_way(ended, &write.id);
        if count > 1 || (count == 0 && !told) {
            faults.push(format!(
                "the membership that was made as {} is {count} in Ticketure",
                write.id
            ));
        }
    }
    for record in ended.simulator.records("Opportunity") {
        let (id, until) = (text(&record, "Id"), text(&record, "Ticketure_Extend_To__c"));
        if !until.is_empty() && !is_under_way(ended, id) {
            faults.push(format!(
                "{id} was to be extended to {until}, and nobody says why it is not"
            ));
        }
    }
}

/// Somebody deleted the record of one whom the membership of the term names.
pub(super) fn names_somebody_deleted(ended: &Ended, term: &str) -> bool {
    let id = term.split_once(':').map_or(term, |(id, _)| id);
    let log = ended.simulator.tenant_log();
    let rows = log.iter().filter(|write| write.id == id);
    let mut named = rows.flat_map(|write| {
        let members = write.fields.get("members").and_then(Value::as_array);
        let members = members.into_iter().flatten();
        let members = members.filter_map(|member| member.get("identity_id")?.as_str());
        let others = ["primary_identity_id", "gift_giver_identity_id"].into_iter();
        let others = others.filter_map(|name| write.fields.get(name)?.as_str());
        members.chain(others)
    });
    named.any(|identity| was_deleted(ended, identity))
}

/// Was it right that Ticketure refused it?
pub(super) fn is_right(code: &str) -> bool {
    REFUSED.contains(&code)
}

/// Made in Ticketure for a membership of Salesforce's: its money is there.
pub(super) fn is_salesforces(ended: &Ended, cart: &str) -> bool {
    let carts = ended.simulator.rows("cart");
    let mut carts = carts.iter().filter(|row| text(row, "id") == cart);
    carts.any(|row| !text(row, "external_ref").is_empty())
}
