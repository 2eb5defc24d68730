//! Values that are made, and the words of trees: all valid by construction.

use serde_json::json;

use super::entity::{Entity, Property, Shape};
use super::mapping::{KEY, quoted};
use super::object::Object;
use super::{chance, one_of};

/// What a mapping of a tree says beside its fields, and the fields that speak of it.
pub struct Tree {
    /// The root and the object that it writes; the mapping's own where it is the root.
    pub root: String,
    pub root_object: String,
    pub is_root: bool,
    /// The key of the root is made of two members: nothing of another webhook's can be part of it.
    pub made_key: bool,
    /// The list whose entries are records, by its path.
    pub each: Option<String>,
    folds: Vec<(String, &'static str)>,
    text: String,
}

/// Draws one earlier fold, or a list of them.
fn same(random: &mut fastrand::Rng, above: &[&str]) -> String {
    match random.bool() {
        true => one_of(random, above).to_string(),
        false => format!("[{}]", above.join(", ")),
    }
}

impl Tree {
    pub fn draw(
        random: &mut fastrand::Rng,
        entity: &Entity,
        name: &str,
        root: Option<(String, String)>,
    ) -> Tree {
        let is_root = root.is_none();
        let (root, root_object) = root.unwrap_or_default();
        let mut tree = Tree {
            root: if is_root { name.to_owned() } else { root },
            root_object,
            is_root,
            made_key: is_root && chance(random, 30),
            each: None,
            folds: Vec::new(),
            text: String::new(),
        };
        let lists = paths(entity, |shape| *shape == Shape::List);
        if !is_root && !lists.is_empty() && chance(random, 60) {
            tree.each = Some(one_of(random, &lists).clone());
        }
        tree.text = format!("part_of: {}\n", tree.root);
        if is_root && chance(random, 40) {
            tree.text += &adopt(random, entity);
        }
        let folds = tree.folds(random, entity);
        let order = order(random, entity);
        tree.text += &format!("reduce:\n  by: id\n  order: [{order}]\n");
        if random.bool() {
            tree.text += "  distinct: group_id\n";
        }
        if !folds.is_empty() {
            tree.text += &format!("  fold:\n{folds}");
        }
        if let Some(list) = &tree.each {
            tree.text += &format!("for_each: {}\n", quoted(list));
        }
        tree.presence(random, entity);
        tree
    }

    /// Each with the type of the field that it fits into.
    fn folds(&mut self, random: &mut fastrand::Rng, entity: &Entity) -> String {
        let mut text = String::new();
        let texts = paths(entity, is_text);
        let amounts = paths(entity, |shape| *shape == Shape::Money);
        for number in 0..random.usize(0..4) {
            let (how, kind) = match random.u32(0..3) {
                0 if !texts.is_empty() => {
                    let word = one_of(random, &["first", "last", "max", "min"]);
                    (format!("{word}: {}", pick(random, &texts)), "textarea")
                }
                1 if !amounts.is_empty() => {
                    let word = one_of(random, &["sum", "max"]);
                    (format!("{word}: {}", pick(random, &amounts)), "double")
                }
                _ => ("count: true".to_owned(), "double"),
            };
            let of = match random.bool() {
                true => format!(", of: {{ {} }}", condition(random, entity)),
                false => String::new(),
            };
            let name = format!("folded {number}");
            let texts = self.folds.iter().filter(|(_, kind)| *kind == "textarea");
            let above: Vec<&str> = texts.map(|(name, _)| name.as_str()).collect();
            let same = match chance(random, 80) && !above.is_empty() {
                true => format!(", same: {}", same(random, &above)),
                false => String::new(),
            };
            text += &format!("    {name}: {{ {how}{of}{same} }}\n");
            self.folds.push((name, kind));
        }
        text
    }

    fn presence(&mut self, random: &mut fastrand::Rng, entity: &Entity) {
        if chance(random, 50) {
            let more = match self.folds.first() {
                Some((name, "double")) => format!(", {name}: {{ above: \"0.5\" }}"),
                Some((name, _)) => format!(", {name}: given"),
                None => String::new(),
            };
            let condition = condition(random, entity);
            self.text += &format!("exists_when: {{ {condition}{more} }}\n");
        }
        if chance(random, 30) {
            let condition = condition(random, entity);
            self.text += &format!("unless:\n  - {{ $payments: npsp, {condition} }}\n");
        }
        if chance(random, 50) {
            self.text += &format!("gone: {}\n", one_of(random, &["keep", "delete"]));
        }
        if chance(random, 10) {
            self.text += "needs: npsp\n";
        }
    }

    /// `part_of` and what belongs to it, the key and the lane.
    pub fn words(&self) -> String {
        let key = match &self.each {
            Some(_) => format!("{{ template: \"{{id}}:{{each}}\", destination: {KEY} }}"),
            None if self.made_key => {
                format!("{{ template: \"{{id}}:{{group_id}}\", destination: {KEY} }}")
            }
            None => format!("{{ source: id, destination: {KEY} }}"),
        };
        let lane = if self.is_root { "id" } else { "group_id" };
        format!("{}key: {key}\nlane: {lane}\n", self.text)
    }

