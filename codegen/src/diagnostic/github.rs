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
    // Columns are refused where a place has several lines.
    let columns = match line == end_line {
        true => format!(",col={column},endColumn={end_column}"),
        false => String::new(),
    };
    let mut text = format!("{}: {}", diagnostic.message, diagnostic.label);
    for (span, label) in &diagnostic.related {
        let (line, _) = sources.position(span.file, span.start);
        let path = sources.file(span.file).map(|file| file.path.as_str());
        text += &format!("\n{}:{line}: {label}", path.unwrap_or_default());
    }
    if let Some(help) = &diagnostic.help {
        text += &format!("\nhelp: {help}");
    }
    format!(
        "::{} file={},line={line},endLine={end_line}{columns},title={}::{}",
        diagnostic.severity.name(),
        property(path),
        property(diagnostic.code),
        escaped(&text),
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
