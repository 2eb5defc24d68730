//! Two mappings of a tree that write the same fields of one record.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, Tree};

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(tree) = &mapping.tree else { return };
    let Some(of) = &tree.record_of else { return };
    let others = context.model.mappings.iter().filter(|other| {
        let theirs = other.tree.as_ref().and_then(|tree| tree.record_of.as_ref());
        let earlier = theirs.is_some_and(|theirs| theirs.value == of.value)
            && other.name.value < mapping.name.value;
        other.name.value == of.value || earlier
    });
    for other in others {
        let Some(other_tree) = &other.tree else {
            continue;
        };
        if excluded(tree, other_tree) {
            continue;
        }
        let shared = mapping.fields.iter().find(|field| {
            let name = &field.destination.schema.name;
            let mut theirs = other.fields.iter();
            theirs.any(|other| other.destination.schema.name == *name)
        });
        if let Some(field) = shared {
            let message = format!(
                "`{}` and `{}` write {} of one record",
                mapping.name.value, other.name.value, field.destination.schema.name
            );
            sink.push(
                Diagnostic::error(Code::RECORD_TWICE, of.span, message, "written by both")
                    .related(field.destination.span, "here too")
                    .help("let `exists_when` of both name one setting with different values, or write other fields"),
            );
        }
    }
}

fn excluded(one: &Tree, other: &Tree) -> bool {
    let mut conditions = one.exists_when.iter();
    conditions.any(|one| other.exists_when.iter().any(|other| one.excludes(other)))
}
