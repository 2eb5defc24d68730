//! A value in a test that its field can never have.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Expectation, Literal, Mapping, Push};
use crate::schema::{SourceSchemaField, SourceType};
use crate::settings;
use crate::span::{Span, Spanned};

type Properties = [(String, SourceSchemaField)];

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let properties = context.schemas.entities.get(&mapping.source.value);
    let properties = properties.map(Vec::as_slice).unwrap_or_default();
    for test in &mapping.tests {
        let body = match &test.push {
            Some(Push::Body(body)) => Some(body),
            Some(Push::Nothing) | None => None,
        };
        for row in test.rows().iter().chain(body) {
            of_row(row, "", properties, sink);
        }
        for (name, value) in &test.settings {
            sink.extend(of_setting(name, value));
        }
        let sides = [&test.base, &test.now].into_iter().flatten();
        for record in sides.chain(test.expected()) {
            of_record(mapping, record, sink);
        }
    }
}

/// A setting that is one of a few words.
fn of_setting(name: &Spanned<String>, value: &Spanned<Literal>) -> Option<Diagnostic> {
    let setting = settings::setting_of(&name.value)?;
    let misfit = match &value.value {
        Literal::Text(word)
            if setting.words.is_empty() || setting.words.contains(&word.as_str()) =>
        {
            return None;
        }
        Literal::Text(word) => format!("`{}` is never `{word}`", name.value),
        _ => format!("`{}` is text, and this is not", name.value),
    };
    let fault = Diagnostic::error(Code::TEST_VALUE, value.span, misfit, "never has this value");
    Some(match setting.words {
        [] => fault.help("write text, in quotes where it looks like a number"),
        words => fault.help(format!("known are {}", words.join(", "))),
    })
}

fn of_row(
    row: &Spanned<Literal>,
    prefix: &str,
    properties: &Properties,
    sink: &mut Vec<Diagnostic>,
) {
    let Literal::Object(members) = &row.value else {
        return;
    };
    for (name, value) in members {
        let found = properties.iter().find(|(known, _)| *known == name.value);
        let Some((_, property)) = found else { continue };
        let path = format!("{prefix}{}", name.value);
        match (&property.kind, &value.value) {
            (SourceType::Object(inner), Literal::Object(_)) => {
                of_row(value, &format!("{path}."), inner, sink)
            }
            _ => {
                let misfit = fit::row_misfit(property, &path, &value.value);
                sink.extend(misfit.map(|message| fault(value.span, message, property.span)));
            }
        }
    }
}

fn of_record(mapping: &Mapping, record: &Expectation, sink: &mut Vec<Diagnostic>) {
    for (field, value) in &record.fields {
        let schema = &field.schema;
        let mut mapped = mapping.fields.iter();
        let is_reference = mapped.any(|mapped| {
            mapped.reference.is_some() && mapped.destination.schema.name == schema.name
        });
        if is_reference {
            let is_id = matches!(value.value, Literal::Text(_) | Literal::Null);
            let misfit = || format!("{} is the other record's id, and this is not", schema.name);
            sink.extend((!is_id).then(|| fault(value.span, misfit(), schema.span)));
            continue;
        }
        let misfit = fit::record_misfit(schema, &value.value).or_else(|| match &value.value {
            Literal::Text(text) if schema.restricted_picklist => fit::unknown_value(schema, text)
                .map(|value| format!("`{value}` is not a value of the picklist {}", schema.name)),
            _ => None,
        });
        sink.extend(misfit.map(|message| fault(value.span, message, schema.span)));
    }
}

fn fault(span: Span, message: String, schema: Span) -> Diagnostic {
    Diagnostic::error(Code::TEST_VALUE, span, message, "never has this value")
        .related(schema, "its schema")
        .help("write a value that the field can have")
}
