//! Text that Salesforce may hold and that is too long for the source.

use super::{Context, fit, open_into_restricted, wrong_format};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Mapping, SourceField};
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (field, source) in fit::two_way(mapping) {
        let Some((holds, takes)) = lengths(field, source) else {
            continue;
        };
        let schema = &field.destination.schema;
        let message = format!(
            "{} may have {holds} characters, and `{}` takes {takes}",
            schema.name,
            source.dotted()
        );
        let label = format!("up to {holds} characters");
        sink.push(
            Diagnostic::error(Code::TOO_LONG_BACK, field.destination.span, message, label)
                .related(source.schema.span, format!("takes {takes}"))
                .related(schema.span, format!("length {holds}"))
                .help("add `direction: forward`, or `allow: { M0214: why }` where longer text may fail"),
        );
    }
}

/// How many characters Salesforce may hold and how many the source takes, when these are fewer.
pub fn lengths(field: &Field, source: &SourceField) -> Option<(u32, u32)> {
    // Of listed values another rule asks whether they are the same.
    let takes = match &source.schema.kind {
        SourceType::Text {
            values, max_length, ..
        } if values.is_empty() => *max_length,
        _ => None,
    }?;
    let holds = fit::longest(&field.destination.schema)?;
    if open_into_restricted::is_open(field, source) {
        return None;
    }
    (holds > takes && wrong_format::wrong(field, source).is_none()).then_some((holds, takes))
}
