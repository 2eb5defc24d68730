//! Lanes, locks and matches have to name fields that can do their work.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, SourceField};
use crate::schema::{SalesforceType, SourceType};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (what, field) in [("lane", &mapping.lane), ("key", &mapping.key.source)] {
        if !matches!(field.schema.kind, SourceType::Text { .. }) {
            let message = format!(
                "`{}` is {}, and a {what} is text",
                field.dotted(),
                field.schema.kind.describe()
            );
            sink.push(
                Diagnostic::error(Code::UNFIT_PATH, field.span, message, "not text")
                    .help("use an id"),
            );
        }
    }
    sink.extend(few_values(&mapping.lane));
    if let Some(lock) = mapping
        .lock
        .as_ref()
        .filter(|lock| lock.schema.kind != SalesforceType::Reference)
    {
        let message = format!(
            "`{}` is {}, and a lock is a reference to the parent",
            lock.schema.name,
            lock.schema.kind.describe()
        );
        sink.push(
            Diagnostic::error(Code::UNFIT_PATH, lock.span, message, "not a reference")
                .help("name the field that holds the parent's id"),
        );
    }
}

/// A lane of which there are only a few: all rows would stand in line for each other.
fn few_values(lane: &SourceField) -> Option<Diagnostic> {
    let SourceType::Text { values, .. } = &lane.schema.kind else {
        return None;
    };
    (!values.is_empty()).then(|| {
        let message = format!(
            "`{}` is one of {}: all rows would wait for each other",
            lane.dotted(),
            values.join(", ")
        );
        Diagnostic::error(Code::UNFIT_PATH, lane.span, message, "too few values")
            .related(lane.schema.span, "its values")
            .help("use an id")
    })
}
