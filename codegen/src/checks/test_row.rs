//! A test's row that the mapping would never take.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Condition, Is, Literal, Mapping, Test};
use crate::span::{Span, Spanned};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let given: Vec<(&Test, &Spanned<Literal>)> = mapping
        .tests
        .iter()
        .flat_map(|test| test.rows().iter().map(move |row| (test, row)))
        .collect();
    // A test may also show a row that the mapping ignores by `nothing`.
    let is_nothing = |row: &Spanned<Literal>| {
        let mut words = mapping.nothing.iter();
        words.any(|words| {
            let found = at(row, &words.source.path);
            found.is_some_and(|found| holds(words, Some(&found.value)))
        })
    };
    let mut excluded: Vec<bool> = vec![false; given.len()];
    for condition in &mapping.when {
        let misses: Vec<Option<Span>> = given
            .iter()
            .map(|(_, row)| misses(condition, row).filter(|_| !is_nothing(row)))
            // Another row of the record may give the member that this row leaves out.
            .zip(&given)
            .map(|(miss, (test, row))| {
                let says = at(row, &condition.source.path).is_some();
                miss.filter(|_| says || mapping.tree.is_none() || test.rows().len() < 2)
            })
            .collect();
        // Where no row meets it, the condition is the mistake, and not every test.
        if given.len() > 1 && misses.iter().all(Option::is_some) {
            let path = condition.source.dotted();
            let message =
                format!("no test has a row that meets this: each has another `{path}`, or none");
            let first = misses.first().copied().flatten().unwrap_or(condition.span);
            sink.push(
                Diagnostic::error(Code::TEST_ROW, condition.span, message, "met by no test")
                    .related(first, "the first of them")
                    .help("correct the condition, or the tests"),
            );
            return;
        }
        for (index, miss) in misses.iter().enumerate() {
            if let (Some(span), Some((test, _)), Some(excluded)) =
                (miss, given.get(index), excluded.get_mut(index))
            {
                *excluded = true;
                sink.push(not_taken(condition, test, *span));
            }
        }
    }
    // What a condition misses is the same property that the schema demands.
    for ((_, row), excluded) in given.iter().zip(excluded) {
        if !excluded {
            lacking(mapping, context, row, sink);
        }
    }
}

/// Where the row says something else than the condition wants, or nothing.
fn misses(condition: &Condition, row: &Spanned<Literal>) -> Option<Span> {
    match at(row, &condition.source.path) {
        found if holds(condition, found.map(|found| &found.value)) => None,
        // A value that no row has was reported as such.
        Some(found) => {
            let path = condition.source.dotted();
            let misfit = fit::row_misfit(&condition.source.schema, &path, &found.value);
            misfit.is_none().then_some(found.span)
        }
        None => Some(row.span),
    }
}

/// As the runtime compares: text without regard to case, what is not there as null.
fn holds(condition: &Condition, found: Option<&Literal>) -> bool {
    let is = |wanted: &Literal| match (wanted, found) {
        (Literal::Text(wanted), Some(Literal::Text(found))) => {
            wanted.eq_ignore_ascii_case(found.trim())
        }
        (Literal::Null, None) => true,
        (wanted, found) => Some(wanted) == found,
    };
    match &condition.is {
        Is::Equal(value) => is(value),
        Is::OneOf(values) => values.iter().any(|value| is(&value.value)),
        Is::NoneOf(values) => !values.iter().any(|value| is(&value.value)),
        // What is a number, and what is blank, the test itself shows.
        Is::Above(_) => true,
        Is::Given(given) => found.is_some_and(|found| *found != Literal::Null) == *given,
    }
}

fn not_taken(condition: &Condition, test: &Test, span: Span) -> Diagnostic {
    let path = condition.source.dotted();
    let message = format!("the mapping does not take this row: `when` wants another `{path}`");
    Diagnostic::error(
        Code::TEST_ROW,
        span,
        message,
        format!("in `{}`", test.name.value),
    )
    .related(condition.span, "wanted here")
    .help("give the row what `when` wants")
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
