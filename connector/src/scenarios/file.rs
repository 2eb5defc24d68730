//! A scenario file, understood: what is given on both sides, what happens, and what must then be so.

mod reader;
mod rows;
mod steps;
mod then;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::catalogue::Catalogue;
use super::tree::{self, Kind, Mistake, Node};
use reader::Reader;
pub use then::{Expected, ExpectedObject, ExpectedRecord, Log};

/// One file.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    pub path: PathBuf,
    /// What it shows, in a sentence.
    pub sentence: String,
    /// Rows of docs/FEATURES.md that it proves, each with its line.
    pub features: Vec<(usize, String)>,
    /// The orgs that it is played in: with NPSP, without, or one after the other.
    pub npsp: Vec<bool>,
    /// Why the order of its steps matters; else they are shuffled.
    pub ordered: Option<String>,
    /// The section [settings] of usher.toml.
    pub settings: Map<String, Value>,
    pub given: Given,
    pub when: Vec<Step>,
    pub then: Expected,
    pub with_npsp: Expected,
    pub without_npsp: Expected,
}

/// What is there before anything happens.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub salesforce: Vec<Record>,
    pub ticketure: Vec<Row>,
    /// Steps that are played in their order, and come to rest.
    pub steps: Vec<Step>,
}

/// A record that a person makes in Salesforce.
#[derive(Debug, Clone)]
pub struct Record {
    pub line: usize,
    pub object: String,
    /// What the scenario calls it.
    pub name: Option<String>,
    /// A value `{ "ref": name }` stands for that record's id.
    pub fields: Map<String, Value>,
}

/// A row of Ticketure's.
#[derive(Debug, Clone)]
pub struct Row {
    /// `identity`.
    pub entity: String,
    pub members: Map<String, Value>,
}

impl Row {
    pub fn id(&self) -> &str {
        let id = self.members.get("id").and_then(Value::as_str);
        id.unwrap_or_default()
    }
}

/// Something that happens.
#[derive(Debug, Clone)]
pub struct Step {
    pub line: usize,
    pub act: Act,
}

#[derive(Debug, Clone)]
pub enum Act {
    /// Rows change in Ticketure, which tells of them.
    Webhook {
        /// `ticket_audit`.
        payload_type: String,
        rows: Vec<Row>,
        /// It never arrives.
        lost: bool,
    },
    Salesforce(InSalesforce),
    Ticketure(InTicketure),
    Operator(Decision),
    /// Everything comes to rest, and then so much time passes.
    Wait(Duration),
}

/// What a person does in Salesforce. A record goes by its name in the scenario or by an external id.
#[derive(Debug, Clone)]
pub enum InSalesforce {
    Create(Record),
    Update {
        record: String,
        fields: Map<String, Value>,
    },
    Delete {
        record: String,
    },
    Merge {
        record: String,
        into: String,
    },
}

/// What a person does in Ticketure.
#[derive(Debug, Clone)]
pub enum InTicketure {
    Update {
        record: String,
        members: Map<String, Value>,
    },
    Delete {
        record: String,
    },
    Merge {
        record: String,
        into: String,
    },
}

/// What an operator types.
#[derive(Debug, Clone)]
pub enum Decision {
    /// `usher review`, about the question of this source id.
    Review { source_id: String, answer: Answer },
    /// `usher push RECORD`
    Push { record: String },
    /// `usher retry --all`
    Retry,
}

/// `--link`, `--create` or `--ignore`.
#[derive(Debug, Clone)]
pub enum Answer {
    Link { to: String },
    Create,
    Ignore,
}

const KEYS: &[&str] = &[
    "scenario", "features", "npsp", "ordered", "settings", "defaults", "given", "when", "then",
];

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub fn read(path: &Path, text: &str, catalogue: &Catalogue) -> Result<Scenario, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let Some(root) = tree::read(text, &mut mistakes) else {
        if mistakes.is_empty() {
            mistakes.push(Mistake::new(1, "the file is empty"));
        }
        return Err(mistakes);
    };
    let mut reader = Reader::new(catalogue, mistakes);
    let scenario = scenario(&mut reader, path, &root);
    match reader.mistakes.is_empty() {
        true => Ok(scenario),
        false => {
            reader.mistakes.sort_by_key(|mistake| mistake.line);
            Err(reader.mistakes)
        }
    }
}

