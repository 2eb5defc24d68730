//! Records that wait for each other would wait for ever.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, MappingId, Model};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let own = context
        .model
        .mappings
        .iter()
        .position(|other| other.name.value == mapping.name.value)
        .map(MappingId);
    for field in &mapping.fields {
        let Some(reference) = &field.reference else {
            continue;
        };
        if own.is_some_and(|own| reaches(context.model, reference.value, own, &mut Vec::new())) {
            let name = context
                .model
                .mappings
                .get(reference.value.0)
                .map(|other| other.name.value.as_str())
                .unwrap_or_default();
            let message = match &mapping.name.value {
                own if own == name => format!("`{own}` waits for its own records"),
                own => format!("`{own}` and `{name}` wait for each other's records"),
            };
            sink.push(
                Diagnostic::error(
                    Code::REFERENCE_CYCLE,
                    reference.span,
                    message,
                    "this leads back here",
                )
                .help("take one of the references out"),
            );
        }
    }
}

fn reaches(model: &Model, from: MappingId, to: MappingId, seen: &mut Vec<MappingId>) -> bool {
    if from == to {
        return true;
    }
    if seen.contains(&from) {
        return false;
    }
    seen.push(from);
    let fields = model
        .mappings
        .get(from.0)
        .map(|mapping| mapping.fields.as_slice())
        .unwrap_or_default();
    fields
        .iter()
        .filter_map(|field| field.reference.as_ref())
        .any(|next| reaches(model, next.value, to, seen))
}
