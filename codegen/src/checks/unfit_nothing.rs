//! Reports words of `nothing` that a mapping takes.

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Condition, Is, Literal, Mapping};
use crate::span::Spanned;

pub fn check(mapping: &Mapping, context: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    for listed in &mapping.nothing {
        if mapping.goes_back_only() {
            let message = "a mapping that goes back only takes no rows";
            let fault = Diagnostic::error(Code::UNFIT_NOTHING, listed.span, message, "of no row");
            sink.push(fault.help("take `nothing` out"));
            continue;
        }
        let taken = listed.values().into_iter();
        sink.extend(taken.filter_map(|word| taken_by(mapping, context, listed, &word)));
    }
}

/// Finds the mapping that takes the word: this one, or another of the same webhook without further conditions.
fn taken_by(
    mapping: &Mapping,
    context: &Context<'_>,
    listed: &Condition,
    word: &Spanned<Literal>,
) -> Option<Diagnostic> {
    let path = &listed.source.path;
    let of_webhook = |other: &&Mapping| {
        other.payload.payload_type.value == mapping.payload.payload_type.value && decides(other)
    };
    let is_own = |other: &Mapping| other.name.value == mapping.name.value;
    let others = context.model.mappings.iter().filter(of_webhook);
    let mut taking = others.filter_map(|other| {
        let (asks, more): (Vec<_>, Vec<_>) = other
            .when
            .iter()
            .partition(|condition| condition.source.path == *path);
        let lets_through = asks.iter().all(|condition| takes(condition, &word.value));
        // Further conditions of another mapping may fail for a row of this one.
        let says_so = is_own(other) && !asks.is_empty();
        let takes_all = lets_through && (more.is_empty() || says_so);
        takes_all.then(|| (other, asks.first().copied()))
    });
    let (taker, condition) = taking.next()?;
    let (who, name) = match is_own(taker) {
        true => ("this mapping".to_owned(), "`when: source`".to_owned()),
        false => {
            let name = &taker.name.value;
            (
                format!("the mapping `{name}`"),
                format!("the `when` of `{name}`"),
            )
        }
    };
    let path = listed.source.dotted();
    let message = format!("a row with this `{path}` is not nothing: {who} takes it");
    let fault = Diagnostic::error(Code::UNFIT_NOTHING, word.span, message, "taken");
    Some(match condition {
        Some(condition) => fault
            .related(condition.span, "taken here")
            .help("take the word out of `nothing`, or out of that condition"),
        None => fault.related(taker.name.span, "rows are taken whatever they have there").help(
            format!("let {name} list the words of `{path}` that are taken, or take the word out of `nothing`"),
        ),
    })
}

/// Returns whether the mapping decides which rows are taken. A mapping that makes more records of another's rows does
/// not.
fn decides(mapping: &Mapping) -> bool {
    let tree = mapping.tree.as_ref();
    !mapping.goes_back_only()
        && tree.is_none_or(|tree| {
            tree.record_of.is_none() && tree.for_each.is_none() && mapping.key.natural.is_empty()
        })
}

fn takes(condition: &Condition, word: &Literal) -> bool {
    let is = |wanted: &Literal| match (wanted, word) {
        (Literal::Text(wanted), Literal::Text(word)) => {
            wanted.trim().eq_ignore_ascii_case(word.trim())
        }
        (wanted, word) => wanted == word,
    };
    match &condition.is {
        Is::Equal(wanted) => is(wanted),
        Is::OneOf(wanted) => wanted.iter().any(|wanted| is(&wanted.value)),
        Is::NoneOf(refused) => !refused.iter().any(|refused| is(&refused.value)),
        Is::Given(given) => *given,
        Is::Above(_) => false,
    }
}
