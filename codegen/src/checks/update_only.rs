//! A field that Salesforce refuses with a create.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let mapped = mapping.fields.iter().map(|field| &field.destination);
    for field in mapped.chain(&mapping.key.destination) {
        let schema = &field.schema;
        if schema.updateable && !schema.createable && !schema.calculated {
            let message = format!(
                "{}.{} cannot be set when the record is created",
                mapping.destination.value, schema.name
            );
            sink.push(
                Diagnostic::error(Code::UPDATE_ONLY, field.span, message, "not createable")
                    .related(schema.span, "the schema says so")
                    .help("take the line out: a new record would be refused for it"),
            );
        }
    }
}
