//! `tests:`: what goes in and what must come out.

use super::literal::literal;
use super::read::pairs;
use super::reader::{Reader, list};
use super::{Pairs, Test, language};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Literal, Push};
use crate::parse::{Entry, Node, Value};
use crate::span::Spanned;

pub(super) fn tests(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<Test> {
    list(node, "tests", sink)
        .iter()
        .filter_map(|item| test(item, sink))
        .collect()
}

fn test(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Test> {
    let mut reader = Reader::new(node, "a test", &language::TEST, sink)?;
    let name = reader.demand("name");
    let given = reader
        .take("given")
        .map(|entry| given(&entry.value, reader.sink));
    let settings = reader
        .take("settings")
        .map(|entry| pairs(&entry.value, "`settings`", reader.sink))
        .unwrap_or_default();
    let base = record(&mut reader, "before", "base");
    let linked = reader.take("linked");
    let now = match linked {
        Some(entry) => Some(pairs(&entry.value, "`linked`", reader.sink)),
        None => reader
            .take("after")
            .map(|entry| pairs(&entry.value, "`after`", reader.sink)),
    };
    let exact = reader.take("expect");
    let absent = exact
        .filter(|entry| entry.value.text() == Some("absent"))
        .map(|entry| entry.value.span);
    let expect = exact
        .filter(|_| absent.is_none())
        .or_else(|| reader.take("expect_some"));
    let is_list = |entry: &&Entry| matches!(entry.value.value, Value::List(_));
    let records = expect.filter(is_list).map(|entry| {
        let records = entry.value.items().iter();
        let records = records.map(|node| pairs(node, "a record of `expect`", reader.sink));
        Spanned::new(records.collect::<Vec<_>>(), entry.value.span)
    });
    let expect = expect
        .filter(|_| records.is_none())
        .map(|entry| pairs(&entry.value, "`expect`", reader.sink));
    let has_push = reader.has("push");
    let push = reader
        .take("push")
        .and_then(|entry| push(&entry.value, reader.sink));
    // A record that goes back only is nothing but what Salesforce has; of other mappings that is reported later.
    let goes_back = now.is_some() && linked.is_none() && has_push;
    if given.is_none() && base.is_none() && !goes_back {
        reader.missing("given");
    } else if expect.is_none() && records.is_none() && absent.is_none() && !has_push {
        reader.missing("expect");
    }
    if base.is_some() && now.is_none() && given.is_none() && !reader.has_unknown() {
        reader.sink.push(
            Diagnostic::error(
                Code::MISSING_KEY,
                node.span,
                "the test says what the record was, not what it is",
                "`after` is missing",
            )
            .help("add `after: { ... }`, the record as Salesforce has it now"),
        );
    }
    if !reader.finish() || (given.is_none() && base.is_none() && !goes_back) {
        return None;
    }
    Some(Test {
        span: node.span,
        name: name?,
        given,
        settings,
        absent,
        base,
        now,
        linked: linked.is_some(),
        exact: exact.is_some(),
        expect,
        records,
        push,
    })
}

/// One row, or a list of them.
fn given(node: &Node, sink: &mut Vec<Diagnostic>) -> Spanned<Literal> {
    let row = |node: &Node, sink: &mut Vec<Diagnostic>| {
        Spanned::new(Literal::Object(pairs(node, "`given`", sink)), node.span)
    };
    match &node.value {
        Value::List(rows) => Spanned::new(
            Literal::List(rows.iter().map(|node| row(node, sink)).collect()),
            node.span,
        ),
        _ => row(node, sink),
    }
}

fn record(reader: &mut Reader<'_, '_>, name: &str, or: &str) -> Option<Pairs> {
    let entry = reader.take(name).or_else(|| reader.take(or))?;
    Some(pairs(&entry.value, "a record of a test", reader.sink))
}

fn push(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Push> {
    match &node.value {
        Value::Scalar { text, plain: true } if text == "false" => Some(Push::Nothing),
        Value::Map(_) => {
            let body = literal(node, sink);
            Some(Push::Body(body))
        }
        _ => {
            sink.push(
                Diagnostic::error(
                    Code::WRONG_SHAPE,
                    node.span,
                    "`push` is either false or the fields that go to the source",
                    "neither",
                )
                .help("write `push: false`, or `push: { path: value }`"),
            );
            None
        }
    }
}
