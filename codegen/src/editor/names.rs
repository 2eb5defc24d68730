//! The names of the schemas, as definitions that the schema for editors refers to.

use serde_json::{Map as Members, Value, json};

use crate::ast::language::{Names, Takes, Values};
use crate::resolve::Schemas;
use crate::schema::{SalesforceField, SalesforceType, SourceSchemaField, SourceType};
use crate::settings::{SETTINGS, Setting};

type Properties = [(String, SourceSchemaField)];

/// What a mapping from this source has at a leaf.
pub(super) fn of_source(takes: &Takes, source: &str, own: Own) -> Option<Value> {
    let part = match (takes, own) {
        (Takes::Name(Names::Path), Own::Some) => {
            return Some(json!({ "anyOf": [reference(source, "paths"), { "type": "string" }] }));
        }
        (takes, _) => part_of_source(takes)?,
    };
    Some(reference(source, part))
}

/// Names beside those of the schema: what a mapping reduces its rows to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    None,
    Some,
}

fn part_of_source(takes: &Takes) -> Option<&'static str> {
    Some(match takes {
        Takes::Name(Names::Path) => "paths",
        Takes::Name(Names::RawPath) => "raw",
        Takes::Values(Values::SourceConditions) => "conditions",
        Takes::Values(Values::SourceWords) => "words",
        Takes::Values(Values::RowConditions) => "made",
        Takes::Values(Values::Row | Values::RowOrFalse) => "row",
        _ => return None,
    })
}

/// What a mapping to this destination has at a leaf.
pub(super) fn of_destination(takes: &Takes, destination: &str) -> Option<Value> {
    let part = match takes {
        Takes::Name(Names::Field) => "fields",
        Takes::Name(Names::WritableField) => "writable",
        Takes::Name(Names::KeyField) => "keys",
        Takes::Name(Names::ReferenceField) => "references",
        Takes::Values(Values::DestinationConditions) => "conditions",
        Takes::Values(Values::Record) => "record",
        _ => return None,
    };
    Some(reference(destination, part))
}

/// All that `of_source` and `of_destination` refer to.
pub(super) fn definitions(schemas: &Schemas) -> Members<String, Value> {
    let mut all = Members::new();
    all.insert("condition".to_owned(), worded());
    all.insert("of_record".to_owned(), record_condition());
    for (entity, properties) in &schemas.entities {
        let mut add =
            |part: &str, value: Value| all.insert(format!("ticketure.{entity} {part}"), value);
        let paths = paths(properties, "");
        let own = || {
            let paths = paths.iter();
            paths.map(|(path, field)| (path.as_str(), about_source(field)))
        };
        let settings: Vec<(String, &str)> = SETTINGS
            .iter()
            .map(|setting| (format!("${}", setting.name), setting.about))
            .collect();
        let settings = settings.iter();
        let settings = settings.map(|(name, about)| (name.as_str(), (*about).to_owned()));
        let adopted = "the id of the record that was taken over: `adopt`".to_owned();
        let moved =
            "true where the record went on in another tree, such as a ticket in another cart"
                .to_owned();
        let no_lines = "true in a payment whose cart has no lines".to_owned();
        let organization =
            "the organization whose own identity the row names in the place of a person".to_owned();
        let said = [
            ("$adopted", adopted),
            ("$moved", moved),
            ("$no_lines", no_lines),
            ("$organization", organization.clone()),
        ];
        let settings = settings.chain(said);
        add("paths", offered(own().chain(settings)));
        let at = ("$at", "when the row was delivered".to_owned());
        add(
            "raw",
            offered(own().chain([at, ("$organization", organization)])),
        );
        add(
            "conditions",
            closed(
                paths
                    .iter()
                    .map(|(path, field)| (path.as_str(), condition(field))),
            ),
        );
        add(
            "words",
            closed(
                paths
                    .iter()
                    .map(|(path, field)| (path.as_str(), word(field))),
            ),
        );
        let mut made = closed(
            paths
                .iter()
                .map(|(path, field)| (path.as_str(), condition(field))),
        );
        made["additionalProperties"] = json!(true);
        if let Some(members) = made["properties"].as_object_mut() {
            members.extend(SETTINGS.iter().map(|setting| {
                let value =
                    json!({ "anyOf": [words(setting), { "$ref": "#/definitions/condition" }] });
                (format!("${}", setting.name), value)
            }));
        }
        add("made", made);
        add("row", row(properties));
    }
    for (name, object) in &schemas.objects {
        let mut add =
            |part: &str, value: Value| all.insert(format!("salesforce.{name} {part}"), value);
        let mut names = |part: &str, fits: fn(&SalesforceField) -> bool| {
            let fields = object.fields.iter().filter(|field| fits(field));
            add(
                part,
                offered(fields.map(|field| (field.name.as_str(), about_destination(field)))),
            );
        };
        names("fields", |_| true);
        names("writable", |field| {
            !field.calculated && (field.createable || field.updateable)
        });
        names("keys", |field| field.external_id && field.unique);
        names("references", |field| {
            field.kind == SalesforceType::Reference
        });
        add(
            "record",
            closed(
                object
                    .fields
                    .iter()
                    .map(|field| (field.name.as_str(), described(json!({}), field))),
            ),
        );
        add(
            "conditions",
            closed(
                object
                    .fields
                    .iter()
                    .map(|field| (field.name.as_str(), described(of_record(), field))),
            ),
        );
    }
    all
}

