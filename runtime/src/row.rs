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
pub use shares::entries;

use crate::mapping::{MappingDescriptor, Path};

/// Why nothing can be made of a row; it names members, never their values.
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

/// A number, or a text that is one, as JSON's number.
pub fn number_of(value: Option<&Value>) -> Option<Value> {
    let number = conditions::number(value)?;
    serde_json::from_str(&number.to_string()).ok()
}
