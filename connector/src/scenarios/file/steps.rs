//! The steps of `when`: what happens, and where.

use std::time::Duration;

use serde_json::{Map, Value};

use super::reader::Reader;
use super::{Act, Answer, Decision, InSalesforce, InTicketure, Step, rows};
use crate::scenarios::tree::{Entry, Node};

const STEPS: &[&str] = &["webhook", "salesforce", "ticketure", "operator", "wait"];

pub(super) fn steps(reader: &mut Reader<'_>, node: &Node) -> Vec<Step> {
    let items = reader.list(node);
    items.iter().filter_map(|item| step(reader, item)).collect()
}

fn step(reader: &mut Reader<'_>, node: &Node) -> Option<Step> {
    let Some(first) = node.entries().first() else {
        let message = format!("a step is one of {}", STEPS.join(", "));
        reader.mistake(node.line, message);
        return None;
    };
    let act = match first.key.as_str() {
        "webhook" => webhook(reader, node),
        "salesforce" => one(reader, node, first, salesforce),
        "ticketure" => one(reader, node, first, ticketure),
        "operator" => one(reader, node, first, operator),
        "wait" => one(reader, node, first, |reader, node| {
            let time = node.text().and_then(|text| duration(&text));
            if time.is_none() {
                let message = "a time is a number and s, m, h or d: `wait: 5m`";
                reader.mistake(node.line, message);
            }
            time.map(Act::Wait)
        }),
        _ => {
            reader.known(node, STEPS);
            None
        }
    };
    let line = node.line;
    act.map(|act| Step { line, act })
}

/// A step of one key alone.
fn one(
    reader: &mut Reader<'_>,
    node: &Node,
    entry: &Entry,
    read: impl FnOnce(&mut Reader<'_>, &Node) -> Option<Act>,
) -> Option<Act> {
    reader.known(node, &[entry.key.as_str()]);
    read(reader, &entry.value)
}

/// `webhook: ticket_audit`, with `rows`, `at` and `lost` beside it.
fn webhook(reader: &mut Reader<'_>, node: &Node) -> Option<Act> {
    reader.known(node, &["webhook", "rows", "at", "lost"]);
    let payload_type = reader.needed(node, "webhook");
    let entity = reader.webhook(node.line, &payload_type)?;
    let at = node.get("at").and_then(Node::text);
    let mut made = Vec::new();
    match node.get("rows") {
        Some(list) => {
            for item in reader.list(list) {
                made.extend(rows::row(reader, &entity, item, at.as_deref()));
            }
        }
        None => reader.mistake(node.line, "`rows` is missing: what does it tell of?"),
    }
    let lost = node.get("lost").map(Node::json);
    Some(Act::Webhook {
        payload_type,
        rows: made,
        lost: lost == Some(Value::Bool(true)),
    })
}

fn salesforce(reader: &mut Reader<'_>, node: &Node) -> Option<Act> {
    let act = match first_key(node) {
        "create" => {
            reader.known(node, &["create"]);
            InSalesforce::Create(rows::record(reader, node.get("create")?)?)
        }
        "update" => {
            reader.known(node, &["update", "set"]);
            InSalesforce::Update {
                record: reader.needed(node, "update"),
                fields: set(reader, node),
            }
        }
        "delete" => {
            reader.known(node, &["delete"]);
            let record = reader.needed(node, "delete");
            InSalesforce::Delete { record }
        }
        "merge" => {
            reader.known(node, &["merge", "into"]);
            InSalesforce::Merge {
                record: reader.needed(node, "merge"),
                into: reader.needed(node, "into"),
            }
        }
        _ => return nothing(reader, node, &["create", "update", "delete", "merge"]),
    };
    Some(Act::Salesforce(act))
}

fn ticketure(reader: &mut Reader<'_>, node: &Node) -> Option<Act> {
    let act = match first_key(node) {
        "update" => {
            reader.known(node, &["update", "set"]);
            InTicketure::Update {
                record: reader.needed(node, "update"),
                members: set(reader, node),
            }
        }
        "delete" => {
            reader.known(node, &["delete"]);
            let record = reader.needed(node, "delete");
            InTicketure::Delete { record }
        }
        "merge" => {
            reader.known(node, &["merge", "into"]);
            InTicketure::Merge {
                record: reader.needed(node, "merge"),
                into: reader.needed(node, "into"),
            }
        }
        _ => return nothing(reader, node, &["update", "delete", "merge"]),
    };
    Some(Act::Ticketure(act))
}

fn operator(reader: &mut Reader<'_>, node: &Node) -> Option<Act> {
    let act = match first_key(node) {
        "review_link" => {
            reader.known(node, &["review_link", "to"]);
            let to = reader.needed(node, "to");
            answer(reader, node, Answer::Link { to })
        }
        "review_create" => {
            reader.known(node, &["review_create"]);
            answer(reader, node, Answer::Create)
        }
        "review_ignore" => {
            reader.known(node, &["review_ignore"]);
            answer(reader, node, Answer::Ignore)
        }
        "push" => {
            reader.known(node, &["push"]);
            let record = reader.needed(node, "push");
            Decision::Push { record }
        }
        "retry" => {
            reader.known(node, &["retry"]);
            Decision::Retry
        }
        _ => {
            let known = [
                "review_link",
                "review_create",
                "review_ignore",
                "push",
                "retry",
            ];
            return nothing(reader, node, &known);
        }
    };
    Some(Act::Operator(act))
}

fn answer(reader: &mut Reader<'_>, node: &Node, answer: Answer) -> Decision {
    let source_id = reader.needed(node, first_key(node));
    Decision::Review { source_id, answer }
}

fn first_key(node: &Node) -> &str {
    let first = node.entries().first();
    first.map_or("", |entry| entry.key.as_str())
}

fn nothing(reader: &mut Reader<'_>, node: &Node, known: &[&str]) -> Option<Act> {
    reader.known(node, known);
    if node.entries().is_empty() {
        reader.mistake(node.line, format!("what is done? {}", known.join(", ")));
    }
    None
}

fn set(reader: &mut Reader<'_>, node: &Node) -> Map<String, Value> {
    match node.get("set") {
        Some(set) => set.members(),
        None => {
            reader.mistake(
                node.line,
                "`set` is missing: `{ update: ada, set: { ... } }`",
            );
            Map::new()
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number * seconds))
}
