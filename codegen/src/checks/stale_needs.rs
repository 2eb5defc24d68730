//! `needs: npsp` of a field that is there without NPSP too: it would be left out for nothing.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Mapping, Origin, Rule};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        if let Some(span) = field
            .needs_npsp
            .filter(|_| !schema.needs_npsp && !reads_npsp(field))
        {
            let message = format!(
                "{}.{} does not come with NPSP",
                mapping.destination.value, schema.name
            );
            sink.push(
                Diagnostic::error(Code::STALE_NEEDS, span, message, "not needed")
                    .related(schema.span, "its schema")
                    .help("take `needs: npsp` out"),
            );
        }
    }
}

/// It is looked for among what comes with NPSP.
fn reads_npsp(field: &Field) -> bool {
    let Origin::Computed(Rule::Lookup(lookup)) = &field.origin else {
        return false;
    };
    lookup.by.iter().any(|(field, _)| {
        let schema = field.schema.as_ref();
        schema.is_some_and(|schema| schema.needs_npsp)
    })
}
