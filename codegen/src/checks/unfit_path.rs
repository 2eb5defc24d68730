//! Lanes, locks and matches have to name fields that can do their work.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, MatchPolicy};
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
    if mapping.policy != MatchPolicy::AlwaysCreate
        && mapping.rungs.iter().any(|rung| rung.pairs.is_empty())
    {
        for rung in mapping
            .rungs
            .iter()
            .filter(|rung| rung.pairs.is_empty() && rung.span.start != rung.span.end)
        {
            if sink
                .iter()
                .all(|other| other.span.start < rung.span.start || other.span.end > rung.span.end)
            {
                sink.push(
                    Diagnostic::error(
                        Code::UNFIT_PATH,
                        rung.span,
                        "a rung of `match` compares nothing",
                        "empty",
                    )
                    .help("name the fields to compare, or take the rung out"),
                );
            }
        }
    }
}
