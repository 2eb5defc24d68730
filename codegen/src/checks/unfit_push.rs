//! What goes back only: how, and whether each field can be turned round.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Field, Mapping, Origin, Rule};
use crate::span::Span;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    sink.extend(edits(mapping, context));
    let Some(push) = &mapping.push_as else {
        sink.extend(mapping.reverse.map(|span| {
            fault(
                span,
                "a mapping that is `direction: reverse` says what its records become",
                "how?",
            )
            .help("add `push_as: create` or `push_as: extend`")
        }));
        return;
    };
    if mapping.reverse.is_none() {
        let message = "`push_as` wants a mapping that goes back only";
        sink.push(
            fault(push.span, message, "goes forward as well").help("write `direction: reverse`"),
        );
        return;
    }
    if let Some(tree) = &mapping.tree {
        let message = "a record that goes back only is no part of a tree";
        sink.push(fault(tree.root.span, message, "goes forward").help("take `part_of` out"));
    }
    sink.extend(mapping.fields.iter().filter_map(turned_round));
    if !context.incomplete && !mapping.fields.iter().any(|field| field.required) {
        let message = "no field is required, so that every record would go back";
        sink.push(
            fault(push.span, message, "of any record")
                .help("add `required: true` to the fields without which Ticketure takes none"),
        );
    }
}

fn fault(span: Span, message: &str, label: &str) -> Diagnostic {
    Diagnostic::error(Code::UNFIT_PUSH, span, message, label)
}

fn turned_round(field: &Field) -> Option<Diagnostic> {
    let fits = match &field.origin {
        Origin::Source(_) => true,
        Origin::Constant(_) => false,
        Origin::Computed(rule) => matches!(rule, Rule::Values { .. } | Rule::Lookup(_)),
    };
    let name = &field.destination.schema.name;
    let message = format!("what {name} is made of cannot be told from {name}");
    (!fits).then(|| {
        fault(field.span, &message, "cannot be turned round")
            .help("map a path, a reference or a table of `values`")
    })
}

/// Of a root that goes forward only, and of something that can be edited.
fn edits(mapping: &Mapping, context: &Context<'_>) -> Option<Diagnostic> {
    let span = mapping.refuses_edits?;
    let is_root = |mapping: &Mapping| {
        let tree = mapping.tree.as_ref();
        tree.is_some_and(|tree| tree.root.value == mapping.name.value)
    };
    // A tree without a root has been reported.
    let root = mapping
        .tree
        .as_ref()
        .map(|tree| context.named(&tree.root.value));
    if root.is_some_and(|root| !root.is_some_and(is_root)) {
        return None;
    }
    if !is_root(mapping) {
        let message = "`on_edit: refuse` wants the root of a tree: other records go back, or are nobody's to edit";
        return Some(fault(span, message, "no root").help("take `on_edit` out"));
    }
    let is_watched = mapping.fields.iter().any(|field| field.monitored);
    (!is_watched).then(|| {
        fault(
            span,
            "no field is monitored, so no edit is ever seen",
            "of what?",
        )
        .help("add `monitored: true` to the fields whose edit is to be refused")
    })
}
