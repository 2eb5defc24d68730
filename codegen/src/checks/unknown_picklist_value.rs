//! A picklist value that the org does not have.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Literal, Mapping, Origin};
use crate::schema::SourceType;
use crate::span::Spanned;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let picklists = mapping
        .fields
        .iter()
        .filter(|field| !field.destination.schema.picklist_values.is_empty());
    sink.extend(picklists.filter_map(|field| {
        match &field.origin {
            Origin::Constant(literal) => constant(field, literal),
            Origin::Computed(rule) => rule
                .constants()
                .into_iter()
                .find_map(|literal| constant(field, literal)),
            Origin::Source(source) => match &source.schema.kind {
                SourceType::Text { values, .. } if field.destination.schema.restricted_picklist => {
                    values
                        .iter()
                        .find_map(|value| unknown(field, value, source.span))
                }
                _ => None,
            },
        }
    }));
}

fn constant(field: &Field, literal: &Spanned<Literal>) -> Option<Diagnostic> {
    match &literal.value {
        // What is blank fits no picklist, which the rule about types has said.
        Literal::Text(text) if text.trim().is_empty() => None,
        Literal::Text(text) | Literal::Decimal(text) => unknown(field, text, literal.span),
        Literal::Integer(number) => unknown(field, &number.to_string(), literal.span),
        _ => None,
    }
}

fn unknown(field: &Field, value: &str, span: crate::span::Span) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    let value = fit::unknown_value(schema, value)?;
    let message = format!("`{value}` is not a value of the picklist {}", schema.name);
    let fault = Diagnostic::error(
        Code::UNKNOWN_PICKLIST_VALUE,
        span,
        message,
        "not in the schema",
    )
    .related(schema.span, "its values")
    .did_you_mean(
        span,
        value,
        schema.picklist_values.iter().map(String::as_str),
    );
    Some(if fault.help.is_none() {
        fault.help("add the value in Salesforce and pull the schema")
    } else {
        fault
    })
}
