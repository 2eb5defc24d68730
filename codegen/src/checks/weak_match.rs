//! A rung of `match` that takes strangers for one: a single field that many records share.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, MatchPolicy};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    if mapping.policy != MatchPolicy::Adopt || context.incomplete {
        return;
    }
    for rung in &mapping.rungs {
        // Of two or more fields together an author may know that they say who it is.
        let [(source, field)] = rung.pairs.as_slice() else {
            continue;
        };
        let schema = &field.schema;
        if schema.unique || schema.external_id || schema.id_lookup {
            continue;
        }
        let message = format!(
            "{} alone does not say who it is: the first record of the same value would be adopted",
            schema.name
        );
        sink.push(
            Diagnostic::error(Code::WEAK_MATCH, source.span, message, "many may share it")
                .as_warning()
                .related(schema.span, "neither unique nor a look-up field")
                .help("compare more fields, write `policy: review`, or `allow: { M0316: why }` for the mapping"),
        );
    }
}
