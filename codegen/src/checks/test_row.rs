//! A test's row that the mapping would never take.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Literal, Mapping, Test};
use crate::span::Spanned;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for test in &mapping.tests {
        let Some(given) = &test.given else { continue };
        let before = sink.len();
        excluded(mapping, test, given, sink);
        // What a condition misses is the same property that the schema demands.
        if sink.len() == before {
            lacking(mapping, context, given, sink);
        }
    }
}

fn excluded(mapping: &Mapping, test: &Test, given: &Spanned<Literal>, sink: &mut Vec<Diagnostic>) {
    for condition in &mapping.when {
        let path = condition.source.dotted();
        let (span, message) = match at(given, &condition.source.path) {
            Some(found) if found.value == condition.equals.value => continue,
            // A value that no row has was reported as such.
            Some(found)
                if fit::row_misfit(&condition.source.schema, &path, &found.value).is_some() =>
            {
                continue;
            }
            Some(found) => (
                found.span,
                format!("the mapping does not take this row: `when` wants another `{path}`"),
            ),
            None => (
                given.span,
                format!("the mapping does not take this row: it has no `{path}`"),
            ),
        };
        sink.push(
            Diagnostic::error(
                Code::TEST_ROW,
                span,
                message,
                format!("in `{}`", test.name.value),
            )
            .related(condition.equals.span, "wanted here")
            .help("give the row what `when` wants"),
        );
    }
}

fn lacking(
    mapping: &Mapping,
    context: &Context<'_>,
    given: &Spanned<Literal>,
    sink: &mut Vec<Diagnostic>,
) {
    let Some(properties) = context.schemas.entities.get(&mapping.source.value) else {
        return;
    };
    for (name, property) in properties.iter().filter(|(_, property)| property.required) {
        if at(given, std::slice::from_ref(name)).is_none() {
            sink.push(
                Diagnostic::error(
                    Code::TEST_ROW,
                    given.span,
                    format!("the row has no `{name}`, which every row has"),
                    format!("`{name}` is missing"),
                )
                .related(property.span, "required by the schema")
                .help(format!("add `{name}: ...`")),
            );
        }
    }
}

fn at<'l>(row: &'l Spanned<Literal>, path: &[String]) -> Option<&'l Spanned<Literal>> {
    path.iter().try_fold(row, |row, name| match &row.value {
        Literal::Object(members) => members
            .iter()
            .find(|(known, _)| known.value == *name)
            .map(|(_, value)| value),
        _ => None,
    })
}
