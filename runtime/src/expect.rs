//! What the tests of a mapping compare: a record's fields against those that the mapping's author wrote.

use serde_json::{Map, Value};

use crate::change::present;
use crate::entity::Entity;
use crate::handler::RecordError;
use crate::json;

/// The record has these fields and no others.
///
/// # Errors
/// One line a difference.
pub fn exactly(record: Result<Box<dyn Entity>, RecordError>, expected: &str) -> Result<(), String> {
    compare(record, expected, true)
}

/// The record has these fields, and may have more.
///
/// # Errors
/// One line a difference.
pub fn at_least(
    record: Result<Box<dyn Entity>, RecordError>,
    expected: &str,
) -> Result<(), String> {
    compare(record, expected, false)
}

fn compare(
    record: Result<Box<dyn Entity>, RecordError>,
    expected: &str,
    exact: bool,
) -> Result<(), String> {
    let record = record.map_err(|error| error.to_string())?;
    let got = json::write(
        record.as_ref(),
        &present(record.as_ref()),
        &json::as_source_id,
    )
    .map_err(|error| error.to_string())?;
    let got = object(&got)?;
    let expected = object(expected)?;
    let mut differences: Vec<String> = expected
        .iter()
        .filter(|(name, value)| got.get(*name) != Some(value))
        .map(|(name, value)| format!("{name}: expected {value}, got {}", shown(got.get(name))))
        .collect();
    if exact {
        let surplus = got.iter().filter(|(name, _)| !expected.contains_key(*name));
        differences
            .extend(surplus.map(|(name, value)| format!("{name}: expected nothing, got {value}")));
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n"))
    }
}

fn object(json: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}
