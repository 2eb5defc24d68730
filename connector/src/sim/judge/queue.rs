//! What became of everything that was acknowledged.

use std::collections::BTreeSet;

use runtime::queue::{ItemView, State};
use serde_json::Value;

use crate::purchases::heard::{of_error, of_item};

use super::{FIELDS, Record, at, carts, memberships, text};
use crate::sim::world::Ended;

/// Everything is done or in the error log, but for what waits for a person, or for a record that is not there.
pub(super) fn all_done(ended: &Ended, faults: &mut Vec<String>) {
    // Amounts that wait for a charge delay no other item.
    let ledger = carts::ledger(ended);
    let is_money = |item: &ItemView| ledger.explains(&of_item(item));
    for item in &ended.waiting {
        let waits = match item.state {
            State::Parked => is_money(item) || may_wait(ended, item),
            State::Ready => ended.waiting.iter().any(|earlier| {
                let goes_first = earlier.id < item.id && earlier.lane == item.lane;
                goes_first && earlier.state == State::Parked && !is_money(earlier)
            }),
            _ => false,
        };
        if !waits {
            faults.push(format!(
                "item {} about {} is {:?} at rest, waiting for {:?}",
                item.id, item.key, item.state, item.wait_key
            ));
        }
    }
}

/// Nobody has what it waits for, or a person has to decide.
fn may_wait(ended: &Ended, item: &ItemView) -> bool {
    waits_rightly(ended, item, &mut BTreeSet::new())
}

/// Returns false for an item in `seen`, since items may wait for each other in a circle.
fn waits_rightly(ended: &Ended, item: &ItemView, seen: &mut BTreeSet<i64>) -> bool {
    if !seen.insert(item.id) {
        return false;
    }
    let key = item.wait_key.as_deref().unwrap_or_default();
    let (mapping, id) = key.split_once(':').unwrap_or_default();
    if mapping == "cart" {
        let mut own = ended.waiting.iter().filter(|other| other.key == id);
        let cart_waits =
            own.any(|own| own.wait_key != item.wait_key && waits_rightly(ended, own, seen));
        // Its own items are in the error log, where they belong.
        let deleted = carts::buyer_was_deleted(ended, id);
        let failed = deleted && ended.errors.iter().any(|error| error.key == id);
        let waits = cart_waits || failed || waits_for_another(ended, item, seen);
        return !carts::has_to_be(ended, id) || waits;
    }
    let there = ended
        .simulator
        .identities()
        .iter()
        .any(|identity| text(identity, "id") == id);
    // Somebody deleted its record in Salesforce: a person has to say what becomes of what refers to it.
    let there = there && !carts::was_deleted(ended, id);
    let asked = ended.reviews.iter().any(|waiting| waiting == id);
    let failed = ended.errors.iter().any(|error| error.key == id);
    // Whom it waits for may wait in turn.
    let mut own = ended.waiting.iter().filter(|other| other.key == id);
    !there
        || asked
        || failed
        || own.any(|own| own.state == State::Parked && waits_rightly(ended, own, seen))
}

/// Another item about the same record waits for something else: this one goes when that one does.
fn waits_for_another(ended: &Ended, item: &ItemView, seen: &mut BTreeSet<i64>) -> bool {
    let mut others = ended.waiting.iter();
    others.any(|other| {
        other.key == item.key
            && other.state == State::Parked
            && other.wait_key != item.wait_key
            && waits_rightly(ended, other, seen)
    })
}

/// Checks that the error log has all that the org refuses for good. Further entries may only be about money, unknown
/// words or deleted records.
pub(super) fn only_what_is_refused(ended: &Ended, faults: &mut Vec<String>) {
    let log = ended.simulator.tenant_log();
    let ledger = carts::ledger(ended);
    // A direction that stands still is entry 0 until a try goes well: that is no item.
    for error in ended.errors.iter().filter(|error| error.id > 0) {
        let mut identities = ended.simulator.identities().into_iter();
        // Corrected errors close, so for a living identity only its present values count.
        let refused = match identities.find(|identity| text(identity, "id") == error.key) {
            Some(identity) => is_refused(ended, &identity),
            None => log
                .iter()
                .any(|write| write.id == error.key && is_refused(ended, &write.fields)),
        };
        let deleted = error.error.code == "ENTITY_IS_DELETED"
            && (carts::buyer_was_deleted(ended, &error.key)
                || memberships::names_somebody_deleted(ended, &error.key));
        let is_money = ledger.explains(&of_error(error));
        let is_right = is_money
            || memberships::is_right(&error.error.code)
            || charge_waits_behind(ended, &error.key, &error.error.code);
        if !refused && !deleted && !is_right {
            faults.push(format!(
                "in the error log: item {} {}: {}: {}",
                error.id, error.key, error.error.code, error.error.message
            ));
        }
    }
    for identity in ended.simulator.identities() {
        let id = text(&identity, "id");
        let told = ended.errors.iter().any(|error| error.key == id);
        if is_refused(ended, &identity) && !told {
            faults.push(format!("{id} is refused, and not in the error log"));
        }
    }
}

/// The charge of a void is a row behind one that waits, so nobody has read it.
fn charge_waits_behind(ended: &Ended, cart: &str, code: &str) -> bool {
    let mut waiting = ended.waiting.iter().filter(|item| item.key == cart);
    code == "void_fits_no_charge"
        && waiting.any(|item| {
            let payload = item.payload.as_deref().unwrap_or_default();
            let row: Value = serde_json::from_str(payload).unwrap_or_default();
            row.get("action").and_then(Value::as_str) == Some("charge")
        })
}

/// An item of the pair waits, on either side.
pub(super) fn waits(ended: &Ended, identity: &Record, record: &Record) -> bool {
    waits_at_all(ended, text(identity, "id")) || waits_at_all(ended, text(record, "Id"))
}

pub(super) fn waits_at_all(ended: &Ended, id: &str) -> bool {
    ended.waiting.iter().any(|item| item.key == id)
}

/// Has it a value that the org takes from nobody?
pub(super) fn is_refused(ended: &Ended, identity: &Record) -> bool {
    ended.refused.iter().any(|(field, value)| {
        let mapped = FIELDS.iter().find(|(_, name, _)| name == field);
        mapped.is_some_and(|(path, _, _)| at(identity, path) == Some(value))
    })
}
