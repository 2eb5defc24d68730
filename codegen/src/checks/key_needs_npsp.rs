//! A key or a lock that is not there in every org.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let key = mapping.key.destination.as_ref().map(|key| ("key", key));
    let lock = mapping.lock.as_ref().map(|lock| ("lock", lock));
    for (what, field) in key.into_iter().chain(lock) {
        if field.schema.needs_npsp && !mapping.needs_npsp() {
            let message = format!(
                "{} cannot be the {what}: it exists only where NPSP is installed",
                field.schema.name
            );
            sink.push(
                Diagnostic::error(Code::KEY_NEEDS_NPSP, field.span, message, "comes with NPSP")
                    .related(field.schema.span, "its schema")
                    .help("use a field that every org has"),
            );
        }
    }
}
