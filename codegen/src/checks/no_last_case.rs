//! A `choose` that leaves a field as it is where no case holds, and cases that are never reached.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Mapping, Origin, Rule};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    sink.extend(mapping.fields.iter().filter_map(of_field));
}

fn of_field(field: &Field) -> Option<Diagnostic> {
    let Origin::Computed(Rule::Cases(cases)) = &field.origin else {
        return None;
    };
    let name = &field.destination.schema.name;
    let open = cases.iter().position(|case| case.when.is_empty());
    let Some(open) = open else {
        // What only a create says was not there before.
        if field.when_creating {
            return None;
        }
        let message = format!("{name} stays as it is where no case holds");
        return Some(
            Diagnostic::error(Code::NO_LAST_CASE, field.span, message, "no last case")
                .as_warning()
                .help("end with a case without `when`, or `allow: { M0327: why }`"),
        );
    };
    let behind = cases.get(open + 1)?;
    let always = cases.get(open)?;
    Some(
        Diagnostic::error(
            Code::NO_LAST_CASE,
            behind.span,
            "this case is never reached",
            "behind one that always holds",
        )
        .related(always.span, "it has no `when`")
        .help("put the case without `when` last"),
    )
}
