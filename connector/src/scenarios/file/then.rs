//! What must be so in the end.

use super::reader::Reader;
use crate::scenarios::tree::{Entry, Kind, Node};

/// What a scenario says of the end.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Of each object that is named, exactly these records are there.
    pub salesforce: Vec<ExpectedObject>,
    /// The same of the entities of Ticketure.
    pub ticketure: Vec<ExpectedObject>,
    /// Records that are not there: object, key and line.
    pub absent: Vec<(usize, String, String)>,
    pub errors: Option<Log>,
    pub review: Option<Log>,
    pub parked: Option<Log>,
}

/// Lines that a list must have, each a text that one of its entries contains.
pub type Log = Vec<(usize, Vec<String>)>;

#[derive(Debug, Clone)]
pub struct ExpectedObject {
    pub line: usize,
    pub object: String,
    pub records: Vec<ExpectedRecord>,
}

#[derive(Debug, Clone)]
pub struct ExpectedRecord {
    pub line: usize,
    /// Its external id, its name in the scenario, or its Name.
    pub key: String,
    pub fields: Vec<Entry>,
    /// Exactly these records refer to it.
    pub children: Vec<ExpectedObject>,
}

const PARTS: &[&str] = &[
    "salesforce",
    "ticketure",
    "absent",
    "errors",
    "review",
    "parked",
];

/// For any org, for one with NPSP, and for one without.
pub(super) fn then(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    line: usize,
) -> (Expected, Expected, Expected) {
    let Some(node) = node else {
        reader.mistake(line, "`then:` is missing: what must be so in the end?");
        return Default::default();
    };
    let known = [PARTS, &["with_npsp", "without_npsp"]].concat();
    reader.known(node, &known);
    let mut special = |name: &str, without_npsp: bool| {
        let node = node.get(name)?;
        reader.known(node, PARTS);
        let before = std::mem::replace(&mut reader.without_npsp, without_npsp);
        let special = expected(reader, node);
        reader.without_npsp = before;
        Some(special)
    };
    let with = special("with_npsp", false).unwrap_or_default();
    let without = special("without_npsp", true).unwrap_or_default();
    (expected(reader, node), with, without)
}

fn expected(reader: &mut Reader<'_>, node: &Node) -> Expected {
    let entries = |name: &str| node.get(name).map_or(&[] as &[Entry], Node::entries);
    let salesforce = entries("salesforce").iter();
    let salesforce = salesforce
        .filter_map(|entry| object(reader, entry))
        .collect();
    let ticketure = entries("ticketure").iter();
    let ticketure = ticketure
        .filter_map(|entry| entity(reader, entry))
        .collect();
    let mut absent = Vec::new();
    for entry in entries("absent") {
        for key in reader.list(&entry.value) {
            let text = key.text().unwrap_or_default();
            absent.push((key.line, entry.key.clone(), text));
        }
    }
    Expected {
        salesforce,
        ticketure,
        absent,
        errors: log(reader, node.get("errors")),
        review: log(reader, node.get("review")),
        parked: log(reader, node.get("parked")),
    }
}

fn object(reader: &mut Reader<'_>, entry: &Entry) -> Option<ExpectedObject> {
    if !reader.object(entry.line, &entry.key) {
        return None;
    }
    let mut records = Vec::new();
    for record in entry.value.entries() {
        let mut fields = Vec::new();
        let mut children = Vec::new();
        for field in record.value.entries() {
            if reader.catalogue.objects.contains_key(&field.key) {
                children.extend(object(reader, field));
                continue;
            }
            reader.field(field.line, &entry.key, &field.key);
            fields.push(field.clone());
        }
        records.push(ExpectedRecord {
            line: record.line,
            key: record.key.clone(),
            fields,
            children,
        });
    }
    Some(ExpectedObject {
        line: entry.line,
        object: entry.key.clone(),
        records,
    })
}

fn entity(reader: &mut Reader<'_>, entry: &Entry) -> Option<ExpectedObject> {
    let Some(known) = reader.catalogue.entity(&entry.key).cloned() else {
        reader.mistake(entry.line, format!("Ticketure has no `{}`", entry.key));
        return None;
    };
    let mut records = Vec::new();
    for record in entry.value.entries() {
        for member in record.value.entries() {
            super::rows::member(reader, &known, member.line, &member.key);
        }
        records.push(ExpectedRecord {
            line: record.line,
            key: record.key.clone(),
            fields: record.value.entries().to_vec(),
            children: Vec::new(),
        });
    }
    Some(ExpectedObject {
        line: entry.line,
        object: entry.key.clone(),
        records,
    })
}

/// A list of texts, or of maps whose values are texts: an entry of the log has all of them.
fn log(reader: &mut Reader<'_>, node: Option<&Node>) -> Option<Log> {
    let items = reader.list(node?).iter().map(|item| {
        let texts = match &item.kind {
            Kind::Map(entries) => entries
                .iter()
                .flat_map(|entry| texts(&entry.value))
                .collect(),
            _ => texts(item),
        };
        (item.line, texts)
    });
    Some(items.collect())
}

fn texts(node: &Node) -> Vec<String> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(Node::text).collect(),
        _ => node.text().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::catalogue::Catalogue;
    use crate::scenarios::tree;

    #[test]
    fn an_entry_of_a_log_is_one_text_or_several_or_texts_with_words_before_them() {
        let text =
            "- t-1\n- [c-1, zone]\n- { about: g-1 }\n- { about: contact i-1, field: LastName }\n";
        let node = tree::read(text, &mut Vec::new()).unwrap();
        let catalogue = Catalogue::default();
        let mut reader = Reader::new(&catalogue, Vec::new());
        let log = log(&mut reader, Some(&node)).unwrap();
        let expected = [
            (1, vec!["t-1"]),
            (2, vec!["c-1", "zone"]),
            (3, vec!["g-1"]),
            (4, vec!["contact i-1", "LastName"]),
        ];
        let expected = expected.map(|(line, texts)| {
            let texts = texts.into_iter().map(str::to_owned);
            (line, texts.collect::<Vec<_>>())
        });
        assert_eq!(log, expected);
        assert!(reader.mistakes.is_empty());
    }
}
