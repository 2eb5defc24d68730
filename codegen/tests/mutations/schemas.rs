//! Mutations of the schemas: what the mappings were right about is right no more.

use serde_json::{Value, json};

use super::files::Files;
use super::{Expected, Mutation};

pub fn mutations(files: &Files) -> Vec<Mutation> {
    let mut all = Vec::new();
    for object in ["Account", "Contact"] {
        salesforce(
            files,
            &format!("schemas/salesforce/{object}.json"),
            &mut all,
        );
    }
    entity(files, &mut all);
    envelope(files, &mut all);
    all
}

/// The webhook carries other rows, or none: each mapping's `on:` is wrong.
fn envelope(files: &Files, all: &mut Vec<Mutation>) {
    let file = "schemas/webhooks/identity_changed.schema.json";
    let rows = "/properties/data/properties/identity/properties/_data";
    for (pointer, by) in [
        ("/properties/event_type/const", json!("identity_deleted")),
        (
            &format!("{rows}/items/$ref"),
            json!("../ticketure/cart.schema.json"),
        ),
        (&format!("{rows}/items"), json!({})),
        (rows, json!({"type": "object"})),
        ("/properties/data", json!(null)),
    ] {
        let mut mutated = (*files.json(file)).clone();
        *mutated.pointer_mut(pointer).unwrap() = by;
        all.push(Mutation {
            kind: "another envelope",
            about: pointer.to_owned(),
            file: file.to_owned(),
            text: serde_json::to_string_pretty(&mutated).unwrap(),
            expected: Expected::Mentioned("on: identity_changed"),
        });
    }
}

/// What makes a difference even to mappings that do not name the field: whether they have to.
const OF_UNNAMED: &[&str] = &["flipped flag", "renamed field", "field left out"];

/// Each field stands on a line of its own, which stays so.
///
/// Of fields that no mapping names, all else is legal; `tests/run --long` tries it all the same.
fn salesforce(files: &Files, file: &str, all: &mut Vec<Mutation>) {
    let is_long = std::env::var_os("USHER_LONG").is_some();
    let is_named = |name: &str| {
        // A field in a list of what is ignored is not used.
        let ignored = |line: &str| line.starts_with("ignore:") || !line.contains(':');
        let mappings = files.mappings();
        let mut lines = mappings.iter().flat_map(|mapping| &mapping.lines);
        lines.any(|line| !ignored(line) && line.contains(name))
    };
    let text = files.text(file);
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let Ok(field) = serde_json::from_str::<Value>(line.trim().trim_end_matches(',')) else {
            continue;
        };
        if field["name"].is_null() {
            continue;
        }
        let all_kinds = is_long || is_named(field["name"].as_str().unwrap());
        let mut put = |kind: &'static str, about: String, by: Option<Value>| {
            if !all_kinds && !OF_UNNAMED.contains(&kind) {
                return;
            }
            let comma = if line.trim_end().ends_with(',') {
                ","
            } else {
                ""
            };
            let mut mutated: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            match by {
                Some(by) => mutated[index] = format!("    {by}{comma}"),
                None if comma.is_empty() => return,
                None => drop(mutated.remove(index)),
            }
            all.push(Mutation {
                kind,
                about: format!("{file}: {}: {about}", field["name"]),
                file: file.to_owned(),
                text: mutated.join("\n"),
                expected: Expected::Judged,
            });
        };
        let with = |member: &str, value: Value| {
            let mut field = field.clone();
            field[member] = value;
            Some(field)
        };
        for flag in [
            "createable",
            "updateable",
            "nillable",
            "externalId",
            "unique",
            "caseSensitive",
            "calculated",
            "restrictedPicklist",
            "filterable",
            "defaultedOnCreate",
            "idLookup",
        ] {
            put(
                "flipped flag",
                flag.to_owned(),
                with(flag, json!(field[flag] != true)),
            );
        }
        for kind in [
            "boolean",
            "date",
            "datetime",
            "double",
            "currency",
            "reference",
            "email",
            "phone",
            "url",
            "picklist",
            "string",
            "textarea",
            "address",
            "encryptedstring",
            "anyType",
            "json",
            "int",
            "id",
        ] {
            if field["type"] != kind {
                put("another type", kind.to_owned(), with("type", json!(kind)));
            }
        }
        if let Some(length) = field["length"].as_u64() {
            for length in [length - 1, length / 2, length + 1, length * 2] {
                put(
                    "another length",
                    length.to_string(),
                    with("length", json!(length)),
                );
            }
        }
        put(
            "renamed field",
            "x".to_owned(),
            with(
                "name",
                json!(format!("{}x", field["name"].as_str().unwrap())),
            ),
        );
        put("field left out", String::new(), None);
        put(
            "read-only field",
            String::new(),
            with("createable", json!(false)).map(|mut field| {
                field["updateable"] = json!(false);
                field
            }),
        );
        if field["needs"].is_null() {
            put(
                "comes with NPSP",
                String::new(),
                with("needs", json!("npsp")),
            );
        }
        if field["type"] == "reference" {
            for target in ["Lead", "User", "RecordType"] {
                put(
                    "refers to another object",
                    target.to_owned(),
                    with("referenceTo", json!([target])),
                );
            }
        }
        for value in field["picklistValues"].as_array().into_iter().flatten() {
            let mut values = field["picklistValues"].clone();
            values
                .as_array_mut()
                .unwrap()
                .retain(|known| known != value);
            put(
                "picklist value left out",
                value["value"].to_string(),
                with("picklistValues", values),
            );
        }
        for whole in ["Email", "Name", "MailingStreet"] {
            put(
                "part of another",
                whole.to_owned(),
                with("compoundFieldName", json!(whole)),
            );
        }
    }
}

