//! Values that are made: of other members, by cases, by a table of words, by a look-up.

use super::literal::literal;
use super::read::{names, pairs};
use super::reader::{Reader, list, text};
use super::tree::{one_or_more, two_in_one};
use super::{Case, Lookup, Made, MadeFields, Values, Within, WrittenLast, language};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Missing, Otherwise};
use crate::parse::{Entry, Node, Value};
use crate::span::Spanned;

/// `source`, `value` or `template`, where one of them is.
pub(super) fn made(reader: &mut Reader<'_, '_>) -> Option<Made> {
    if let Some(entry) = reader.take("value") {
        return Some(Made::Constant(literal(&entry.value, reader.sink)));
    }
    if let Some(template) = reader.text("template") {
        return Some(Made::Template(template));
    }
    let entry = reader.take("source")?;
    let paths = one_or_more(&entry.value, "source", reader.sink);
    (!paths.is_empty()).then_some(Made::Source(paths))
}

/// `choose:`, a list of cases.
pub(super) fn cases(node: &Node, sink: &mut Vec<Diagnostic>) -> Vec<Case> {
    let items = list(node, "choose", sink);
    if items.is_empty() && matches!(node.value, Value::List(_) | Value::Scalar { .. }) {
        sink.push(empty(
            node,
            "choose",
            "`- { when: { path: value }, value: x }`",
        ));
    }
    items.iter().filter_map(|item| case(item, sink)).collect()
}

/// What says nothing would make nothing.
fn empty(node: &Node, name: &str, example: &str) -> Diagnostic {
    let message = format!("`{name}` is empty");
    Diagnostic::error(Code::WRONG_SHAPE, node.span, message, "nothing here")
        .help(format!("write {example}, or take it out"))
}

fn case(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Case> {
    let mut reader = Reader::new(node, "a case of `choose`", &language::CASE, sink)?;
    let when = reader
        .take("when")
        .map(|entry| pairs(&entry.value, "`when` of a case", reader.sink));
    let then = made(&mut reader);
    if then.is_none() {
        reader.missing("value");
    }
    reader.finish();
    Some(Case {
        span: node.span,
        when: when.unwrap_or_default(),
        then: then?,
    })
}

/// `written_last: { source: ... }`.
pub(super) fn written_last(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Option<WrittenLast> {
    let mut reader = Reader::new(&entry.value, "`written_last`", &language::MADE, sink)?;
    let until_then = made(&mut reader);
    if until_then.is_none() {
        reader.missing("value");
    }
    reader.finish();
    Some(WrittenLast {
        span: entry.key.span,
        until_then: until_then?,
    })
}

/// `values:` and its `otherwise:`.
pub(super) fn values(reader: &mut Reader<'_, '_>) -> Option<Values> {
    let entry = reader.take("values")?;
    let otherwise = match reader.take("otherwise") {
        Some(entry) => otherwise(&entry.value, reader.sink),
        None => Otherwise::Fail,
    };
    Some(Values {
        span: entry.key.span,
        table: pairs(&entry.value, "`values`", reader.sink),
        otherwise,
    })
}

/// `fail`, `same`, another plain value, or `{ value: x }` for a value that is called so.
fn otherwise(node: &Node, sink: &mut Vec<Diagnostic>) -> Otherwise {
    if matches!(node.value, Value::Map(_)) {
        let reader = Reader::new(node, "`otherwise`", &language::CONSTANT, sink);
        let mut reader = match reader {
            Some(reader) => reader,
            None => return Otherwise::Fail,
        };
        let value = reader.take("value");
        if value.is_none() {
            reader.missing("value");
        }
        let constant = value.map(|entry| literal(&entry.value, reader.sink));
        reader.finish();
        return constant.map_or(Otherwise::Fail, Otherwise::Constant);
    }
    match node.text() {
        Some("fail") => Otherwise::Fail,
        Some("same") => Otherwise::Same,
        _ => Otherwise::Constant(literal(node, sink)),
    }
}

/// `lookup:`.
pub(super) fn lookup(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Lookup> {
    let mut reader = Reader::new(node, "`lookup`", &language::LOOKUP, sink)?;
    let object = reader.demand("object");
    let by = match reader.take("by") {
        Some(entry) => {
            let by = fields(entry, "`by`", reader.sink);
            if by.is_empty() && matches!(entry.value.value, Value::Map(_)) {
                let example = "`by: { Name: path }`";
                reader.sink.push(empty(&entry.value, "by", example));
            }
            by
        }
        None => {
            reader.missing("by");
            Vec::new()
        }
    };
    let within = reader
        .take("within")
        .and_then(|entry| within(&entry.value, reader.sink));
    let missing = match reader.take("missing") {
        Some(entry) => missing(&entry.value, reader.sink),
        None => {
            reader.missing("missing");
            None
        }
    };
    let create = reader
        .take("create")
        .map(|entry| fields(entry, "`create`", reader.sink))
        .unwrap_or_default();
    reader.finish();
    Some(Lookup {
        span: node.span,
        object: object?,
        by,
        within,
        missing: missing?,
        create,
    })
}

/// Fields of the object and what they are: a path, a list of paths, or `{ value: x }`.
fn fields(entry: &Entry, what: &'static str, sink: &mut Vec<Diagnostic>) -> MadeFields {
    let Value::Map(entries) = &entry.value.value else {
        let label = format!("this is {}", entry.value.kind());
        let message = format!("{what} has to be a map of fields and paths");
        sink.push(
            Diagnostic::error(Code::WRONG_SHAPE, entry.value.span, message, label)
                .help("write `{ Name: path }`, or `{ Name: { value: a constant } }`"),
        );
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), field(&entry.value, sink)?)))
        .collect()
}

