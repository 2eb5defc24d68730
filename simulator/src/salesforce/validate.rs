//! What Salesforce has against a record, by the snapshot of its object.

use serde_json::{Map, Value};

use super::Org;
use super::error::ApiError;
use super::table::{Record, folded};
use crate::schema::{Field, Object};

/// Why a record is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Create,
    Update,
}

impl Org {
    /// The fields as they will be stored: names in the schema's spelling, references resolved, blanks made null.
    pub(super) fn validated(
        &self,
        schema: &Object,
        fields: Map<String, Value>,
        purpose: Purpose,
    ) -> Result<Record, Vec<ApiError>> {
        let mut stored = Record::new();
        let mut errors = Vec::new();
        for (name, value) in fields {
            if name == "attributes" {
                continue;
            }
            match self.one(schema, &name, value, purpose) {
                Ok((name, value)) => {
                    stored.insert(name, value);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(stored)
        } else {
            Err(errors)
        }
    }

    fn one(
        &self,
        schema: &Object,
        name: &str,
        value: Value,
        purpose: Purpose,
    ) -> Result<(String, Value), ApiError> {
        if let (Value::Object(parent), Some(field)) = (&value, schema.relationship(name)) {
            return self
                .parent_by_external_id(schema, field, parent)
                .map(|id| (field.name.clone(), Value::from(id)));
        }
        let Some(field) = schema.field(name) else {
            return Err(ApiError::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", schema.name),
            ));
        };
        let writeable = if purpose == Purpose::Create {
            field.createable
        } else {
            field.updateable
        };
        if !writeable || field.calculated {
            let text = format!(
                "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                field.name
            );
            return Err(ApiError::new("INVALID_FIELD_FOR_INSERT_UPDATE", text).on(&field.name));
        }
        let value = typed(field, value)?;
        if let ("reference", Value::String(id)) = (field.kind.as_str(), &value) {
            return self
                .existing(field, id)
                .map(|id| (field.name.clone(), Value::from(id)));
        }
        Ok((field.name.clone(), value))
    }

    fn existing(&self, field: &Field, id: &str) -> Result<String, ApiError> {
        let Some(long) = crate::id::long(id) else {
            return Err(ApiError::new(
                "MALFORMED_ID",
                format!("{}: id value of incorrect type: {id}", field.name),
            )
            .on(&field.name));
        };
        let targets: Vec<_> = field
            .reference_to
            .iter()
            .filter_map(|object| self.table(object))
            .collect();
        // An object of which there is no snapshot cannot be checked.
        let known = targets.is_empty() || targets.iter().any(|table| table.get(&long).is_some());
        let deleted = targets.iter().any(|table| table.was_deleted(&long));
        if known {
            Ok(long)
        } else if deleted {
            Err(ApiError::new("ENTITY_IS_DELETED", "entity is deleted").on(&field.name))
        } else {
            Err(
                ApiError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
                    .on(&field.name),
            )
        }
    }

    /// `"Account": {"Ticketure_Identity_Id__c": "o-1"}`.
    fn parent_by_external_id(
        &self,
        schema: &Object,
        field: &Field,
        parent: &Map<String, Value>,
    ) -> Result<String, ApiError> {
        let pair = parent.iter().find(|(name, _)| *name != "attributes");
        let found = pair.and_then(|(name, value)| {
            let table = field
                .reference_to
                .iter()
                .find_map(|object| self.table(object))?;
            let key = table
                .schema
                .field(name)
                .filter(|key| key.external_id || key.id_lookup)?;
            table.by_value(key, value.as_str()?).first().cloned()
        });
        found.ok_or_else(|| {
            let shown = pair
                .and_then(|(_, value)| value.as_str())
                .unwrap_or_default();
            let text = format!(
                "Foreign key external ID: {} not found for field {} in entity {}",
                shown.to_lowercase(),
                pair.map_or("", |(name, _)| name),
                schema.name
            );
            ApiError::new("INVALID_FIELD", text)
        })
    }

    /// What a whole new record lacks.
    pub(super) fn missing(&self, schema: &Object, record: &Record) -> Option<ApiError> {
        let required = schema
            .fields
            .iter()
            .filter(|field| field.createable && !field.nillable && !field.defaulted_on_create);
        let missing: Vec<String> = required
            .filter(|field| record.get(&field.name).is_none_or(Value::is_null))
            .map(|field| field.name.clone())
            .collect();
        lacking(missing)
    }

    /// What a change takes away that has to be there.
    pub(super) fn cleared(&self, schema: &Object, change: &Record) -> Option<ApiError> {
        let cleared = change
            .iter()
            .filter(|(_, value)| value.is_null())
            .filter_map(|(name, _)| schema.field(name));
        lacking(
            cleared
                .filter(|field| !field.nillable)
                .map(|field| field.name.clone())
                .collect(),
        )
    }

    /// Another record that has a value which only one may have.
    pub(super) fn taken(
        &self,
        schema: &Object,
        record: &Record,
        own: Option<&str>,
    ) -> Option<ApiError> {
        let table = self.table(&schema.name).filter(|_| !self.allows_doubles)?;
        let unique = schema.fields.iter().filter(|field| field.unique);
        unique
            .filter_map(|field| Some((field, record.get(&field.name)?.as_str()?)))
            .find_map(|(field, text)| {
                let other = table
                    .by_value(field, text)
                    .into_iter()
                    .find(|id| Some(id.as_str()) != own)?;
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {other}",
                    field.name
                );
                Some(ApiError::new("DUPLICATE_VALUE", message))
            })
    }
}

