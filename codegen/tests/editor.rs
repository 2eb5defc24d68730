//! The schema for editors: all of the language, all names, and nothing that leads nowhere.

use codegen::ast::language::{MAPPING, Map, Takes};
use codegen::editor;
use serde_json::Value;

use super::{shipped, with};

fn schema() -> Value {
    serde_json::from_str(&editor::schema(&shipped())).unwrap()
}

/// The properties of a map of the language, where the schema has them.
fn compare(map: &Map, schema: &Value, place: &str) {
    for key in map.keys {
        let place = format!("{place}.{}", key.name);
        let property = &schema["properties"][key.name];
        assert!(
            property["description"]
                .as_str()
                .is_some_and(|about| about.len() > 10),
            "{place} is not described: {property}"
        );
        match &key.takes {
            Takes::Map(inner) => compare(inner, property, &place),
            Takes::List {
                of: Takes::Map(inner),
                ..
            } => compare(inner, &property["items"], &place),
            _ => {}
        }
    }
}

#[test]
fn every_key_of_the_language_is_there_and_described() {
    compare(&MAPPING, &schema(), "");
}

fn references<'s>(value: &'s Value, found: &mut Vec<&'s str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// What a reference of this schema leads to, by RFC 6901 in a URI's fragment.
fn definition<'s>(schema: &'s Value, reference: &str) -> Option<&'s Value> {
    let mut pointer = Vec::new();
    let mut bytes = reference.strip_prefix('#')?.bytes();
    while let Some(byte) = bytes.next() {
        pointer.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    schema.pointer(std::str::from_utf8(&pointer).ok()?)
}

#[test]
fn every_reference_leads_somewhere() {
    let odd = "schemas/ticketure/odd ~ %41 é.schema.json";
    let sources = with(odd, r#"{ "properties": { "a": { "type": "string" } } }"#);
    let schema: Value = serde_json::from_str(&editor::schema(&sources)).unwrap();
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(
        found.iter().any(|reference| reference.contains("odd")),
        "{found:?}"
    );
    for reference in found {
        assert!(definition(&schema, reference).is_some(), "{reference}");
    }
}

#[test]
fn names_are_those_of_the_schemas() {
    let schema = schema();
    let offered = |name: &str| schema["definitions"][name]["enum"].as_array().unwrap();
    let has = |name: &str, value: &str| offered(name).iter().any(|known| known == value);
    assert!(has("salesforce.Contact writable", "FirstName"));
    assert!(!has("salesforce.Contact writable", "CreatedDate"));
    assert!(has("salesforce.Contact fields", "CreatedDate"));
    assert!(has("salesforce.Contact references", "AccountId"));
    assert_eq!(
        offered("salesforce.Contact keys"),
        &["Ticketure_Identity_Id__c"]
    );
    assert!(has("ticketure.identity paths", "address.city"));
    assert!(!has("ticketure.identity paths", "address"));
}

#[test]
fn of_broken_files_the_rest_is_offered() {
    let sources = with("schemas/salesforce/Account.json", "{");
    let schema: Value = serde_json::from_str(&editor::schema(&sources)).unwrap();
    let destinations = schema["properties"]["destination"]["enum"]
        .as_array()
        .unwrap();
    assert!(destinations.contains(&"salesforce.Contact".into()));
    assert!(!destinations.contains(&"salesforce.Account".into()));
}
