//! For people: the line, a caret, a label and what to do.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::excerpt::Excerpt;
use super::{Diagnostic, Severity};
use crate::source::{SourceFile, Sources};
use crate::span::Span;

/// Related places within so many lines are shown in one piece with the mistake.
const NEAR: usize = 12;

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
    let mut columns = Vec::new();
    for places in pieces(diagnostic, sources) {
        if let Some(file) =
            sources.file(places.first().map_or(diagnostic.span, |place| place.1).file)
        {
            group = group.element(snippet(file, &places, sources, &mut columns));
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    // The renderer counts columns in what it is shown, which for a cut line is a part.
    columns
        .iter()
        .fold(renderer.render(&[group]), |text, (shown, real)| {
            text.replacen(shown, real, 1)
        })
}

/// A place to show, and what to say there.
type Place<'d> = (AnnotationKind, Span, &'d str);

/// The mistake with the related places nearby, then the others one by one.
fn pieces<'d>(diagnostic: &'d Diagnostic, sources: &Sources) -> Vec<Vec<Place<'d>>> {
    let primary = (
        AnnotationKind::Primary,
        diagnostic.span,
        diagnostic.label.as_str(),
    );
    let mut pieces = vec![vec![primary]];
    for (span, label) in &diagnostic.related {
        let place = (AnnotationKind::Context, *span, label.as_str());
        match pieces.first_mut() {
            Some(first) if is_near(*span, diagnostic.span, sources) => first.push(place),
            _ => pieces.push(vec![place]),
        }
    }
    pieces
}

fn is_near(span: Span, primary: Span, sources: &Sources) -> bool {
    let line = |span: Span| {
        sources
            .file(span.file)
            .map_or(0, |file| file.line_at(span.start))
    };
    span.file == primary.file && line(span).abs_diff(line(primary)) <= NEAR
}

/// The lines of some places of one file; the first place names them.
fn snippet<'d>(
    file: &'d SourceFile,
    places: &[Place<'d>],
    sources: &Sources,
    columns: &mut Vec<(String, String)>,
) -> Snippet<'d, Annotation<'d>> {
    let spans: Vec<Span> = places.iter().map(|(_, span, _)| *span).collect();
    let excerpt = Excerpt::around(file, &spans);
    let annotations: Vec<Annotation<'d>> = places
        .iter()
        .map(|(kind, span, label)| kind.span(excerpt.range(*span)).label(*label))
        .collect();
    if let Some(first) = spans.first() {
        let (line, column) = sources.position(first.file, first.start);
        let shown = excerpt.column(*first);
        if shown != column as usize {
            let at = |column: usize| format!("{}:{line}:{column}", file.path);
            columns.push((at(shown), at(column as usize)));
        }
    }
    Snippet::source(excerpt.text)
        .path(&file.path)
        .line_start(excerpt.line)
        .annotations(annotations)
}
