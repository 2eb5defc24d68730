//! What goes wrong in a random history.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::random::{Dice, object};
use super::{Action, Timed};

/// Faults of single calls, kills, and systems that are away for a while.
pub(super) fn troubles(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    for _ in 0..dice.0.usize(0..=4) {
        let at_ms = dice.0.u64(0..length_ms);
        let action = Action::Fault(fault(dice));
        actions.push(Timed { at_ms, action });
    }
    for _ in 0..dice.0.usize(0..=3) {
        let at_ms = dice.0.u64(0..length_ms);
        // At the time, or at one of the awaits that follow.
        let after_awaits = match dice.0.bool() {
            true => dice.0.u64(1..200),
            false => 0,
        };
        actions.push(Timed {
            at_ms,
            action: Action::Crash { after_awaits },
        });
    }
    if dice.one_in(4) {
        let system = dice.pick(&["salesforce", "ticketure"]);
        actions.push(Timed {
            at_ms: dice.0.u64(0..length_ms),
            action: Action::Outage {
                ticketure: system == "ticketure",
                for_ms: dice.0.u64(5_000..120_000),
            },
        });
    }
}

/// A write that is carried out after a newer one of the same field: it was ours, and no decision of anybody's.
pub(super) fn overtaken(dice: &mut Dice, people: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = || format!("p{}", people - 1);
    let to_ticketure = dice.0.bool();
    let path = match to_ticketure {
        true => "/api/identity/",
        false => "/composite/sobjects",
    };
    let late = FaultKind::CommitLate {
        after_ms: dice.0.u64(60_000..90_000),
    };
    let at_ms = dice.0.u64(length_ms / 2..length_ms);
    let fault = Fault {
        method: Some("PATCH".to_owned()),
        ..Fault::on(path, 1, late)
    };
    let action = Action::Fault(fault);
    actions.push(Timed { at_ms, action });
    for edit in 0..2 {
        let value = format!("overtaken{edit}");
        let action = match to_ticketure {
            true => Action::SalesforceEdit {
                record: record(),
                fields: object(json!({ "MobilePhone": value })),
            },
            false => Action::changed_in_ticketure(record(), object(json!({ "mobile": value }))),
        };
        let at_ms = at_ms + edit * 45_000;
        actions.push(Timed { at_ms, action });
    }
}

/// Records that are refused for a while, some of a call or all; and a call that is refused as a whole.
const REFUSALS: &[&str] = &[
    "UNKNOWN_EXCEPTION",
    "UNABLE_TO_LOCK_ROW",
    "PROCESSING_HALTED",
    "ENTITY_IS_DELETED",
    "DUPLICATE_VALUE",
    "NOBODY_KNOWS_THIS_CODE",
];

pub(super) fn refusal(dice: &mut Dice) -> Value {
    let message = "for a while";
    match dice.0.u32(0..5) {
        0 => json!({ "kind": "too_many_records", "above": dice.0.u32(1..4) }),
        // No record gets past it.
        1 => json!({ "kind": "refuse", "code": "STORAGE_LIMIT_EXCEEDED", "message": message }),
        2 | 3 => json!({ "kind": "refuse", "code": dice.pick(REFUSALS), "message": message,
            "one_in": dice.0.u32(1..4) }),
        _ => {
            let (status, code) = match dice.0.u32(0..4) {
                0 => (400, "UNABLE_TO_LOCK_ROW"),
                1 => (400, "REQUEST_RUNNING_TOO_LONG"),
                2 => (400, "STORAGE_LIMIT_EXCEEDED"),
                _ => (500, "UNKNOWN_EXCEPTION"),
            };
            json!({ "kind": "refuse_call", "status": status, "code": code, "message": message })
        }
    }
}

fn fault(dice: &mut Dice) -> Fault {
    let kind = match dice.0.u32(0..10) {
        0 => json!({ "kind": "unavailable" }),
        1 => json!({ "kind": "lost_after_commit" }),
        2 => json!({ "kind": "lost_before_commit" }),
        3 => json!({ "kind": "commit_late", "after_ms": dice.0.u64(1_000..40_000) }),
        4 => json!({ "kind": "expire_sessions" }),
        5 => json!({ "kind": "limit_exceeded" }),
        6 => json!({ "kind": "lock_shared", "field": "LeadSource" }),
        7 | 8 => refusal(dice),
        _ => json!({ "kind": "lock_row", "one_in": 2 }),
    };
    let path = dice.pick(&[
        "/composite/sobjects",
        "/api/",
        "/services/data",
        "/api/identity/",
    ]);
    let mut fault = object(kind);
    fault.insert("path".to_owned(), Value::from(path));
    fault.insert("times".to_owned(), Value::from(dice.0.u32(1..4)));
    if dice.one_in(2) {
        let method = dice.pick(&["POST", "PATCH"]);
        fault.insert("method".to_owned(), Value::from(method));
    }
    serde_json::from_value(Value::Object(fault))
        .unwrap_or_else(|_| Fault::always(FaultKind::Latency { ms: 1 }))
}
