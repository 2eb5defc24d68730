//! A mapping's `tests:` as Rust tests.

use std::fmt::Write;

use serde_json::Value;

use super::code::{Code, is_hidden};
use crate::ir::{Mapping, Pair, Records, Subject, Test};

/// Writes a helper function for the generated tests.
type Helper = fn(&mut Code);

/// A JSON text up to this length stays on one line.
const JSON_WIDTH: usize = 70;

/// `#[cfg(test)] mod tests`, or nothing.
pub fn tests(code: &mut Code, mapping: &Mapping) {
    if mapping.tests.is_empty() {
        return;
    }
    code.blank();
    code.line("#[cfg(test)]");
    code.open("mod tests {");
    // Rows that are made ready first, and rows that are read as they are.
    let about_rows = |test: &Test| match &test.subject {
        Subject::Rows { expect, .. } => matches!(expect, Records::One(_)),
        Subject::Pair(pair) => pair.settings.is_some(),
        Subject::Record { .. } | Subject::Pushed { .. } => false,
    };
    let reads = |test: &Test| match &test.subject {
        Subject::Record { .. } => true,
        Subject::Pair(pair) => pair.settings.is_none() && pair.given.is_some(),
        Subject::Rows { .. } | Subject::Pushed { .. } => false,
    };
    let about_several = |test: &Test| match &test.subject {
        Subject::Rows { expect, .. } => matches!(expect, Records::Several(_)),
        Subject::Record { .. } | Subject::Pair(_) | Subject::Pushed { .. } => false,
    };
    let tests = &mapping.tests;
    let helpers: [(bool, Helper); 3] = [
        (tests.iter().any(reads), record),
        (tests.iter().any(about_rows), rows),
        (tests.iter().any(about_several), several),
    ];
    let makes_records = helpers.iter().any(|(is_used, _)| *is_used);
    code.line(match makes_records {
        true => "use runtime::expect::{self, Failure, Fitted};",
        false => "use runtime::expect::{self, Failure};",
    });
    code.blank();
    code.line("use super::*;");
    if makes_records {
        code.blank();
        read(code, mapping);
    }
    for (_, helper) in helpers.iter().filter(|(is_used, _)| *is_used) {
        code.blank();
        helper(code);
    }
    let about_pairs = |test: &Test| matches!(test.subject, Subject::Pair(_));
    if mapping.tests.iter().any(about_pairs) {
        back(code, mapping);
    }
    for found in &mapping.tests {
        test(code, found);
    }
    code.close("}");
}

/// Writes the helper that reads a row as the handler's adapter does.
fn read(code: &mut Code, mapping: &Mapping) {
    code.open("fn read(row: &[u8]) -> Result<Box<dyn Entity>, RecordError> {");
    code.line(format_args!(
        "let payload = {}::from_row(row)?;",
        mapping.payload_struct
    ));
    code.line(format_args!(
        "Ok(Box::new({}::from_payload(payload)?))",
        mapping.record_struct
    ));
    code.close("}");
}

fn record(code: &mut Code) {
    code.open("fn record(row: &str) -> Result<Fitted, RecordError> {");
    code.line("expect::read(&MAPPING, row, &read)");
    code.close("}");
}

/// The record that rows become, once they are made ready.
fn rows(code: &mut Code) {
    code.open("fn made(rows: &str, settings: &str) -> Result<Fitted, RecordError> {");
    code.line("expect::made(&MAPPING, rows, settings, &read)");
    code.close("}");
}

/// The records that rows become, where they are several.
fn several(code: &mut Code) {
    code.open("fn all(rows: &str, settings: &str) -> Result<Vec<Fitted>, RecordError> {");
    code.line("expect::all_made(&MAPPING, rows, settings, &read)");
    code.close("}");
}

fn back(code: &mut Code, mapping: &Mapping) {
    let record = &mapping.record_struct;
    code.blank();
    code.open("fn back(record: &dyn Entity) -> Result<runtime::handler::Back, RecordError> {");
    code.line(format_args!(
        "let record: &{record} = runtime::handler::of_type(MAPPING.name, record)?;"
    ));
    code.line("let (payload, errors) = record.to_payload();");
    code.line(format_args!(
        "let again = {record}::from_payload(payload.clone());"
    ));
    code.line("Ok(runtime::handler::Back::new(&MAPPING, record, payload, errors, again))");
    code.close("}");
}

