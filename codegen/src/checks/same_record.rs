//! Two mappings that write one record, each over the other.
//!
//! Mappings onto one object have to exclude each other by `when`: forward by what the row says, back by what the record
//! says. Which do not is found once for all mappings, in groups that share nothing, so that a thousand of them are not a
//! million pairs.

use std::collections::BTreeMap;

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{
    Condition, Direction, Is, Literal, Mapping, MappingId, Model, Piece, Rule, Tree,
};

/// For a mapping, an earlier one that may write the same record, and which way.
pub type Overlaps = BTreeMap<MappingId, (MappingId, Way)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A row is both mappings'.
    Forward,
    /// A record goes back through both.
    Back,
}

/// The first overlap of each mapping.
pub fn overlaps(model: &Model) -> Overlaps {
    let mut found = Overlaps::new();
    let mut objects: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    let mut way_back: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    // What goes back only writes nothing but keys in Salesforce.
    let writing = model.mappings.iter().enumerate();
    for (index, mapping) in writing.filter(|(_, mapping)| !mapping.goes_back_only()) {
        let object = mapping.destination.value.as_str();
        objects
            .entry((object, &mapping.source.value))
            .or_default()
            .push(index);
        if mapping.direction == Direction::Both {
            way_back.entry(object).or_default().push(index);
        }
    }
    for group in objects.values() {
        let mut note = |earlier, later| {
            let pair = [earlier, later].map(|index| model.mappings.get(index));
            if matches!(pair, [Some(one), Some(other)] if apart_in_tree(one, other)) {
                return;
            }
            found
                .entry(MappingId(later))
                .or_insert((MappingId(earlier), Way::Forward));
        };
        divide(model, group, &mut Vec::new(), &mut note);
    }
    for group in way_back.values() {
        for (place, later) in group.iter().enumerate() {
            let earlier = group.iter().take(place).find(|earlier| {
                let pair = [**earlier, *later].map(|index| model.mappings.get(index));
                matches!(pair, [Some(one), Some(other)] if !apart_back(one, other))
            });
            if let Some(earlier) = earlier {
                found
                    .entry(MappingId(*later))
                    .or_insert((MappingId(*earlier), Way::Back));
            }
        }
    }
    found
}

/// Divides a group by the path that most of its mappings have a condition on; what stays together overlaps.
fn divide(
    model: &Model,
    group: &[usize],
    used: &mut Vec<String>,
    note: &mut impl FnMut(usize, usize),
) {
    let (Some(first), true) = (group.first(), group.len() > 1) else {
        return;
    };
    let value = |index: usize, path: &str| {
        let mapping = model.mappings.get(index)?;
        let condition = mapping
            .when
            .iter()
            .find(|condition| condition.source.dotted() == path)?;
        let allowed = condition.allowed()?;
        Some(allowed.into_iter().map(plain).collect::<Vec<_>>())
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for mapping in group.iter().filter_map(|index| model.mappings.get(*index)) {
        for condition in mapping
            .when
            .iter()
            .filter(|condition| condition.allowed().is_some())
        {
            *counts.entry(condition.source.dotted()).or_default() += 1;
        }
    }
    counts.retain(|path, count| *count > 1 && !used.contains(path));
    let Some((path, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
        // In a tree, which records there are is said by more than `when`: each pair counts.
        let in_tree = |index: &usize| {
            let mapping = model.mappings.get(*index);
            mapping.is_some_and(|mapping| mapping.tree.is_some())
        };
        for (place, later) in group.iter().enumerate().skip(1) {
            note(*first, *later);
            if group.iter().any(in_tree) {
                group
                    .iter()
                    .take(place)
                    .skip(1)
                    .for_each(|earlier| note(*earlier, *later));
            }
        }
        return;
    };
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut all = Vec::new();
    for index in group {
        match value(*index, &path) {
            Some(values) => {
                for value in values {
                    parts.entry(value).or_default().push(*index);
                }
            }
            // Without a condition it takes rows of every part.
            None => all.push(*index),
        }
    }
    used.push(path);
    for part in parts.values() {
        let mut together = [part.as_slice(), all.as_slice()].concat();
        together.sort_unstable();
        divide(model, &together, used, note);
    }
    used.pop();
}

fn plain(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("text {text}"),
        other => format!("{other:?}"),
    }
}

/// Two mappings of trees whose records are never the same: keys of other forms, or conditions that no row meets at once.
fn apart_in_tree(one: &Mapping, other: &Mapping) -> bool {
    let (Some(tree), Some(other_tree)) = (&one.tree, &other.tree) else {
        return false;
    };
    // Who writes another's record has a rule of its own.
    if tree.record_of.is_some() || other_tree.record_of.is_some() {
        return true;
    }
    // What is known by fields among its parent's is made where it is missing, by whoever comes first.
    if !one.key.natural.is_empty() || other_key_form(one, other) {
        return true;
    }
    let (a, b) = (demands(one, tree), demands(other, other_tree));
    let excluded = a
        .iter()
        .any(|one| b.iter().any(|other| one.excludes(other)));
    excluded || refused(tree, &b) || refused(other_tree, &a)
}

/// Other text around the members of two templates.
fn other_key_form(one: &Mapping, other: &Mapping) -> bool {
    let texts = |mapping: &Mapping| match &mapping.key.made {
        Some(Rule::Template(pieces)) => pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.clone()),
                Piece::Member(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    texts(one) != texts(other)
}

/// All that a row has to be for there to be a record.
fn demands(mapping: &Mapping, tree: &Tree) -> Vec<Condition> {
    let listed = tree.for_each.iter().map(|for_each| Condition {
        source: for_each.list.clone(),
        span: for_each.list.span,
        is: Is::Given(true),
    });
    let own = mapping.when.iter().chain(&tree.exists_when).cloned();
    own.chain(listed).collect()
}

/// There is no record where one of these demands is met.
fn refused(tree: &Tree, demands: &[Condition]) -> bool {
    tree.unless.iter().any(|case| match case.as_slice() {
        [one] => demands
            .iter()
            .any(|demand| demand.source.path == one.source.path && demand.is == one.is),
        _ => false,
    })
}

/// The records that may go back through one may not go back through the other.
fn apart_back(one: &Mapping, other: &Mapping) -> bool {
    one.when_destination.iter().any(|a| {
        other.when_destination.iter().any(|b| {
            let same_value = a.value.value == b.value.value;
            a.field.schema.name == b.field.schema.name
                && match (a.negated, b.negated) {
                    (false, false) => !same_value,
                    (true, false) | (false, true) => same_value,
                    (true, true) => false,
                }
        })
    })
}

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some((earlier, way)) = context.overlaps.get(&context.id) else {
        return;
    };
    let Some(earlier) = context.model.mappings.get(earlier.0) else {
        return;
    };
    let (object, name, other) = (
        &mapping.destination.value,
        &mapping.name.value,
        &earlier.name.value,
    );
    let (message, help) = match way {
        Way::Forward => (
            format!("`{name}` and `{other}` write one {object}: a row may be both mappings'"),
            "give both a `when: source` on one path with different values, or `allow: { M0311: why }`",
        ),
        Way::Back => (
            format!("a new {object} would go back through `{name}` and through `{other}`"),
            "give both a `when: destination` that exclude each other, or `allow: { M0311: why }`",
        ),
    };
    sink.push(
        Diagnostic::error(
            Code::SAME_RECORD,
            mapping.destination.span,
            message,
            "written by another mapping too",
        )
        .related(earlier.destination.span, "written here")
        .help(help),
    );
}
