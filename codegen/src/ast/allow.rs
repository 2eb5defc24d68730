//! `allow:`: judgements of the compiler that an author overrules, each with a reason.

use super::reader::{Reader, text};
use crate::diagnostic::{Code, Diagnostic, page};
use crate::model::Allow;
use crate::parse::{Entry, Value};

/// The codes and their reasons; what cannot be allowed is reported.
pub(super) fn allow(reader: &mut Reader<'_, '_>) -> Vec<Allow> {
    let Some(entry) = reader.take("allow") else {
        return Vec::new();
    };
    let Value::Map(entries) = &entry.value.value else {
        reader.sink.push(
            Diagnostic::error(
                Code::WRONG_SHAPE,
                entry.value.span,
                "`allow` has to be a map of codes and reasons",
                format!("this is {}", entry.value.kind()),
            )
            .help("write `allow: { M0214: the reason in words }`"),
        );
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| one(entry, reader.sink))
        .collect()
}

fn one(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Option<Allow> {
    let written = &entry.key;
    let Some(code) = Code::allowable(&written.value) else {
        let message = match page(&written.value) {
            Some(_) => format!("{} states a fact, which no reason changes", written.value),
            None => format!("there is no code {}", written.value),
        };
        sink.push(
            Diagnostic::error(
                Code::NOT_ALLOWABLE,
                written.span,
                message,
                "cannot be allowed",
            )
            .help("mend what is reported, and take this out"),
        );
        return None;
    };
    text(&entry.value, &written.value, sink)?;
    Some(Allow {
        span: written.span,
        code,
    })
}
