//! Mutations of the mappings' own words.

use serde_json::{Map, Value, json};

use super::files::{Entry, Files, Mapping, inside_tests};
use super::{Expected, Mutation};

pub fn mutations(files: &Files) -> Vec<Mutation> {
    let mut all = Vec::new();
    let entity = files.json("schemas/ticketure/identity.schema.json");
    for mapping in files.mappings() {
        let object = destination_object(files, &mapping);
        entries(&mapping, &paths(&entity, ""), &object, &mut all);
        keys(&mapping, &paths(&entity, ""), &object, &mut all);
    }
    all
}

fn destination_object(files: &Files, mapping: &Mapping) -> Vec<String> {
    let name = mapping
        .key("destination")
        .unwrap()
        .1
        .as_str()
        .unwrap()
        .replace("salesforce.", "");
    let fields = files.object(&name)["fields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    fields
        .iter()
        .filter_map(|field| field["name"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Every dotted path, objects included.
fn paths(schema: &Value, before: &str) -> Vec<String> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .flat_map(|(name, inner)| {
            let path = format!("{before}{name}");
            let below = paths(inner, &format!("{path}."));
            std::iter::once(path).chain(below)
        })
        .collect()
}

fn entries(mapping: &Mapping, paths: &[String], fields: &[String], all: &mut Vec<Mutation>) {
    for entry in &mapping.entries {
        let mut change = |kind: &'static str, about: String, words: &Map<String, Value>| {
            all.push(Mutation {
                kind,
                about: format!("{}:{}: {about}", mapping.file, entry.line),
                file: mapping.file.clone(),
                text: mapping.replaced(entry.line, Some(&Entry::to_line(words))),
                expected: Expected::Judged,
            });
        };
        let with = |name: &str, value: Value| {
            let mut words = entry.words.clone();
            words.insert(name.to_owned(), value);
            words
        };
        for path in paths.iter().filter(|path| {
            entry.words.contains_key("source") && Some(path.as_str()) != entry.word("source")
        }) {
            change("another source", path.clone(), &with("source", json!(path)));
        }
        for field in fields
            .iter()
            .filter(|field| Some(field.as_str()) != entry.word("destination"))
        {
            change(
                "another destination",
                field.clone(),
                &with("destination", json!(field)),
            );
        }
        for convert in ["email", "phone", "date", "not"] {
            change(
                "another conversion",
                convert.to_owned(),
                &with("convert", json!(convert)),
            );
        }
        for reference in ["account", "contact"] {
            change(
                "another reference",
                reference.to_owned(),
                &with("reference", json!(reference)),
            );
        }
        for word in ["monitored", "required", "when_creating"] {
            for value in [true, false] {
                change(
                    "flipped word",
                    format!("{word}: {value}"),
                    &with(word, json!(value)),
                );
            }
        }
        change(
            "added needs",
            "npsp".to_owned(),
            &with("needs", json!("npsp")),
        );
        change(
            "narrowed",
            "forward".to_owned(),
            &with("direction", json!("forward")),
        );
        for conflict in ["source", "restrictive"] {
            change(
                "another winner",
                conflict.to_owned(),
                &with("conflict", json!(conflict)),
            );
        }
        for name in entry
            .words
            .keys()
            .filter(|name| !["source", "value", "destination"].contains(&name.as_str()))
        {
            let mut words = entry.words.clone();
            words.remove(name);
            change("word left out", name.clone(), &words);
        }
        if entry.words.contains_key("value") {
            for value in [
                json!("Web"),
                json!("Tiketure"),
                json!(true),
                json!(7),
                json!(""),
                json!("x".repeat(300)),
            ] {
                change(
                    "another constant",
                    value.to_string().chars().take(20).collect(),
                    &with("value", value),
                );
            }
        }
        misspelt(mapping, entry, all);
    }
    swapped(mapping, all);
    for entry in &mapping.entries {
        let line = &mapping.lines[entry.line - 1];
        let twice = format!("{line}\n{line}");
        let doubled = mapping.replaced(entry.line, Some(&twice));
        all.push(judged("doubled entry", mapping, entry.line, doubled));
        all.push(judged(
            "entry left out",
            mapping,
            entry.line,
            mapping.replaced(entry.line, None),
        ));
    }
}

fn judged(kind: &'static str, mapping: &Mapping, line: usize, text: String) -> Mutation {
    Mutation {
        kind,
        about: format!(
            "{}:{line}: {}",
            mapping.file,
            mapping.lines[line - 1].trim()
        ),
        file: mapping.file.clone(),
        text,
        expected: Expected::Judged,
    }
}

fn swapped(mapping: &Mapping, all: &mut Vec<Mutation>) {
    for (index, one) in mapping.entries.iter().enumerate() {
        for other in mapping.entries.iter().skip(index + 1) {
            for name in ["source", "destination"] {
                let (Some(a), Some(b)) = (one.words.get(name), other.words.get(name)) else {
                    continue;
                };
                let (mut first, mut second) = (one.words.clone(), other.words.clone());
                first.insert(name.to_owned(), b.clone());
                second.insert(name.to_owned(), a.clone());
                let mut lines = mapping.lines.clone();
                lines[one.line - 1] = Entry::to_line(&first);
                lines[other.line - 1] = Entry::to_line(&second);
                all.push(Mutation {
                    kind: "swapped",
                    about: format!(
                        "{}: {name} of lines {} and {}",
                        mapping.file, one.line, other.line
                    ),
                    file: mapping.file.clone(),
                    text: lines.join("\n") + "\n",
                    expected: Expected::Judged,
                });
            }
        }
    }
}

/// Every way in which fingers slip in one word.
fn slips(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut slips = Vec::new();
    let middle = letters.len() / 2;
    if letters.len() > 2 {
        let mut swapped = letters.clone();
        swapped.swap(middle - 1, middle);
        slips.push(swapped.iter().collect());
        let mut dropped = letters.clone();
        dropped.remove(middle);
        slips.push(dropped.iter().collect::<String>());
    }
    slips.push(format!("{word}x"));
    let other_case: String = letters
        .iter()
        .map(|letter| {
            if letter.is_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect();
    slips.push(other_case);
    slips.retain(|slip| slip != word);
    slips
}

/// Names and keys of an entry, misspelt: no such thing exists.
fn misspelt(mapping: &Mapping, entry: &Entry, all: &mut Vec<Mutation>) {
    let line = &mapping.lines[entry.line - 1];
    for (name, value) in &entry.words {
        let named = value.as_str().filter(|_| name != "value");
        let pairs = slips(name)
            .into_iter()
            .map(|slip| (format!("{name}:"), format!("{slip}:")));
        let values = named.into_iter().flat_map(|value| {
            slips(value)
                .into_iter()
                .map(move |slip| (format!("{name}: {value}"), format!("{name}: {slip}")))
        });
        for (from, to) in pairs.chain(values) {
            all.push(Mutation {
                kind: "misspelt in an entry",
                about: format!("{}:{}: {from} -> {to}", mapping.file, entry.line),
                file: mapping.file.clone(),
                text: mapping.replaced(entry.line, Some(&line.replacen(&from, &to, 1))),
                expected: Expected::At(vec![entry.line]),
            });
        }
    }
}

/// The keys of the mapping outside `fields` and `tests`.
fn keys(mapping: &Mapping, paths: &[String], fields: &[String], all: &mut Vec<Mutation>) {
    for (index, line) in mapping.lines.iter().enumerate() {
        let Some((key, rest)) = line.split_once(':') else {
            continue;
        };
        if inside_tests(&mapping.lines, index) || line.trim_start().starts_with(['#', '-']) {
            continue;
        }
        let bare = key.trim_start();
        let mut put = |kind: &'static str, by: String, expected: Expected| {
            all.push(Mutation {
                kind,
                about: format!("{}:{}: {by}", mapping.file, index + 1),
                file: mapping.file.clone(),
                text: mapping.replaced(index + 1, Some(&by)),
                expected,
            });
        };
        let here = || Expected::At(vec![index + 1]);
        for slip in slips(bare) {
            put("misspelt key", line.replacen(bare, &slip, 1), here());
        }
        if !rest.trim().is_empty() {
            put(
                "doubled key",
                format!("{line}\n{line}"),
                Expected::At(vec![index + 1, index + 2]),
            );
        }
        for word in words(rest) {
            // A mapping may be called as its author likes.
            for slip in slips(&word).into_iter().filter(|_| bare != "mapping") {
                let by = format!("{key}:{}", rest.replacen(&word, &slip, 1));
                // What is none of the language's or the schemas' words is wrong; values are judged.
                put(
                    "misspelt value",
                    by,
                    if is_value(rest, &word) {
                        Expected::Judged
                    } else {
                        here()
                    },
                );
            }
        }
        match bare {
            "lane" => paths
                .iter()
                .for_each(|path| put("another lane", format!("lane: {path}"), Expected::Judged)),
            "lock" => fields
                .iter()
                .for_each(|field| put("another lock", format!("lock: {field}"), Expected::Judged)),
            "key" => {
                fields.iter().for_each(|field| {
                    put(
                        "another key",
                        format!("key: {{ source: id, destination: {field} }}"),
                        Expected::Judged,
                    )
                });
                paths.iter().for_each(|path| {
                    put(
                        "another key",
                        format!("key: {{ source: {path}, destination: Ticketure_Identity_Id__c }}"),
                        Expected::Judged,
                    )
                });
            }
            "source" if line.starts_with(' ') && rest.contains('{') => {
                paths.iter().for_each(|path| {
                    put(
                        "another condition",
                        format!("  source: {{ {path}: person }}"),
                        Expected::Judged,
                    )
                })
            }
            "direction" => put("one way", "direction: forward".to_owned(), here()),
            _ => {}
        }
    }
    let needed = [
        "mapping",
        "source",
        "destination",
        "on",
        "key",
        "lane",
        "fields",
    ];
    for key in needed {
        let Some(index) = mapping
            .lines
            .iter()
            .position(|line| line.starts_with(&format!("{key}:")))
        else {
            continue;
        };
        let first = mapping
            .lines
            .iter()
            .position(|line| !line.starts_with('#'))
            .unwrap_or_default()
            + 1;
        let text = mapping.replaced(index + 1, None);
        all.push(Mutation {
            kind: "key left out",
            about: format!("{}: {key}", mapping.file),
            file: mapping.file.clone(),
            text,
            expected: Expected::At(vec![first, index, index + 1]),
        });
    }
}

/// The bare words of a value.
fn words(value: &str) -> Vec<String> {
    let parts =
        value.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '.')));
    let words = parts
        .filter(|word| word.len() > 2 && word.starts_with(|letter: char| letter.is_alphabetic()));
    words.map(str::to_owned).collect()
}

/// It stands behind a colon in a map: a value that a field may have.
fn is_value(rest: &str, word: &str) -> bool {
    rest.contains('{')
        && rest.split(word).next().is_some_and(|before| {
            before.trim_end().ends_with(':') || before.ends_with("Household ")
        })
}
