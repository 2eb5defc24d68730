//! Two tests of one name: a failure would not tell which.

use std::collections::BTreeMap;

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Mapping;
use crate::span::Span;

pub fn check(mapping: &Mapping, _: &Context<'_>, sink: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for test in &mapping.tests {
        let name = &test.name;
        match seen.get(name.value.as_str()) {
            Some(first) => sink.push(
                Diagnostic::error(
                    Code::DUPLICATE_TEST,
                    name.span,
                    format!("two tests are called `{}`", name.value),
                    "again here",
                )
                .related(*first, "first here")
                .help("say what this one shows"),
            ),
            None => {
                seen.insert(&name.value, name.span);
            }
        }
    }
}
