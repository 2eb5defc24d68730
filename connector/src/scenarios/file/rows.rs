//! Rows of Ticketure's and records of Salesforce's, as a scenario gives them.

use serde_json::{Map, Value};

use super::reader::Reader;
use super::{Record, Row};
use crate::scenarios::catalogue::{Entity, nearest};
use crate::scenarios::tree::Node;

/// When the first event of a scenario happened that does not say so itself; each other a minute later.
const FIRST_EVENT: i64 = 1_772_359_200;

/// `{ object: Contact, as: ada, FirstName: Ada, ... }`
pub(super) fn record(reader: &mut Reader<'_>, node: &Node) -> Option<Record> {
    let object = reader.needed(node, "object");
    let known = reader.object(node.line, &object);
    let mut fields = Map::new();
    for entry in node.entries() {
        if matches!(entry.key.as_str(), "object" | "as") {
            continue;
        }
        reader.field(entry.line, &object, &entry.key);
        fields.insert(entry.key.clone(), entry.value.json());
    }
    known.then(|| Record {
        line: node.line,
        object,
        name: node.get("as").and_then(Node::text),
        fields,
    })
}

/// A row of an entity: what the scenario says, over what all rows of the webhook share, with an id and a time.
pub(super) fn row(
    reader: &mut Reader<'_>,
    entity: &str,
    node: &Node,
    at: Option<&str>,
) -> Option<Row> {
    let webhooks = &reader.catalogue.webhooks;
    let found = webhooks.iter().find(|(_, known)| known.name == entity);
    let Some((webhook, known)) = found else {
        let names: Vec<String> = webhooks.values().map(|known| known.name.clone()).collect();
        let near = nearest(entity, names.iter());
        let message = format!("Ticketure has no `{entity}`{near}");
        reader.mistake(node.line, message);
        return None;
    };
    let known = known.clone();
    let mut members = reader.defaults.get(webhook).cloned().unwrap_or_default();
    for entry in node.entries() {
        member(reader, &known, entry.line, &entry.key);
    }
    members.extend(node.members());
    complete(reader, &known, &mut members, at);
    for name in &known.required {
        // A row of a record that is there already says what is new.
        if !members.contains_key(name) && (known.is_event() || name == "id") {
            reader.mistake(node.line, format!("the {entity} has no `{name}`"));
        }
    }
    Some(Row {
        entity: known.name,
        members,
    })
}

/// A member that no schema knows is a slip of the pen.
pub(super) fn member(reader: &mut Reader<'_>, entity: &Entity, line: usize, name: &str) {
    if !entity.members.iter().any(|known| known == name) {
        let near = nearest(name, entity.members.iter());
        reader.mistake(
            line,
            format!("{} has no member `{name}`{near}", entity.name),
        );
    }
}

fn complete(
    reader: &mut Reader<'_>,
    entity: &Entity,
    members: &mut Map<String, Value>,
    at: Option<&str>,
) {
    if !entity.is_event() {
        return;
    }
    let count = reader.counts.entry(entity.name.clone()).or_default();
    *count += 1;
    let number = *count;
    members
        .entry("id")
        .or_insert_with(|| Value::from(format!("{}-{number}", entity.name)));
    let time = at.map_or_else(|| minute(number), str::to_owned);
    members.entry("occurred_at").or_insert(Value::from(time));
}

fn minute(number: u32) -> String {
    let second = FIRST_EVENT + i64::from(number) * 60;
    let time = jiff::Timestamp::from_second(second).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
