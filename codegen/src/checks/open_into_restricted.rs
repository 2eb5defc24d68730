//! Text of any value into a picklist that takes only its own.

use super::{Context, fit, wrong_format};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::{SalesforceField, SalesforceType, SourceType};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        let Some(source) = fit::sound(field).filter(|_| is_closed(schema)) else {
            continue;
        };
        let is_open =
            matches!(&source.schema.kind, SourceType::Text { values, .. } if values.is_empty());
        if is_open && wrong_format::wrong(field, source).is_none() {
            let message = format!(
                "`{}` may have any value, and {} takes only its own",
                source.dotted(),
                schema.name
            );
            sink.push(
                Diagnostic::error(Code::OPEN_INTO_RESTRICTED, source.span, message, "any text")
                    .related(schema.span, "a restricted picklist")
                    .help("list the values as `enum` in the source's schema, or `allow: { M0224: why }`"),
            );
        }
    }
}

/// Only picklists have values of their own, whatever else says so of itself.
fn is_closed(schema: &SalesforceField) -> bool {
    let is_picklist = matches!(
        schema.kind,
        SalesforceType::Picklist | SalesforceType::Multipicklist
    );
    is_picklist && schema.restricted_picklist
}
