//! What Salesforce demands of every new record has to be mapped.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SalesforceField;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    // What goes back only makes no record of Salesforce's.
    if context.incomplete || mapping.goes_back_only() {
        return;
    }
    let Some(object) = context.schemas.objects.get(&mapping.destination.value) else {
        return;
    };
    let set = |name: &str| {
        mapping.key.external_id() == Some(name)
            || mapping
                .fields
                .iter()
                .any(|field| field.destination.schema.name == name)
    };
    // A person account is named by its parts, another account by the whole: one of them will do.
    let set_by_another = |field: &SalesforceField| {
        let is_whole = |whole: &String| {
            set(whole)
                && object
                    .fields
                    .iter()
                    .any(|field| field.name == *whole && field.createable)
        };
        let is_part = |part: &&SalesforceField| part.compound_field.as_ref() == Some(&field.name);
        field.compound_field.as_ref().is_some_and(is_whole)
            || object
                .fields
                .iter()
                .filter(is_part)
                .any(|part| set(&part.name))
    };
    let required = object.fields.iter().filter(|field| field.is_required());
    for field in required.filter(|field| !set(&field.name) && !set_by_another(field)) {
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
