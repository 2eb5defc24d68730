//! A field that Salesforce computes or keeps for itself.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SalesforceField;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let mapped = mapping.fields.iter().map(|field| &field.destination);
    // A key that is no key at all has its own rule.
    let key = mapping
        .key
        .destination
        .as_ref()
        .filter(|key| key.schema.external_id);
    for field in mapped.chain(key) {
        let schema = &field.schema;
        let why = match (schema.calculated, schema.createable || schema.updateable) {
            (true, _) => "it is a formula",
            (false, false) => "it is read-only",
            (false, true) => continue,
        };
        let message = format!(
            "{}.{} cannot be written: {why}",
            mapping.destination.value, schema.name
        );
        sink.push(
            Diagnostic::error(Code::READ_ONLY, field.span, message, "read-only")
                .related(schema.span, "its schema")
                .help(help(schema, mapping, context)),
        );
    }
}

/// A compound field is written by its parts.
fn help(schema: &SalesforceField, mapping: &Mapping, context: &Context<'_>) -> String {
    let object = context.schemas.objects.get(&mapping.destination.value);
    let fields = object
        .map(|object| object.fields.as_slice())
        .unwrap_or_default();
    let parts: Vec<&str> = fields
        .iter()
        .filter(|part| part.compound_field.as_ref() == Some(&schema.name) && part.createable)
        .map(|part| part.name.as_str())
        .collect();
    if parts.is_empty() {
        "map to a field that can be written, or take the line out".to_owned()
    } else {
        format!("map its parts: {}", parts.join(", "))
    }
}
