//! A key has to find one record and no other, and be there on every row.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{DestinationField, Mapping, Rule};
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    if let Some(field) = &mapping.key.destination {
        sink.extend(no_external_id(mapping, field, context));
    }
    let source = &mapping.key.source;
    if let SourceType::Text { values, .. } = &source.schema.kind
        && !values.is_empty()
    {
        let message = format!(
            "`{}` cannot be the key: it is one of {}",
            source.dotted(),
            values.join(", ")
        );
        sink.push(
            Diagnostic::error(
                Code::KEY_NOT_UNIQUE,
                source.span,
                message,
                "many rows share it",
            )
            .related(source.schema.span, "its schema")
            .help("use the source's id"),
        );
    }
    if !key_is_there(mapping) {
        let message = format!(
            "`{}` cannot be the key: a row may come without it",
            source.dotted()
        );
        sink.push(
            Diagnostic::error(
                Code::KEY_NOT_UNIQUE,
                source.span,
                message,
                "not required by the schema, or null",
            )
            .related(source.schema.span, "its schema")
            .help("use the source's id"),
        );
    }
}

fn no_external_id(
    mapping: &Mapping,
    field: &DestinationField,
    context: &Context<'_>,
) -> Option<Diagnostic> {
    let schema = &field.schema;
    if schema.external_id && schema.unique {
        return None;
    }
    let what = match (schema.external_id, schema.unique) {
        (true, false) => "is an external id, but not unique",
        (false, true) => "is unique, but no external id",
        _ => "is no external id",
    };
    let message = format!(
        "{}.{} cannot be the key: it {what}",
        mapping.destination.value, schema.name
    );
    let fields = context
        .schemas
        .objects
        .get(&mapping.destination.value)
        .map(|object| object.fields.as_slice())
        .unwrap_or_default();
    let fit: Vec<&str> = fields
        .iter()
        .filter(|field| field.external_id && field.unique)
        .map(|field| field.name.as_str())
        .collect();
    let help = if fit.is_empty() {
        "make it a unique external id in Salesforce, and pull the schema".to_owned()
    } else {
        format!("unique external ids are {}", fit.join(", "))
    };
    Some(
        Diagnostic::error(
            Code::KEY_NOT_UNIQUE,
            field.span,
            message,
            "not a unique external id",
        )
        .related(schema.span, "its schema")
        .help(help),
    )
}

fn key_is_there(mapping: &Mapping) -> bool {
    match &mapping.key.made {
        None => mapping.is_there(&mapping.key.source),
        Some(Rule::FirstOf(sources)) => sources.iter().any(|source| mapping.is_there(source)),
        Some(rule) => {
            let mut members = rule.members().into_iter();
            members.all(|source| mapping.is_there(source))
        }
    }
}
