//! What tells a record from all others, whatever its id is: its external id, the scenario's word for it, its name, or
//! the records that it connects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use simulator::Simulator;

use super::cart_names::{self, Keyed, Names, Sold};
use super::{Named, Shown, is_system};
use crate::scenarios::catalogue::Catalogue;

/// Records refer to records, which refer to records.
const DEPTH_MAX: usize = 4;

pub(super) struct Keys {
    /// By Salesforce id: object and key.
    of: BTreeMap<String, (String, String)>,
    aliases: BTreeMap<String, BTreeSet<String>>,
    /// Names without the cart. Other records may have the same ones.
    brief: BTreeMap<String, Vec<String>>,
    /// Ids that Ticketure made up, and what they are called here.
    born: BTreeMap<String, String>,
    /// Objects whose Name is a number of the org's.
    numbered: BTreeSet<String>,
}

/// All records by id, with their objects.
type All = BTreeMap<String, (String, Map<String, Value>)>;

impl Keys {
    pub(super) fn of(simulator: &Simulator, catalogue: &Catalogue, named: &Named) -> Keys {
        let mut all = All::new();
        for object in catalogue.objects.keys() {
            for record in simulator.records(object) {
                all.insert(text(&record, "Id").to_owned(), (object.clone(), record));
            }
        }
        let maker = Maker {
            born: born(simulator, catalogue, named, &all),
            in_carts: in_carts(&all, &Sold::of(simulator, catalogue), catalogue),
            catalogue,
            named,
            all,
        };
        let mut keys = Keys {
            of: BTreeMap::new(),
            aliases: BTreeMap::new(),
            brief: maker.brief(),
            born: maker.born.clone(),
            numbered: maker.numbered(),
        };
        for (id, (object, record)) in &maker.all {
            let key = maker.key(id, DEPTH_MAX);
            let mut aliases = BTreeSet::from([key.clone(), text(record, "Name").to_owned()]);
            aliases.extend(named.salesforce.get(id).cloned());
            aliases.extend(maker.external_id(object, record));
            keys.aliases.insert(id.clone(), aliases);
            keys.of.insert(id.clone(), (object.clone(), key));
        }
        keys.tell_apart(&maker.all);
        keys
    }

    pub(super) fn key(&self, id: &str) -> Option<&str> {
        self.of.get(id).map(|(_, key)| key.as_str())
    }

    pub(super) fn aliases(&self, id: &str) -> BTreeSet<String> {
        self.aliases.get(id).cloned().unwrap_or_default()
    }

    pub(super) fn brief(&self, id: &str) -> Vec<String> {
        self.brief.get(id).cloned().unwrap_or_default()
    }

    pub(super) fn born(&self, id: &str) -> Option<&str> {
        self.born.get(id).map(String::as_str)
    }

    /// A name that the org counts up says nothing.
    pub(super) fn tells(&self, object: &str, field: &str) -> bool {
        field != "Name" || !self.numbered.contains(object)
    }

    pub(super) fn shown(&self, value: &Value, refers: bool) -> Shown {
        let Some(text) = value.as_str() else {
            return Shown::Value(self.named(value));
        };
        match (self.of.get(text), self.born.get(text)) {
            (Some((object, key)), _) => Shown::Record {
                object: object.clone(),
                key: key.clone(),
            },
            (None, Some(born)) => Shown::Value(Value::from(born.as_str())),
            (None, None) if self.of_born(text).is_some() => {
                Shown::Value(Value::from(self.of_born(text).unwrap_or_default()))
            }
            (None, None) if refers => Shown::Value(Value::from("(a record that is gone)")),
            (None, None) => Shown::Value(Value::from(without_gone(text))),
        }
    }

