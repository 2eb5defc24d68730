//! Mends as edits: what a rule says in words becomes bytes here, in the style in which the author wrote the place.

use super::{Diagnostic, Edit};
use crate::source::{SourceFile, Sources};
use crate::span::Span;

/// What certainly mends a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// One more `key: value` in the map at this place.
    AddKey(Span, &'static str),
    /// The item of a list at this place goes.
    TakeOut(Span),
}

/// Turns a diagnostic's mends into edits of the files; what cannot be placed with certainty is left to the author.
pub(super) fn settle(diagnostic: &mut Diagnostic, sources: &Sources) {
    for mend in std::mem::take(&mut diagnostic.mends) {
        let (Mend::AddKey(span, _) | Mend::TakeOut(span)) = mend;
        let Some(file) = sources.file(span.file) else {
            continue;
        };
        diagnostic.fixes.extend(match mend {
            Mend::AddKey(map, text) => add_key(file, map, text),
            Mend::TakeOut(item) => take_out(file, item),
        });
    }
    // Bytes of a text that was made out of another encoding are not those of the file.
    let edits = |edit: &Edit| {
        sources
            .file(edit.span.file)
            .is_some_and(SourceFile::is_as_written)
    };
    if !diagnostic.fixes.iter().all(edits) {
        diagnostic.fixes.clear();
    }
}

fn add_key(file: &SourceFile, map: Span, text: &str) -> Option<Edit> {
    let written = file.text.get(map.start as usize..map.end as usize)?;
    let at = |at: usize, text: String| {
        let at = map.start + at as u32;
        let span = Span {
            start: at,
            end: at,
            ..map
        };
        Edit { span, text }
    };
    if let Some(inside) = written.strip_prefix('{') {
        let inside = inside.strip_suffix('}')?.trim_end();
        let last_line = inside.lines().last().unwrap_or_default();
        if last_line.contains(" #") {
            return None;
        }
        let text = match inside.chars().last() {
            None | Some(',') => format!(" {text}"),
            Some(_) => format!(", {text}"),
        };
        return Some(at(1 + inside.len(), text));
    }
    let line = file.line_range(file.line_at(map.start));
    let indent = file
        .text
        .get(line.start..map.start as usize)?
        .chars()
        .count();
    Some(at(
        written.trim_end().len(),
        format!("\n{}{text}", " ".repeat(indent)),
    ))
}

fn take_out(file: &SourceFile, item: Span) -> Option<Edit> {
    let (start, end) = (item.start as usize, item.end as usize);
    let (before, after) = (file.text.get(..start)?, file.text.get(end..)?);
    let edit = |start: usize, end: usize| {
        let span = Span {
            start: start as u32,
            end: end as u32,
            ..item
        };
        Some(Edit {
            span,
            text: String::new(),
        })
    };
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        return edit(start, file.text.len() - rest.trim_start_matches(' ').len());
    }
    let above = before.trim_end();
    if let Some(rest) = above.strip_suffix(',') {
        return edit(rest.len(), end);
    }
    if above.ends_with('[') {
        return edit(start, end);
    }
    let line = file.line_range(file.line_at(item.start));
    let alone = file.text.get(line.start..start)?.trim() == "-"
        && file.text.get(end..line.end)?.trim().is_empty();
    let next = (line.end + 1).min(file.text.len());
    if alone { edit(line.start, next) } else { None }
}
