//! The files of a run and their parts, read by other parsers than the compiler's.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Names below `mappings/` and what stands there, read once.
#[derive(Clone)]
pub struct Files(BTreeMap<String, File>);

#[derive(Clone)]
struct File {
    text: Arc<str>,
    json: Arc<Value>,
    mapping: Option<Arc<Mapping>>,
}

/// A mapping as its lines show it.
pub struct Mapping {
    pub file: String,
    pub lines: Vec<String>,
    /// Keys with their lines, such as `lane` and `when.source`.
    pub keys: BTreeMap<String, (usize, Value)>,
    pub entries: Vec<Entry>,
}

/// One line of `fields:`.
#[derive(Clone)]
pub struct Entry {
    /// Counted from 1.
    pub line: usize,
    pub words: Map<String, Value>,
}

impl Files {
    pub fn new(files: Vec<(String, String)>) -> Files {
        let read = |(name, text): (String, String)| (name.clone(), read(&name, &text));
        Files(files.into_iter().map(read).collect())
    }

    pub fn with(&self, name: &str, text: &str) -> Files {
        let mut files = self.clone();
        files.0.insert(name.to_owned(), read(name, text));
        files
    }

    pub fn to_files(&self) -> Vec<(String, String)> {
        let files = self.0.iter();
        files
            .map(|(name, file)| (name.clone(), file.text.to_string()))
            .collect()
    }

    pub fn text(&self, name: &str) -> &str {
        &self.0[name].text
    }

    pub fn json(&self, name: &str) -> Arc<Value> {
        self.0[name].json.clone()
    }

    pub fn mappings(&self) -> Vec<Arc<Mapping>> {
        self.0
            .values()
            .filter_map(|file| file.mapping.clone())
            .collect()
    }

    /// The object of this name, wherever its file is.
    pub fn object(&self, name: &str) -> Arc<Value> {
        let found = self.0.values().find(|file| file.json["object"] == *name);
        found.map(|file| file.json.clone()).unwrap_or_default()
    }
}

fn read(name: &str, text: &str) -> File {
    let is_mapping = !name.contains('/');
    File {
        text: text.into(),
        json: Arc::new(if is_mapping {
            Value::Null
        } else {
            serde_json::from_str(text).unwrap_or(Value::Null)
        }),
        mapping: is_mapping.then(|| Arc::new(mapping(name, text))),
    }
}

fn mapping(file: &str, text: &str) -> Mapping {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut keys = BTreeMap::new();
    let mut entries = Vec::new();
    let mut above = String::new();
    for (index, line) in lines.iter().enumerate() {
        let indented = line.trim_start();
        if let Some(entry) = indented.strip_prefix("- {") {
            let words: Value = serde_yaml::from_str(&format!("{{{entry}")).unwrap_or(Value::Null);
            if let Value::Object(words) = words {
                entries.push(Entry {
                    line: index + 1,
                    words,
                });
            }
        } else if !indented.starts_with(['#', '-']) && !inside_tests(&lines, index) {
            let whole = whole_list(&lines, index).unwrap_or_else(|| indented.to_owned());
            let pair: Value = serde_yaml::from_str(&whole).unwrap_or(Value::Null);
            for (name, value) in pair.as_object().into_iter().flatten() {
                let name = match line.starts_with(' ') {
                    true => format!("{above}.{name}"),
                    false => {
                        above = name.clone();
                        name.clone()
                    }
                };
                keys.insert(name, (index + 1, value.clone()));
            }
        }
    }
    Mapping {
        file: file.to_owned(),
        lines,
        keys,
        entries,
    }
}

/// The text of a list that begins here and goes on below.
fn whole_list(lines: &[String], index: usize) -> Option<String> {
    lines.get(index)?.ends_with('[').then(|| {
        let below = lines.iter().skip(index);
        let until = below
            .clone()
            .position(|line| line.starts_with(']'))
            .unwrap_or(0);
        below
            .take(until + 1)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    })
}

pub fn inside_tests(lines: &[String], index: usize) -> bool {
    lines
        .iter()
        .take(index)
        .any(|line| line.starts_with("tests:"))
}

impl Mapping {
    /// The line below the key's, or its own, that has this name.
    pub fn line_below(&self, line: usize, name: &str) -> usize {
        let has = |text: &String| text.split([' ', ',', '[', ']']).any(|word| word == name);
        let mut below = self.lines.iter().enumerate().skip(line - 1);
        below
            .find(|(_, text)| has(text))
            .map_or(line, |(index, _)| index + 1)
    }

    /// `lane`, or `when.source`.
    pub fn key(&self, name: &str) -> Option<&(usize, Value)> {
        self.keys.get(name)
    }

    /// The text with one line changed; nothing leaves it out.
    pub fn replaced(&self, line: usize, by: Option<&str>) -> String {
        let mut text = String::new();
        for (index, old) in self.lines.iter().enumerate() {
            match by {
                _ if index + 1 != line => text += old,
                Some(new) => text += new,
                None => continue,
            }
            text.push('\n');
        }
        text
    }
}

impl Entry {
    pub fn word(&self, name: &str) -> Option<&str> {
        self.words.get(name).and_then(Value::as_str)
    }

    pub fn is(&self, name: &str) -> bool {
        self.words.get(name) == Some(&Value::Bool(true))
    }

    /// As a line of `fields:`.
    pub fn to_line(words: &Map<String, Value>) -> String {
        let words: Vec<String> = words
            .iter()
            .map(|(name, value)| match value.as_str() {
                Some(text) if plain(text) => format!("{name}: {text}"),
                _ => format!("{name}: {value}"),
            })
            .collect();
        format!("  - {{ {} }}", words.join(", "))
    }
}

/// YAML reads it as this text without quotes.
fn plain(text: &str) -> bool {
    let is_word =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !matches!(text, "true" | "false" | "null")
}
