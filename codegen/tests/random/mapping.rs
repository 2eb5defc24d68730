//! Mappings: for each property that is drawn, a destination field that it fits into.

use serde_json::{Value, json};

use super::entity::{Entity, Property, Shape};
use super::made::{self, Tree};
use super::object::Object;
use super::{chance, one_of, rows, text};

/// The mappings drawn so far and the objects that they write.
pub struct World<'e> {
    entities: &'e [Entity],
    objects: Vec<Object>,
    pub mappings: Vec<Drawing<'e>>,
}

/// One mapping in the making.
pub struct Drawing<'e> {
    pub name: String,
    pub entity: &'e Entity,
    pub when: Vec<(String, Value)>,
    object: usize,
    pub both: bool,
    pub tree: Option<Tree>,
    text: String,
}

/// An entry of `fields:` and the names that other parts of the mapping may use.
pub struct Entry {
    pub line: String,
    pub path: Option<String>,
    pub two_way: bool,
    pub is_text: bool,
    pub monitored: bool,
}

pub const KEY: &str = "Source_Id__c";

impl<'e> World<'e> {
    pub fn new(entities: &'e [Entity]) -> World<'e> {
        World {
            entities,
            objects: Vec::new(),
            mappings: Vec::new(),
        }
    }

    pub fn add(&mut self, random: &mut fastrand::Rng, index: usize) {
        // Two mappings may share an object, where a condition tells their rows apart.
        let shared = self.mappings.last().filter(|last| {
            let mine: Vec<&Drawing<'_>> = self
                .mappings
                .iter()
                .filter(|other| other.object == last.object)
                .collect();
            mine.len() == 1 && !last.both && !last.when.is_empty()
        });
        let (entity, object, kind, both) = match shared.filter(|_| chance(random, 50)) {
            Some(last) => {
                let taken = last.when[0].1.as_str().unwrap_or_default();
                let kind = last
                    .entity
                    .kinds
                    .iter()
                    .find(|kind| *kind != taken)
                    .cloned();
                (last.entity, last.object, kind, false)
            }
            None => {
                self.objects.push(Object::new(format!("Object_{index}__c")));
                let entity = one_of(random, self.entities);
                let kind = chance(random, 60).then(|| one_of(random, &entity.kinds).clone());
                (entity, self.objects.len() - 1, kind, random.bool())
            }
        };
        let mut drawing = Drawing {
            name: format!("mapping_{index}"),
            entity,
            when: kind
                .map(|kind| ("kind".to_owned(), json!(kind)))
                .into_iter()
                .collect(),
            object,
            both,
            tree: None,
            text: String::new(),
        };
        let alone = !self
            .mappings
            .iter()
            .any(|other| other.object == drawing.object);
        if alone && chance(random, 35) {
            drawing.both = false;
            drawing.tree = Some(self.tree(random, &drawing));
        }
        let entries = self.entries(random, &drawing);
        let Some(object) = self.objects.get_mut(object) else {
            return;
        };
        object.add(KEY, "string", json!({"length": 80, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true, "idLookup": true, "caseSensitive": true}));
        drawing.text = text::write(random, &drawing, object, &entries);
        self.mappings.push(drawing);
    }

    /// A tree of its own, or a part of one that was drawn before.
    fn tree(&self, random: &mut fastrand::Rng, drawing: &Drawing<'_>) -> Tree {
        let roots: Vec<(String, String)> = self
            .mappings
            .iter()
            .filter(|other| {
                other
                    .tree
                    .as_ref()
                    .is_some_and(|tree| tree.is_root && !tree.made_key)
            })
            .filter_map(|other| {
                Some((
                    other.name.clone(),
                    self.objects.get(other.object)?.name.clone(),
                ))
            })
            .collect();
        let root = random
            .choice(&roots)
            .cloned()
            .filter(|_| chance(random, 70));
        Tree::draw(random, drawing.entity, &drawing.name, root)
    }

    /// All mapping files and objects.
    pub fn files(&mut self, random: &mut fastrand::Rng) -> Vec<(String, String)> {
        let mut files = Vec::new();
        self.say_what_is_nothing(random);
        for object in &mut self.objects {
            object.surround(random);
            files.push(object.file(random));
        }
        files.extend(
            self.mappings
                .iter()
                .map(|drawn| (format!("{}.yaml", drawn.name), drawn.text.clone())),
        );
        files
    }

    /// Adds to `nothing` kinds that no mapping of the entity takes, if each mapping has a condition.
    fn say_what_is_nothing(&mut self, random: &mut fastrand::Rng) {
        for place in 0..self.mappings.len() {
            let drawn = &self.mappings[place];
            let same = |other: &&Drawing<'_>| other.entity.name == drawn.entity.name;
            let beside: Vec<&Drawing<'_>> = self.mappings.iter().filter(same).collect();
            let takes_all = beside.iter().any(|other| other.when.is_empty());
            let taken = |kind: &str| {
                let mut asked = beside.iter().flat_map(|other| &other.when);
                asked.any(|(_, asked)| asked == kind)
            };
            let kinds = drawn.entity.kinds.iter();
            let free: Vec<String> = kinds.filter(|kind| !taken(kind)).cloned().collect();
            if takes_all || free.is_empty() || !chance(random, 50) {
                continue;
            }
            let words = match free.as_slice() {
                [one] if random.bool() => quoted(one),
                several => json!(several).to_string(),
            };
            let text = &mut self.mappings[place].text;
            *text = text.replacen(
                "fields:\n",
                &format!("nothing: {{ kind: {words} }}\nfields:\n"),
                1,
            );
        }
    }

    fn entries(&mut self, random: &mut fastrand::Rng, drawing: &Drawing<'_>) -> Vec<Entry> {
        let tag = self.mappings.len();
        let targets: Vec<(String, String)> = self
            .mappings
            .iter()
            .filter_map(|other| {
                Some((
                    other.name.clone(),
                    self.objects.get(other.object)?.name.clone(),
                ))
            })
            .collect();
        let Some(object) = self.objects.get_mut(drawing.object) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (number, property) in drawing.entity.properties.iter().enumerate() {
            if property.path == ["id"] || !chance(random, 75) {
                continue;
            }
            let both = drawing.both && !property.read_only && chance(random, 80);
            let mut pen = Pen {
                random,
                object,
                property,
                name: format!("F{tag}_{number}"),
                both,
                of_two_way: drawing.both,
            };
            entries.extend(match property.shape {
                Shape::Id if !targets.is_empty() && !both => pen.reference(&targets),
                _ => pen.entry(),
            });
        }
        let one_way = |line: String| Entry {
            line,
            path: None,
            two_way: false,
            is_text: false,
            monitored: false,
        };
        let others: Vec<String> = targets.iter().map(|(_, object)| object.clone()).collect();
        for number in 0..random.usize(0..3) {
            let name = format!("Made{tag}_{number}__c");
            let made = made::entry(random, drawing.entity, object, &others, &name);
            entries.extend(made.map(one_way));
        }
        if let Some(tree) = &drawing.tree {
            let lines = tree.entries(random, object, tag);
            entries.extend(lines.into_iter().map(one_way));
        }
        for number in 0..random.usize(0..4) {
            entries.push(constant(random, object, &format!("C{tag}_{number}__c")));
        }
        if entries.is_empty() {
            entries.push(constant(random, object, &format!("C{tag}_9__c")));
        }
        entries
    }
}

/// Writes one entry and adds its destination field.
struct Pen<'p> {
    random: &'p mut fastrand::Rng,
    object: &'p mut Object,
    property: &'p Property,
    name: String,
    both: bool,
    /// The mapping goes both ways, whatever the field does.
    of_two_way: bool,
}

