//! Two fields that write one destination: the last would win, unseen.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (index, field) in mapping.fields.iter().enumerate() {
        let name = &field.destination.schema.name;
        let first = mapping
            .fields
            .iter()
            .take(index)
            .find(|other| other.destination.schema.name == *name);
        let first = first.map(|first| first.destination.span);
        let key = mapping.key.destination.as_ref();
        let key = key
            .filter(|key| key.schema.name == *name)
            .map(|key| key.span);
        if let Some(first) = first.or(key) {
            sink.push(
                Diagnostic::error(
                    Code::TWO_SOURCES,
                    field.destination.span,
                    format!("`{name}` is written twice"),
                    "again here",
                )
                .related(first, "first here")
                .help("keep one of them"),
            );
        }
    }
}