    /// The fields that speak of the tree.
    pub fn entries(
        &self,
        random: &mut fastrand::Rng,
        object: &mut Object,
        tag: usize,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.is_root {
            let name = format!("Root{tag}__c");
            let to = json!({"length": 18, "createable": true, "updateable": true, "nillable": true, "referenceTo": [&self.root_object], "relationshipName": format!("Root{tag}__r")});
            object.add(&name, "reference", to);
            lines.push(format!(
                "{{ source: group_id, destination: {name}, reference: {} }}",
                self.root
            ));
        }
        let mut add = |name: String, kind: &str, line: &str| {
            object.add(&name, kind, members(kind));
            lines.push(line.replace("NAME", &name));
        };
        for (number, (fold, kind)) in self.folds.iter().enumerate() {
            let line = format!("{{ source: {fold}, destination: NAME }}");
            add(format!("Fold{tag}_{number}__c"), kind, &line);
        }
        if self.each.is_some() {
            add(
                format!("Each{tag}__c"),
                "textarea",
                "{ source: each, destination: NAME }",
            );
        }
        if self.is_root {
            add(
                format!("Taken{tag}__c"),
                "textarea",
                "{ source: $adopted, destination: NAME }",
            );
        }
        if self.is_root && random.bool() {
            add(
                format!("Stage{tag}__c"),
                "string",
                "{ source: $stage_won, destination: NAME, written_last: { value: Draft } }",
            );
        }
        lines
    }
}

/// Records by their ids, taken over where a condition holds.
fn adopt(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let texts = paths(entity, is_text);
    let mut text = "adopt:\n".to_owned();
    for _ in 0..random.usize(1..3) {
        let when = match random.bool() {
            true => format!(", when: {{ {} }}", condition(random, entity)),
            false => String::new(),
        };
        let writes = if chance(random, 30) {
            ", writes: key"
        } else {
            ""
        };
        text += &format!("  - {{ id: {}{when}{writes} }}\n", pick(random, &texts));
    }
    text
}

fn order(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let mut ranks = Vec::new();
    if chance(random, 60) {
        let kinds: Vec<String> = entity.kinds.iter().rev().map(|kind| quoted(kind)).collect();
        ranks.push(format!("{{ kind: [{}] }}", kinds.join(", ")));
    }
    let times = paths(entity, |shape| {
        matches!(shape, Shape::DateTime | Shape::Integer)
    });
    if !times.is_empty() && chance(random, 50) {
        ranks.push(pick(random, &times));
    }
    if ranks.is_empty() || random.bool() {
        ranks.push("$at".to_owned());
    }
    ranks.join(", ")
}

fn members(kind: &str) -> serde_json::Value {
    let mut members = json!({"createable": true, "updateable": true, "nillable": true});
    match kind {
        "textarea" => members["length"] = json!(32_000),
        "string" => members["length"] = json!(255),
        "double" => {
            members["precision"] = json!(18);
            members["scale"] = json!(2);
        }
        "currency" => {
            members["precision"] = json!(18);
            members["scale"] = json!(3);
        }
        _ => {}
    }
    members
}

/// One of the names, in quotes.
fn pick(random: &mut fastrand::Rng, names: &[String]) -> String {
    quoted(one_of::<String>(random, names))
}

fn is_text(shape: &Shape) -> bool {
    matches!(shape, Shape::Text { .. } | Shape::Choice(_) | Shape::Id)
}

fn paths(entity: &Entity, fits: impl Fn(&Shape) -> bool) -> Vec<String> {
    let of = entity
        .properties
        .iter()
        .filter(|property| fits(&property.shape));
    of.map(Property::dotted).collect()
}

/// One condition on a row.
fn condition(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let kind = |random: &mut fastrand::Rng| pick(random, &entity.kinds);
    let singles = paths(entity, |shape| *shape != Shape::List);
    let amounts = paths(entity, |shape| {
        matches!(shape, Shape::Money | Shape::Integer)
    });
    match random.u32(0..6) {
        0 => format!("kind: {}", kind(random)),
        1 => format!("kind: [{}, {}]", kind(random), kind(random)),
        2 => format!("kind: {{ not: {} }}", kind(random)),
        3 if !amounts.is_empty() => {
            let path = pick(random, &amounts);
            format!("{path}: {{ above: \"{}\" }}", random.u32(0..500))
        }
        4 => format!("{}: given", pick(random, &singles)),
        _ => format!("{}: {{ given: false }}", pick(random, &singles)),
    }
}

/// An entry whose value is made; its field is added to the object.
pub fn entry(
    random: &mut fastrand::Rng,
    entity: &Entity,
    object: &mut Object,
    others: &[String],
    name: &str,
) -> Option<String> {
    let (kind, made) = match random.u32(0..8) {
        0 => ("textarea", template(random, entity)),
        1 => ("textarea", choose(random, entity)),
        2 => ("boolean", truth(random, entity)),
        3 => ("string", values(random, entity)),
        4 => ("date", date_in(random, entity)?),
        5 => ("currency", negative(random, entity)?),
        6 => ("textarea", first_of(random, entity)?),
        _ => ("reference", lookup(random, entity, others)?),
    };
    let mut members = members(kind);
    if kind == "boolean" {
        members["defaultedOnCreate"] = json!(true);
    }
    if kind == "reference" {
        let object = others
            .iter()
            .find(|object| made.contains(&format!("object: {object},")))?;
        members["length"] = json!(18);
        members["referenceTo"] = json!([object]);
    }
    object.add(name, kind, members);
    Some(format!("{{ destination: {name}, {made} }}"))
}

fn template(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let all = paths(entity, |shape| *shape != Shape::List);
    let mut text = String::from("Made of ");
    for _ in 0..1 + random.usize(0..3) {
        text += &format!("{{{}}} ", one_of(random, &all));
    }
    format!("template: {}", quoted(&(text + "{$stage_open}")))
}

fn choose(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let texts = paths(entity, is_text);
    let mut cases = Vec::new();
    for _ in 0..1 + random.usize(0..3) {
        let then = match random.u32(0..4) {
            0 if !texts.is_empty() => format!("source: {}", pick(random, &texts)),
            1 => format!("template: \"Of {{{}}}\"", one_of(random, &texts)),
            2 => "source: $stage_lost".to_owned(),
            _ => "value: \"a, constant\"".to_owned(),
        };
        cases.push(format!(
            "{{ when: {{ {} }}, {then} }}",
            condition(random, entity)
        ));
    }
    format!("choose: [{}, {{ value: otherwise }}]", cases.join(", "))
}

fn truth(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let truths = paths(entity, |shape| *shape == Shape::Boolean);
    let last = match truths.is_empty() {
        true => "value: false".to_owned(),
        false => format!("source: {}", pick(random, &truths)),
    };
    let condition = condition(random, entity);
    format!("choose: [{{ when: {{ {condition} }}, value: true }}, {{ {last} }}]")
}

fn values(random: &mut fastrand::Rng, entity: &Entity) -> String {
    let mut table: Vec<String> = entity
        .kinds
        .iter()
        .enumerate()
        .map(|(number, kind)| format!("{}: Word {number}", quoted(kind)))
        .collect();
    let otherwise = match random.u32(0..4) {
        0 => "",
        1 => ", otherwise: same",
        2 => ", otherwise: { value: same }",
        _ => ", otherwise: Other",
    };
    if !otherwise.is_empty() {
        table.truncate(1);
    }
    format!(
        "source: kind, values: {{ {} }}{otherwise}",
        table.join(", ")
    )
}

fn date_in(random: &mut fastrand::Rng, entity: &Entity) -> Option<String> {
    let times = paths(entity, |shape| *shape == Shape::DateTime);
    let time = quoted(random.choice(&times)?);
    let zone = match random.bool() {
        true => "$venue_zone".to_owned(),
        false => "[$ticket_record_type, $venue_zone]".to_owned(),
    };
    Some(format!("source: {time}, date_in: {zone}"))
}

fn negative(random: &mut fastrand::Rng, entity: &Entity) -> Option<String> {
    let amounts = paths(entity, |shape| {
        matches!(shape, Shape::Money | Shape::Integer)
    });
    let amount = quoted(random.choice(&amounts)?);
    Some(format!("source: {amount}, convert: negative"))
}

fn first_of(random: &mut fastrand::Rng, entity: &Entity) -> Option<String> {
    let texts = paths(entity, is_text);
    let [one, other] = [
        random.choice(&texts)?.clone(),
        random.choice(&texts)?.clone(),
    ];
    Some(format!(
        "source: [{}, {}, $stage_won]",
        quoted(&one),
        quoted(&other)
    ))
}

fn lookup(random: &mut fastrand::Rng, entity: &Entity, others: &[String]) -> Option<String> {
    let object = random.choice(others)?.clone();
    let texts = paths(entity, is_text);
    let path = quoted(random.choice(&texts)?);
    let value = match random.u32(0..4) {
        0 => format!("[{path}, id]"),
        1 => "{ value: \"always this\" }".to_owned(),
        2 => format!("{{ template: \"for {{{}}}\" }}", one_of(random, &texts)),
        _ => path,
    };
    let missing = one_of(random, &["leave", "fail", "{ use: catch-all }"]);
    Some(format!(
        "lookup: {{ object: {object}, by: {{ {KEY}: {value} }}, missing: {missing} }}"
    ))
}