fn entity(files: &Files, all: &mut Vec<Mutation>) {
    let file = "schemas/ticketure/identity.schema.json";
    let root = (*files.json(file)).clone();
    let inner = root["properties"]["address"]["properties"]
        .as_object()
        .unwrap();
    let outer = root["properties"].as_object().unwrap();
    let pointers = outer.keys().map(|name| ("/properties".to_owned(), name));
    let pointers = pointers.chain(
        inner
            .keys()
            .map(|name| ("/properties/address/properties".to_owned(), name)),
    );
    for (parent, name) in pointers {
        let property = root.pointer(&format!("{parent}/{name}")).unwrap();
        let mut put = |kind: &'static str, about: &str, change: &dyn Fn(&mut Value)| {
            let mut mutated = root.clone();
            change(mutated.pointer_mut(&parent).unwrap());
            if mutated != root {
                all.push(Mutation {
                    kind,
                    about: format!("{file}: {parent}/{name}: {about}"),
                    file: file.to_owned(),
                    text: serde_json::to_string_pretty(&mutated).unwrap(),
                    expected: Expected::Judged,
                });
            }
        };
        let mut set = |kind: &'static str, member: &str, value: Value| {
            put(kind, &format!("{member} {value}"), &|level| {
                level[name][member] = value.clone()
            });
        };
        for kind in ["boolean", "integer", "number", "string"] {
            set("another property type", "type", json!([kind, "null"]));
            set("never null", "type", json!(kind));
        }
        set("another property type", "type", json!("array"));
        set(
            "another property type",
            "type",
            json!(["string", "integer"]),
        );
        for format in ["email", "uri", "date", "date-time", "uuid"] {
            set("another format", "format", json!(format));
        }
        set("a pattern", "pattern", json!("^[A-Z]+$"));
        set("a least length", "minLength", json!(3));
        set("read-only property", "readOnly", json!(true));
        set("a list of values", "enum", json!(["one", "another"]));
        if let Some(length) = property["maxLength"].as_u64() {
            for length in [length - 1, length / 2, length + 1, length * 2] {
                set("another property length", "maxLength", json!(length));
            }
        }
        put("no format", "", &|level| {
            drop(level[name].as_object_mut().unwrap().remove("format"))
        });
        put("no length", "", &|level| {
            drop(level[name].as_object_mut().unwrap().remove("maxLength"))
        });
        put("renamed property", "", &|level| {
            let old = level.as_object_mut().unwrap().remove(name).unwrap();
            level[format!("{name}x")] = old;
        });
        put("property left out", "", &|level| {
            drop(level.as_object_mut().unwrap().remove(name))
        });
    }
    for required in ["id", "identity_type"] {
        let mut mutated = root.clone();
        mutated["required"]
            .as_array_mut()
            .unwrap()
            .retain(|name| name != required);
        all.push(Mutation {
            kind: "no more required",
            about: required.to_owned(),
            file: file.to_owned(),
            text: serde_json::to_string_pretty(&mutated).unwrap(),
            expected: Expected::Judged,
        });
    }
    for value in ["person", "organization"] {
        let mut mutated = root.clone();
        mutated["properties"]["identity_type"]["enum"]
            .as_array_mut()
            .unwrap()
            .retain(|known| known != value);
        all.push(Mutation {
            kind: "value left out",
            about: value.to_owned(),
            file: file.to_owned(),
            text: serde_json::to_string_pretty(&mutated).unwrap(),
            expected: Expected::Judged,
        });
    }
}
