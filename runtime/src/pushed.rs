//! A record of Salesforce's in Ticketure's words, turned round by the tables of its mapping.

use std::collections::BTreeSet;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::entity::Kind;
use crate::mapping::{Constant, MappingDescriptor, Origin, Path, Rule};

type Record = Map<String, Value>;

/// What a record says.
#[derive(Debug, Default)]
pub struct Said {
    /// In Ticketure's words; what refers to another record is not in it.
    pub row: Map<String, Value>,
    /// What it refers to: the path, the mapping, and the id in Salesforce.
    pub references: Vec<(Path, &'static str, String)>,
    /// Fields without which it does not go.
    pub missing: Vec<&'static str>,
    /// The field, and its value that no line of the table has.
    pub unknown: Vec<(&'static str, String)>,
}

/// Reads a record. Of several fields for one member the one counts that the mapping's file has first and that is given,
/// and one of them has to be where any is required. What the record is known by is none of it.
pub fn said(mapping: &'static MappingDescriptor, record: &Record, npsp: bool) -> Said {
    let mut said = Said::default();
    let mut given: BTreeSet<Path> = BTreeSet::new();
    let mut wanted: Vec<(Path, &'static str)> = Vec::new();
    let mut fields: Vec<_> = mapping.record.fields.iter().enumerate().collect();
    fields.sort_by_key(|(index, _)| mapping.line(*index));
    for (index, field) in fields {
        if field.path == [mapping.external_id] {
            continue;
        }
        let (Some(name), Some(path)) = (field.path.last().copied(), member(mapping, index)) else {
            continue;
        };
        if (field.needs_npsp && !npsp) || matches!(field.kind, Kind::Lookup(_)) {
            continue;
        }
        let value = record.get(name).filter(|value| !is_blank(value));
        let Some(value) = value else {
            if mapping.sync(index).required {
                wanted.push((path, name));
            }
            continue;
        };
        if !given.insert(path) {
            continue;
        }
        match field.kind {
            Kind::Reference { mapping } => {
                let id = value.as_str().unwrap_or_default().to_owned();
                said.references.push((path, mapping, id));
            }
            kind => match turned(mapping, index, kind, value) {
                Some(value) => put(&mut said.row, path, value),
                None => said.unknown.push((name, plain(value))),
            },
        }
    }
    // Each of several for one member would do.
    let missing = wanted.into_iter().filter(|(path, _)| !given.contains(path));
    said.missing = missing.map(|(_, name)| name).collect();
    said
}

/// The member of Ticketure's that a field is made of.
fn member(mapping: &'static MappingDescriptor, index: usize) -> Option<Path> {
    let Origin::Payload(place) = mapping.origins.get(index)? else {
        return None;
    };
    let path = mapping.payload.fields.get(*place)?.path;
    match table(mapping, path) {
        Some((of, _)) => Some(of),
        None => Some(path),
    }
}

/// The table that a made member is read from, and what it is a table of.
fn table(
    mapping: &'static MappingDescriptor,
    path: Path,
) -> Option<(Path, &'static [(Constant, Constant)])> {
    let [name] = path else { return None };
    let mut computed = mapping.computed.iter();
    let computed = computed.find(|computed| computed.name == *name)?;
    match computed.rule {
        Rule::Values { of, table, .. } => Some((of, table)),
        _ => None,
    }
}

/// Nothing where the table has no such value.
fn turned(
    mapping: &'static MappingDescriptor,
    index: usize,
    kind: Kind,
    value: &Value,
) -> Option<Value> {
    let place = match mapping.origins.get(index) {
        Some(Origin::Payload(place)) => *place,
        _ => return None,
    };
    let path = mapping.payload.fields.get(place)?.path;
    if let Some((_, table)) = table(mapping, path) {
        let mut lines = table.iter();
        let (from, _) = lines.find(|(_, to)| to.is(Some(value)))?;
        return Some(crate::row::plain(*from));
    }
    Some(match kind {
        // Amounts are texts there.
        Kind::Decimal { .. } => Value::from(amount(value)),
        _ => value.clone(),
    })
}

fn amount(value: &Value) -> String {
    let number = Decimal::from_str(&plain(value)).unwrap_or_default();
    format!("{:.2}", number.round_dp(2))
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Puts a value at a path, between what is there.
pub fn put(row: &mut Map<String, Value>, path: Path, value: Value) {
    let Some((last, first)) = path.split_last() else {
        return;
    };
    let mut place = row;
    for name in first {
        let inner = place
            .entry(*name)
            .or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else { return };
        place = inner;
    }
    place.insert((*last).to_owned(), value);
}
