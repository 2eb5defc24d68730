//! A condition that no row can meet.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Condition, Literal, Mapping};
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    sink.extend(mapping.when.iter().filter_map(impossible));
}

fn impossible(condition: &Condition) -> Option<Diagnostic> {
    let equals = &condition.equals;
    let path = condition.source.dotted();
    let fault = |text: String, label: &str| {
        Diagnostic::error(Code::IMPOSSIBLE_WHEN, equals.span, text, label)
            .related(condition.source.schema.span, "its schema")
    };
    match (&condition.source.schema.kind, &equals.value) {
        (_, Literal::Null) if condition.source.schema.nullable => None,
        (SourceType::Text { values, .. }, Literal::Text(text))
            if values.is_empty() || values.contains(text) =>
        {
            None
        }
        (SourceType::Text { values, .. }, Literal::Text(text)) => Some(
            fault(
                format!("`{path}` is never `{text}`"),
                "no such value in the schema",
            )
            .did_you_mean(equals.span, text, values.iter().map(String::as_str)),
        ),
        (SourceType::Boolean, Literal::Boolean(_)) | (SourceType::Integer, Literal::Integer(_)) => {
            None
        }
        (kind, _) => Some(
            fault(
                format!("`{path}` is {}, and this is not", kind.describe()),
                "can never be equal",
            )
            .help("compare it with a value of its own type"),
        ),
    }
}
