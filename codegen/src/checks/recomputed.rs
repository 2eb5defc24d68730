//! A field that the org computes from other records, whatever is written.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::org::AutomationKind;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let object = &mapping.destination.value;
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        let fact = context.schemas.org.automation(object, &schema.name);
        let Some(fact) = fact.filter(|_| fit::writable(schema)) else {
            continue;
        };
        if fact.kind == AutomationKind::Recomputes {
            let message = format!(
                "{object}.{} is computed by the org: {}",
                schema.name, fact.why
            );
            sink.push(
                Diagnostic::error(
                    Code::RECOMPUTED,
                    field.destination.span,
                    message,
                    "computed",
                )
                .related(fact.span, "_org.json says so")
                .help("take the line out, or `allow: { M0220: why }`"),
            );
        }
    }
}
