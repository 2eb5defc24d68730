//! Which lines of the mappings are wrong, judged from the files by rules of its own.

mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::files::{Entry, Files, Mapping};
use values::{Property, constant, fits, goes_back, is_text, max_length, of_record, types};

/// File and line of what is wrong, and why.
pub type Wrong = BTreeMap<(String, usize), String>;

/// Lines of entries, keys, lanes, locks, conditions and matches that contradict the schemas.
pub fn wrong_lines(files: &Files) -> Wrong {
    let mappings = files.mappings();
    let mut wrong = Wrong::new();
    for mapping in &mappings {
        let judge = Judge::new(files, mapping, &mappings);
        let mut note = |line: usize, why: Option<String>| {
            if let Some(why) = why {
                wrong.insert((mapping.file.clone(), line), why);
            }
        };
        for entry in &mapping.entries {
            note(entry.line, judge.entry(entry));
        }
        let mut of_key = |name: &str, rule: &dyn Fn(&Value) -> Option<String>| {
            if let Some((line, value)) = mapping.key(name) {
                note(*line, rule(value));
            }
        };
        of_key("key", &|value| judge.key(value));
        of_key("lane", &|value| judge.lane(value));
        of_key("lock", &|value| judge.lock(value));
        of_key("when.source", &|value| judge.when_source(value));
        of_key("when.destination", &|value| judge.when_destination(value));
        of_key("match.destination", &|value| judge.rungs(value));
        of_key("unmapped", &|_| judge.unmapped());
        if let Some((line, names)) = mapping.key("ignore") {
            for name in judge.stale(names) {
                let line = mapping.line_below(*line, &name);
                wrong.insert((mapping.file.clone(), line), "stale".to_owned());
            }
        }
    }
    wrong
}

struct Judge<'f> {
    mapping: &'f Mapping,
    mappings: &'f [Arc<Mapping>],
    object: Arc<Value>,
    entity: Arc<Value>,
    org: Arc<Value>,
}

