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
    for test in &mapping.tests {
        for (field, value) in test.expect.iter().flat_map(|expect| &expect.fields) {
            let name = &field.schema.name;
            let mut mapped = mapping.fields.iter();
            match mapped.find(|mapped| mapped.destination.schema.name == *name) {
                Some(mapped) => other_constant(mapped, value, sink),
                None if mapping.key.destination.schema.name == *name => {}
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

fn other_constant(field: &Field, expected: &Spanned<Literal>, sink: &mut Vec<Diagnostic>) {
    let Origin::Constant(constant) = &field.origin else {
        return;
    };
    if constant.value != expected.value {
        let message = format!(
            "the test expects another {} than the constant",
            field.destination.schema.name
        );
        sink.push(
            fault(expected.span, message, "not the constant")
                .related(constant.span, "the constant")
                .help("expect what the mapping writes"),
        );
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
