//! `docs/ASSUMPTIONS.md`: what the schemas assume of payloads, each member once and as the schemas say it.

use std::fmt::Write;

use serde_yaml::{Mapping, Value};

use crate::world::root;

const PAGE: &str = "docs/ASSUMPTIONS.md";
/// What is below this line is made.
const MARKER: &str = "<!-- Below: made of mappings/schemas by `UPDATE=1 cargo test -p tests assumptions`; not edited by hand. -->";
/// What the descriptions of assumptions end with; it says nothing of the one at hand.
const REFRAIN: &str = "Assumption: correct it here when the tenant's payloads show otherwise.";
/// Code that reads members by their names, and of which schemas.
const IN_CODE: &[(&str, &[&str])] = &[
    ("connector/src/sync/batch.rs", &["identity", "organization"]),
    (
        "connector/src/handlers/households/family.rs",
        &["cart", "ticket_audit", "membership"],
    ),
    (
        "connector/src/handlers/households/buyers.rs",
        &["cart", "membership"],
    ),
    ("connector/src/explain/memberships.rs", &["membership"]),
];
/// The code that reads the envelope of a webhook, and the names where its schema marks none.
const ENVELOPE: &str = "`connector/src/routing.rs`";
const UNMARKED: [&str; 2] = ["event_id", "occurred_at"];

#[test]
fn the_page_says_what_the_schemas_assume() {
    let path = root().join(PAGE);
    let written = std::fs::read_to_string(&path).unwrap();
    let by_hand = written.split(MARKER).next().unwrap();
    let expected = format!("{by_hand}{MARKER}\n{}", tables());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(
            written == expected,
            "{PAGE} is stale: UPDATE=1 cargo test -p tests assumptions"
        );
    }
}

/// What is said by hand names files that are there.
#[test]
fn the_page_names_files_that_are_there() {
    let text = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let by_hand = text.split(MARKER).next().unwrap();
    let missing: Vec<&str> = by_hand
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| is_file_name(name) && !root().join(name).exists())
        .collect();
    assert!(missing.is_empty(), "{PAGE} names {missing:?}");
}

fn is_file_name(text: &str) -> bool {
    let ends = [".rs", ".yaml", ".json", ".md"];
    text.contains('/') && !text.contains(' ') && ends.iter().any(|end| text.ends_with(end))
}

fn tables() -> String {
    let mut text = "\n## The webhooks\n\n".to_owned();
    text += &webhooks();
    for (name, schema) in schemas("ticketure") {
        text += &entity(&name, &schema);
    }
    text
}

/// The schemas of a folder, by their file's name.
fn schemas(folder: &str) -> Vec<(String, Value)> {
    let folder = root().join("mappings/schemas").join(folder);
    let mut schemas: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = name.strip_suffix(".schema.json").unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            // JSON is YAML, and this reader keeps the order of the members.
            (name, serde_yaml::from_str(&text).unwrap())
        })
        .collect();
    schemas.sort_by(|one, other| one.0.cmp(&other.0));
    schemas
}

/// The envelopes are alike: each webhook is a row, and then each member is one.
fn webhooks() -> String {
    let all = schemas("webhooks");
    let mut text = "| webhook | its name | rows |\n|---|---|---|\n".to_owned();
    let mut members: Vec<Member> = Vec::new();
    for (name, schema) in &all {
        let is_published = said(&schema["properties"]["event_type"]).contains("Fact");
        let known = ["assumed", "published"][usize::from(is_published)];
        let data = schema["properties"]["data"]["properties"]
            .as_mapping()
            .unwrap();
        let rows: Vec<&str> = data.keys().filter_map(Value::as_str).collect();
        writeln!(
            text,
            "| `{name}` | {known} | `data.{}._data` |",
            rows.join(", ")
        )
        .unwrap();
        for member in assumed(schema, "webhooks", "", Vec::new()) {
            if member.path != "event_type" && !members.contains(&member) {
                members.push(member);
            }
        }
    }
    text + &table(&members)
}

fn entity(name: &str, schema: &Value) -> String {
    let mut text = format!("\n## {name}\n\n{}\n", said(schema));
    writeln!(text, "`mappings/schemas/ticketure/{name}.schema.json`").unwrap();
    text + &table(&assumed(schema, name, "", Vec::new()))
}

#[derive(PartialEq)]
struct Member {
    path: String,
    shape: String,
    about: String,
    readers: Vec<String>,
}

