//! Webhooks of strange senders: no panic, a trace of each, and nothing that is sent on wrongly.

use std::collections::BTreeSet;

use runtime::queue::State;
use serde_json::{Value, json};

use super::tests::posted;
use super::*;
use crate::sync::tests::museum::Museum;

/// A webhook as Ticketure sends it, about records whose ids say which oddity it has.
fn good(kind: &str, odd: &str) -> Value {
    let id = format!("{kind}-{odd}");
    let at = "2026-03-01T18:00:00Z";
    let (entity, row) = match kind {
        "identity_changed" => (
            "identity",
            json!({ "id": id, "identity_type": "person", "first_name": "Ada", "last_name": "Lovelace", "email": format!("{id}@example.org"), "updated_at": at }),
        ),
        "organization_changed" => (
            "organization",
            json!({ "id": id, "name": id, "updated_at": at }),
        ),
        "cart_changed" => (
            "cart",
            json!({ "id": id, "cart_number": id, "status": "checked_out", "checked_out_at": at, "total_outstanding": "0.00", "currency": "USD" }),
        ),
        "ticket_audit" => (
            "ticket_audit",
            json!({ "id": id, "action": "purchased", "cart_id": id, "ticket_id": id, "item_kind": "admission", "price": "10.00", "ticket_type": "Adult", "ticket_type_id": "tt", "occurred_at": at }),
        ),
        "gateway_audit" => (
            "gateway_audit",
            json!({ "id": id, "action": "charge", "cart_id": id, "amount": "10.00", "method": "card", "currency": "USD", "occurred_at": at }),
        ),
        _ => (
            "membership",
            json!({ "id": id, "membership_id": id, "action": "new", "status": "active", "start_date": "2026-03-01", "end_date": "2027-03-01", "occurred_at": at }),
        ),
    };
    json!({ "event_type": kind, "event_id": id, "occurred_at": at, "data": { entity: { "_count": 1, "_data": [row] } } })
}

const KINDS: [&str; 6] = [
    "cart_changed",
    "gateway_audit",
    "identity_changed",
    "membership_changed",
    "organization_changed",
    "ticket_audit",
];