fn field(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Made> {
    if !matches!(node.value, Value::Map(_)) {
        let paths = one_or_more(node, "a path", sink);
        return (!paths.is_empty()).then_some(Made::Source(paths));
    }
    let mut reader = Reader::new(node, "a value of the look-up", &language::MADE, sink)?;
    let made = made(&mut reader);
    if made.is_none() {
        reader.missing("value");
    }
    reader.finish();
    made
}

/// `{ AccountId: [ { account: organization_id }, { contact: identity_id } ] }`.
fn within(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Within> {
    let example = "`within: { AccountId: [ { contact: identity_id } ] }`";
    let (field, owners) = single(node, example, sink)?;
    let owners = list(owners, "within", sink);
    let of = owners.iter().filter_map(|owner| {
        let (mapping, path) = single(owner, example, sink)?;
        Some((mapping.clone(), text(path, "a path", sink)?))
    });
    Some(Within {
        span: node.span,
        field: field.clone(),
        of: of.collect(),
    })
}

/// The one entry of a map that has one.
fn single<'n>(
    node: &'n Node,
    example: &str,
    sink: &mut Vec<Diagnostic>,
) -> Option<(&'n Spanned<String>, &'n Node)> {
    match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [entry] => return Some((&entry.key, &entry.value)),
            _ => sink.push(two_in_one(node, example)),
        },
        _ => sink.push(two_in_one(node, example)),
    }
    None
}

/// `create`, `fail`, `leave`, or `{ use: value }`.
fn missing(node: &Node, sink: &mut Vec<Diagnostic>) -> Option<Spanned<Missing>> {
    if matches!(node.value, Value::Map(_)) {
        let mut reader = Reader::new(node, "`missing`", &language::USE, sink)?;
        let value = reader.take("use");
        if value.is_none() {
            reader.missing("use");
        }
        let value = value.map(|entry| literal(&entry.value, reader.sink));
        reader.finish();
        return Some(Spanned::new(Missing::Use(value?), node.span));
    }
    let written = text(node, "missing", sink)?;
    let known = &language::MISSING;
    let found = known.iter().position(|word| *word == written.value);
    let missing = match found {
        Some(0) => Missing::Create,
        Some(1) => Missing::Fail,
        Some(_) => Missing::Leave,
        None => {
            let message = format!("`missing` cannot be `{}`", written.value);
            sink.push(
                Diagnostic::error(Code::UNKNOWN_WORD, written.span, message, "unknown")
                    .did_you_mean(written.span, &written.value, known.iter().copied()),
            );
            return None;
        }
    };
    Some(Spanned::new(missing, written.span))
}

/// Paths of zones, the first that is given counts.
pub(super) fn zones(entry: &Entry, sink: &mut Vec<Diagnostic>) -> Vec<Spanned<String>> {
    match entry.value.value {
        Value::List(_) => names(&entry.value, "date_in", sink),
        _ => text(&entry.value, "date_in", sink).into_iter().collect(),
    }
}
