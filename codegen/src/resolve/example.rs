//! A mapping's `tests:`: their rows and their expectations name fields of the two schemas.

use super::mapping::Sides;
use super::{lookup, tree};
use crate::ast;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{self, Expectation, Test};
use crate::schema::{SourceSchemaField, SourceType};
use crate::settings;
use crate::span::Spanned;

/// One entry of `tests:`.
pub(super) fn test(test: &ast::Test, sides: &Sides<'_>, sink: &mut Vec<Diagnostic>) -> Test {
    let body = match &test.push {
        Some(model::Push::Body(body)) => Some(body),
        Some(model::Push::Nothing) | None => None,
    };
    for row in test.given.iter().flat_map(rows).chain(body) {
        if let model::Literal::Object(members) = &row.value {
            given_fields(members, "", &sides.entity, sides.raw, sink);
        }
    }
    let settings = settings(&test.settings, sink);
    let mut of = |written: &ast::Pairs, exact: bool| Expectation {
        exact,
        fields: written
            .iter()
            .filter_map(|(name, literal)| {
                let field = lookup::destination(name, sides.object, sink)?;
                Some((field, literal.clone()))
            })
            .collect(),
    };
    let records = test.records.as_ref().map(|records| {
        let all = records.value.iter().map(|record| of(record, test.exact));
        Spanned::new(all.collect(), records.span)
    });
    let mut record =
        |written: &Option<ast::Pairs>, exact| written.as_ref().map(|written| of(written, exact));
    Test {
        span: test.span,
        name: test.name.clone(),
        given: test.given.clone(),
        settings,
        absent: test.absent,
        base: record(&test.base, true),
        now: record(&test.now, true),
        linked: test.linked,
        expect: record(&test.expect, test.exact),
        records,
        push: test.push.clone(),
    }
}

/// The rows of a test: one, or those of its list.
fn rows(given: &Spanned<model::Literal>) -> &[Spanned<model::Literal>] {
    match &given.value {
        model::Literal::List(rows) => rows,
        _ => std::slice::from_ref(given),
    }
}

/// Settings that there are, by their names.
fn settings(written: &ast::Pairs, sink: &mut Vec<Diagnostic>) -> ast::Pairs {
    let mut known = written.clone();
    known.retain(|(name, _)| {
        let found = settings::setting_of(&name.value);
        if found.is_none() {
            sink.push(lookup::unknown_setting(name, &name.value));
        }
        found.is_some()
    });
    known
}

/// The members of a test's row exist; null and values of any type are the test's business.
fn given_fields(
    members: &[(Spanned<String>, Spanned<model::Literal>)],
    prefix: &str,
    entity: &str,
    properties: &[(String, SourceSchemaField)],
    sink: &mut Vec<Diagnostic>,
) {
    for (name, value) in members {
        let path = Spanned::new(format!("{prefix}{}", name.value), name.span);
        // Members that the runtime adds to a row have no schema.
        let said = [
            "$at",
            tree::ADOPTED,
            tree::MOVED,
            tree::NO_LINES,
            tree::ORGANIZATION,
        ];
        if said.contains(&path.value.as_str()) {
            continue;
        }
        match properties.iter().find(|(known, _)| *known == name.value) {
            None => {
                let message = format!("{entity} has no field `{}`", path.value);
                sink.push(
                    Diagnostic::error(
                        Code::UNKNOWN_SOURCE_FIELD,
                        name.span,
                        message,
                        "no such field in the schema",
                    )
                    .did_you_mean(
                        name.span,
                        &name.value,
                        properties.iter().map(|(known, _)| known.as_str()),
                    ),
                );
            }
            Some((_, field)) => {
                if let (SourceType::Object(inner), model::Literal::Object(members)) =
                    (&field.kind, &value.value)
                {
                    given_fields(members, &format!("{}.", path.value), entity, inner, sink);
                }
            }
        }
    }
}
