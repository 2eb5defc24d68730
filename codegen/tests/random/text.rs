//! A drawn mapping as its file.

use serde_json::json;

use super::mapping::{Drawing, Entry, KEY, quoted};
use super::object::Object;
use super::{chance, one_of};

/// The text of the file; fields that its words speak of are added to the object.
pub fn write(
    random: &mut fastrand::Rng,
    drawing: &Drawing<'_>,
    object: &mut Object,
    entries: &[Entry],
) -> String {
    // A two-way mapping of which nothing would ever go back is a mistake.
    let both = drawing.both && entries.iter().any(|entry| entry.two_way && entry.monitored);
    let mut text = format!(
        "mapping: {}\nsource: ticketure.{}\ndestination: salesforce.{}\ndirection: {}\non: {}\n",
        drawing.name,
        drawing.entity.name,
        object.name,
        if both { "both" } else { "forward" },
        drawing.entity.payload_type()
    );
    let back = both && chance(random, 50);
    if !drawing.when.is_empty() {
        text += "when:\n";
        for (path, value) in &drawing.when {
            text += &format!("  source: {{ {path}: {value} }}\n");
        }
        if back {
            object.add(
                "Household__c",
                "string",
                json!({"length": 100, "createable": true, "updateable": true, "nillable": true}),
            );
            text += "  destination: { Household__c: { not: Household Account } }\n";
        }
    }
    text += &match &drawing.tree {
        Some(tree) => tree.words(),
        None => format!(
            "key: {{ source: id, destination: {KEY} }}\nlane: {}\n",
            one_of(random, &["id", "group_id"])
        ),
    };
    if chance(random, 40) {
        text += "lock: Spare_Parent__c\n";
    }
    let paths: Vec<String> = entries
        .iter()
        .filter(|entry| entry.is_text)
        .filter_map(|entry| entry.path.as_deref().map(quoted))
        .collect();
    if paths.len() >= 2 && drawing.tree.is_none() && chance(random, 60) {
        let many = &paths[..2 + random.usize(0..paths.len() - 1)];
        let adopts = if both && random.bool() {
            ", source: on_conflict"
        } else {
            ""
        };
        let policy = one_of(random, &["adopt", "review"]);
        text += &format!(
            "match: {{ destination: [[{}]], policy: {policy}{adopts} }}\n",
            many.join(", ")
        );
    }
    if both {
        for (word, values) in [
            ("conflict", ["newest", "source", "restrictive"]),
            ("on_link", ["fill_blanks", "newest", "review"]),
            ("on_rewrite", ["accept", "keep", "accept"]),
            ("after_delete", ["detach", "recreate", "review"]),
            ("tie", ["source", "destination", "source"]),
            ("duplicates", ["review", "allow", "review"]),
        ] {
            if random.bool() {
                text += &format!("{word}: {}\n", one_of(random, &values));
            }
        }
    }
    text += "fields:\n";
    for entry in entries {
        text += &format!(
            "  - {}\n",
            if both {
                entry.line.clone()
            } else {
                one_way(&entry.line)
            }
        );
    }
    if chance(random, 40) {
        text += "ignore: [Spare_Parent__c]\n";
    }
    text
}

/// The entry without what speaks of the way back.
fn one_way(line: &str) -> String {
    let mut line = line.to_owned();
    for word in [
        "monitored: true",
        "required: true",
        "conflict: source",
        "conflict: destination",
        "conflict: newest",
        "conflict: review",
    ] {
        line = line.replace(&format!(", {word}"), "");
    }
    line
}