    /// A list or a map in which ids that Ticketure made up are what they are called here.
    fn named(&self, value: &Value) -> Value {
        match value {
            Value::Array(entries) => entries.iter().map(|entry| self.named(entry)).collect(),
            Value::Object(members) => {
                let named = members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.named(value)));
                Value::Object(named.collect())
            }
            Value::String(text) => self
                .born
                .get(text)
                .map_or_else(|| value.clone(), |born| Value::from(born.as_str())),
            _ => value.clone(),
        }
    }

    /// Replaces generated ids of Ticketure in a text of several ids. `None` if there are none.
    fn of_born(&self, text: &str) -> Option<String> {
        let is_born = text.split(':').any(|part| self.born.contains_key(part));
        is_born.then(|| with_born(text, &self.born))
    }

    /// A text in which ids are what they stand for.
    pub(super) fn scrubbed(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, (object, key)) in &self.of {
            text = text.replace(id.as_str(), &format!("{object} {key}"));
        }
        for (id, name) in &self.born {
            text = text.replace(id.as_str(), name);
        }
        without_gone(&text)
    }

    /// Records of one key are counted, in an order that follows from what they say and who refers to them.
    fn tell_apart(&mut self, all: &All) {
        let mut same: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for (id, known) in &self.of {
            same.entry(known.clone()).or_default().push(id.clone());
        }
        for ((object, key), mut ids) in same.into_iter().filter(|(_, ids)| ids.len() > 1) {
            ids.sort_by_cached_key(|id| self.content(id, all));
            for (place, id) in ids.into_iter().enumerate().skip(1) {
                let counted = format!("{key} #{}", place + 1);
                self.of.insert(id, (object.clone(), counted));
            }
        }
    }

    fn content(&self, id: &str, all: &All) -> Vec<String> {
        let fields = |record: &Map<String, Value>| -> Vec<String> {
            let fields = record.iter().filter(|(name, _)| !is_system(name));
            let shown =
                fields.map(|(name, value)| format!("{name} {}", self.shown(value, false).text()));
            shown.collect()
        };
        let mut said = all
            .get(id)
            .map(|(_, record)| fields(record))
            .unwrap_or_default();
        let refers = |record: &Map<String, Value>| record.values().any(|value| value == id);
        let referring = all
            .iter()
            .filter(|(other, (_, record))| *other != id && refers(record));
        let mut referring: Vec<String> = referring
            .map(|(other, (object, _))| format!("{object} {}", self.key(other).unwrap_or_default()))
            .collect();
        referring.sort();
        said.append(&mut referring);
        said
    }
}

/// Replaces generated ids of Ticketure in an external id.
fn with_born(id: &str, born: &BTreeMap<String, String>) -> String {
    let parts = id.split(':');
    let parts = parts.map(|part| born.get(part).map_or(part, String::as_str));
    parts.collect::<Vec<_>>().join(":")
}

/// Ids that are left are of records that are gone.
fn without_gone(text: &str) -> String {
    let is_id = |word: &str| word.len() == 18 && word.get(3..6) == Some("5e0");
    let words = text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.map(|word| {
        let end = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        match is_id(end) {
            true => word.replace(end, "(a record that is gone)"),
            false => word.to_owned(),
        }
    });
    words.collect()
}

struct Maker<'s> {
    catalogue: &'s Catalogue,
    named: &'s Named,
    born: BTreeMap<String, String>,
    /// Names of the records whose external ids may begin with a cart.
    in_carts: BTreeMap<String, Names>,
    all: All,
}

impl Maker<'_> {
    fn key(&self, id: &str, depth: usize) -> String {
        let Some((object, record)) = self.all.get(id).filter(|_| depth > 0) else {
            return "?".to_owned();
        };
        if let Some(names) = self.in_carts.get(id) {
            return with_born(&names.name, &self.born);
        }
        if let Some(known) = self.external_id(object, record) {
            return known;
        }
        if let Some(name) = self.named.salesforce.get(id) {
            return name.clone();
        }
        let name = text(record, "Name");
        match self.is_numbered(object) || name.is_empty() {
            true => self.connected(object, record, depth),
            false if super::households::is_one(record) => {
                super::households::in_order(name).unwrap_or_else(|| name.to_owned())
            }
            false => name.to_owned(),
        }
    }

    fn external_id(&self, object: &str, record: &Map<String, Value>) -> Option<String> {
        let id = external_id(object, record, self.catalogue)?;
        Some(with_born(id, &self.born))
    }

    fn brief(&self) -> BTreeMap<String, Vec<String>> {
        let all = self.in_carts.iter();
        let brief = all.map(|(id, names)| {
            let brief = names.brief.iter();
            let brief = brief.map(|name| with_born(name, &self.born));
            (id.clone(), brief.collect())
        });
        brief.collect()
    }

    /// The records that it refers to.
    fn connected(&self, object: &str, record: &Map<String, Value>, depth: usize) -> String {
        let known = self.catalogue.objects.get(object);
        let keys: Vec<String> = record
            .iter()
            .filter(|(name, _)| !is_system(name))
            .filter(|(name, _)| {
                let field = known.and_then(|known| known.fields.get(*name));
                field.is_some_and(|field| field.kind == "reference" && field.createable)
            })
            .filter_map(|(_, value)| value.as_str())
            .map(|id| self.key(id, depth - 1))
            .collect();
        keys.join(" + ")
    }

    /// Its name is not typed by anybody, and is no person's.
    fn is_numbered(&self, object: &str) -> bool {
        let known = self.catalogue.objects.get(object);
        known.is_some_and(|known| {
            let typed = |name: &str| known.fields.get(name).is_some_and(|field| field.createable);
            !typed("Name") && !typed("LastName")
        })
    }

    fn numbered(&self) -> BTreeSet<String> {
        let objects = self.catalogue.objects.keys();
        objects
            .filter(|object| self.is_numbered(object))
            .cloned()
            .collect()
    }
}

