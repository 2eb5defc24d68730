//! What the tests of a mapping compare: a record's fields against those that the mapping's author wrote.

use serde_json::{Map, Value};

use crate::change::present;
use crate::entity::Entity;
use crate::handler::{Back, RecordError};
use crate::json;
use crate::mapping::{MappingDescriptor, Side};
use crate::merge::{Clocks, LinkState};

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

/// The two sides of a pair, as a test gives them. Records and bodies are JSON.
pub struct Pair<'a> {
    /// What both agreed on; nothing where they meet for the first time.
    pub base: Option<&'a str>,
    /// What Salesforce has now; what was agreed where the test does not say.
    pub now: Option<&'a str>,
    /// What the source has now.
    pub row: Option<Result<Box<dyn Entity>, RecordError>>,
    /// What is to be written to Salesforce.
    pub expect: Option<&'a str>,
    pub exact: bool,
    /// The body that is to go to the source; `{}` for none.
    pub push: Option<&'a str>,
}

/// What is written to both sides of a pair.
///
/// # Errors
/// One line a difference.
pub fn pair(
    mapping: &'static MappingDescriptor,
    pair: Pair<'_>,
    back: fn(&dyn Entity) -> Result<Back, RecordError>,
) -> Result<(), String> {
    let record = |text: &str| {
        let mut record = mapping.new_record();
        json::read(record.as_mut(), text.as_bytes()).map_err(|error| error.to_string())?;
        Ok::<_, String>(
            back(record.as_ref())
                .map_err(|error| error.to_string())?
                .image,
        )
    };
    let row = pair.row.transpose().map_err(|error| error.to_string())?;
    let now = pair.now.map(record).transpose()?;
    let mut state = match (pair.base, &row, &now) {
        (Some(base), _, _) => LinkState::created(mapping, record(base)?.as_ref(), 0),
        (None, Some(row), Some(now)) => {
            LinkState::meet(mapping, (row.as_ref(), 1), (now.as_ref(), 1))
        }
        (None, ..) => LinkState::new(mapping),
    };
    if pair.base.is_some() {
        if let Some(row) = &row {
            state.observe(Side::Source, row.as_ref(), 1, 1);
        }
        if let Some(now) = &now {
            state.observe(Side::Destination, now.as_ref(), 1, 1);
        }
    }
    let plan = state.plan(&Clocks::default());
    if let Some(expect) = pair.expect {
        compare(Ok(plan.to_destination), expect, pair.exact)?;
    }
    if let Some(push) = pair.push {
        let sent = back(plan.to_source.as_ref()).map_err(|error| error.to_string())?;
        let body = json::write_tree(sent.payload.as_ref(), &present(sent.payload.as_ref()));
        let expected = object(push)?;
        if body != expected {
            return Err(format!(
                "push: expected {}, got {}",
                Value::Object(expected),
                Value::Object(body)
            ));
        }
    }
    Ok(())
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
