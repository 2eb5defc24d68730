//! A field that is mapped and ignored at once.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (index, ignored) in mapping.ignore.iter().enumerate() {
        let name = &ignored.schema.name;
        let mut earlier = mapping.ignore.iter().take(index);
        if let Some(first) = earlier.find(|first| first.schema.name == *name) {
            sink.push(
                Diagnostic::error(
                    Code::STALE_IGNORE,
                    ignored.span,
                    format!("`{name}` is ignored twice"),
                    "again here",
                )
                .take_out(ignored.span)
                .related(first.span, "first here")
                .help("take one of them out"),
            );
        }
        if let Some(field) = mapping
            .fields
            .iter()
            .find(|field| field.destination.schema.name == *name)
        {
            sink.push(
                Diagnostic::error(
                    Code::STALE_IGNORE,
                    ignored.span,
                    format!("`{name}` is ignored, but it is mapped"),
                    "stale",
                )
                .related(field.destination.span, "mapped here")
                .help("take it out of `ignore`")
                .take_out(ignored.span),
            );
        }
    }
}