fn reference(schema: &str, part: &str) -> Value {
    // A reference is a URI: what a file's name may have beside letters is escaped.
    let name = format!("{schema} {part}")
        .replace('~', "~0")
        .replace('/', "~1");
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    json!({ "$ref": format!("#/definitions/{escaped}") })
}

/// Names to choose from, each with a line about it.
fn offered<'n>(names: impl Iterator<Item = (&'n str, String)>) -> Value {
    let (names, about): (Vec<&str>, Vec<String>) = names.unzip();
    if names.is_empty() {
        // A list of nothing is no schema to editors: they would offer nothing anywhere.
        return json!({ "not": {} });
    }
    json!({ "type": "string", "enum": names, "enumDescriptions": about })
}

/// A map that has these keys and no others.
fn closed<'n>(keys: impl Iterator<Item = (&'n str, Value)>) -> Value {
    let properties: Members<String, Value> =
        keys.map(|(name, value)| (name.to_owned(), value)).collect();
    json!({ "additionalProperties": false, "properties": properties })
}

/// The dotted paths to single values and lists.
fn paths<'p>(properties: &'p Properties, before: &str) -> Vec<(String, &'p SourceSchemaField)> {
    let mut found = Vec::new();
    for (name, field) in properties {
        let path = format!("{before}{name}");
        match &field.kind {
            SourceType::Object(members) => found.extend(paths(members, &format!("{path}."))),
            _ => found.push((path, field)),
        }
    }
    found
}

/// A row's members; of what type their values are is the test's business.
fn row(properties: &Properties) -> Value {
    closed(properties.iter().map(|(name, field)| {
        let value = match &field.kind {
            SourceType::Object(members) => row(members),
            _ => json!({ "description": about_source(field) }),
        };
        (name.as_str(), value)
    }))
}

/// A value that the row could have there.
fn condition(field: &SourceSchemaField) -> Value {
    let mut value = match &field.kind {
        SourceType::Text { values, .. } if !values.is_empty() => {
            let null = field.nullable.then_some(Value::Null);
            let values: Vec<Value> = values
                .iter()
                .map(|value| json!(value))
                .chain(null)
                .collect();
            json!({ "enum": values })
        }
        SourceType::Text { .. } => of_type("string", field),
        SourceType::Boolean => of_type("boolean", field),
        SourceType::Integer => of_type("integer", field),
        SourceType::Number | SourceType::Object(_) | SourceType::List(_) | SourceType::Unknown => {
            json!({})
        }
    };
    let value = json!({
        "anyOf": [value.take(), { "$ref": "#/definitions/condition" }],
        "description": about_source(field),
    });
    value
}

