//! `schemas/ticketure/*.schema.json` and `schemas/webhooks/*.schema.json`: JSON Schema, as much of it as they use.

use super::{SourceSchemaField, SourceType};
use crate::parse::{Entry, Node, Value};

/// An entity's properties.
pub fn entity(root: &Node) -> Vec<(String, SourceSchemaField)> {
    properties(root)
}

/// Member names from the envelope's root to the list whose items are this entity.
pub fn rows(envelope: &Node, entity: &str) -> Option<Vec<String>> {
    let wanted = format!("/{entity}.schema.json");
    entries(envelope.get("properties"))
        .iter()
        .find_map(|entry| {
            let property = &entry.value;
            let items = property
                .get("items")
                .and_then(|items| items.get("$ref"))
                .and_then(Node::text);
            if items.is_some_and(|target| target.ends_with(&wanted)) {
                return Some(vec![entry.key.value.clone()]);
            }
            let mut path = rows(property, entity)?;
            path.insert(0, entry.key.value.clone());
            Some(path)
        })
}

fn properties(node: &Node) -> Vec<(String, SourceSchemaField)> {
    let required: Vec<&str> = node
        .get("required")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::text)
        .collect();
    entries(node.get("properties"))
        .iter()
        .map(|entry| {
            let name = entry.key.value.clone();
            let is_required = required.contains(&name.as_str());
            (name, property(entry, is_required))
        })
        .collect()
}

fn property(entry: &Entry, required: bool) -> SourceSchemaField {
    let types = types(&entry.value);
    SourceSchemaField {
        span: entry.key.span,
        kind: kind(&entry.value, &types),
        nullable: types.contains(&"null"),
        required,
        read_only: entry.value.get("readOnly").and_then(Node::text) == Some("true"),
    }
}

fn types(node: &Node) -> Vec<&str> {
    match node.get("type") {
        Some(types) if matches!(types.value, Value::List(_)) => {
            types.items().iter().filter_map(Node::text).collect()
        }
        Some(one) => one.text().into_iter().collect(),
        None => Vec::new(),
    }
}

fn kind(node: &Node, types: &[&str]) -> SourceType {
    match types.iter().find(|name| **name != "null") {
        Some(&"boolean") => SourceType::Boolean,
        Some(&"integer") => SourceType::Integer,
        Some(&"number") => SourceType::Number,
        Some(&"object") => SourceType::Object(properties(node)),
        Some(&"array") => {
            let items = node
                .get("items")
                .map(|items| kind(items, &self::types(items)));
            SourceType::List(Box::new(SourceSchemaField {
                span: node.span,
                kind: items.unwrap_or(SourceType::Object(Vec::new())),
                nullable: false,
                required: false,
                read_only: false,
            }))
        }
        _ => SourceType::Text {
            max_length: node
                .get("maxLength")
                .and_then(Node::text)
                .and_then(|text| text.parse().ok()),
            format: node.get("format").and_then(Node::text).map(str::to_owned),
            values: values(node),
        },
    }
}

fn values(node: &Node) -> Vec<String> {
    let list = node.get("enum").map(Node::items).unwrap_or_default();
    let one = node.get("const").into_iter();
    list.iter()
        .chain(one)
        .filter(|value| !value.is_null())
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

fn entries(node: Option<&Node>) -> &[Entry] {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}
