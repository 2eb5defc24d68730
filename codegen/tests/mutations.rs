//! A second opinion on the checks: every mutation of the shipped mappings and schemas, at every place, on either side.
//!
//! `oracle` judges the mutated files anew, with rules of its own written from Salesforce's and JSON Schema's meaning and
//! with other parsers; it says which lines are wrong. Each of them has to be reported, and nothing else may be, but for
//! what a mistake leaves undone elsewhere ([`ELSEWHERE`]).

mod files;
mod mapping;
mod oracle;
mod schemas;
mod tests_section;
mod trees;

use std::collections::{BTreeMap, BTreeSet};

use codegen::diagnostic::Severity;
use codegen::resolve::{self, Schemas};
use codegen::source::Sources;

use super::{quick, shipped};
use files::Files;

/// One mutation.
struct Mutation {
    /// `swapped destinations`; with [`Mutation::about`] it names the mutation in a report.
    kind: &'static str,
    about: String,
    /// The file that differs, and its text.
    file: String,
    text: String,
    expected: Expected,
}

enum Expected {
    /// The oracle says which lines.
    Judged,
    /// A report at one of these lines of the file, counted from 1.
    At(Vec<usize>),
    /// A report at this line of every mapping.
    Mentioned(&'static str),
}

/// Reported where what is missing is missed, not where it went missing: a required field, a path of `match`, a field
/// in `ignore`, what a test expects, a gate that no field is left to open.
const ELSEWHERE: &[&str] = &[
    "M0204", "M0210", "M0301", "M0305", "M0313", "M0314", "M0315",
];

/// The same of a field or property that is gone from a schema: tests name it, and facts about the org.
const ELSEWHERE_OF_SCHEMAS: &[&str] = &["M0101", "M0102", "M0402"];

/// What the compiler says of the files: file name and line of each report, related places among them, and its code.
struct Report {
    code: &'static str,
    lines: Vec<(String, usize)>,
    primary: (String, usize),
    is_error: bool,
}

fn reports(
    sources: &Sources,
    schemas: &Schemas,
    before: Vec<codegen::diagnostic::Diagnostic>,
) -> Vec<Report> {
    let place = |span: codegen::span::Span| {
        let name = sources.file(span.file).map(|file| file.name.clone());
        (
            name.unwrap_or_default(),
            sources.position(span.file, span.start).0 as usize,
        )
    };
    let checked = codegen::check_against(sources, schemas, before);
    let report = |found: &codegen::diagnostic::Diagnostic| Report {
        code: found.code,
        primary: place(found.span),
        lines: std::iter::once(found.span)
            .chain(found.related.iter().map(|(span, _)| *span))
            .map(place)
            .collect(),
        is_error: found.severity == Severity::Error,
    };
    checked.diagnostics.iter().map(report).collect()
}

/// Nothing where compiler and oracle agree, else what is between them.
fn disagreement(mutation: &Mutation, shipped: &Files, kept: &Schemas) -> Option<String> {
    let files = shipped.with(&mutation.file, &mutation.text);
    let sources = Sources::from_files(files.to_files());
    quick::agree(&mutation.file, &mutation.text);
    // Schemas are read again only where they differ.
    let reports = if mutation.file.contains('/') {
        let mut sink = Vec::new();
        let schemas = resolve::schemas(&sources, &mut sink);
        reports(&sources, &schemas, sink)
    } else {
        reports(&sources, kept, Vec::new())
    };
    let at = |file: &str, line: usize| {
        reports.iter().any(|report| {
            report
                .lines
                .iter()
                .any(|place| place.0 == file && place.1 == line)
        })
    };
    let said: Vec<String> = reports
        .iter()
        .map(|report| {
            format!(
                "{} at {}:{}",
                report.code, report.primary.0, report.primary.1
            )
        })
        .collect();
    let of_schema = mutation.file.contains('/');
    match &mutation.expected {
        Expected::At(lines) => (!lines.iter().any(|line| at(&mutation.file, *line)))
            .then(|| format!("nothing at {}:{lines:?}; {said:?}", mutation.file)),
        Expected::Mentioned(text) => {
            let unsaid = files.mappings().into_iter().find(|mapping| {
                let line = mapping.lines.iter().position(|line| line == text);
                line.is_none_or(|line| !at(&mapping.file, line + 1))
            });
            unsaid.map(|mapping| format!("nothing at `{text}` of {}; {said:?}", mapping.file))
        }
        Expected::Judged => {
            let wrong = oracle::wrong_lines(&files);
            let missed: Vec<String> = wrong
                .iter()
                .filter(|((file, line), _)| !at(file, *line))
                // What is neither mapped nor ignored is told once all else is right.
                .filter(|(_, why)| {
                    !(why.contains("neither mapped")
                        && reports.iter().any(|report| report.is_error))
                })
                .map(|((file, line), why)| format!("{file}:{line} ({why})"))
                .collect();
            let invented: Vec<String> = reports
                .iter()
                .filter(|report| report.is_error && !ELSEWHERE.contains(&report.code))
                .filter(|report| !of_schema || !ELSEWHERE_OF_SCHEMAS.contains(&report.code))
                .filter(|report| !report.lines.iter().any(|place| wrong.contains_key(place)))
                .map(|report| {
                    format!(
                        "{} at {}:{}",
                        report.code, report.primary.0, report.primary.1
                    )
                })
                .collect();
            (!missed.is_empty() || !invented.is_empty())
                .then(|| format!("missed {missed:?}, invented {invented:?}; all: {said:?}"))
        }
    }
}

/// The text without entries of several lines, whose values are made: `trees` is about those.
fn without_made(text: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let is_entry = line.starts_with("  - ");
        if is_entry || !line.starts_with(' ') {
            inside = line.starts_with("  - destination:");
        }
        !inside
    });
    kept.map(|line| format!("{line}\n")).collect()
}

/// Every mutation is reported at its line, or is legal by the oracle's rules.
#[test]
fn every_mutation_is_reported_at_its_line() {
    let shipped = shipped().to_files().into_iter();
    let files = Files::new(
        shipped
            .map(|(name, text)| (name, without_made(&text)))
            .collect(),
    );
    let kept = resolve::schemas(&Sources::from_files(files.to_files()), &mut Vec::new());
    let mut mutations = mapping::mutations(&files);
    mutations.extend(tests_section::mutations(&files));
    mutations.extend(schemas::mutations(&files));
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for mutation in &mutations {
        *kinds.entry(mutation.kind).or_default() += 1;
    }
    let judge = |part: &[Mutation]| -> Vec<String> {
        let judged = part
            .iter()
            .map(|mutation| (mutation, disagreement(mutation, &files, &kept)));
        judged
            .filter_map(|(mutation, what)| {
                Some(format!("{}: {}: {}", mutation.kind, mutation.about, what?))
            })
            .collect()
    };
    let half = mutations.split_at(mutations.len() / 2);
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| judge(half.1));
        [judge(half.0), other.join().unwrap()].concat()
    });
    println!("{} mutations: {kinds:?}", mutations.len());
    let by_kind: BTreeSet<&str> = wrong
        .iter()
        .filter_map(|line| line.split(':').next())
        .collect();
    let shown: Vec<&str> = wrong.iter().take(60).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} ({by_kind:?}):\n{}",
        wrong.len(),
        mutations.len(),
        shown.join("\n")
    );
}
