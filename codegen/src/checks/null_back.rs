//! A blank of Salesforce that the source refuses.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::SalesforceType;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for (field, source) in fit::two_way(mapping) {
        let schema = &field.destination.schema;
        let may_be_blank = schema.nillable && schema.kind != SalesforceType::Boolean;
        if !may_be_blank || source.schema.nullable || field.required {
            continue;
        }
        let message = format!(
            "{} may be blank, and `{}` is never null",
            schema.name,
            source.dotted()
        );
        sink.push(
            Diagnostic::error(
                Code::NULL_BACK,
                field.destination.span,
                message,
                "may be blank",
            )
            .related(source.schema.span, "null is not among its types")
            .help(
                "add `required: true`, so that a record without it waits, or `direction: forward`",
            ),
        );
    }
}
