//! The mapping compiler: YAML mappings and two schemas in, typed Rust and diagnostics out.
//!
//! `source` reads the files; `parse` makes trees of them, `ast` says what stands where, `resolve` looks names up and
//! makes the `model`, `checks` judges it, `lower` settles every name and type in the `ir`, `emit` writes it down, and
//! `output` puts it on disk. Between `source` and `output` nothing touches disk, clock or network.
//! `editor` tells editors what the language and the schemas have; `interpret` carries the `ir` out on the spot, for
//! `mapc test`.

pub mod ast;
pub mod checks;
pub mod diagnostic;
pub mod editor;
pub mod emit;
pub mod ir;
pub mod lower;
pub mod model;
pub mod output;
pub mod parse;
pub mod resolve;
pub mod schema;
pub mod settings;
pub mod source;
pub mod span;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "interpret")]
pub mod interpret;

use std::collections::{BTreeMap, BTreeSet};

use diagnostic::{Diagnostic, Severity};
use model::Model;
use resolve::Schemas;
use source::Sources;
use span::FileId;

/// What the mappings mean, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Checked {
    pub model: Model,
    /// Sorted by file and place, mappings before schemas.
    pub diagnostics: Vec<Diagnostic>,
    /// Errors of a file that has very many.
    pub left_out: usize,
}

impl Checked {
    /// Nothing stands in the way of generating.
    pub fn is_clean(&self) -> bool {
        self.diagnostics
            .iter()
            .all(|diagnostic| diagnostic.severity != Severity::Error)
    }
}

/// All mistakes of all files.
pub fn check(sources: &Sources) -> Checked {
    let mut sink = Vec::new();
    let schemas = resolve::schemas(sources, &mut sink);
    check_against(sources, &schemas, sink)
}

/// The same over schemas that have been read, and what was wrong with them: many mappings may share them.
pub fn check_against(sources: &Sources, schemas: &Schemas, mut sink: Vec<Diagnostic>) -> Checked {
    // What is wrong with the texts, beside what is wrong with what they say.
    let mut texts: Vec<Diagnostic> = sources.encodings().collect();
    let mut mappings = Vec::new();
    for (file, source) in sources.mappings() {
        let before = texts.len();
        let root = parse::parse(file, &source.text, &mut texts);
        let found = texts.get(before..).unwrap_or_default();
        let unread = parse::is_incomplete(root.as_ref(), found);
        mappings.extend(ast::read(file, root.as_ref(), unread, &mut sink));
    }
    let model = resolve::resolve(&mappings, schemas, &mut sink);
    let faulty = texts.iter().chain(&sink).map(|found| found.span.file);
    let faulty: BTreeSet<FileId> = faulty.collect();
    let overlaps = checks::same_record::overlaps(&model);
    let by_file: BTreeMap<FileId, &ast::Mapping> = mappings
        .iter()
        .map(|written| (written.file, written))
        .collect();
    for (index, mapping) in model.mappings.iter().enumerate() {
        let written = by_file.get(&mapping.file);
        let incomplete = written.is_none_or(|written| {
            written.fields_broken || written.fields.len() > mapping.fields.len()
        });
        let context = checks::Context {
            model: &model,
            schemas,
            id: model::MappingId(index),
            overlaps: &overlaps,
            faulty: faulty.contains(&mapping.file),
            incomplete,
        };
        checks::check(mapping, &context, &mut sink);
    }
    diagnostic::without_consequences(&mut sink, &texts, sources);
    sink.append(&mut texts);
    let told = diagnostic::in_order(sink, sources);
    Checked {
        model,
        diagnostics: told.diagnostics,
        left_out: told.left_out,
    }
}

/// The generated tree, or what is wrong.
#[derive(Debug)]
pub struct Generated {
    pub diagnostics: Vec<Diagnostic>,
    pub left_out: usize,
    /// Nothing when a mapping has a mistake.
    pub files: Option<output::Files>,
}

/// Sources and schemas in, a map of path to text out.
pub fn generate(sources: &Sources) -> Generated {
    let checked = check(sources);
    let files = checked
        .is_clean()
        .then(|| emit::emit(&lower::lower(&checked.model, sources)));
    Generated {
        diagnostics: checked.diagnostics,
        left_out: checked.left_out,
        files,
    }
}
