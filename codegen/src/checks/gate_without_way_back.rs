//! Gates of the way back where nothing goes back, and a way back that no gate ever opens.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Direction, Field, Mapping};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let goes_back = |field: &&Field| field.direction(mapping.direction) == Direction::Both;
    if mapping.direction == Direction::Forward {
        sink.extend(mapping.tests.iter().filter_map(test));
        return;
    }
    for field in mapping.fields.iter().filter(|field| !goes_back(field)) {
        let gate = match (field.monitored, field.required) {
            (true, _) => "monitored",
            (false, true) => "required",
            (false, false) => continue,
        };
        let name = &field.destination.schema.name;
        sink.push(
            Diagnostic::error(
                Code::GATE_WITHOUT_WAY_BACK,
                field.span,
                format!("{name} is {gate}, but it does not go back"),
                format!("`{gate}` says when a record goes back"),
            )
            .help(format!("take `{gate}` out, or let the field go both ways")),
        );
    }
    let mut back = mapping.fields.iter().filter(goes_back);
    if !context.incomplete && !back.any(|field| field.monitored) {
        sink.push(
            Diagnostic::error(
                Code::GATE_WITHOUT_WAY_BACK,
                mapping.name.span,
                "no field is monitored, so no record would ever go back",
                "this mapping goes both ways",
            )
            .help("add `monitored: true` to the fields whose change is to go back, or write `direction: forward`"),
        );
    }
}

/// A test about what goes back, in a mapping from which nothing does.
fn test(test: &crate::model::Test) -> Option<Diagnostic> {
    let about_back = test.base.is_some() || test.now.is_some() || test.push.is_some();
    about_back.then(|| {
        Diagnostic::error(
            Code::GATE_WITHOUT_WAY_BACK,
            test.name.span,
            "the test is about the way back, but this mapping goes forward only",
            "nothing goes back here",
        )
        .help("write `direction: both`, or keep to `given` and `expect`")
    })
}