/// The schema for a word of the member, or a list of its words.
fn word(field: &SourceSchemaField) -> Value {
    let one = match &field.kind {
        SourceType::Text { values, .. } if !values.is_empty() => json!({ "enum": values }),
        _ => json!({ "type": ["string", "integer", "boolean"] }),
    };
    json!({
        "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }],
        "description": about_source(field),
    })
}

/// What a condition may be beside one value.
fn worded() -> Value {
    let single = json!({ "type": ["string", "number", "boolean", "null"] });
    let some = json!({ "type": "array", "items": single, "minItems": 1 });
    json!({
        "anyOf": [
            some,
            { "const": "given", "description": "There, and neither null nor blank." },
            {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {
                    "not": { "anyOf": [single, some], "description": "Any value but these." },
                    "above": { "type": ["string", "number"], "description": "A number greater than this one." },
                    "given": { "type": "boolean", "description": "There, and neither null nor blank; false: not so." },
                },
            },
        ],
    })
}

fn words(setting: &Setting) -> Value {
    let mut value = match setting.words {
        [] => json!({ "type": "string" }),
        words => json!({ "enum": words }),
    };
    value["description"] = json!(setting.about);
    value
}

/// Settings and their values.
pub(super) fn settings() -> Value {
    let settings = SETTINGS.iter();
    let mut value = closed(settings.map(|setting| (setting.name, words(setting))));
    value["type"] = json!("object");
    value
}

fn of_type(name: &str, field: &SourceSchemaField) -> Value {
    if field.nullable {
        json!({ "type": [name, "null"] })
    } else {
        json!({ "type": name })
    }
}

/// Said once: a draft of this age takes no description beside a `$ref`.
fn of_record() -> Value {
    json!({ "allOf": [{ "$ref": "#/definitions/of_record" }] })
}

/// A value, or `{ not: value }`.
fn record_condition() -> Value {
    json!({
        "type": ["string", "number", "boolean", "null", "object"],
        "additionalProperties": false,
        "minProperties": 1,
        "properties": { "not": { "type": ["string", "number", "boolean", "null"], "description": "Any value but this one." } },
    })
}

fn described(mut value: Value, field: &SalesforceField) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.insert("description".into(), json!(about_destination(field)));
    }
    value
}

/// `text, up to 40 characters`.
fn about_source(field: &SourceSchemaField) -> String {
    let mut about = match &field.kind {
        SourceType::Text {
            format: Some(format),
            ..
        } => format!("{}, {format}", field.kind.describe()),
        kind => kind.describe().to_owned(),
    };
    if let SourceType::Text {
        max_length: Some(length),
        ..
    } = &field.kind
    {
        about += &format!(", up to {length} characters");
    }
    if field.read_only {
        about += ", read-only";
    }
    about
}

/// `an e-mail address, up to 80 characters, required`.
fn about_destination(field: &SalesforceField) -> String {
    let mut about = match field.kind {
        SalesforceType::Reference if !field.reference_to.is_empty() => {
            format!("a reference to {}", field.reference_to.join(" or "))
        }
        kind => kind.describe().to_owned(),
    };
    if let Some(length) = field.length.filter(|_| field.kind.is_text()) {
        about += &format!(", up to {length} characters");
    }
    let marks = [
        (field.is_required(), "required"),
        (field.external_id && field.unique, "a unique external id"),
        (field.calculated, "a formula"),
        (
            !field.calculated && !field.createable && !field.updateable,
            "read-only",
        ),
        (field.createable && !field.updateable, "only when creating"),
        (field.needs_npsp, "comes with NPSP"),
    ];
    for (_, mark) in marks.iter().filter(|(holds, _)| *holds) {
        about = format!("{about}, {mark}");
    }
    about
}