fn scenario(reader: &mut Reader<'_>, path: &Path, root: &Node) -> Scenario {
    reader.known(root, KEYS);
    reader.take_defaults(root.get("defaults"));
    let npsp = npsp(reader, root.get("npsp"));
    reader.without_npsp = npsp.contains(&false);
    let given = given(reader, root.get("given"));
    let when = root.get("when");
    let when = when.map_or_else(Vec::new, |when| steps::steps(reader, when));
    let (then, with_npsp, without_npsp) = then::then(reader, root.get("then"), root.line);
    let sentence = root.get("scenario").and_then(Node::text);
    if sentence.is_none() {
        reader.mistake(1, "`scenario:` is missing: say in a sentence what it shows");
    }
    Scenario {
        path: path.to_owned(),
        sentence: sentence.unwrap_or_default(),
        features: features(reader, root.get("features")),
        npsp,
        ordered: ordered(reader, root.get("ordered")),
        settings: settings(reader, root.get("settings")),
        given,
        when,
        then,
        with_npsp,
        without_npsp,
    }
}

fn npsp(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<bool> {
    match node.map(Node::json) {
        None => vec![true, false],
        Some(Value::Bool(one)) => vec![one],
        Some(Value::String(both)) if both == "both" => vec![true, false],
        Some(other) => {
            let line = node.map_or(1, |node| node.line);
            reader.mistake(line, format!("npsp is {other}; it is true, false or both"));
            Vec::new()
        }
    }
}

/// As usher.toml has them; one that is a record's id is `{ ref: name }`.
fn settings(reader: &mut Reader<'_>, node: Option<&Node>) -> Map<String, Value> {
    let mut settings = Map::new();
    for entry in node.map_or(&[] as &[_], Node::entries) {
        let refers = entry.value.get("ref").is_some();
        let value = entry.value.json();
        let shown = if refers {
            Value::from("an id")
        } else {
            value.clone()
        };
        let alone = Map::from_iter([(entry.key.clone(), shown)]);
        if let Err((_, message)) = crate::settings::with(&alone) {
            reader.mistake(entry.line, message);
        }
        settings.insert(entry.key.clone(), value);
    }
    settings
}

/// The word alone does not say why.
fn ordered(reader: &mut Reader<'_>, node: Option<&Node>) -> Option<String> {
    let node = node?;
    match &node.kind {
        Kind::Plain(Value::Bool(false)) => None,
        Kind::Plain(Value::String(reason)) => Some(reason.clone()),
        _ => {
            let say = "say why the order matters: `ordered: the reason`";
            reader.mistake(node.line, say);
            None
        }
    }
}

fn features(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<(usize, String)> {
    let items = node.map(|node| reader.list(node)).unwrap_or_default();
    let named = items
        .iter()
        .filter_map(|item| Some((item.line, item.text()?)));
    named.collect()
}

fn given(reader: &mut Reader<'_>, node: Option<&Node>) -> Given {
    let Some(node) = node else {
        return Given::default();
    };
    reader.known(node, &["salesforce", "ticketure", "steps"]);
    let mut given = Given::default();
    if let Some(list) = node.get("salesforce") {
        for item in reader.list(list) {
            given.salesforce.extend(rows::record(reader, item));
        }
    }
    for entry in node.get("ticketure").map_or(&[] as &[_], Node::entries) {
        for item in reader.list(&entry.value) {
            let row = rows::row(reader, &entry.key, item, None);
            given.ticketure.extend(row);
        }
    }
    if let Some(list) = node.get("steps") {
        given.steps = steps::steps(reader, list);
    }
    given
}
