//! For programs: one JSON object a line.

use serde_json::{Value, json};

use super::{Diagnostic, Edit};
use crate::source::Sources;
use crate::span::Span;

/// The shape's version; members are only ever added.
const SCHEMA_VERSION: u32 = 1;

/// One diagnostic as one line of JSON. Lines and columns count from 1, columns in characters; `start` and `end` of a
/// fix are bytes of its file.
pub fn json_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let span = diagnostic.span;
    let (line, column) = sources.position(span.file, span.start);
    let (end_line, end_column) = sources.position(span.file, span.end);
    let related = diagnostic.related.iter();
    let related: Vec<Value> = related
        .map(|(span, label)| place(*span, label, sources))
        .collect();
    let fixes = diagnostic.fixes.iter().map(|edit| fix(edit, sources));
    json!({
        "schema_version": SCHEMA_VERSION,
        "code": diagnostic.code,
        "severity": diagnostic.severity.name(),
        "file": path(span, sources),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "related": related,
        "help": diagnostic.help,
        "fixes": fixes.collect::<Vec<Value>>(),
    })
    .to_string()
}

fn place(span: Span, label: &str, sources: &Sources) -> Value {
    let (line, column) = sources.position(span.file, span.start);
    let (end_line, end_column) = sources.position(span.file, span.end);
    json!({
        "file": path(span, sources),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "label": label,
    })
}

fn fix(edit: &Edit, sources: &Sources) -> Value {
    json!({
        "file": path(edit.span, sources),
        "start": edit.span.start,
        "end": edit.span.end,
        "text": edit.text,
    })
}

fn path(span: Span, sources: &Sources) -> Option<&str> {
    sources.file(span.file).map(|file| file.path.as_str())
}
