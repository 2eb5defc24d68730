//! `unmapped: error`: what can be written and is neither mapped nor ignored was perhaps forgotten.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

/// So many names in the message; the help has them all.
const NAMED_MAX: usize = 3;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(span) = mapping.unmapped.filter(|_| !context.incomplete) else {
        return;
    };
    let Some(object) = context.schemas.objects.get(&mapping.destination.value) else {
        return;
    };
    let known: std::collections::BTreeSet<&str> = mapping
        .fields
        .iter()
        .map(|field| &field.destination)
        .chain(&mapping.ignore)
        .chain(&mapping.key.destination)
        .chain(&mapping.key.natural)
        .map(|field| field.schema.name.as_str())
        .collect();
    let writable = object.fields.iter().filter(|field| fit::writable(field));
    let forgotten: Vec<_> = writable
        .filter(|field| !known.contains(field.name.as_str()))
        .collect();
    let Some(first) = forgotten.first() else {
        return;
    };
    let names: Vec<&str> = forgotten.iter().map(|field| field.name.as_str()).collect();
    let message = match names.len() {
        count @ ..=NAMED_MAX => {
            let verb = if count == 1 { "is" } else { "are" };
            format!(
                "{} of {} {verb} neither mapped nor ignored",
                names.join(", "),
                object.name
            )
        }
        count => {
            let some = names.get(..NAMED_MAX).unwrap_or_default().join(", ");
            format!(
                "{some} and {} more fields of {} are neither mapped nor ignored",
                count - NAMED_MAX,
                object.name
            )
        }
    };
    sink.push(
        Diagnostic::error(
            Code::UNMAPPED,
            span,
            message,
            "each field is mapped or ignored",
        )
        .related(first.span, "the first of them")
        .help(format!(
            "map them, or add to `ignore`: {}",
            names.join(", ")
        )),
    );
}
