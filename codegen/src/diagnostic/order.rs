//! In which order mistakes are told, and how many.

use std::collections::{BTreeMap, HashSet};

use super::{Code, Diagnostic, Severity, fixes};
use crate::source::Sources;
use crate::span::{FileId, Span};

/// After so many errors of a file the rest is left for the next run: nobody reads on.
const ERRORS_MAX: usize = 200;

/// What was found, as it is told.
#[derive(Debug, Default)]
pub struct Told {
    pub diagnostics: Vec<Diagnostic>,
    /// Errors that are not among them.
    pub left_out: usize,
}

/// Sorted by file and place, each once, of the files that are wanted.
///
/// Mappings come first and schemas last: the last is what stands above the prompt, and a broken schema is to be mended
/// before all else, since what builds on it was not judged.
pub fn in_order(mut found: Vec<Diagnostic>, sources: &Sources) -> Told {
    found.retain(|found| sources.is_wanted(found.span.file));
    let is_schema = |file: FileId| {
        sources
            .file(file)
            .is_some_and(|file| file.name.contains('/'))
    };
    let key = |found: &Diagnostic| {
        (
            is_schema(found.span.file),
            found.span.file,
            found.span.start,
        )
    };
    found.sort_by(|a, b| {
        let rest = |found: &Diagnostic| (found.code, found.span.end);
        (key(a), rest(a), &a.message).cmp(&(key(b), rest(b), &b.message))
    });
    found.dedup_by(|next, first| {
        (next.span.file, next.span.start, next.code)
            == (first.span.file, first.span.start, first.code)
            && next.message == first.message
    });
    let mut errors: BTreeMap<FileId, usize> = BTreeMap::new();
    let before = found.len();
    found.retain(|found| {
        let errors = errors.entry(found.span.file).or_default();
        *errors += usize::from(found.severity == Severity::Error);
        found.severity != Severity::Error || *errors <= ERRORS_MAX
    });
    for found in &mut found {
        fixes::settle(found, sources);
    }
    Told {
        left_out: before - found.len(),
        diagnostics: found,
    }
}

/// Takes out what was found at the very places that had been reported before: it follows from that.
///
/// Beside what could not be read, a shape that seems wrong or a list that seems empty follows from it as well.
pub fn without_consequences(
    found: &mut Vec<Diagnostic>,
    reported: &[Diagnostic],
    sources: &Sources,
) {
    let places: HashSet<Span> = reported.iter().map(|reported| reported.span).collect();
    let line = |file: FileId, at: u32| sources.file(file).map_or(0, |file| file.line_at(at));
    let syntax = reported
        .iter()
        .filter(|reported| reported.code == Code::SYNTAX.0);
    let unread: Vec<(FileId, usize)> = syntax
        .map(|reported| {
            (
                reported.span.file,
                line(reported.span.file, reported.span.start),
            )
        })
        .collect();
    let beside = |span: Span| {
        let (start, end) = (line(span.file, span.start), line(span.file, span.end));
        unread
            .iter()
            .any(|(file, line)| *file == span.file && start <= line + 1 && *line <= end + 1)
    };
    let shapes = [
        Code::WRONG_SHAPE.0,
        Code::MISSING_KEY.0,
        Code::EMPTY_MAPPING.0,
    ];
    found.retain(|found| {
        let shape = shapes.contains(&found.code) && beside(found.span);
        !places.contains(&found.span) && !shape
    });
}
