//! For pull requests: GitHub's workflow commands, which annotate the changed lines.

use super::Diagnostic;
use crate::source::Sources;

/// One diagnostic as a workflow command.
pub fn github(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let span = diagnostic.span;
    let (line, column) = sources.position(span.file, span.start);
    let (end_line, end_column) = sources.position(span.file, span.end);
    let path = sources
        .file(span.file)
        .map(|file| file.path.as_str())
        .unwrap_or_default();
    let help = diagnostic
        .help
        .as_deref()
        .map(|help| format!("\nhelp: {help}"))
        .unwrap_or_default();
    format!(
        "::{} file={},line={line},col={column},endLine={end_line},endColumn={end_column},title={}::{}",
        diagnostic.severity.name(),
        property(path),
        property(diagnostic.code),
        escaped(&format!("{}{help}", diagnostic.message)),
    )
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
