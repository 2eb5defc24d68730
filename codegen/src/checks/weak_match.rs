//! A `match` that takes strangers for one: single fields that many records share, and nothing else.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, MatchPolicy};
use crate::schema::{SalesforceField, SalesforceType};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    if mapping.policy != MatchPolicy::Adopt || context.incomplete {
        return;
    }
    // Of two or more fields together an author may know that they say who it is.
    let singles: Option<Vec<_>> = mapping
        .rungs
        .iter()
        .map(|rung| match rung.pairs.as_slice() {
            [single] if !says_who(&single.1.schema) => Some(single),
            _ => None,
        })
        .collect();
    if let Some([(source, field), ..]) = singles.as_deref() {
        let schema = &field.schema;
        let message = format!(
            "nothing in `match` says who it is: the first record of the same {} would be adopted",
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

fn says_who(schema: &SalesforceField) -> bool {
    let is_look_up = schema.unique || schema.external_id || schema.id_lookup;
    is_look_up || schema.kind == SalesforceType::Email
}
