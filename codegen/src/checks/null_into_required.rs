//! A null of the source that Salesforce refuses: the pair would differ for ever.
//!
//! Of fields that go forward only, a row that lacks what Salesforce demands is in the error log, with its line.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SalesforceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (field, source) in fit::two_way(mapping) {
        let schema = &field.destination.schema;
        // A check box takes null as not ticked.
        let refuses = !schema.nillable && schema.kind != SalesforceType::Boolean;
        if !refuses || !source.schema.nullable || field.required {
            continue;
        }
        let message = format!(
            "`{}` may be null, and {} never is",
            source.dotted(),
            schema.name
        );
        sink.push(
            Diagnostic::error(
                Code::NULL_INTO_REQUIRED,
                source.span,
                message,
                "may be null",
            )
            .as_warning()
            .related(schema.span, "not nillable")
            .help("add `required: true` where both sides demand it, or `allow: { M0212: why }`"),
        );
    }
}
