//! A test that expects what the mapping does not do.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, Field, Literal, Mapping, Origin, Push};
use crate::span::{Span, Spanned};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    // What a field that could not be read does is not known.
    if context.incomplete {
        return;
    }
    for field in &mapping.fields {
        other_constant(mapping, field, sink);
    }
    for test in &mapping.tests {
        if test.given.is_none() && test.base.is_none() && !mapping.goes_back_only() {
            let message = "the test says what the record is, not what it was";
            let fault = Diagnostic::error(
                Code::MISSING_KEY,
                test.name.span,
                message,
                "`before` is missing",
            );
            sink.push(fault.help("add `before: { ... }`, the record as both sides agreed on it"));
        }
        let expects_nothing =
            matches!(&test.expect, Some(expect) if !expect.exact && expect.fields.is_empty());
        if expects_nothing {
            sink.push(
                fault(
                    test.name.span,
                    "the test expects nothing, so it cannot fail".to_owned(),
                    "`expect_some` is empty",
                )
                .help(
                    "name the fields that have to come out, or write `expect: {}` for none at all",
                ),
            );
        }
        for (field, _) in test.expected().flat_map(|expect| &expect.fields) {
            let name = &field.schema.name;
            let mut mapped = mapping.fields.iter();
            match mapped.find(|mapped| mapped.destination.schema.name == *name) {
                Some(_) => {}
                None if mapping.key.external_id() == Some(name) => {}
                None => sink.push(
                    fault(
                        field.span,
                        format!("the test expects `{name}`, which the mapping does not write"),
                        "not mapped",
                    )
                    .help(format!("map `{name}`, or take it out of the test")),
                ),
            }
        }
        // A mapping of which nothing goes back has its own report.
        if let (Some(Push::Body(body)), Direction::Both) = (&test.push, mapping.direction) {
            pushed(mapping, body, &mut Vec::new(), sink);
        }
    }
}

fn fault(span: Span, message: String, label: &str) -> Diagnostic {
    Diagnostic::error(Code::TEST_OF_UNMAPPED, span, message, label)
}

/// Tests that expect another value than the constant. Where several agree on one, it is the constant that is wrong.
fn other_constant(mapping: &Mapping, field: &Field, sink: &mut Vec<Diagnostic>) {
    let Origin::Constant(constant) = &field.origin else {
        return;
    };
    let name = &field.destination.schema.name;
    let expected: Vec<&Spanned<Literal>> = mapping
        .tests
        .iter()
        .flat_map(|test| test.expected())
        .flat_map(|expect| &expect.fields)
        .filter(|(expected, _)| expected.schema.name == *name)
        .map(|(_, value)| value)
        .collect();
    let agreed = match expected.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => rest
            .iter()
            .all(|value| value.value == first.value)
            .then_some(first),
        _ => None,
    };
    match agreed.filter(|agreed| agreed.value != constant.value) {
        Some(first) => sink.push(
            fault(
                constant.span,
                format!("every test expects another {name} than this constant"),
                "not what they expect",
            )
            .related(first.span, "expected here")
            .help("let the constant and the tests agree"),
        ),
        None => {
            let others = expected
                .iter()
                .filter(|value| value.value != constant.value);
            sink.extend(others.map(|value| {
                fault(
                    value.span,
                    format!("the test expects another {name} than the constant"),
                    "not the constant",
                )
                .related(constant.span, "the constant")
                .help("expect what the mapping writes")
            }));
        }
    }
}

/// Every member of a pushed body is a path that goes back.
fn pushed(
    mapping: &Mapping,
    body: &Spanned<Literal>,
    path: &mut Vec<String>,
    sink: &mut Vec<Diagnostic>,
) {
    let Literal::Object(members) = &body.value else {
        return;
    };
    for (name, value) in members {
        path.push(name.value.clone());
        let goes_back = |exact: bool| {
            let mut sources = fit::two_way(mapping);
            sources.any(|(_, source)| {
                if exact {
                    source.path == *path
                } else {
                    source.path.starts_with(path)
                }
            })
        };
        if matches!(value.value, Literal::Object(_)) && goes_back(false) {
            pushed(mapping, value, path, sink);
        } else if !goes_back(true) {
            let message = format!(
                "the test pushes `{}`, which does not go back",
                path.join(".")
            );
            sink.push(
                fault(name.span, message, "does not go back")
                    .help("let its field go both ways, or take it out of the test"),
            );
        }
        path.pop();
    }
}
