//! For programs: one JSON object a line.

use serde_json::{Value, json};

use super::Diagnostic;
use crate::source::Sources;

/// The shape's version; members are only ever added.
const SCHEMA_VERSION: u32 = 1;

/// One diagnostic as one line of JSON.
pub fn json_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let span = diagnostic.span;
    let (line, column) = sources.position(span.file, span.start);
    let (end_line, end_column) = sources.position(span.file, span.end);
    let fixes: Vec<Value> = diagnostic
        .fixes
        .iter()
        .map(|edit| json!({ "start": edit.span.start, "end": edit.span.end, "text": edit.text }))
        .collect();
    json!({
        "schema_version": SCHEMA_VERSION,
        "code": diagnostic.code,
        "severity": diagnostic.severity.name(),
        "file": sources.file(span.file).map(|file| file.path.as_str()),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
        "fixes": fixes,
    })
    .to_string()
}
