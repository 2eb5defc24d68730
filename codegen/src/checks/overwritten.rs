//! A field that the org keeps for itself: what is written there does not last.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::schema::org::AutomationKind;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let object = &mapping.destination.value;
    for field in &mapping.fields {
        let schema = &field.destination.schema;
        let fact = context.schemas.org.automation(object, &schema.name);
        // Set once and left to the org from then on is what such fields are for.
        let Some(fact) = fact.filter(|_| fit::writable(schema) && !field.when_creating) else {
            continue;
        };
        if fact.kind == AutomationKind::Overwrites {
            let message = format!(
                "{object}.{} does not keep what is written: {}",
                schema.name, fact.why
            );
            sink.push(
                Diagnostic::error(
                    Code::OVERWRITTEN,
                    field.destination.span,
                    message,
                    "the org writes it",
                )
                .related(fact.span, "_org.json says so")
                .help("take the line out, add `when_creating: true`, or `allow: { M0219: why }`"),
            );
        }
    }
}
