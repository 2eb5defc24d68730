//! A field that Salesforce takes only with a create must not be sent with updates.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, MatchPolicy};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        if schema.createable && !schema.updateable && !schema.calculated && !field.when_creating {
            let message = format!(
                "{}.{} can be written only when the record is created",
                mapping.destination.value, schema.name
            );
            sink.push(
                Diagnostic::error(
                    Code::CREATE_ONLY,
                    field.destination.span,
                    message,
                    "not updateable",
                )
                .related(schema.span, "the schema says so")
                .help("add `when_creating: true`")
                .add_key(field.span, "when_creating: true"),
            );
        }
    }
    let Some(key) = &mapping.key.destination else {
        return;
    };
    let is_fixed = key.schema.createable && !key.schema.updateable && !key.schema.calculated;
    if is_fixed && mapping.tree.is_none() && mapping.policy != MatchPolicy::AlwaysCreate {
        let message = format!(
            "{} cannot be given to a record that is there already, which `match` would adopt",
            key.schema.name
        );
        sink.push(
            Diagnostic::error(Code::CREATE_ONLY, key.span, message, "not updateable")
                .related(key.schema.span, "the schema says so")
                .help("use a key that can be updated, or write `policy: always_create`"),
        );
    }
}
