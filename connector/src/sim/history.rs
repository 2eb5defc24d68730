//! What happens in a simulated world: edits on both sides, and what goes wrong meanwhile.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simulator::Fault;

/// A history, played from time 0. All times are milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Where the randomness of delays, back-off and ids comes from.
    pub seed: u64,
    /// How wrong the systems' clocks are.
    pub salesforce_clock_error_ms: i64,
    pub ticketure_clock_error_ms: i64,
    /// Each webhook takes up to so long.
    pub webhook_delay_ms_max: u64,
    /// One in so many is delivered twice, or not at all; 0 is none.
    pub webhook_repeat_one_in: u32,
    pub webhook_lose_one_in: u32,
    /// Each call takes up to so long, there and back.
    pub call_ms_max: u64,
    /// How often Salesforce is asked for changes.
    pub poll_ms: u64,
    /// In order of time, or not.
    pub actions: Vec<Timed>,
}

/// Something that happens at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timed {
    pub at_ms: u64,
    #[serde(flatten)]
    pub action: Action,
}

/// What can happen. Records go by names of the history's own; a record is known by its name on both sides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// A person or organization is made in Ticketure, with its fields as Ticketure names them.
    TicketureCreate {
        record: String,
        fields: Map<String, Value>,
    },
    /// Members are changed in Ticketure.
    TicketureEdit {
        record: String,
        fields: Map<String, Value>,
    },
    TicketureDelete {
        record: String,
    },
    /// A record is made in Salesforce; `object` is Contact or Account.
    SalesforceCreate {
        record: String,
        object: String,
        fields: Map<String, Value>,
    },
    SalesforceEdit {
        record: String,
        fields: Map<String, Value>,
    },
    SalesforceDelete {
        record: String,
    },
    /// A trigger of the org, from then on: text in the field becomes capitals.
    SalesforceCapitals {
        object: String,
        field: String,
    },
    /// A fault rule of the simulator, until its `times` are used up or the edits are over.
    Fault(Fault),
    /// The process is killed and started again.
    Crash,
}

struct Dice(fastrand::Rng);

impl Dice {
    fn one_in(&mut self, count: u32) -> bool {
        count > 0 && self.0.u32(0..count) == 0
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among
            .get(self.0.usize(0..among.len().max(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// The history of a seed.
pub fn random(seed: u64) -> History {
    let mut dice = Dice(fastrand::Rng::with_seed(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    ));
    let people = dice.0.usize(1..=4);
    let length_ms = dice.0.u64(20_000..180_000);
    let mut actions = Vec::new();
    for person in 0..people {
        births(&mut dice, person, length_ms, &mut actions);
    }
    for edit in 0..dice.0.usize(2..=14) {
        let record = format!("p{}", dice.0.usize(0..people));
        let at_ms = dice.0.u64(length_ms / 4..length_ms);
        let action = match dice.0.bool() {
            true => Action::TicketureEdit {
                record,
                fields: ticketure_fields(&mut dice, edit),
            },
            false => Action::SalesforceEdit {
                record,
                fields: salesforce_fields(&mut dice, edit),
            },
        };
        actions.push(Timed { at_ms, action });
    }
    if dice.one_in(3) {
        organization(&mut dice, length_ms, &mut actions);
    }
    if dice.one_in(6) {
        let action = Action::SalesforceCapitals {
            object: "Contact".to_owned(),
            field: "LastName".to_owned(),
        };
        actions.push(Timed { at_ms: 0, action });
    }
    if dice.one_in(8) {
        let record = format!("p{}", dice.0.usize(0..people));
        let action = match dice.0.bool() {
            true => Action::TicketureDelete { record },
            false => Action::SalesforceDelete { record },
        };
        actions.push(Timed {
            at_ms: dice.0.u64(length_ms / 2..length_ms),
            action,
        });
    }
    for _ in 0..dice.0.usize(0..=4) {
        let at_ms = dice.0.u64(0..length_ms);
        actions.push(Timed {
            at_ms,
            action: Action::Fault(fault(&mut dice)),
        });
    }
    for _ in 0..dice.0.usize(0..=3) {
        actions.push(Timed {
            at_ms: dice.0.u64(0..length_ms),
            action: Action::Crash,
        });
    }
    actions.sort_by_key(|timed| timed.at_ms);
    History {
        seed,
        salesforce_clock_error_ms: dice.0.i64(-120_000..=120_000),
        ticketure_clock_error_ms: dice.0.i64(-120_000..=120_000),
        webhook_delay_ms_max: dice.0.u64(0..45_000),
        webhook_repeat_one_in: dice.0.u32(0..5),
        webhook_lose_one_in: dice.0.u32(0..8),
        call_ms_max: dice.0.u64(1..2_000),
        poll_ms: dice.0.u64(1_000..30_000),
        actions,
    }
}

/// Each person begins on one side, or on both.
fn births(dice: &mut Dice, person: usize, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = format!("p{person}");
    let email = format!("person{person}@example.org");
    let (first, last) = (format!("First{person}"), format!("Last{person}"));
    let at_ms = dice.0.u64(0..length_ms / 4);
    let in_salesforce = |record: String| Action::SalesforceCreate {
        record,
        object: "Contact".to_owned(),
        fields: object(json!({ "FirstName": first, "LastName": last, "Email": email })),
    };
    let in_ticketure = |record: String| Action::TicketureCreate {
        record,
        fields: object(
            json!({ "identity_type": "person", "first_name": first, "last_name": last, "email": email }),
        ),
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
fn organization(dice: &mut Dice, length_ms: u64, actions: &mut Vec<Timed>) {
    let record = "o0".to_owned();
    let action = match dice.0.bool() {
        true => Action::TicketureCreate {
            record: record.clone(),
            fields: object(json!({ "identity_type": "organization", "name": "Hill School" })),
        },
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
            true => Action::TicketureEdit {
                record,
                fields: object(
                    json!({ dice.pick(&["phone", "website", "name"]): format!("school{edit}t") }),
                ),
            },
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

fn ticketure_fields(dice: &mut Dice, edit: usize) -> Map<String, Value> {
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

fn salesforce_fields(dice: &mut Dice, edit: usize) -> Map<String, Value> {
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

fn fault(dice: &mut Dice) -> Fault {
    let kind = match dice.0.u32(0..6) {
        0 => json!({ "kind": "unavailable" }),
        1 => json!({ "kind": "lost_after_commit" }),
        2 => json!({ "kind": "lost_before_commit" }),
        3 => json!({ "kind": "commit_late", "after_ms": dice.0.u64(1_000..40_000) }),
        4 => json!({ "kind": "expire_sessions" }),
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
        .unwrap_or_else(|_| Fault::always(simulator::FaultKind::Latency { ms: 1 }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