fn external_id<'r>(
    object: &str,
    record: &'r Map<String, Value>,
    catalogue: &Catalogue,
) -> Option<&'r str> {
    let mut keys = catalogue.objects.get(object)?.keys.iter();
    keys.find_map(|key| record.get(key).and_then(Value::as_str))
}

fn in_carts(all: &All, sold: &Sold, catalogue: &Catalogue) -> BTreeMap<String, Names> {
    let keyed = all.iter().filter_map(|(id, (object, record))| {
        let key = external_id(object, record, catalogue)?;
        Some(Keyed {
            id,
            object,
            key,
            record,
        })
    });
    cart_names::names(&keyed.collect::<Vec<_>>(), sold)
}

/// What was made in Ticketure by nobody's word of the scenario goes by the name of its record, or by its own.
fn born(
    simulator: &Simulator,
    catalogue: &Catalogue,
    named: &Named,
    all: &All,
) -> BTreeMap<String, String> {
    let mut born = BTreeMap::new();
    for identity in simulator.identities() {
        let id = text(&identity, "id");
        if named.rows.contains(id) {
            continue;
        }
        let linked = all.iter().find(|(_, (object, record))| {
            let keys = catalogue.objects.get(object).map(|object| &object.keys);
            keys.is_some_and(|keys| keys.iter().any(|key| text(record, key) == id))
        });
        let name = linked.and_then(|(salesforce_id, _)| named.salesforce.get(salesforce_id));
        let own = ["email", "name", "last_name"].map(|member| text(&identity, member));
        let own = own.into_iter().find(|own| !own.is_empty());
        let name = name.map(String::as_str).or(own).unwrap_or("?");
        born.insert(id.to_owned(), name.to_owned());
    }
    born.extend(sold(simulator, named));
    born
}

/// Memberships that Ticketure made of Salesforce's, with their carts and tickets: all go by the name of that record.
fn sold(simulator: &Simulator, named: &Named) -> BTreeMap<String, String> {
    let mut sold = BTreeMap::new();
    let mut carts: BTreeMap<String, String> = BTreeMap::new();
    for (entity, members) in [
        ("membership", ["id", "member_number"]),
        ("cart", ["id", "cart_number"]),
    ] {
        for row in simulator.rows(entity) {
            let name = named.salesforce.get(text(&row, "external_ref"));
            let is_told = named.rows.contains(text(&row, "id"));
            let Some(name) = name.filter(|_| !is_told) else {
                continue;
            };
            for member in members {
                let what = format!("{name}'s {entity} {member}").replace(" id", "");
                sold.insert(text(&row, member).to_owned(), what);
            }
            if entity == "cart" {
                carts.insert(text(&row, "id").to_owned(), name.clone());
            }
        }
    }
    for row in simulator.rows("ticket_audit") {
        if let Some(name) = carts.get(text(&row, "cart_id")) {
            sold.insert(
                text(&row, "ticket_id").to_owned(),
                format!("{name}'s ticket"),
            );
        }
    }
    sold.remove("");
    sold
}

fn text<'r>(record: &'r Map<String, Value>, name: &str) -> &'r str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}