type Change = (&'static str, fn(&mut Value, &mut Value));

/// Oddities of the envelope and of the row. The row is put back as the only one.
const ODDITIES: &[Change] = &[
    ("id-number", |_, row| row["id"] = json!(7)),
    ("id-null", |_, row| row["id"] = Value::Null),
    ("id-true", |_, row| row["id"] = json!(true)),
    ("id-object", |_, row| row["id"] = json!({ "id": "x" })),
    ("id-dot", |_, row| row["id"] = json!(".")),
    ("id-dots", |_, row| row["id"] = json!("..")),
    ("id-slash", |_, row| row["id"] = json!("../../identity")),
    ("id-nul", |_, row| row["id"] = json!("a\u{0}b")),
    ("id-blank", |_, row| row["id"] = json!("  ")),
    ("id-padded", |_, row| row["id"] = json!(" padded ")),
    ("id-long", |_, row| row["id"] = json!("i".repeat(5_000))),
    ("id-huge", |_, row| {
        row["id"] = json!(1.234_567_890_123_456_7e30);
    }),
    ("row-null", |_, row| *row = Value::Null),
    ("row-number", |_, row| *row = json!(5)),
    ("row-text", |_, row| *row = json!("x")),
    ("row-list", |_, row| *row = json!([row.clone()])),
    ("row-empty", |_, row| *row = json!({})),
    ("all-null", |_, row| each(row, |_| Value::Null)),
    ("all-lists", |_, row| each(row, |value| json!([value]))),
    ("all-objects", |_, row| {
        each(row, |value| json!({ "x": value }))
    }),
    ("all-numbers", |_, row| each(row, |_| json!(-1.5e300))),
    ("all-escape", |_, row| {
        each(row, |_| json!("\u{1b}]0;owned\u{7}"))
    }),
    ("all-long", |_, row| {
        each(row, |_| json!("ä".repeat(20_000)))
    }),
    ("all-dots", |_, row| each(row, |_| json!(".."))),
    ("all-surrogate-pair", |_, row| {
        each(row, |_| json!("\u{1f600}"))
    }),
    ("unknown-members", |_, row| {
        row["$where"] = json!({ "a": [1, 2, { "b": null }] })
    }),
    ("dollar-members", |_, row| {
        row["$at"] = json!("never");
        row["$key"] = json!("x");
    }),
    ("type-upper", |payload, _| {
        payload["event_type"] = json!("IDENTITY_CHANGED")
    }),
    ("type-spaces", |payload, _| {
        payload["event_type"] = json!(" cart_changed ")
    }),
    ("type-number", |payload, _| payload["event_type"] = json!(5)),
    ("type-null", |payload, _| {
        payload["event_type"] = Value::Null
    }),
    ("type-list", |payload, _| {
        payload["event_type"] = json!(["cart_changed"])
    }),
    ("event-id-object", |payload, _| {
        payload["event_id"] = json!({ "a": 1 })
    }),
    ("event-id-number", |payload, _| {
        payload["event_id"] = json!(1e300)
    }),
    ("event-id-long", |payload, _| {
        payload["event_id"] = json!("e".repeat(20_000))
    }),
    ("event-id-none", |payload, _| {
        payload["event_id"] = Value::Null
    }),
    ("time-american", |payload, _| {
        payload["occurred_at"] = json!("03/01/2026 6:00 PM")
    }),
    ("time-number", |payload, _| {
        payload["occurred_at"] = json!(1_772_388_000)
    }),
    ("time-null", |payload, _| {
        payload["occurred_at"] = Value::Null
    }),
    ("time-far", |payload, _| {
        payload["occurred_at"] = json!("9999-12-31T23:59:59Z")
    }),
    ("data-null", |payload, _| payload["data"] = Value::Null),
    ("data-list", |payload, _| {
        payload["data"] = json!([payload["data"].clone()])
    }),
];

/// Oddities that leave the record as clear as before.
const HARMLESS: [&str; 10] = [
    "unknown-members",
    "event-id-object",
    "event-id-number",
    "event-id-long",
    "event-id-none",
    "time-american",
    "time-number",
    "time-null",
    "time-far",
    "id-slash",
];

fn each(row: &mut Value, change: fn(&Value) -> Value) {
    if let Value::Object(members) = row {
        members
            .values_mut()
            .for_each(|value| *value = change(value));
    }
}

fn entity_of(payload: &Value) -> String {
    let members = payload["data"].as_object().unwrap();
    members.keys().next().unwrap().clone()
}

fn odd(kind: &str, (name, change): &Change) -> Value {
    let mut payload = good(kind, name);
    let entity = entity_of(&payload);
    let mut row = payload["data"][&entity]["_data"][0].take();
    change(&mut payload, &mut row);
    if let Some(rows) = payload.pointer_mut(&format!("/data/{entity}/_data/0")) {
        *rows = row;
    }
    payload
}

/// Oddities of the text, and whether it is JSON.
fn texts(kind: &str) -> Vec<(String, bool)> {
    let text = |name: &str| good(kind, name).to_string();
    let rows = |name: &str, by: &str| {
        let payload = text(name);
        let (before, rest) = payload.split_once("\"_data\":").unwrap();
        let (_, after) = rest.split_once("]").unwrap();
        format!("{before}\"_data\":{by}{after}")
    };
    let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
    let mut many = good(kind, "many");
    let entity = entity_of(&many);
    let row = many["data"][&entity]["_data"][0].clone();
    many["data"][&entity]["_data"] = vec![row; 2_000].into();
    vec![
        (format!("\u{feff}{}", text("mark")), true),
        (format!("  \n{}\t", text("blanks")), true),
        (format!("[{}]", text("listed")), true),
        (format!("[[{}]]", text("listed-twice")), true),
        (format!("{{\"_data\":[{}]}}", text("enveloped")), true),
        (format!("{{\"_data\":{}}}", text("enveloped-alone")), true),
        (
            format!("{{\"_data\":[{{\"_data\":[{}]}}]}}", text("nested")),
            true,
        ),
        (
            text("type-twice").replacen('{', "{\"event_type\":\"x\",", 1),
            true,
        ),
        (text("data-twice").replacen('{', "{\"data\":{},", 1), true),
        (
            text("member-twice").replacen("\"id\":", "\"id\":\"other\",\"id\":", 1),
            true,
        ),
        (text("half").replacen("2026-03-01T18", "\\ud800", 2), true),
        (rows("rows-none", "[]"), true),
        (rows("rows-object", "{\"id\":\"x\"}"), true),
        (rows("rows-text", "\"[]\""), true),
        (rows("rows-deep", &deep), true),
        (rows("rows-huge", "[{\"id\":\"x\",\"price\":1e999}]"), true),
        (many.to_string(), true),
        ("null".to_owned(), true),
        ("\"text\"".to_owned(), true),
        ("{}".to_owned(), true),
        (format!("{}{}", text("two"), text("two")), false),
        (text("cut").chars().take(40).collect(), false),
        (text("comma").replace("}]", "},]"), false),
        (text("quotes").replace('"', "'"), false),
        (
            text("nan").replacen("\"_count\":1", "\"_count\":NaN", 1),
            false,
        ),
        (format!("payload={}", text("form")), false),
        (format!("{}\u{0}", text("nul")), false),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_has_a_trace_and_none_is_sent_on_wrongly() {
    let museum = Museum::working();
    let receiver = Receiver {
        store: museum.store.clone(),
        size_limit_bytes: 8 << 20,
        ..super::tests::receiver(&[])
    };
    let changed = KINDS
        .iter()
        .flat_map(|kind| ODDITIES.iter().map(|change| odd(kind, change)));
    let changed = changed.map(|payload| (payload.to_string(), true));
    let texts = KINDS.iter().flat_map(|kind| texts(kind));
    let all: Vec<(String, bool)> = changed.chain(texts).collect();
    assert!(all.len() > 300, "{}", all.len());
    let mut refused = 0;
    for (body, is_json) in all {
        let (status, answer) = posted(&receiver, &[], body.clone()).await;
        if !is_json {
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body:.200}");
            refused += 1;
            continue;
        }
        assert_eq!(status, StatusCode::ACCEPTED, "{body:.200}");
        let count = |name: &str| answer[name].as_u64().unwrap();
        assert!(count("accepted") + count("duplicates") > 0, "{body:.200}");
    }
    museum.people(1).await;
    rested(&museum).await;
    let status = museum.store.status().await.unwrap();
    assert_eq!(status.refused, refused);
    for (key, error) in museum.errors().await {
        assert!(
            !error.help.is_empty() && !error.code.is_empty(),
            "{key}: {error:?}"
        );
    }
    right_people(&museum).await;
}

/// Until nothing goes on but what waits for a record that will never come.
async fn rested(museum: &Museum) {
    for _ in 0..3_600 {
        crate::sync::tests::museum::pass(1).await;
        let status = museum.store.status().await.unwrap();
        if status.ready + status.running + status.delayed == 0 {
            return;
        }
    }
    panic!("{:?}", museum.store.status().await.unwrap());
}

/// Contacts are those whose identity was clear, each under the id that was sent.
async fn right_people(museum: &Museum) {
    let wanted = HARMLESS.map(|name| match name {
        "id-slash" => "../../identity".to_owned(),
        name => format!("identity_changed-{name}"),
    });
    for id in &wanted {
        assert!(museum.contact(id).is_some(), "{id} did not land");
    }
    let of_texts = ["mark", "blanks", "listed", "enveloped", "many"];
    let of_texts = of_texts.map(|name| format!("identity_changed-{name}"));
    for id in &of_texts {
        assert!(museum.contact(id).is_some(), "{id} did not land");
    }
    // The words in their fields are odd, and the record is clear.
    let odd_words = ["dollar-members"].map(|name| format!("identity_changed-{name}"));
    let known: BTreeSet<String> = wanted
        .into_iter()
        .chain(of_texts)
        .chain(odd_words)
        .collect();
    let contacts = museum.simulator.records("Contact");
    for contact in contacts {
        let id = contact["Ticketure_Identity_Id__c"]
            .as_str()
            .unwrap_or_default();
        assert!(known.contains(id) || id == "i-0", "{contact:?}");
        let text = Value::Object(contact.clone()).to_string();
        assert!(
            !text.contains("\\u001b") && text.len() < 10_000,
            "{text:.300}"
        );
    }
    for opportunity in museum.simulator.records("Opportunity") {
        let text = Value::Object(opportunity.clone()).to_string();
        assert!(
            !text.contains("\\u00") && text.len() < 10_000,
            "{text:.300}"
        );
    }
    for item in 1..1_000 {
        if let Some(item) = museum.store.item(item).await.unwrap() {
            let is_open = matches!(item.state, State::Ready | State::Running | State::Delayed);
            assert!(!is_open, "{item:?}");
        }
    }
}
