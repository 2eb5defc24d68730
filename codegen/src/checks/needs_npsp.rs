//! A field that comes with NPSP is not there in every org.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    // Then there are no such records without it.
    if mapping.needs_npsp() {
        return;
    }
    for field in mapping
        .fields
        .iter()
        .filter(|field| field.destination.schema.needs_npsp && field.needs_npsp.is_none())
    {
        let message = format!(
            "{}.{} exists only where NPSP is installed",
            mapping.destination.value, field.destination.schema.name
        );
        sink.push(
            Diagnostic::error(
                Code::NEEDS_NPSP,
                field.destination.span,
                message,
                "comes with NPSP",
            )
            .related(field.destination.schema.span, "the schema says so")
            .help("add `needs: npsp`")
            .add_key(field.span, "needs: npsp"),
        );
    }
}