fn test(code: &mut Code, test: &Test) {
    code.blank();
    code.doc(&test.name);
    code.line("#[test]");
    code.function(&test.function, "Result<(), Failure>");
    match &test.subject {
        Subject::Record { given, expect } => {
            json(code, "row", given);
            json(code, "expected", expect);
            let compare = if test.exact { "exactly" } else { "at_least" };
            code.line(format_args!("expect::{compare}(record(row), expected)"));
        }
        Subject::Rows {
            given,
            settings,
            expect,
        } => {
            json(code, "rows", given);
            json(code, "settings", settings);
            match expect {
                Records::Several(expect) => {
                    json(code, "expected", expect);
                    code.line(format_args!(
                        "expect::all(all(rows, settings), expected, {})",
                        test.exact
                    ));
                }
                Records::One(expect) => {
                    json(code, "expected", expect);
                    let compare = if test.exact { "exactly" } else { "at_least" };
                    code.line(format_args!(
                        "expect::{compare}(made(rows, settings), expected)"
                    ));
                }
                Records::None => code.line("expect::absent(&MAPPING, rows, settings)"),
            }
        }
        Subject::Pair(both) => pair(code, both, test.exact),
        Subject::Pushed { now, push } => {
            json(code, "now", now);
            json(code, "push", push);
            code.line("expect::pushed(&MAPPING, now, push)");
        }
    }
    code.close("}");
}

/// A test about both sides of a pair.
fn pair(code: &mut Code, pair: &Pair, exact: bool) {
    let texts = [
        ("base", &pair.base),
        ("now", &pair.now),
        ("row", &pair.given),
        ("expected", &pair.expect),
        ("push", &pair.push),
        ("settings", &pair.settings),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            json(code, name, text);
        }
    }
    let some = |name: &str, there: bool| match there {
        true => format!("Some({name})"),
        false => "None".to_owned(),
    };
    code.open("let pair = expect::Pair {");
    code.line(format_args!("base: {},", some("base", pair.base.is_some())));
    code.line(format_args!("now: {},", some("now", pair.now.is_some())));
    let row = match pair.settings {
        Some(_) => "made(row, settings)",
        None => "record(row)",
    };
    code.line(format_args!("row: {},", some(row, pair.given.is_some())));
    code.line(format_args!(
        "expect: {},",
        some("expected", pair.expect.is_some())
    ));
    code.line(format_args!("exact: {},", exact));
    code.line(format_args!("push: {},", some("push", pair.push.is_some())));
    code.close("};");
    code.line("expect::pair(&MAPPING, pair, back)");
}

/// `let name = r#"..."#;`, a member a line where it is long.
fn json(code: &mut Code, name: &str, text: &str) {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let mut flat = String::new();
    flow(&mut flat, &value);
    let long = flat.chars().count() > JSON_WIDTH;
    match value {
        Value::Object(members) if long => {
            let mut lines = String::from("{\n");
            let last = members.len().saturating_sub(1);
            for (number, (member, value)) in members.iter().enumerate() {
                let _ = write!(lines, "            {}: ", Value::from(member.as_str()));
                flow(&mut lines, value);
                lines.push_str(if number == last { "\n" } else { ",\n" });
            }
            lines.push_str("        }");
            code.line(format_args!("let {name} = {};", raw(&lines)));
        }
        _ => code.line(format_args!("let {name} = {};", raw(&flat))),
    }
}

/// JSON on one line, with a blank after each colon and comma.
fn flow(text: &mut String, value: &Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (number, (name, member)) in members.iter().enumerate() {
                text.push_str(if number == 0 { "{ " } else { ", " });
                let _ = write!(text, "{}: ", Value::from(name.as_str()));
                flow(text, member);
            }
            text.push_str(" }");
        }
        Value::Array(items) => {
            text.push('[');
            for (number, item) in items.iter().enumerate() {
                text.push_str(if number == 0 { "" } else { ", " });
                flow(text, item);
            }
            text.push(']');
        }
        value => {
            let _ = write!(text, "{value}");
        }
    }
}

/// A raw string where that reads better than escapes, with as many `#` as its quotes ask for.
fn raw(text: &str) -> String {
    if !text.contains('"') || text.contains(|letter| letter != '\n' && is_hidden(letter)) {
        return format!("{text:?}");
    }
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}
