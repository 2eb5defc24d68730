//! YAML text to values that know their lines: what a scenario file holds before it is understood.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Something that is wrong with a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

impl Mistake {
    pub fn new(line: usize, message: impl Into<String>) -> Mistake {
        Mistake {
            line,
            message: message.into(),
        }
    }
}

/// A value and its line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Plain(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

impl Default for Kind {
    fn default() -> Self {
        Kind::Plain(Value::Null)
    }
}

/// `key: value`; the line is the key's.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub line: usize,
    pub key: String,
    pub value: Node,
}

impl Node {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let found = self.entries().iter().find(|entry| entry.key == name);
        found.map(|entry| &entry.value)
    }

    /// The entries of a map; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// A single value as text: `25.00` without quotes too.
    pub fn text(&self) -> Option<String> {
        match &self.kind {
            Kind::Plain(Value::String(text)) => Some(text.clone()),
            Kind::Plain(Value::Null) => None,
            Kind::Plain(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The same as JSON, without its lines.
    pub fn json(&self) -> Value {
        match &self.kind {
            Kind::Plain(value) => value.clone(),
            Kind::List(items) => items.iter().map(Node::json).collect(),
            Kind::Map(entries) => {
                let members = entries.iter();
                Value::Object(
                    members
                        .map(|entry| (entry.key.clone(), entry.value.json()))
                        .collect(),
                )
            }
        }
    }

    /// The members of a map as JSON.
    pub fn members(&self) -> Map<String, Value> {
        match self.json() {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// A collection that is still open.
enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<Entry>, Option<(usize, String)>),
}

/// The whole file, or why it is no YAML. A key that is given twice is a mistake of its own.
pub fn read(text: &str, mistakes: &mut Vec<Mistake>) -> Option<Node> {
    let mut open = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                mistakes.push(Mistake::new(error.marker().line(), error.to_string()));
                return None;
            }
        };
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, ..) => {
                let kind = Kind::Plain(value(&text, style == ScalarStyle::Plain));
                add(&mut open, &mut root, Node { line, kind }, mistakes);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                mistakes.push(Mistake::new(line, "aliases are not used: write it out"));
                add(&mut open, &mut root, Node::default(), mistakes);
            }
            Event::SequenceStart(..) => open.push(Open::List(line, Vec::new())),
            Event::MappingStart(..) => open.push(Open::Map(line, Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(node) = open.pop().map(closed) {
                    add(&mut open, &mut root, node, mistakes);
                }
            }
            _ => {}
        }
    }
    root
}

fn closed(open: Open) -> Node {
    match open {
        Open::List(line, items) => Node {
            line,
            kind: Kind::List(items),
        },
        Open::Map(line, entries, _) => Node {
            line,
            kind: Kind::Map(entries),
        },
    }
}

fn add(open: &mut [Open], root: &mut Option<Node>, node: Node, mistakes: &mut Vec<Mistake>) {
    match open.last_mut() {
        None => *root = Some(node),
        Some(Open::List(_, items)) => items.push(node),
        Some(Open::Map(_, entries, key)) => match key.take() {
            None => *key = Some((node.line, node.text().unwrap_or_default())),
            Some((line, key)) => {
                if entries.iter().any(|entry| entry.key == key) {
                    mistakes.push(Mistake::new(line, format!("`{key}` is given twice")));
                }
                entries.push(Entry {
                    line,
                    key,
                    value: node,
                });
            }
        },
    }
}

/// What a single value is: in quotes it is text.
fn value(text: &str, plain: bool) -> Value {
    match text {
        _ if !plain => Value::from(text),
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::from(text), Value::Number),
    }
}

/// Telephone numbers and ids that begin with 0 are text.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if is_padded || !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines_and_what_they_are() {
        let text = "a: 1\nb:\n  - x: 25.00\n    y: '1'\n  - 007\nc: {d: null, e: true}\n";
        let node = read(text, &mut Vec::new()).unwrap();
        let expected = serde_json::json!({
            "a": 1, "b": [{ "x": 25.00, "y": "1" }, "007"], "c": { "d": null, "e": true }
        });
        assert_eq!(node.json(), expected);
        let Kind::List(items) = &node.get("b").unwrap().kind else {
            panic!("a list")
        };
        assert_eq!(items[0].get("y").unwrap().line, 4);
        assert_eq!(items[1].line, 5);
    }

    #[test]
    fn mistakes_of_yaml_have_a_line() {
        let mut mistakes = Vec::new();
        assert!(read("a: 1\nb: [1, 2\nc: 3\n", &mut mistakes).is_none());
        assert!(mistakes[0].line >= 2, "{mistakes:?}");
        mistakes.clear();
        read("a: 1\na: 2\n", &mut mistakes);
        assert_eq!(mistakes, [Mistake::new(2, "`a` is given twice")]);
    }
}
