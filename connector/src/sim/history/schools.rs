//! Organizations that people refer to, and that are heard of late; and records that Salesforce refuses for good.

use serde_json::json;
use simulator::{Fault, FaultKind};

use super::random::{Dice, object};
use super::{Action, Timed};

/// An organization, or one that nobody ever makes, and people that refer to it.
pub(super) fn schools(dice: &mut Dice, people: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    for school in 0..dice.0.usize(1..=2) {
        let record = format!("s{school}");
        match dice.0.u32(0..6) {
            0 => {}
            1 | 2 => together(dice, school, people, length_ms, actions),
            _ => actions.push(made(dice, school, length_ms)),
        }
        for child in 0..dice.0.usize(1..=4) {
            let refers = json!({ "organization_id": format!("id-{record}") });
            let at_ms = dice.0.u64(0..length_ms);
            if child == 0 {
                // One of the people takes up with it.
                let record = format!("p{}", dice.0.usize(0..people));
                let fields = object(refers);
                let action = Action::changed_in_ticketure(record, fields);
                actions.push(Timed { at_ms, action });
            } else {
                pupil(dice, school, child, length_ms, actions);
            }
        }
    }
}

/// Word of the organization, and of the people who take up with it, arrives at about the same time, while answers are
/// slow: so that it is made between somebody's look for it and the decision to wait.
fn together(
    dice: &mut Dice,
    school: usize,
    people: usize,
    length_ms: u64,
    actions: &mut Vec<Timed>,
) {
    let at_ms = dice.0.u64(length_ms / 2..length_ms);
    let fields = json!({ "identity_type": "organization", "name": format!("School {school}") });
    actions.push(Timed {
        at_ms,
        action: Action::TicketureCreate {
            record: format!("s{school}"),
            fields: object(fields),
            webhook_delay_ms: Some(2_000),
            webhook_lost: false,
        },
    });
    let slow = FaultKind::Latency { ms: 5_000 };
    let action = Action::Fault(Fault::on("/query", 8, slow));
    actions.push(Timed { at_ms, action });
    for person in 0..people {
        let action = Action::TicketureEdit {
            record: format!("p{person}"),
            fields: object(json!({ "organization_id": format!("id-s{school}") })),
            webhook_delay_ms: Some(dice.0.u64(2_000..6_000)),
        };
        actions.push(Timed { at_ms, action });
    }
}

fn made(dice: &mut Dice, school: usize, length_ms: u64) -> Timed {
    let fields = json!({ "identity_type": "organization", "name": format!("School {school}") });
    let lost = dice.one_in(4);
    Timed {
        at_ms: dice.0.u64(0..length_ms),
        action: Action::TicketureCreate {
            record: format!("s{school}"),
            fields: object(fields),
            webhook_delay_ms: (!lost).then(|| dice.0.u64(0..60_000)),
            webhook_lost: lost,
        },
    }
}

/// Somebody who is there with the school from the start, and may move.
fn pupil(dice: &mut Dice, school: usize, child: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = format!("c{school}{child}");
    let fields = json!({ "identity_type": "person", "first_name": format!("Child{child}"),
        "last_name": format!("Of{school}"), "email": format!("child{child}@s{school}.example"),
        "organization_id": format!("id-s{school}") });
    let at_ms = dice.0.u64(0..length_ms / 2);
    actions.push(Timed {
        at_ms,
        action: Action::made_in_ticketure(record.clone(), object(fields)),
    });
    if dice.one_in(2) {
        let fields = object(json!({ "address": { "city": format!("Town{school}{child}") } }));
        actions.push(Timed {
            at_ms: dice.0.u64(at_ms..length_ms),
            action: Action::changed_in_ticketure(record, fields),
        });
    }
}

/// Somebody whose name the org refuses, until it is mended, or for good.
pub(super) fn refused(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = "x0".to_owned();
    actions.push(Timed {
        at_ms: 0,
        action: Action::SalesforceRefuses {
            field: "LastName".to_owned(),
            equals: json!("Refused"),
        },
    });
    let fields = json!({ "identity_type": "person", "first_name": "Bad", "last_name": "Refused",
        "email": "bad@example.org" });
    actions.push(Timed {
        at_ms: dice.0.u64(0..length_ms / 2),
        action: Action::made_in_ticketure(record.clone(), object(fields)),
    });
    if dice.one_in(2) {
        let fields = object(json!({ "last_name": "Mended" }));
        actions.push(Timed {
            at_ms: dice.0.u64(length_ms / 2..length_ms),
            action: Action::changed_in_ticketure(record, fields),
        });
    }
}