/// Those that somebody reads are rows; the others are told in a line.
fn table(members: &[Member]) -> String {
    let (read, unread): (Vec<&Member>, Vec<&Member>) = members
        .iter()
        .partition(|member| !member.readers.is_empty());
    let mut text = String::new();
    if !read.is_empty() {
        text += "\n| assumed member | as | read by |\n|---|---|---|\n";
    }
    for member in read {
        let about = [member.about.as_str(), member.shape.as_str()];
        let about: Vec<&str> = about.into_iter().filter(|part| !part.is_empty()).collect();
        let (path, readers) = (&member.path, member.readers.join(", "));
        writeln!(text, "| `{path}` | {} | {readers} |", about.join(" ")).unwrap();
    }
    let is_within_another = |path: &str| {
        unread
            .iter()
            .any(|other| path.starts_with(&format!("{}.", other.path)))
    };
    let names: Vec<String> = unread
        .iter()
        .filter(|member| !is_within_another(&member.path))
        .map(|member| format!("`{}`", member.path))
        .collect();
    if !names.is_empty() {
        let names = names.join(", ");
        writeln!(text, "\nAssumed as well, and read by nothing: {names}.").unwrap();
    }
    text
}

/// The members that are assumptions, those inside others among them.
fn assumed(schema: &Value, of: &str, within: &str, list: Vec<String>) -> Vec<Member> {
    let none = Mapping::new();
    let properties = schema["properties"].as_mapping().unwrap_or(&none);
    let required = schema["required"].as_sequence();
    let mut members = Vec::new();
    for (name, property) in properties {
        let name = name.as_str().unwrap();
        let path = format!("{within}{name}");
        // A schema may say itself which members of the envelope are read, whatever their names.
        let is_marked = property["x-usher"].as_str().is_some()
            || of == "webhooks" && UNMARKED.contains(&path.as_str());
        let readers = match (list.is_empty(), is_marked) {
            (true, true) => vec![ENVELOPE.to_owned()],
            (true, false) => readers(of, &path),
            (false, _) => list.clone(),
        };
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        let about = said(property);
        if about.to_lowercase().contains("assumption") {
            members.push(Member {
                path: path.clone(),
                shape: shape(property, is_required),
                about: about.replace(REFRAIN, "").trim().to_owned(),
                readers: readers.clone(),
            });
        }
        members.extend(assumed(property, of, &format!("{path}."), list.clone()));
        // Who reads a list reads its entries, under other names.
        members.extend(assumed(
            &property["items"],
            of,
            &format!("{path}[]."),
            readers,
        ));
    }
    members
}

fn said(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

/// What kind of value it is, in words.
fn shape(property: &Value, is_required: bool) -> String {
    let kinds: Vec<&str> = match &property["type"] {
        Value::String(kind) => vec![kind],
        kinds => kinds
            .as_sequence()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
    };
    let format = property["format"].as_str();
    let words: Vec<&str> = property["enum"]
        .as_sequence()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let kind = match (format, kinds.first().copied().unwrap_or_default()) {
        _ if !words.is_empty() => format!("One of `{}`", words.join("`, `")),
        (Some("decimal"), _) => "A decimal, as text".to_owned(),
        (Some("date-time"), _) => "A time".to_owned(),
        (Some("date"), _) => "A date".to_owned(),
        (_, "boolean") => "True or false".to_owned(),
        (_, "array") => "A list".to_owned(),
        (_, "object") => "An object".to_owned(),
        (_, "string") => match property["maxLength"].as_u64() {
            Some(length) => format!("Text of at most {length}"),
            None => "Text".to_owned(),
        },
        (_, other) => other.to_owned(),
    };
    format!("{kind}{}.", if is_required { ", always there" } else { "" })
}

/// The mappings that name the member, and the code that does.
fn readers(of: &str, path: &str) -> Vec<String> {
    let mut readers = Vec::new();
    let folder = std::fs::read_dir(root().join("mappings")).unwrap();
    for file in folder.map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let is_its = text.contains(&format!("source: ticketure.{of}\n"));
        if is_its && says(&text, path) {
            let name = file.file_stem().unwrap().to_str().unwrap();
            readers.push(format!("`{name}`"));
        }
    }
    readers.sort();
    for (file, schemas) in IN_CODE {
        let code = std::fs::read_to_string(root().join(file)).unwrap();
        if schemas.contains(&of) && code.contains(&format!("\"{path}\"")) {
            readers.push(format!("`{file}`"));
        }
    }
    readers
}

/// Is the path, or one inside it, a word of the mapping, above its tests and outside its comments?
fn says(mapping: &str, path: &str) -> bool {
    let body = mapping.split("\ntests:").next().unwrap_or_default();
    let lines = body.lines().filter_map(|line| line.split('#').next());
    let is_part = |letter: char| letter.is_alphanumeric() || "_.$".contains(letter);
    lines
        .flat_map(|line| line.split(|letter| !is_part(letter)))
        .filter_map(|word| word.strip_prefix(path))
        .any(|rest| rest.is_empty() || rest.starts_with('.'))
}
