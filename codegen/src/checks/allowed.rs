//! `allow:`: what an author overrules is left out of the report; what overrules nothing is stale.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Allow, Mapping};
use crate::span::Span;

/// What is left of the reports on one mapping. An entry of `fields` speaks for itself, the mapping for all the rest.
pub fn apply(mapping: &Mapping, context: &Context<'_>, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut used: Vec<Span> = Vec::new();
    let mut left = Vec::new();
    for diagnostic in found {
        match overruled(mapping, &diagnostic) {
            Some(allow) => used.push(allow.span),
            None => left.push(diagnostic),
        }
    }
    let mut stale = Vec::new();
    let of_fields = mapping
        .fields
        .iter()
        .flat_map(|field| field.allow.iter().map(|allow| (allow, Some(field.span))));
    let of_mapping = mapping.allow.iter().map(|allow| (allow, None));
    for (allow, entry) in of_fields.chain(of_mapping) {
        // Where something else is wrong, the rule may not have come to its judgement.
        let hidden = match entry {
            Some(entry) => left.iter().any(|other| within(other.span, entry)),
            None => context.incomplete,
        };
        if !used.contains(&allow.span) && !hidden {
            stale.push(unused(allow, entry.is_some()));
        }
    }
    left.append(&mut stale);
    left
}

fn overruled<'m>(mapping: &'m Mapping, diagnostic: &Diagnostic) -> Option<&'m Allow> {
    let entry = mapping
        .fields
        .iter()
        .find(|field| within(diagnostic.span, field.span));
    let said = entry.map_or(&mapping.allow, |field| &field.allow);
    said.iter().find(|allow| allow.code == diagnostic.code)
}

fn within(inner: Span, outer: Span) -> bool {
    inner.file == outer.file && inner.start >= outer.start && inner.end <= outer.end
}

fn unused(allow: &Allow, of_field: bool) -> Diagnostic {
    let place = if of_field {
        "this field"
    } else {
        "the mapping as a whole"
    };
    let message = format!(
        "{} is allowed, but it is not reported for {place}",
        allow.code
    );
    Diagnostic::error(Code::STALE_ALLOW, allow.span, message, "stale").help("take it out")
}
