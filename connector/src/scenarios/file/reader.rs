//! What all parts of a scenario file are read with: shapes are checked, and what is wrong is noted with its line.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::scenarios::catalogue::{Catalogue, nearest};
use crate::scenarios::tree::{Kind, Mistake, Node};

pub(super) struct Reader<'c> {
    pub(super) catalogue: &'c Catalogue,
    pub(super) mistakes: Vec<Mistake>,
    /// Members that all rows of a webhook share.
    pub(super) defaults: BTreeMap<String, Map<String, Value>>,
    /// What is read now is said of an org without NPSP, too.
    pub(super) without_npsp: bool,
    /// Rows that were read, by entity.
    pub(super) counts: BTreeMap<String, u32>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(catalogue: &'c Catalogue, mistakes: Vec<Mistake>) -> Reader<'c> {
        Reader {
            catalogue,
            mistakes,
            defaults: BTreeMap::new(),
            without_npsp: false,
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn mistake(&mut self, line: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(line, message));
    }

    /// A map, with no other keys than these.
    pub(super) fn known(&mut self, node: &Node, keys: &[&str]) {
        if !matches!(node.kind, Kind::Map(_)) {
            let expected = keys.join(", ");
            self.mistake(node.line, format!("here is a map, of {expected}"));
        }
        for entry in node.entries() {
            if !keys.contains(&entry.key.as_str()) {
                let all: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
                let near = nearest(&entry.key, all.iter());
                let expected = keys.join(", ");
                let message = format!(
                    "nobody knows `{}` here{near} There are {expected}",
                    entry.key
                );
                self.mistake(entry.line, message.replace("here There", "here; there"));
            }
        }
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            _ => {
                self.mistake(node.line, "here is a list: `- ...` or `[...]`");
                &[]
            }
        }
    }

    /// The text of a key that must be there.
    pub(super) fn needed(&mut self, node: &Node, key: &str) -> String {
        let text = node.get(key).and_then(Node::text);
        if text.is_none() {
            self.mistake(node.line, format!("`{key}` is missing"));
        }
        text.unwrap_or_default()
    }

    pub(super) fn take_defaults(&mut self, node: Option<&Node>) {
        for entry in node.map_or(&[] as &[_], Node::entries) {
            if self.webhook(entry.line, &entry.key).is_some() {
                let members = entry.value.members();
                self.defaults.insert(entry.key.clone(), members);
            }
        }
    }

    /// The entity that a webhook carries, where there is such a webhook.
    pub(super) fn webhook(&mut self, line: usize, name: &str) -> Option<String> {
        let found = self.catalogue.webhooks.get(name);
        if found.is_none() {
            let near = nearest(name, self.catalogue.webhooks.keys());
            self.mistake(line, format!("there is no webhook `{name}`{near}"));
        }
        found.map(|entity| entity.name.clone())
    }

    /// Is there such an object, and has it this field?
    pub(super) fn field(&mut self, line: usize, object: &str, field: &str) {
        let Some(known) = self.catalogue.objects.get(object) else {
            return;
        };
        match known.fields.get(field) {
            Some(found) => self.npsp(line, found.needs_npsp, &format!("{object}.{field}")),
            None => {
                let near = nearest(field, known.fields.keys());
                self.mistake(line, format!("{object} has no field `{field}`{near}"));
            }
        }
    }

    fn npsp(&mut self, line: usize, needs: bool, what: &str) {
        if needs && self.without_npsp {
            let message = format!(
                "{what} comes with NPSP: say it under `with_npsp:`, or `npsp: true` of the whole scenario"
            );
            self.mistake(line, message);
        }
    }

    pub(super) fn object(&mut self, line: usize, object: &str) -> bool {
        let found = self.catalogue.objects.get(object);
        match found {
            Some(found) => self.npsp(line, found.needs_npsp, object),
            None => {
                let near = nearest(object, self.catalogue.objects.keys());
                self.mistake(line, format!("there is no object `{object}`{near}"));
            }
        }
        found.is_some()
    }
}