impl Pen<'_> {
    fn entry(&mut self) -> Option<Entry> {
        let (kind, members, convert) = match &self.property.shape.clone() {
            Shape::Text { max } => self.text(*max),
            Shape::Email => {
                let as_text = !self.both && chance(self.random, 30);
                let kind = if as_text { "string" } else { "email" };
                (
                    kind,
                    json!({"length": 80}),
                    chance(self.random, 60).then_some("email"),
                )
            }
            Shape::Uri => (
                if self.both || chance(self.random, 70) {
                    "url"
                } else {
                    "string"
                },
                json!({"length": 255}),
                None,
            ),
            Shape::Date if self.both || chance(self.random, 70) => {
                ("date", json!({}), Some("date"))
            }
            Shape::Date => ("string", json!({"length": 10}), None),
            Shape::DateTime | Shape::Integer | Shape::Money if self.both => return None,
            Shape::DateTime if chance(self.random, 30) => ("datetime", json!({}), None),
            Shape::Integer => (
                "double",
                json!({"precision": 18, "scale": self.random.u32(0..3)}),
                None,
            ),
            Shape::Money => (
                *one_of(self.random, &["currency", "percent"]),
                json!({"precision": 18, "scale": 2}),
                None,
            ),
            Shape::DateTime if self.random.bool() => ("date", json!({}), Some("date")),
            Shape::DateTime => ("string", json!({"length": 40}), None),
            Shape::Boolean => ("boolean", json!({}), self.random.bool().then_some("not")),
            Shape::Choice(values) => {
                let listed: Vec<Value> = values
                    .iter()
                    .map(|value| json!({"value": value, "active": true}))
                    .collect();
                let restricted = self.both || chance(self.random, 50);
                (
                    "picklist",
                    json!({"length": 255, "restrictedPicklist": restricted, "picklistValues": listed}),
                    None,
                )
            }
            Shape::Id => ("string", json!({"length": 36}), None),
            Shape::List => return None,
        };
        Some(self.finish(kind, members, convert, None))
    }

    fn text(&mut self, max: Option<u32>) -> (&'static str, Value, Option<&'static str>) {
        // Going forward a field may be longer; both ways both hold the same.
        let longer = if self.both {
            0
        } else {
            self.random.u32(0..3) * 10
        };
        let length = max.map_or(255, |max| max + longer);
        match self.random.u32(0..6) {
            0 => ("textarea", json!({"length": length}), None),
            1 => ("phone", json!({"length": length}), Some("phone")),
            2 => ("url", json!({"length": length}), None),
            3 if !self.both => ("combobox", json!({"length": length}), None),
            _ => ("string", json!({"length": length}), None),
        }
    }

    fn reference(&mut self, targets: &[(String, String)]) -> Option<Entry> {
        let (mapping, object) = one_of(self.random, targets).clone();
        let mut to = vec![object];
        if chance(self.random, 30) {
            to.push("User".to_owned());
        }
        let members = json!({"length": 18, "referenceTo": to, "relationshipName": format!("{}__r", self.name)});
        Some(self.finish("reference", members, None, Some(mapping)))
    }

    fn finish(
        &mut self,
        kind: &str,
        mut members: Value,
        convert: Option<&str>,
        reference: Option<String>,
    ) -> Entry {
        let npsp = chance(self.random, 10);
        let name = format!("{}{}__c", if npsp { "npsp__" } else { "" }, self.name);
        let create_only = !self.both && chance(self.random, 15);
        let required = self.both && (!self.property.nullable || chance(self.random, 20));
        let monitored = self.both && chance(self.random, 70);
        let nillable = kind != "boolean" && !(required && chance(self.random, 40));
        members["nillable"] = json!(nillable);
        members["createable"] = json!(true);
        members["updateable"] = json!(!create_only);
        members["defaultedOnCreate"] = json!(kind == "boolean");
        self.object.add(&name, kind, members);
        let mut line = format!(
            "{{ source: {}, destination: {name}",
            quoted(&self.property.dotted())
        );
        let mut say = |word: &str, value: &str| line += &format!(", {word}: {value}");
        if let Some(convert) = convert {
            say("convert", convert);
        }
        if let Some(mapping) = &reference {
            say("reference", mapping);
        }
        let by_nature = reference.is_none() && !create_only && self.of_two_way;
        if by_nature && !self.both {
            say("direction", "forward");
        }
        for (word, holds) in [
            ("monitored", monitored),
            ("required", required),
            ("when_creating", create_only),
            ("pii", chance(self.random, 20)),
        ] {
            if holds {
                say(word, "true");
            }
        }
        if npsp {
            say("needs", "npsp");
        }
        if self.both && chance(self.random, 15) {
            say(
                "conflict",
                one_of::<&str>(self.random, &["source", "destination", "newest", "review"]),
            );
        }
        Entry {
            line: line + " }",
            path: (reference.is_none() && !npsp).then(|| self.property.dotted()),
            two_way: self.both,
            // Long text areas cannot be compared in a query.
            is_text: kind != "textarea"
                && !matches!(
                    self.property.shape,
                    Shape::Boolean | Shape::Date | Shape::DateTime | Shape::Integer | Shape::Money
                ),
            monitored,
        }
    }
}