impl<'f> Judge<'f> {
    fn new(files: &'f Files, mapping: &'f Mapping, mappings: &'f [Arc<Mapping>]) -> Judge<'f> {
        Judge {
            mapping,
            mappings,
            object: files.object(&destination(mapping)),
            entity: files.json("schemas/ticketure/identity.schema.json"),
            org: files.json("schemas/salesforce/_org.json"),
        }
    }

    /// A property with what its outer object adds: null, read-only.
    fn property(&self, path: &str) -> Option<Property> {
        let mut level = &*self.entity;
        let mut found = Property {
            schema: Value::Null,
            nullable: false,
            required: true,
            read_only: false,
        };
        for name in path.split('.') {
            let schema = level["properties"].get(name)?;
            found.required &= level["required"]
                .as_array()
                .is_some_and(|list| list.contains(&Value::from(name)));
            found.nullable |= types(schema).contains(&"null");
            found.read_only |= schema["readOnly"] == true;
            found.schema = schema.clone();
            level = schema;
        }
        Some(found)
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.object["fields"]
            .as_array()?
            .iter()
            .find(|field| field["name"] == *name)
    }

    fn fact(&self, list: &str, field: &str) -> bool {
        let facts = self.org[list].as_array().into_iter().flatten();
        self.org["npsp"] == true
            && facts
                .into_iter()
                .any(|fact| fact["object"] == self.object["object"] && fact["field"] == *field)
    }

    fn entry(&self, entry: &Entry) -> Option<String> {
        let said = |why: &str| Some(why.to_owned());
        let name = entry.word("destination").unwrap_or_default();
        let Some(to) = self.field(name) else {
            return said("no such destination");
        };
        let is = |member: &str| to[member] == true;
        let once = entry.is("when_creating");
        if is("calculated") || (!is("createable") && !is("updateable")) {
            return said("cannot be written");
        }
        if !is("createable") {
            return said("refused by a create");
        }
        if !is("updateable") && !once {
            return said("refused by an update");
        }
        let npsp = to["needs"] == "npsp"
            || ["npe01__", "npo02__", "npsp__"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
        if npsp != entry.words.contains_key("needs") {
            return said("needs npsp, or not");
        }
        if (self.fact("overwrites", name) && !once) || self.fact("recomputes", name) {
            return said("the org's own");
        }
        let mut others = self
            .mapping
            .entries
            .iter()
            .filter(|other| other.line != entry.line);
        let earlier =
            |other: &&Entry| other.word("destination") == Some(name) && other.line < entry.line;
        if others.clone().any(|other| earlier(&other)) || self.key_destination() == name {
            return said("written twice");
        }
        let whole = to["compoundFieldName"].as_str().filter(|whole| {
            let is_written =
                |whole: &Value| whole["createable"] == true && whole["calculated"] != true;
            *whole != name && self.field(whole).is_some_and(is_written)
        });
        let is_mapped = |whole: &str| {
            others
                .clone()
                .any(|other| other.word("destination") == Some(whole))
        };
        if whole.is_some_and(is_mapped) {
            return said("a part of another");
        }
        if let Some(value) = entry.words.get("value") {
            let speaks_back = ["monitored", "required"].iter().any(|word| entry.is(word))
                || ["convert", "conflict", "reference"]
                    .iter()
                    .any(|word| entry.words.contains_key(*word));
            return constant(value, to).or(speaks_back.then(|| "a constant".to_owned()));
        }
        let path = entry.word("source").unwrap_or_default();
        let Some(from) = self.property(path) else {
            return said("no such source");
        };
        let both = self.is_both(entry);
        if !both
            && (entry.is("monitored")
                || entry.is("required")
                || entry.words.contains_key("conflict"))
        {
            return said("a gate without a way back");
        }
        if let Some(reference) = entry.word("reference") {
            return self.reference(entry, to, reference);
        }
        if let Some(why) = fits(&from, to, entry.word("convert")) {
            return Some(why);
        }
        // The only consents of the shipped schemas, one said each way.
        let turned = path == "email_opt_in" && name == "HasOptedOutOfEmail";
        if turned && entry.word("convert") != Some("not") {
            return said("an opt-in as an opt-out");
        }
        if entry.word("conflict") == Some("restrictive") && to["type"] != "boolean" {
            return said("no consent");
        }
        if !both {
            return None;
        }
        let same = |other: &Entry| {
            other.word("source") == Some(path) && self.is_both(other) && other.line < entry.line
        };
        if from.read_only || others.any(same) {
            return said("cannot be written back");
        }
        goes_back(&from, to, entry)
    }

    fn is_both(&self, entry: &Entry) -> bool {
        let narrowed = entry.word("direction") == Some("forward")
            || entry.words.contains_key("reference")
            || entry.is("when_creating");
        self.mapping
            .key("direction")
            .is_some_and(|(_, word)| word == "both")
            && !narrowed
    }

    fn reference(&self, entry: &Entry, to: &Value, reference: &str) -> Option<String> {
        let said = |why: &str| Some(why.to_owned());
        let named = |other: &&Arc<Mapping>| {
            other
                .key("mapping")
                .is_some_and(|(_, name)| name == reference)
        };
        let Some(target) = self.mappings.iter().find(named) else {
            return said("no such mapping");
        };
        let object = destination(target);
        if to["type"] != "reference" || entry.words.contains_key("convert") {
            return said("no reference");
        }
        let listed = to["referenceTo"]
            .as_array()
            .is_some_and(|list| list.contains(&Value::from(object)));
        let back = |entry: &Entry| {
            entry.word("reference")
                == self
                    .mapping
                    .key("mapping")
                    .and_then(|(_, name)| name.as_str())
        };
        let circle = target.file == self.mapping.file || target.entries.iter().any(back);
        if !listed || circle {
            return said("refers to another object, or in a circle");
        }
        // The other record's key is plain text: what has the form of an address or a date is no id.
        let from = self.property(entry.word("source")?)?;
        let form = from.schema["format"].as_str().unwrap_or_default();
        ["email", "uri", "date", "date-time"]
            .contains(&form)
            .then(|| "refers by what is no id".to_owned())
    }

    fn key_destination(&self) -> String {
        let key = self
            .mapping
            .key("key")
            .map(|(_, key)| key["destination"].as_str().unwrap_or_default().to_owned());
        key.unwrap_or_default()
    }

    fn key(&self, key: &Value) -> Option<String> {
        let said = |why: &str| Some(why.to_owned());
        let (Some(from), Some(to)) = (
            self.property(key["source"].as_str()?),
            self.field(key["destination"].as_str()?),
        ) else {
            return said("no such field");
        };
        let shared = !from.required || from.nullable || !from.schema["enum"].is_null();
        if to["externalId"] != true || to["unique"] != true || shared {
            return said("not unique, or not always there");
        }
        if !is_text(to) || types(&from.schema) != ["string"] {
            return said("no text");
        }
        if to["createable"] != true
            || to["updateable"] != true
            || to["calculated"] == true
            || to["needs"] == "npsp"
        {
            return said("cannot be written everywhere");
        }
        if to["caseSensitive"] == false {
            return said("folds case");
        }
        let (most, takes) = (max_length(&from.schema), to["length"].as_u64());
        (most > takes && most.is_some() && takes.is_some()).then(|| "too long".to_owned())
    }

    fn lane(&self, path: &Value) -> Option<String> {
        // The key's own line tells what is wrong with it.
        if self
            .mapping
            .key("key")
            .is_some_and(|(_, key)| key["source"] == *path)
        {
            return None;
        }
        let found = self.property(path.as_str()?);
        let fits = found.is_some_and(|found| {
            types(&found.schema) == ["string"] && found.required && found.schema["enum"].is_null()
        });
        (!fits).then(|| "no lane".to_owned())
    }

    fn lock(&self, name: &Value) -> Option<String> {
        let to = name.as_str().and_then(|name| self.field(name));
        let is_parent = to.is_some_and(|to| {
            let targets = to["referenceTo"].as_array().cloned().unwrap_or_default();
            let no_parent = |object: &Value| {
                ["User", "Group", "RecordType"]
                    .iter()
                    .any(|name| object == name)
            };
            to["type"] == "reference"
                && (targets.is_empty() || !targets.iter().all(no_parent))
                && to["needs"] != "npsp"
        });
        (!is_parent).then(|| "no parent".to_owned())
    }

    fn when_source(&self, conditions: &Value) -> Option<String> {
        conditions.as_object()?.iter().find_map(|(path, value)| {
            let Some(from) = self.property(path) else {
                return Some("no such path".to_owned());
            };
            let several = types(&from.schema)
                .iter()
                .filter(|kind| **kind != "null")
                .count()
                > 1;
            if several {
                return Some("of several types".to_owned());
            }
            let kind = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                Value::Null => "null",
                _ => "object",
            };
            let listed = from.schema["enum"]
                .as_array()
                .is_none_or(|list| list.contains(value) || value.is_null());
            let short = value.as_str().is_none_or(|text| {
                max_length(&from.schema).is_none_or(|most| text.len() as u64 <= most)
            });
            let is_day = from.schema["format"] != "date"
                || value.as_str().is_none_or(|text| text.len() == 10);
            (!types(&from.schema).contains(&kind) || !listed || !short || !is_day)
                .then(|| "never holds".to_owned())
        })
    }

    fn when_destination(&self, conditions: &Value) -> Option<String> {
        conditions.as_object()?.iter().find_map(|(name, value)| {
            let Some(to) = self.field(name) else {
                return Some("no such field".to_owned());
            };
            match value.get("not").unwrap_or(value) {
                Value::Null => (to["nillable"] != true && to["type"] != "boolean")
                    .then(|| "never blank".to_owned()),
                Value::String(text) if to["type"] == "reference" || to["type"] == "id" => {
                    (text.len() != 15 && text.len() != 18).then(|| "no id".to_owned())
                }
                value => of_record(to, value),
            }
        })
    }

    fn rungs(&self, rungs: &Value) -> Option<String> {
        let paths = rungs
            .as_array()?
            .iter()
            .flat_map(|rung| rung.as_array().into_iter().flatten());
        paths.into_iter().find_map(|path| {
            let mut mapped = self.mapping.entries.iter();
            let entry = mapped.find(|entry| entry.word("source") == path.as_str())?;
            let to = self.field(entry.word("destination")?)?;
            let long =
                to["type"] == "textarea" && to["length"].as_u64().is_none_or(|length| length > 255);
            (long || to["filterable"] == false || to["type"] == "encryptedstring")
                .then(|| "cannot be compared".to_owned())
        })
    }

    /// Names of `ignore` that are mapped, there twice, or not there at all.
    fn stale(&self, names: &Value) -> Vec<String> {
        let names: Vec<&str> = listed(names);
        let is_stale = |(index, name): &(usize, &&str)| {
            let mut entries = self.mapping.entries.iter();
            let mapped = entries.any(|entry| entry.word("destination") == Some(name));
            let twice = names.iter().take(*index).any(|earlier| earlier == *name);
            mapped || twice || self.field(name).is_none()
        };
        let stale = names.iter().enumerate().filter(is_stale);
        stale.map(|(_, name)| (*name).to_owned()).collect()
    }

    fn unmapped(&self) -> Option<String> {
        let ignored = self.mapping.key("ignore").map(|(_, names)| listed(names));
        let ignored = ignored.unwrap_or_default();
        let key = self.key_destination();
        self.field(&key)?;
        let mut fields = self.object["fields"].as_array()?.iter();
        let forgotten = fields.find(|field| {
            let name = field["name"].as_str().unwrap_or_default();
            let mut entries = self.mapping.entries.iter();
            let writable = (field["createable"] == true || field["updateable"] == true)
                && field["calculated"] != true;
            let known = name == key
                || ignored.contains(&name)
                || entries.any(|entry| entry.word("destination") == Some(name));
            writable && !known
        })?;
        // Names that do not exist are told at their place, and what they were meant for is not missed.
        let mut written = self.mapping.entries.iter();
        let readable = written.all(|entry| {
            let known = entry
                .word("source")
                .is_none_or(|path| self.property(path).is_some());
            known
                && self
                    .field(entry.word("destination").unwrap_or_default())
                    .is_some()
        });
        readable.then(|| format!("{} is neither mapped nor ignored", forgotten["name"]))
    }
}

fn listed(names: &Value) -> Vec<&str> {
    let names = names.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

fn destination(mapping: &Mapping) -> String {
    let name = mapping
        .key("destination")
        .and_then(|(_, name)| name.as_str());
    name.unwrap_or_default()
        .trim_start_matches("salesforce.")
        .to_owned()
}
