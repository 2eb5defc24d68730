//! What Salesforce demands of every new record has to be mapped.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    if context.incomplete {
        return;
    }
    let Some(object) = context.schemas.objects.get(&mapping.destination.value) else {
        return;
    };
    let set = |name: &str| {
        mapping.key.destination.schema.name == name
            || mapping
                .fields
                .iter()
                .any(|field| field.destination.schema.name == name)
    };
    for field in object
        .fields
        .iter()
        .filter(|field| field.is_required() && !set(&field.name))
    {
        let message = format!(
            "{} demands `{}`, and no field maps it",
            object.name, field.name
        );
        sink.push(
            Diagnostic::error(
                Code::REQUIRED_NOT_SET,
                mapping.destination.span,
                message,
                format!("`{}` is not set", field.name),
            )
            .related(field.span, "required by the schema")
            .help(format!(
                "add `- {{ source: ..., destination: {} }}`",
                field.name
            )),
        );
    }
}
