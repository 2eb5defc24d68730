//! A field that Salesforce computes or keeps for itself.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
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
            Diagnostic::error(
                Code::READ_ONLY,
                field.destination.span,
                message,
                "read-only",
            )
            .related(schema.span, "its schema")
            .help("map to a field that can be written, or take the line out"),
        );
    }
}
