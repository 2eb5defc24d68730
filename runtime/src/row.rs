//! What a mapping makes of rows before they are read: several rows become one, entries of a list become rows, and
//! members are made of others. All of it works on plain JSON, so that it is the same for every mapping.

mod computed;
mod conditions;
mod reduce;
mod shares;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use computed::{compute, plain};
pub use conditions::{hold, holds};
pub use reduce::reduced;
pub use shares::{entries, to_cents};

use crate::handler::FieldError;
use crate::mapping::{Condition, MappingDescriptor, Path, Piece, Rule};

/// Why nothing can be made of a row; it names members, and a value only where that is no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RowError(pub String);

/// The value at a path; what is not there is none, and so is null.
pub fn at(row: &Value, path: Path) -> Option<&Value> {
    path.iter()
        .try_fold(row, |value, name| value.get(name))
        .filter(|value| !value.is_null())
}

/// As [`at`], a number or a truth as its text. Blank text is none.
pub fn text(row: &Value, path: Path) -> Option<String> {
    crate::json::text_at(row, path).filter(|text| !text.trim().is_empty())
}

/// Puts the settings that a mapping may read beside a row's members: `$name`.
pub fn with_settings(row: &mut Value, settings: &Map<String, Value>) {
    if let Value::Object(members) = row {
        members.extend(
            settings
                .iter()
                .map(|(name, value)| (format!("${name}"), value.clone())),
        );
    }
}

/// Is there a record of this reduced row?
pub fn exists(mapping: &MappingDescriptor, row: &Value) -> bool {
    mapping.tree.is_none_or(|tree| {
        hold(tree.exists_when, row) && !tree.unless.iter().any(|case| hold(case, row))
    })
}

/// A row that a record is read from, and the errors of the fields whose members could not be computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    pub row: Value,
    pub errors: Vec<FieldError>,
}

/// The records that there are of these rows, each as the row that it is read from: reduced, with the settings, an
/// entry of a list at a time, and with what is made of its members.
///
/// # Errors
/// Names the member that is missing or cannot be made.
pub fn records(
    mapping: &MappingDescriptor,
    rows: &[Value],
    settings: &Map<String, Value>,
) -> Result<Vec<Ready>, RowError> {
    let mut records = Vec::new();
    for mut reduced in reduced(mapping, rows)? {
        with_settings(&mut reduced, settings);
        let entries = match mapping.tree.and_then(|tree| tree.for_each.as_ref()) {
            Some(for_each) if may_exist(mapping, &reduced) => entries(for_each, &reduced)?,
            Some(_) => Vec::new(),
            None => vec![reduced],
        };
        records.extend(entries.into_iter().filter(|row| exists(mapping, row)));
    }
    let ready = records.into_iter().map(|mut row| {
        let errors = compute(mapping, &mut row)?;
        Ok(Ready { row, errors })
    });
    ready.collect()
}

/// May an entry of this row make a record? Conditions on entries do not count before there are any.
pub fn may_exist(mapping: &MappingDescriptor, row: &Value) -> bool {
    let is_of_entry = |condition: &Condition| condition.path.first() == Some(&"each");
    mapping.tree.is_none_or(|tree| {
        let mut own = tree.exists_when.iter();
        own.all(|condition| is_of_entry(condition) || holds(condition, row))
            && !tree
                .unless
                .iter()
                .any(|case| !case.iter().any(is_of_entry) && hold(case, row))
    })
}

/// What the key of a mapping is made of, where it is a text of several members.
pub fn key_template(mapping: &MappingDescriptor) -> Option<&'static [Piece]> {
    let [name] = mapping.key else { return None };
    let rules = mapping.computed.iter();
    let mut rules = rules.filter(|computed| computed.name == *name);
    rules.find_map(|computed| match computed.rule {
        Rule::Template(pieces) => Some(pieces),
        _ => None,
    })
}

/// The key that is made of a row's members, as `text` gives them; none where one of them is not there.
pub fn made_key(
    mapping: &MappingDescriptor,
    text: impl Fn(Path) -> Option<String>,
) -> Option<String> {
    let pieces = key_template(mapping)?.iter().map(|piece| match piece {
        Piece::Text(text) => Some((*text).to_owned()),
        Piece::Member(path) => text(path).filter(|text| !text.trim().is_empty()),
    });
    pieces.collect()
}

/// Two numbers of one size, however many zeros they end with.
pub(crate) fn is_same_number(one: &Value, other: &Value) -> bool {
    let number = conditions::number(Some(one));
    number.is_some() && number == conditions::number(Some(other))
}

/// A number, or a text that is one, as JSON's number.
pub fn number_of(value: Option<&Value>) -> Option<Value> {
    let number = conditions::number(value)?;
    serde_json::from_str(&number.to_string()).ok()
}
