//! For people: the line, a caret, a label and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::source::Sources;
use crate::span::Span;

/// One diagnostic as text; colours only when asked for.
pub fn text(diagnostic: &Diagnostic, sources: &Sources, colours: bool) -> String {
    let renderer = if colours {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code);
    let mut group = Group::with_title(title);
    let file = sources.file(diagnostic.span.file);
    if let Some(file) = file {
        let mut snippet = Snippet::source(&file.text).path(&file.path).annotation(
            AnnotationKind::Primary
                .span(range(diagnostic.span, &file.text))
                .label(&diagnostic.label),
        );
        for (span, label) in diagnostic
            .related
            .iter()
            .filter(|(span, _)| span.file == diagnostic.span.file)
        {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(range(*span, &file.text))
                    .label(label),
            );
        }
        group = group.element(snippet);
    }
    for (span, label) in diagnostic
        .related
        .iter()
        .filter(|(span, _)| span.file != diagnostic.span.file)
    {
        if let Some(other) = sources.file(span.file) {
            let there = AnnotationKind::Context
                .span(range(*span, &other.text))
                .label(label);
            group = group.element(
                Snippet::source(&other.text)
                    .path(&other.path)
                    .annotation(there),
            );
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// Inside the text, at the borders of characters.
fn range(span: Span, text: &str) -> std::ops::Range<usize> {
    let floor = |at: u32| {
        let mut at = (at as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(span.start), floor(span.end));
    start..end.max(start)
}
