//! Gates of the way back where nothing goes back, and a way back that no gate ever opens.

use super::{Context, fit};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, Field, Mapping};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    // What goes back only is about nothing else; how, has its own rule.
    if mapping.goes_back_only() {
        return;
    }
    if mapping.direction == Direction::Forward {
        forward_only(mapping, sink);
        return;
    }
    let goes_back = |field: &&Field| field.direction(mapping.direction) == Direction::Both;
    // What cannot be written at all has its own rule.
    let forward = |field: &&Field| !goes_back(field) && fit::writable(&field.destination.schema);
    for field in mapping.fields.iter().filter(forward) {
        let Some((gate, span)) = gate(field) else {
            continue;
        };
        if gate == "monitored" && mapping.refuses_edits.is_some() {
            continue;
        }
        let name = &field.destination.schema.name;
        let says = match gate {
            "conflict" => "has a `conflict`".to_owned(),
            gate => format!("is {gate}"),
        };
        sink.push(
            fault(
                span,
                format!("{name} {says}, but it does not go back"),
                format!("`{gate}` is about the way back"),
            )
            .help(format!("take `{gate}` out, or let the field go both ways")),
        );
    }
    let mut back = mapping.fields.iter().filter(goes_back);
    if !context.incomplete && !back.any(|field| field.monitored) {
        sink.push(
            fault(
                mapping.name.span,
                "no field is monitored, so no record would ever go back".to_owned(),
                "this mapping goes both ways".to_owned(),
            )
            .help("add `monitored: true` to the fields whose change is to go back, or write `direction: forward`"),
        );
    }
}

fn fault(span: Span, message: String, label: String) -> Diagnostic {
    Diagnostic::error(Code::GATE_WITHOUT_WAY_BACK, span, message, label)
}

/// What a field says of the way back, and where.
fn gate(field: &Field) -> Option<(&'static str, Span)> {
    match (field.monitored, field.required, &field.conflict) {
        (true, _, _) => Some(("monitored", field.span)),
        (false, true, _) => Some(("required", field.span)),
        (false, false, Some(conflict)) => Some(("conflict", conflict.span)),
        (false, false, None) => None,
    }
}

/// Where one thing speaks of the way back, it is the mistake; where several do, the direction is.
fn forward_only(mapping: &Mapping, sink: &mut Vec<Diagnostic>) {
    // Who wins is said in passing; what lets a record go back is not.
    let gates = mapping.fields.iter().filter_map(gate);
    let is_watched = |gate: &str| gate == "monitored" && mapping.refuses_edits.is_some();
    let gates = gates.filter(|(gate, _)| *gate != "conflict" && !is_watched(gate));
    let tests = mapping
        .tests
        .iter()
        .filter(|test| test.base.is_some() || test.now.is_some() || test.push.is_some());
    let conditions = mapping
        .when_destination
        .iter()
        .map(|condition| ("when: destination", condition.field.span));
    let said: Vec<(&str, Span)> = gates
        .chain(conditions)
        .chain(tests.map(|test| ("test", test.name.span)))
        .collect();
    let found = match (said.as_slice(), mapping.direction_span) {
        ([], _) => return,
        ([(what, span)], _) => fault(
            *span,
            format!(
                "this {} is about the way back, but the mapping goes forward only",
                name(what)
            ),
            "nothing goes back here".to_owned(),
        )
        .help(format!(
            "write `direction: both`, or take the {} out",
            name(what)
        )),
        ([(_, first), ..], direction) => {
            let message = format!(
                "the mapping goes forward only, but {} of its parts are about the way back",
                said.len()
            );
            fault(
                direction.unwrap_or(mapping.name.span),
                message,
                "nothing goes back here".to_owned(),
            )
            .related(*first, "the first of them")
            .help("write `direction: both`, or take out what is about the way back")
        }
    };
    sink.push(found);
}

fn name(what: &str) -> String {
    match what {
        "test" => what.to_owned(),
        other => format!("`{other}`"),
    }
}
