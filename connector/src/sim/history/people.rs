//! Who is there in a random history, and what they type.

use serde_json::{Map, Value, json};

use super::random::{Dice, object};
use super::{Action, Timed};

/// Each person begins on one side, or on both.
pub(super) fn births(dice: &mut Dice, person: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = format!("p{person}");
    let email = format!("person{person}@example.org");
    let (first, last) = (format!("First{person}"), format!("Last{person}"));
    let at_ms = dice.0.u64(0..length_ms / 4);
    let in_salesforce = |record: String| Action::SalesforceCreate {
        record,
        object: "Contact".to_owned(),
        fields: object(json!({ "FirstName": first, "LastName": last, "Email": email })),
    };
    let in_ticketure = |record: String| {
        let fields = json!({ "identity_type": "person", "first_name": first, "last_name": last, "email": email });
        Action::made_in_ticketure(record, object(fields))
    };
    match dice.0.u32(0..4) {
        3 => {
            // Without an e-mail address it waits, until somebody fills it in or nobody does.
            let mut fields = object(json!({ "FirstName": first, "LastName": last }));
            fields.insert("MailingCity".to_owned(), Value::from("Lucca"));
            actions.push(Timed {
                at_ms,
                action: Action::SalesforceCreate {
                    record: record.clone(),
                    object: "Contact".to_owned(),
                    fields,
                },
            });
            if dice.one_in(2) {
                let later = at_ms + dice.0.u64(1_000..60_000);
                let fields = object(json!({ "Email": email }));
                actions.push(Timed {
                    at_ms: later,
                    action: Action::SalesforceEdit { record, fields },
                });
            }
        }
        0 => actions.push(Timed {
            at_ms,
            action: in_ticketure(record),
        }),
        1 => actions.push(Timed {
            at_ms,
            action: in_salesforce(record),
        }),
        _ => {
            actions.push(Timed {
                at_ms,
                action: in_ticketure(record.clone()),
            });
            // Made on both sides before either could hear of the other.
            actions.push(Timed {
                at_ms,
                action: in_salesforce(record),
            });
        }
    }
}

/// A school that begins on either side, and is edited on both.
pub(super) fn organization(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = "o0".to_owned();
    let action = match dice.0.bool() {
        true => Action::made_in_ticketure(
            record.clone(),
            object(json!({ "identity_type": "organization", "name": "Hill School" })),
        ),
        false => Action::SalesforceCreate {
            record: record.clone(),
            object: "Account".to_owned(),
            fields: object(json!({ "Name": "Hill School" })),
        },
    };
    actions.push(Timed {
        at_ms: dice.0.u64(0..length_ms / 4),
        action,
    });
    for edit in 0..dice.0.usize(1..5) {
        let record = record.clone();
        let action = match dice.0.bool() {
            true => Action::changed_in_ticketure(
                record,
                object(
                    json!({ dice.pick(&["phone", "website", "name"]): format!("school{edit}t") }),
                ),
            ),
            false => Action::SalesforceEdit {
                record,
                fields: object(
                    json!({ dice.pick(&["Phone", "Website", "Name"]): format!("school{edit}s") }),
                ),
            },
        };
        actions.push(Timed {
            at_ms: dice.0.u64(length_ms / 4..length_ms),
            action,
        });
    }
}

pub(super) fn ticketure_fields(dice: &mut Dice, edit: usize) -> Map<String, Value> {
    object(
        match dice.pick(&[
            "first_name",
            "last_name",
            "mobile",
            "phone",
            "city",
            "clear",
            "opt",
        ]) {
            "city" => json!({ "address": { "city": format!("Town{edit}t") } }),
            "clear" => json!({ "mobile": null }),
            "opt" => json!({ "email_opt_in": dice.0.bool() }),
            name => json!({ name: format!("{name}{edit}t") }),
        },
    )
}

pub(super) fn salesforce_fields(dice: &mut Dice, edit: usize) -> Map<String, Value> {
    object(
        match dice.pick(&[
            "FirstName",
            "LastName",
            "MobilePhone",
            "HomePhone",
            "MailingCity",
            "clear",
            "opt",
            "Fax",
            "blank",
        ]) {
            "clear" => json!({ "MobilePhone": null }),
            "opt" => json!({ "HasOptedOutOfEmail": dice.0.bool() }),
            // Without it nothing goes back, until somebody fills it in: Ticketure does.
            "blank" => json!({ "Fax": format!("fax{edit}") }),
            name => json!({ name: format!("{name}{edit}s") }),
        },
    )
}
