//! Conditions on the members of a row.

use super::lookup;
use super::mapping::Sides;
use crate::ast::Pairs;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Condition, Is, Literal};
use crate::schema::SourceSchemaField;
use crate::span::Spanned;

type Properties = [(String, SourceSchemaField)];

/// Each pair of a path and what it has to be.
pub(super) fn conditions(
    pairs: &Pairs,
    sides: &Sides<'_>,
    properties: &Properties,
    sink: &mut Vec<Diagnostic>,
) -> Vec<Condition> {
    pairs
        .iter()
        .filter_map(|(path, wanted)| {
            let source = lookup::source(path, &sides.entity, properties, sink);
            let is = is(wanted, sink);
            Some(Condition {
                source: source?,
                span: wanted.span,
                is: is?,
            })
        })
        .collect()
}

/// Resolves the paths and words of `nothing`.
pub(super) fn words(
    pairs: &Pairs,
    sides: &Sides<'_>,
    sink: &mut Vec<Diagnostic>,
) -> Vec<Condition> {
    pairs
        .iter()
        .filter_map(|(path, listed)| {
            let source = lookup::source(path, &sides.entity, sides.raw, sink);
            let is = listed_words(listed, sink);
            Some(Condition {
                source: source?,
                span: listed.span,
                is: is?,
            })
        })
        .collect()
}

/// Reads a word or a list of words.
fn listed_words(listed: &Spanned<Literal>, sink: &mut Vec<Diagnostic>) -> Option<Is> {
    let is_word = |literal: &Literal| {
        matches!(
            literal,
            Literal::Text(_) | Literal::Integer(_) | Literal::Boolean(_)
        )
    };
    match &listed.value {
        Literal::List(words)
            if !words.is_empty() && words.iter().all(|word| is_word(&word.value)) =>
        {
            Some(Is::OneOf(words.clone()))
        }
        word if is_word(word) => Some(Is::Equal(word.clone())),
        _ => {
            let message = "`nothing` lists words: one, or a list of them";
            sink.push(
                Diagnostic::error(Code::WRONG_SHAPE, listed.span, message, "no word")
                    .help("write `path: word` or `path: [one, other]`"),
            );
            None
        }
    }
}

/// A value, a list of values, `given`, or one of the words `not`, `above` and `given` and what is behind it.
fn is(wanted: &Spanned<Literal>, sink: &mut Vec<Diagnostic>) -> Option<Is> {
    let found = match &wanted.value {
        Literal::Text(word) if word == "given" => Some(Is::Given(true)),
        Literal::List(values) if values.iter().all(is_single) => Some(Is::OneOf(values.clone())),
        Literal::Object(members) => match members.as_slice() {
            [(word, value)] => worded(&word.value, value),
            _ => None,
        },
        Literal::List(_) => None,
        single => Some(Is::Equal(single.clone())),
    };
    if found.is_none() {
        let message = "a condition is a value, a list of values, `given`, or one word of `not`, `above` and `given`";
        sink.push(
            Diagnostic::error(Code::WRONG_SHAPE, wanted.span, message, "none of these").help(
                "write `path: value`, `path: [one, other]`, `path: { not: value }`, `path: { above: \"0\" }` or `path: given`",
            ),
        );
    }
    found
}

fn worded(word: &str, value: &Spanned<Literal>) -> Option<Is> {
    match (word, &value.value) {
        ("not", Literal::List(values)) if values.iter().all(is_single) => {
            Some(Is::NoneOf(values.clone()))
        }
        ("not", _) if is_single(value) => Some(Is::NoneOf(vec![value.clone()])),
        ("above", Literal::Integer(number)) => Some(Is::Above(number.to_string())),
        ("above", Literal::Decimal(number)) => Some(Is::Above(number.clone())),
        ("above", Literal::Text(number)) if is_number(number) => Some(Is::Above(number.clone())),
        ("given", Literal::Boolean(given)) => Some(Is::Given(*given)),
        _ => None,
    }
}

fn is_single(value: &Spanned<Literal>) -> bool {
    !matches!(value.value, Literal::List(_) | Literal::Object(_))
}

/// As JSON writes it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match digits.split_once('.') {
        Some((whole, part)) => all(whole) && all(part),
        None => all(digits),
    }
}
