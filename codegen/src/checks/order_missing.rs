//! Rows whose order counts and is not said: which of them is the last would be a matter of chance.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Mapping, Tree};

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let Some(tree) = &mapping.tree else { return };
    sink.extend(no_order(tree).or_else(|| no_reduce(mapping, tree)));
}

fn no_order(tree: &Tree) -> Option<Diagnostic> {
    let reduce = tree.reduce.as_ref()?;
    reduce.order.is_empty().then(|| {
        let span = reduce.order_span.unwrap_or(reduce.span);
        let message = "which row is the last is not said";
        Diagnostic::error(Code::ORDER_MISSING, span, message, "no order")
            .help("add `order: [occurred_at]`, or `order: [$at]` for when a row was delivered")
    })
}

/// Rows are told apart by their own members, so what is made of them cannot say which belong together.
fn no_reduce(mapping: &Mapping, tree: &Tree) -> Option<Diagnostic> {
    let needs = mapping.key.made.is_some() || tree.record_of.is_some();
    (needs && tree.reduce.is_none()).then(|| {
        let span = mapping.key.source.span;
        let message = "which rows belong to one record is not said";
        Diagnostic::error(Code::ORDER_MISSING, span, message, "no `reduce`")
            .help("add `reduce: { by: path, order: [path] }`")
    })
}
