//! Text of any value into a picklist that takes only its own.

use super::{Context, fit, wrong_format};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Mapping, SourceField};
use crate::schema::{SalesforceField, SalesforceType, SourceType};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        let Some(source) = fit::sound(field).filter(|source| is_open(field, source)) else {
            continue;
        };
        let message = format!(
            "`{}` may have any value, and {} takes only its own",
            source.dotted(),
            schema.name
        );
        sink.push(
            Diagnostic::error(Code::OPEN_INTO_RESTRICTED, source.span, message, "any text")
                .related(schema.span, "a restricted picklist")
                .help(
                    "list the values as `enum` in the source's schema, or `allow: { M0224: why }`",
                ),
        );
    }
}

/// The source lists no values, and the picklist takes no others than its own.
pub fn is_open(field: &Field, source: &SourceField) -> bool {
    let lists_none =
        matches!(&source.schema.kind, SourceType::Text { values, .. } if values.is_empty());
    lists_none
        && is_closed(&field.destination.schema)
        && wrong_format::wrong(field, source).is_none()
}

/// Only picklists have values of their own, whatever else says so of itself.
fn is_closed(schema: &SalesforceField) -> bool {
    let is_picklist = matches!(
        schema.kind,
        SalesforceType::Picklist | SalesforceType::Multipicklist
    );
    is_picklist && schema.restricted_picklist
}
