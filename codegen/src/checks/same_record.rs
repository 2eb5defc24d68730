//! Two mappings that write one record, each over the other.
//!
//! Mappings onto one object have to exclude each other by `when`: forward by what the row says, back by what the record
//! says. Which do not is found once for all mappings, in groups that share nothing, so that a thousand of them are not a
//! million pairs.

use std::collections::BTreeMap;

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, Literal, Mapping, MappingId, Model};

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
    for (index, mapping) in model.mappings.iter().enumerate() {
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
        Some(format!("{:?}", plain(&condition.equals.value)))
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for mapping in group.iter().filter_map(|index| model.mappings.get(*index)) {
        for condition in &mapping.when {
            *counts.entry(condition.source.dotted()).or_default() += 1;
        }
    }
    counts.retain(|path, count| *count > 1 && !used.contains(path));
    let Some((path, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
        for later in group.iter().skip(1) {
            note(*first, *later);
        }
        return;
    };
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut all = Vec::new();
    for index in group {
        match value(*index, &path) {
            Some(value) => parts.entry(value).or_default().push(*index),
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
