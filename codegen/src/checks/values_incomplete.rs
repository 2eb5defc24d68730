//! `values` that lacks a word which the source has, or has one that it never says.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Literal, Mapping, Origin, Otherwise, Rule};
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        if let Origin::Computed(rule) = &field.origin {
            sink.extend(of_rule(rule));
        }
    }
}

fn of_rule(rule: &Rule) -> Option<Diagnostic> {
    let Rule::Values {
        span,
        of,
        table,
        otherwise,
    } = rule
    else {
        return None;
    };
    let SourceType::Text { values, .. } = &of.schema.kind else {
        return None;
    };
    if values.is_empty() {
        return None;
    }
    let is = |value: &String, literal: &Literal| match literal {
        Literal::Text(word) => word.eq_ignore_ascii_case(value),
        _ => false,
    };
    let never = table
        .iter()
        .find(|(from, _)| !values.iter().any(|value| is(value, &from.value)));
    if let Some((from, _)) = never {
        let word = match &from.value {
            Literal::Text(word) => word.as_str(),
            _ => "",
        };
        let message = format!("`{}` is never `{word}`", of.dotted());
        let fault = Diagnostic::error(Code::VALUES_INCOMPLETE, from.span, message, "never said");
        return Some(fault.related(of.schema.span, "its values").did_you_mean(
            from.span,
            word,
            values.iter().map(String::as_str),
        ));
    }
    let mut lacking = values.iter();
    let lacking = lacking.find(|value| !table.iter().any(|(from, _)| is(value, &from.value)))?;
    (*otherwise == Otherwise::Fail).then(|| {
        let message = format!(
            "`{}` may be `{lacking}`, which is not in the table",
            of.dotted()
        );
        Diagnostic::error(Code::VALUES_INCOMPLETE, *span, message, "not complete")
            .related(of.schema.span, "its values")
            .help(format!(
                "add `{lacking}`, or `otherwise:` with what else becomes"
            ))
    })
}
