//! A field that is to go both ways and cannot.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conversion, Direction, Field, Mapping, Origin, SourceField};
use crate::schema::{SalesforceType, SourceType};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let two_way = |field: &&Field| field.direction(mapping.direction) == Direction::Both;
    for field in mapping.fields.iter().filter(two_way) {
        sink.extend(fault(mapping, field, context));
    }
    let sources: Vec<(&Field, &SourceField)> = mapping
        .fields
        .iter()
        .filter(two_way)
        .filter_map(|field| match &field.origin {
            Origin::Source(source) => Some((field, source)),
            Origin::Constant(_) | Origin::Computed(_) => None,
        })
        .collect();
    for (index, (field, source)) in sources.iter().enumerate() {
        let first = sources
            .iter()
            .take(index)
            .find(|(_, first)| first.path == source.path)
            // The same field twice is written twice, which has its own rule.
            .filter(|(other, _)| other.destination.schema.name != field.destination.schema.name);
        if let Some((_, first)) = first {
            let message = format!(
                "`{}` would be written back from two fields",
                source.dotted()
            );
            sink.push(
                refusal(source.span, message, "again here")
                    .related(first.span, "first here")
                    .help("add `direction: forward` to one of them"),
            );
        }
    }
}

fn refusal(span: Span, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::NOT_TWO_WAY, span, message, label)
}

fn fault(mapping: &Mapping, field: &Field, context: &Context<'_>) -> Option<Diagnostic> {
    let written = field
        .direction
        .as_ref()
        .map_or(field.span, |word| word.span);
    if mapping.direction == Direction::Forward {
        return Some(
            refusal(
                written,
                "the field goes both ways, but its mapping goes forward only".to_owned(),
                "both ways",
            )
            .help("write `direction: both` for the mapping, or take this out"),
        );
    }
    let source = match &field.origin {
        Origin::Constant(_) => {
            return Some(
                refusal(
                    written,
                    "a constant has no way back".to_owned(),
                    "both ways",
                )
                .help("take `direction` out"),
            );
        }
        Origin::Computed(_) => {
            return Some(
                refusal(
                    written,
                    "what is made of members has no way back".to_owned(),
                    "both ways",
                )
                .help("take `direction` out"),
            );
        }
        Origin::Source(source) if source.is_setting() => {
            return Some(
                refusal(written, "a setting has no way back".to_owned(), "both ways")
                    .help("take `direction` out"),
            );
        }
        Origin::Source(source) => source,
    };
    let kind = field.destination.schema.kind;
    if fit::is_number(kind) || kind == SalesforceType::Datetime {
        return Some(
            refusal(
                written,
                "numbers and times go forward only in this version".to_owned(),
                "both ways",
            )
            .help("take `direction` out"),
        );
    }
    if field.when_creating {
        return Some(
            refusal(
                written,
                "what only a create may set has no way back".to_owned(),
                "both ways",
            )
            .help("write `direction: forward`, or take `when_creating` out"),
        );
    }
    if let Some(reference) = &field.reference {
        let target = context.model.mappings.get(reference.value.0)?;
        return Some(
            refusal(
                written,
                format!(
                    "a reference to `{}` goes forward only in this version",
                    target.name.value
                ),
                "both ways",
            )
            .help("write `direction: forward`"),
        );
    }
    if source.schema.read_only {
        return Some(
            refusal(
                source.span,
                format!(
                    "Ticketure keeps `{}` for itself: it cannot be written back",
                    source.dotted()
                ),
                "read-only",
            )
            .related(source.schema.span, "its schema")
            .help("add `direction: forward`"),
        );
    }
    lossy(field, source)
}

/// A conversion after which the way back could not say what was there: `to(from(to x)) = to x` would not hold.
fn lossy(field: &Field, source: &SourceField) -> Option<Diagnostic> {
    let convert = field.convert.as_ref()?;
    let has_time = matches!(
        &source.schema.kind,
        SourceType::Text { format: Some(format), .. } if format == "date-time"
    );
    (convert.value == Conversion::Date && has_time).then(|| {
        refusal(
            convert.span,
            format!(
                "`convert: date` drops the time of `{}`, which the way back would then overwrite",
                source.dotted()
            ),
            "loses the time",
        )
        .related(source.schema.span, "a date and time")
        .help("add `direction: forward`")
    })
}