fn constant(random: &mut fastrand::Rng, object: &mut Object, name: &str) -> Entry {
    let (kind, members, value) = match random.u32(0..4) {
        0 => (
            "boolean",
            json!({"defaultedOnCreate": true}),
            random.bool().to_string(),
        ),
        1 => (
            "date",
            json!({"nillable": true}),
            format!("\"{}\"", rows::date(random)),
        ),
        2 => {
            let values =
                json!([{"value": "Old", "active": false}, {"value": "Ticketure", "active": true}]);
            (
                "picklist",
                json!({"length": 40, "nillable": true, "picklistValues": values}),
                "Ticketure".to_owned(),
            )
        }
        _ => (
            "string",
            json!({"length": 60, "nillable": true}),
            quoted(&rows::text(random, 60)),
        ),
    };
    let create_only = random.bool();
    let mut members = members;
    members["createable"] = json!(true);
    members["updateable"] = json!(!create_only || chance(random, 50));
    object.add(name, kind, members);
    let when_creating = if create_only {
        ", when_creating: true"
    } else {
        ""
    };
    Entry {
        line: format!("{{ value: {value}, destination: {name}{when_creating} }}"),
        path: None,
        two_way: false,
        is_text: false,
        monitored: false,
    }
}

/// As a YAML text in double quotes, which JSON's are.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
