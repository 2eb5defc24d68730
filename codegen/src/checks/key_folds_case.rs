//! A key in which `a` and `A` are the same, though they may be two records of the source.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SourceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let (Some(field), source) = (&mapping.key.destination, &mapping.key.source) else {
        return;
    };
    let schema = &field.schema;
    let is_uuid = matches!(&source.schema.kind, SourceType::Text { format: Some(format), .. } if format == "uuid");
    let is_key = schema.external_id && schema.unique;
    if !(is_key && schema.folds_case) || is_uuid {
        return;
    }
    let message = format!(
        "{} does not tell `a` from `A`, and `{}` may",
        schema.name,
        source.dotted()
    );
    sink.push(
        Diagnostic::error(Code::KEY_FOLDS_CASE, field.span, message, "not case-sensitive")
            .as_warning()
            .related(schema.span, "its schema")
            .help("make the field case-sensitive in Salesforce and pull the schema; say `\"format\": \"uuid\"` in the source's schema; or `allow: { M0217: why }`"),
    );
}
