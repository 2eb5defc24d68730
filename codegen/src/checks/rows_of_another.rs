//! `record: {of: ...}` outside a tree: rows of another webhook that speak of the records of a mapping.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, Mapping};
use crate::span::{Span, Spanned};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(of) = &mapping.rows_of else { return };
    let mut others = context.model.mappings.iter();
    let Some(other) = others.find(|other| other.name.value == of.value) else {
        return;
    };
    // What goes back only becomes a record that a tree writes.
    if mapping.goes_back_only() {
        return;
    }
    if other.rows_of.is_some() || other.tree.is_some() {
        let help = "name the mapping that has the records, or say `part_of` where they are written as a tree";
        let message = format!("`{}` has no records of its own", of.value);
        return say(of.span, message, "another mapping's", help, sink);
    }
    if other.destination.value != mapping.destination.value {
        let message = format!(
            "the records of `{}` are {}",
            of.value, other.destination.value
        );
        let help = "name that object as `destination`";
        return say(
            mapping.destination.span,
            message,
            "another object",
            help,
            sink,
        );
    }
    if mapping.direction == Direction::Both {
        let message = format!("what goes back goes through `{}`", of.value);
        let span = mapping.direction_span.unwrap_or(of.span);
        say(
            span,
            message,
            "forward only",
            "write `direction: forward`",
            sink,
        );
    }
    for field in &mapping.fields {
        let name = &field.destination.schema.name;
        let known = |field: &crate::model::Field| field.destination.schema.name == *name;
        if !other.fields.iter().any(known) {
            sink.push(unknown_to(of, other, field.destination.span, name));
        }
    }
}

fn unknown_to(of: &Spanned<String>, other: &Mapping, span: Span, name: &str) -> Diagnostic {
    let message = format!(
        "`{}` does not write {name}, so nothing is known of it",
        of.value
    );
    Diagnostic::error(
        Code::ROWS_OF_ANOTHER,
        span,
        message,
        "not a field of that mapping",
    )
    .related(other.name.span, "its mapping")
    .help("map the field there too, or take it out here")
}

fn say(span: Span, message: String, label: &str, help: &str, sink: &mut Vec<Diagnostic>) {
    sink.push(Diagnostic::error(Code::ROWS_OF_ANOTHER, span, message, label).help(help));
}
