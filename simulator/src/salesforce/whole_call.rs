//! Mistakes for which the org refuses a call as a whole, and external ids that one call names twice.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use super::table::folded;
use crate::schema::{Field, Object};

/// Runs of records of one type that a call may have (reference: REST API, "Update Records Using sObject Collections").
const CHUNKS_MAX: usize = 10;

impl Org {
    /// Returns the mistake for which no record of a collection is tried.
    pub(super) fn malformed(&self, records: &[Map<String, Value>]) -> Option<ApiError> {
        if chunks(records) > CHUNKS_MAX {
            // The sentence is Apex's; the code has no source.
            let text = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.";
            return Some(ApiError::new("LIMIT_EXCEEDED", text));
        }
        records.iter().find_map(|record| {
            let schema = self.schema(type_of(record)?).ok()?;
            self.unknown_column(&schema, record)
        })
    }

    /// Returns the refusal of a body that names a field which the object does not have, or the user does not see.
    pub(super) fn unknown_column(
        &self,
        schema: &Object,
        record: &Map<String, Value>,
    ) -> Option<ApiError> {
        let names = record.keys();
        self.no_column(schema, names.filter(|name| *name != "attributes"))
    }

    /// Returns the refusal of the first name that is no field which the user sees.
    pub(super) fn no_column<'n>(
        &self,
        schema: &Object,
        mut names: impl Iterator<Item = &'n String>,
    ) -> Option<ApiError> {
        let name = names.find(|name| {
            let field = schema.field(name).or_else(|| schema.relationship(name));
            field.is_none_or(|field| self.is_hidden(&schema.name, &field.name))
        })?;
        let text = format!("No such column '{name}' on sobject of type {}", schema.name);
        Some(ApiError::new("INVALID_FIELD", text))
    }

    /// Returns whether a fault rule hides the field from the user of this call.
    pub(super) fn is_hidden(&self, object: &str, field: &str) -> bool {
        let mut hidden = self.hidden.iter();
        hidden.any(|(of, name)| of.eq_ignore_ascii_case(object) && name.eq_ignore_ascii_case(field))
    }
}

/// Refuses every record whose external id another record of the call has (salesforce.stackexchange.com/questions/104048).
pub(super) fn refuse_repeated(
    key: &Field,
    records: &[Map<String, Value>],
    refused: &mut [Option<ApiError>],
) {
    let id_of = |record: &Map<String, Value>| {
        let id = record.get(&key.name).and_then(Value::as_str);
        id.map(|id| folded(key, id))
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for id in records.iter().filter_map(id_of) {
        *counts.entry(id).or_default() += 1;
    }
    for (record, refused) in records.iter().zip(refused) {
        let is_repeated = id_of(record).is_some_and(|id| counts.get(&id) > Some(&1));
        if is_repeated && refused.is_none() {
            let id = record.get(&key.name).and_then(Value::as_str);
            let text = format!(
                "Duplicate external id specified: {}",
                id.unwrap_or_default()
            );
            *refused = Some(ApiError::new("DUPLICATE_VALUE", text).on(&key.name));
        }
    }
}

fn type_of(record: &Map<String, Value>) -> Option<&str> {
    record.get("attributes")?.get("type")?.as_str()
}

/// Counts the runs of records of one type.
fn chunks(records: &[Map<String, Value>]) -> usize {
    let runs = records.chunk_by(|one, other| type_of(one) == type_of(other));
    runs.count()
}
