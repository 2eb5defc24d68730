//! What makes sense of records of a tree only.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::span::Span;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    // What else says so has been reported.
    if mapping.wants_tree {
        return;
    }
    let natural = mapping.key.natural.first();
    let natural = natural.map(|field| (field.span, "a key of fields"));
    let made = mapping.key.made.as_ref().map(|_| &mapping.key.source);
    let made = made.map(|source| (source.span, "a key that is made"));
    let fields = mapping.fields.iter().flat_map(|field| {
        let last = field.written_last.as_ref();
        let last = last.map(|last| (last.span, "`written_last`"));
        let first = field.or_first.map(|span| (span, "`or_first`"));
        last.into_iter().chain(first)
    });
    let tests = mapping.tests.iter().filter_map(|test| {
        let several = test.records.as_ref().map(|records| records.span);
        let absent = test.absent.map(|span| (span, "`expect: absent`"));
        absent.or(several.map(|span| (span, "`expect` with a list")))
    });
    let all = natural.into_iter().chain(made).chain(fields).chain(tests);
    sink.extend(all.map(|(span, what)| fault(span, what)));
}

fn fault(span: Span, what: &str) -> Diagnostic {
    let message = format!("{what} wants a mapping that is part of a tree");
    Diagnostic::error(Code::NOT_IN_TREE, span, message, "in no tree")
        .help("add `part_of:` with the mapping at the root, or take this out")
}
