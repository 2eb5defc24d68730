//! Records as Salesforce shows them: the fields that were asked for, and where the record is. They are written straight
//! into the answer: thousands of them are read at a time.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::error::ApiError;
use super::table::Record;
use crate::schema::{Field, Object};

/// What is shown of the records of one object.
pub(super) struct View<'s> {
    schema: &'s Object,
    fields: Vec<&'s Field>,
    /// `/services/data/v67.0/sobjects/Contact`.
    place: String,
}

impl<'s> View<'s> {
    /// All fields where none are named. `path` is that of the request.
    pub(super) fn new(
        schema: &'s Object,
        names: Option<&[String]>,
        path: &str,
    ) -> Result<Self, Vec<ApiError>> {
        let mut fields: Vec<&Field> = Vec::new();
        let all = || {
            schema
                .fields
                .iter()
                .map(|field| field.name.clone())
                .collect()
        };
        for name in names.map_or_else(all, <[String]>::to_vec) {
            let Some(field) = schema.field(&name) else {
                let text = format!("No such column '{name}' on sobject of type {}", schema.name);
                return Err(vec![ApiError::new("INVALID_FIELD", text)]);
            };
            if !fields.iter().any(|known| known.name == field.name) {
                fields.push(field);
            }
        }
        let start = path.split("/sobjects").next().unwrap_or_default();
        let start = start.split("/composite").next().unwrap_or_default();
        Ok(View {
            schema,
            fields,
            place: format!("{start}/sobjects/{}", schema.name),
        })
    }

    pub(super) fn of<'r>(&'r self, record: &'r Record) -> Shown<'r> {
        Shown { view: self, record }
    }
}

/// One record.
pub(super) struct Shown<'r> {
    view: &'r View<'r>,
    record: &'r Record,
}

#[derive(Serialize)]
struct Attributes<'r> {
    #[serde(rename = "type")]
    object: &'r str,
    url: String,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let View {
            schema,
            fields,
            place,
        } = self.view;
        let id = self.record.get("Id").unwrap_or(&Value::Null);
        let mut members = serializer.serialize_map(None)?;
        let attributes = Attributes {
            object: &schema.name,
            url: format!("{place}/{}", id.as_str().unwrap_or_default()),
        };
        members.serialize_entry("attributes", &attributes)?;
        if !fields.iter().any(|field| field.name == "Id") {
            members.serialize_entry("Id", id)?;
        }
        for field in fields {
            let value = self.record.get(&field.name).unwrap_or(&Value::Null);
            members.serialize_entry(&field.name, value)?;
        }
        members.end()
    }
}
