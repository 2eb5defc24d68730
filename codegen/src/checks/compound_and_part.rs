//! A field and a part of it, both written: `Name` and `LastName` of a person account.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for part in &mapping.fields {
        let Some(name) = &part.destination.schema.compound_field else {
            continue;
        };
        let mut others = mapping.fields.iter();
        let whole = others.find(|other| {
            other.destination.schema.name == *name && fit::writable(&other.destination.schema)
        });
        if let Some(whole) = whole {
            let message = format!(
                "{} is a part of {name}, and both are written",
                part.destination.schema.name
            );
            sink.push(
                Diagnostic::error(
                    Code::COMPOUND_AND_PART,
                    part.destination.span,
                    message,
                    "a part",
                )
                .related(whole.destination.span, "the whole")
                .related(part.destination.schema.span, "its schema")
                .help("map the whole, or its parts"),
            );
        }
    }
}
