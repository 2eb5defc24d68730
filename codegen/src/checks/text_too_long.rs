//! Text that may be longer than its field.

use super::{Context, wrong_format};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Literal, Mapping, Origin};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let text = mapping
        .fields
        .iter()
        .filter(|field| field.destination.schema.kind.is_text() && field.reference.is_none());
    sink.extend(text.filter_map(too_long));
    sink.extend(key_too_long(mapping));
}

fn key_too_long(mapping: &Mapping) -> Option<Diagnostic> {
    let (source, schema) = (&mapping.key.source, &mapping.key.destination.schema);
    let (length, takes) = (source.schema.kind.max_length()?, schema.length?);
    let is_key = schema.external_id && schema.unique && source.schema.required;
    (length > takes && is_key && schema.kind.is_text()).then(|| {
        let message = format!(
            "`{}` may have {length} characters, and the key {} takes {takes}",
            source.dotted(),
            schema.name
        );
        Diagnostic::error(
            Code::TEXT_TOO_LONG,
            mapping.key.destination.span,
            message,
            format!("takes {takes}"),
        )
        .related(schema.span, "its schema")
        .help("lengthen the field in Salesforce and pull the schema")
    })
}

pub fn too_long(field: &Field) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    let takes = schema.length.filter(|length| *length > 0)?;
    let is_wrong = matches!(&field.origin, Origin::Source(source) if wrong_format::wrong(field, source).is_some());
    if is_wrong {
        return None;
    }
    let (span, length, message) = match &field.origin {
        Origin::Source(source) => match source.schema.kind.max_length() {
            Some(length) => (
                source.span,
                length,
                format!(
                    "`{}` may have {length} characters, and {} takes {takes}",
                    source.dotted(),
                    schema.name
                ),
            ),
            None => return None,
        },
        Origin::Constant(literal) => match &literal.value {
            Literal::Text(text) => {
                let length = text.chars().count() as u32;
                (
                    literal.span,
                    length,
                    format!(
                        "this text has {length} characters, and {} takes {takes}",
                        schema.name
                    ),
                )
            }
            _ => return None,
        },
    };
    (length > takes).then(|| {
        Diagnostic::error(
            Code::TEXT_TOO_LONG,
            span,
            message,
            format!("up to {length} characters"),
        )
        .related(schema.span, format!("takes {takes}"))
        .help("lengthen the field in Salesforce and pull the schema, or map to a longer one")
    })
}
