//! The lines of a file that a person is shown: only those, and of a long line the part in question, so that showing a
//! mistake costs what is shown and not what the file holds.

use std::ops::Range;

use crate::source::SourceFile;
use crate::span::Span;

/// Longer lines are cut. A mapping's lines have up to 200.
const LINE_MAX: usize = 320;
/// What a cut line shows before the place in question.
const BEFORE: usize = 80;
/// More lines are not shown, however long a span is.
const LINES_MAX: usize = 60;

/// A part of a file's text.
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Of its first line, counted from 1.
    pub(super) line: usize,
    pieces: Vec<Piece>,
}

/// What is shown of one line.
struct Piece {
    line_start: usize,
    shown: Range<usize>,
    /// Where it stands in the excerpt.
    at: usize,
}

impl Excerpt {
    /// The lines from the first of these spans to the last.
    pub(super) fn around(file: &SourceFile, spans: &[Span]) -> Excerpt {
        let start = spans
            .iter()
            .map(|span| span.start)
            .min()
            .unwrap_or_default();
        let end = spans.iter().map(|span| span.end).max().unwrap_or_default();
        let first = file.line_at(start);
        let last = file.line_at(end).min(first + LINES_MAX);
        let mut excerpt = Excerpt {
            text: String::new(),
            line: first + 1,
            pieces: Vec::new(),
        };
        for line in first..=last {
            excerpt.add(&file.text, file.line_range(line), spans);
        }
        excerpt
    }

    fn add(&mut self, text: &str, line: Range<usize>, spans: &[Span]) {
        let shown = part(text, &line, spans);
        if shown.start > line.start {
            self.text.push('…');
        }
        let piece = Piece {
            line_start: line.start,
            shown: shown.clone(),
            at: self.text.len(),
        };
        self.pieces.push(piece);
        self.text += text.get(shown.clone()).unwrap_or_default();
        if shown.end < line.end {
            self.text.push('…');
        }
        self.text.push('\n');
    }

    /// Where a span lies in the excerpt, at the borders of characters.
    pub(super) fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (self.place(span.start), self.place(span.end));
        start..end.max(start)
    }

    /// The column at which a span starts in the excerpt, in characters, counted from 1.
    pub(super) fn column(&self, span: Span) -> usize {
        let before = self.text.get(..self.place(span.start)).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.chars().count() + 1
    }

    fn place(&self, offset: u32) -> usize {
        let offset = offset as usize;
        let after = self
            .pieces
            .partition_point(|piece| piece.line_start <= offset);
        let piece = self.pieces.get(after.saturating_sub(1));
        let place = piece.map_or(0, |piece| {
            piece.at + offset.clamp(piece.shown.start, piece.shown.end) - piece.shown.start
        });
        floor(&self.text, place)
    }
}

/// The whole line, or of a long one the part around the first span in it.
fn part(text: &str, line: &Range<usize>, spans: &[Span]) -> Range<usize> {
    if line.len() <= LINE_MAX {
        return line.clone();
    }
    let focus = spans
        .iter()
        .map(|span| span.start as usize)
        .find(|start| line.contains(start))
        .unwrap_or(line.start);
    let start = floor(text, focus.saturating_sub(BEFORE).max(line.start));
    let end = floor(text, (start + LINE_MAX).min(line.end));
    start..end
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
