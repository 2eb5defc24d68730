//! `restrictive` where neither value permits less.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Conflict, Mapping};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for field in &mapping.fields {
        let Some(conflict) = &field.conflict else {
            continue;
        };
        if conflict.value != Conflict::Restrictive || field.restrictive_value().is_some() {
            continue;
        }
        let name = &field.destination.schema.name;
        sink.push(
            Diagnostic::error(
                Code::NOT_A_CONSENT,
                conflict.span,
                format!("{name} is not a consent, so neither of its values permits less"),
                "which value is the restrictive one?",
            )
            .help("write `newest`, `source`, `destination` or `review`"),
        );
    }
}