fn lacking(fields: Vec<String>) -> Option<ApiError> {
    if fields.is_empty() {
        return None;
    }
    let message = format!("Required fields are missing: [{}]", fields.join(", "));
    Some(ApiError {
        fields,
        ..ApiError::new("REQUIRED_FIELD_MISSING", message)
    })
}

/// The value as the field's type takes it.
fn typed(field: &Field, value: Value) -> Result<Value, ApiError> {
    let wrong = |expected: &str| {
        let text = format!(
            "Cannot deserialize instance of {expected} from the value of {}",
            field.name
        );
        Err(ApiError::new("JSON_PARSER_ERROR", text).on(&field.name))
    };
    match (field.kind.as_str(), value) {
        (_, Value::Null) => Ok(Value::Null),
        ("boolean", Value::Bool(truth)) => Ok(Value::Bool(truth)),
        ("boolean", _) => wrong("boolean"),
        ("date", Value::String(text)) => match text.parse::<jiff::civil::Date>() {
            Ok(date) if text.len() == 10 => within(field, text, is_storable(date)),
            _ => wrong("date"),
        },
        ("date", _) => wrong("date"),
        ("datetime", Value::String(text)) => match super::cell::instant(&text) {
            Some(_) => {
                let date = text.get(..10).and_then(|date| date.parse().ok());
                within(field, text, date.is_some_and(is_storable))
            }
            None => wrong("datetime"),
        },
        ("datetime", _) => wrong("datetime"),
        ("double" | "currency" | "percent", Value::Number(number)) => scaled(field, &number),
        ("int" | "long", Value::Number(number)) => Ok(Value::Number(number)),
        ("double" | "currency" | "percent" | "int" | "long", _) => wrong("double"),
        ("address" | "location", _) => wrong("address"),
        (_, Value::String(text)) => text_value(field, text),
        (_, Value::Bool(truth)) => text_value(field, truth.to_string()),
        (_, Value::Number(number)) => text_value(field, number.to_string()),
        (_, Value::Array(_) | Value::Object(_)) => wrong("string"),
    }
}

/// Salesforce stores dates from 1700 to 4000 (reference: SOQL and SOSL Reference, "Minimum and Maximum Dates").
fn is_storable(date: jiff::civil::Date) -> bool {
    (1700..=4000).contains(&date.year())
}

/// A date outside the range is refused with FIELD_INTEGRITY_EXCEPTION (salesforce.stackexchange.com/questions/339236).
fn within(field: &Field, text: String, is_storable: bool) -> Result<Value, ApiError> {
    if is_storable {
        return Ok(Value::String(text));
    }
    let message = format!("{}: invalid date: {text}", field.name);
    Err(ApiError::new("FIELD_INTEGRITY_EXCEPTION", message).on(&field.name))
}

/// A number as the field holds it: rounded to its digits behind the point, and no more of them before it than it has.
fn scaled(field: &Field, number: &serde_json::Number) -> Result<Value, ApiError> {
    let number = number.as_f64().unwrap_or_default();
    if field.precision == 0 {
        return Ok(Value::from(number));
    }
    let factor = 10_f64.powi(field.scale as i32);
    let rounded = (number * factor).round() / factor;
    let digits = field.precision.saturating_sub(field.scale);
    if rounded.abs() >= 10_f64.powi(digits as i32) {
        let text = format!(
            "{}: value outside of valid range on numeric field: {number}",
            field.name
        );
        return Err(ApiError::new("NUMBER_OUTSIDE_VALID_RANGE", text).on(&field.name));
    }
    Ok(Value::from(rounded))
}

fn text_value(field: &Field, text: String) -> Result<Value, ApiError> {
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    if field.length > 0 && text.chars().count() > field.length && field.kind != "reference" {
        let message = format!(
            "{}: data value too large: {text} (max length={})",
            field.name, field.length
        );
        return Err(ApiError::new("STRING_TOO_LONG", message).on(&field.name));
    }
    if field.kind == "email" && !is_email(&text) {
        let message = format!("{}: invalid email address: {text}", field.name);
        return Err(ApiError::new("INVALID_EMAIL_ADDRESS", message).on(&field.name));
    }
    let in_list = |text: &str| {
        field
            .picklist_values
            .iter()
            .any(|value| value.active && folded(field, &value.value) == folded(field, text))
    };
    if field.restricted_picklist && !text.split(';').all(in_list) {
        let message = format!(
            "{}: bad value for restricted picklist field: {text}",
            field.name
        );
        return Err(
            ApiError::new("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).on(&field.name),
        );
    }
    // An e-mail address comes back in lower case, however it was written.
    Ok(Value::String(match field.kind.as_str() {
        "email" => text.to_lowercase(),
        _ => text,
    }))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let clean = !text.contains(|letter: char| {
        letter.is_whitespace() || matches!(letter, ',' | ';' | '<' | '>' | '"')
    });
    clean
        && !local.is_empty()
        && !domain.contains('@')
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}
