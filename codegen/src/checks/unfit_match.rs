//! A `match` that cannot do its work: fields that no query can compare, rungs that are never tried.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, MatchPolicy, Rung};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (index, rung) in mapping.rungs.iter().enumerate() {
        for (source, field) in &rung.pairs {
            // What is no single value has been reported where it is mapped.
            if !field.schema.filterable && field.schema.kind.is_text() {
                let message = format!("{} cannot be compared in a query", field.schema.name);
                sink.push(
                    fault(source.span, message, "not filterable")
                        .related(field.schema.span, "its schema")
                        .help("compare another field"),
                );
            }
        }
        sink.extend(twice(rung));
        let earlier = mapping.rungs.iter().take(index);
        let decided = |first: &&Rung| !first.pairs.is_empty() && is_part(first, rung);
        if let Some(first) = earlier.into_iter().find(decided) {
            let found = match names(first) == names(rung) {
                true => fault(
                    rung.span,
                    "this rung compares what an earlier one has compared".to_owned(),
                    "again here",
                )
                .help("take one of them out"),
                false => fault(
                    rung.span,
                    "this rung finds nothing that an earlier one has not found".to_owned(),
                    "never decides",
                )
                .help("put the rung with more fields first"),
            };
            sink.push(found.related(first.span, "compares a part of it, and comes first"));
        }
    }
    let Some(span) = mapping.policy_span else {
        return;
    };
    let nothing = mapping.rungs.is_empty();
    match mapping.policy {
        MatchPolicy::AlwaysCreate if !nothing => sink.push(
            fault(
                span,
                "`always_create` looks for nothing, so the rungs are never tried".to_owned(),
                "looks for nothing",
            )
            .help("write `adopt` or `review`, or take the rungs out"),
        ),
        MatchPolicy::Adopt | MatchPolicy::Review
            if nothing && !context.incomplete && !mapping.adopts_on_conflict =>
        {
            sink.push(
                fault(
                    span,
                    "there is nothing to find a record by".to_owned(),
                    "no rungs",
                )
                .help("add `destination: [[path, path]]`, or write `policy: always_create`"),
            )
        }
        _ => {}
    }
}

fn fault(span: crate::span::Span, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::UNFIT_MATCH, span, message, label)
}

fn names(rung: &Rung) -> Vec<&str> {
    let mut names: Vec<&str> = rung
        .pairs
        .iter()
        .map(|(_, field)| field.schema.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

fn is_part(one: &Rung, other: &Rung) -> bool {
    let others = names(other);
    names(one).iter().all(|name| others.contains(name))
}

fn twice(rung: &Rung) -> Option<Diagnostic> {
    let (index, (source, _)) = rung.pairs.iter().enumerate().find(|(index, (source, _))| {
        rung.pairs
            .iter()
            .take(*index)
            .any(|(first, _)| first.path == source.path)
    })?;
    let first = rung
        .pairs
        .iter()
        .take(index)
        .find(|(first, _)| first.path == source.path)?;
    Some(
        fault(
            source.span,
            format!("`{}` is compared twice", source.dotted()),
            "again here",
        )
        .related(first.0.span, "first here")
        .help("take one of them out"),
    )
}
