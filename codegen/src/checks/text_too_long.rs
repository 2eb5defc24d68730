//! Text that may be longer than its field.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Literal, Mapping, Origin};
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let text = mapping
        .fields
        .iter()
        .filter(|field| field.destination.schema.kind.is_text() && field.reference.is_none());
    sink.extend(text.filter_map(too_long));
}

fn too_long(field: &Field) -> Option<Diagnostic> {
    let schema = &field.destination.schema;
    let takes = schema.length.filter(|length| *length > 0)?;
    let (span, length, message) = match &field.origin {
        Origin::Source(source) => match &source.schema.kind {
            SourceType::Text {
                max_length: Some(length),
                ..
            } => (
                source.span,
                *length,
                format!(
                    "`{}` may have {length} characters, and {} takes {takes}",
                    source.dotted(),
                    schema.name
                ),
            ),
            _ => return None,
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
