//! `mapc test`: the mappings' own tests, by the interpreter.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::{Format, MISTAKES, Outcome, show};
use crate::diagnostic::ABOUT_TESTS;
use crate::source::Sources;
use crate::{check, interpret, ir, lower};
use runtime::expect::Failure;

/// The shape's version; members are only ever added.
const SCHEMA_VERSION: u32 = 1;

/// What became of one mapping's tests.
struct Tested {
    /// As diagnostics show it: `mappings/contact.yaml`.
    file: String,
    name: String,
    /// Those that the filter lets through.
    results: Vec<Ran>,
    skipped: usize,
}

struct Ran {
    name: String,
    line: u32,
    result: Result<(), Failure>,
}

/// Runs the tests of the mappings at `path` and prints what came out.
///
/// # Errors
/// When the files cannot be read, or no test is meant by the filter.
pub(super) fn run(path: &Path, filter: Option<&str>, as_json: bool) -> Outcome {
    let sources = Sources::load(path)?;
    let mut checked = check(&sources);
    // What `check` says of a test, running it shows.
    checked
        .diagnostics
        .retain(|found| !ABOUT_TESTS.iter().any(|code| code.0 == found.code));
    let format = match as_json {
        true => Format::Json,
        false => Format::Text,
    };
    show::show(&checked.diagnostics, &sources, format)?;
    if !checked.is_clean() {
        let mappings = sources.mappings().count();
        let summary = show::summary(&checked.diagnostics, checked.left_out, mappings);
        eprintln!("{summary}");
        return Ok(ExitCode::from(MISTAKES));
    }
    let program = lower::lower(&checked.model, &sources);
    let tested: Vec<Tested> = wanted(&checked.model, &program, &sources)
        .map(|(file, mapping)| test(file, mapping, filter))
        .collect();
    let Totals {
        passed,
        failed,
        skipped,
    } = totals(&tested);
    if let Some(filter) = filter.filter(|_| passed + failed == 0 && skipped > 0) {
        return Err(format!(
            "no test and no mapping has `{filter}` in its name; leave out --filter to run all {skipped}"
        )
        .into());
    }
    for mapping in &tested {
        match as_json {
            true => show::print(&json_lines(mapping))?,
            false => show::print(&text(mapping))?,
        }
    }
    let summary = match as_json {
        true => json!({
            "schema_version": SCHEMA_VERSION,
            "event": "summary",
            "passed": passed,
            "failed": failed,
            "skipped": skipped,
            "ok": failed == 0,
        })
        .to_string(),
        false => format!("\n{passed} passed, {failed} failed, {skipped} skipped"),
    };
    show::print(&format!("{summary}\n"))?;
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(MISTAKES),
    })
}

/// The mappings whose tests are asked for, each with its file's path.
fn wanted<'a>(
    model: &'a crate::model::Model,
    program: &'a ir::Program,
    sources: &'a Sources,
) -> impl Iterator<Item = (String, &'a ir::Mapping)> {
    program.mappings.iter().filter_map(move |mapping| {
        let meant = model
            .mappings
            .iter()
            .find(|meant| meant.name.value == mapping.name)?;
        let file = sources.file(meant.file)?;
        sources
            .is_wanted(meant.file)
            .then(|| (file.path.clone(), mapping))
    })
}

fn test(file: String, mapping: &ir::Mapping, filter: Option<&str>) -> Tested {
    let interpreted = interpret::Mapping::new(mapping);
    let meant = |test: &&ir::Test| {
        filter.is_none_or(|part| test.name.contains(part) || mapping.name.contains(part))
    };
    let results: Vec<Ran> = mapping
        .tests
        .iter()
        .filter(meant)
        .map(|test| Ran {
            name: test.name.clone(),
            line: test.line,
            result: interpreted.test(test),
        })
        .collect();
    Tested {
        file,
        name: mapping.name.clone(),
        skipped: mapping.tests.len() - results.len(),
        results,
    }
}

struct Totals {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tested {
    fn failed(&self) -> usize {
        let failed = self.results.iter().filter(|ran| ran.result.is_err());
        failed.count()
    }
}

fn totals(tested: &[Tested]) -> Totals {
    let ran: usize = tested.iter().map(|mapping| mapping.results.len()).sum();
    let failed = tested.iter().map(Tested::failed).sum();
    Totals {
        passed: ran - failed,
        failed,
        skipped: tested.iter().map(|mapping| mapping.skipped).sum(),
    }
}

/// A line for the mapping, and below it what failed, each at its line.
fn text(tested: &Tested) -> String {
    let failed = tested.failed();
    let counts = [
        (tested.results.len() - failed, "passed"),
        (failed, "failed"),
        (tested.skipped, "skipped"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let counts = match counts.is_empty() {
        true => "no tests".to_owned(),
        false => counts.join(", "),
    };
    let mut text = format!("{}: {counts}\n", tested.file);
    for ran in &tested.results {
        if let Err(failure) = &ran.result {
            text += &format!("  {}:{}: failed: {}\n", tested.file, ran.line, ran.name);
            for line in failure.to_string().lines() {
                text += &format!("    {line}\n");
            }
        }
    }
    text
}

/// A line for each test.
fn json_lines(tested: &Tested) -> String {
    let line = |ran: &Ran| {
        let failure = ran.result.as_ref().err().cloned().unwrap_or_default();
        let line = json!({
            "schema_version": SCHEMA_VERSION,
            "event": "test",
            "file": tested.file,
            "line": ran.line,
            "mapping": tested.name,
            "name": ran.name,
            "ok": ran.result.is_ok(),
            "error": failure.error,
            "differences": failure.differences,
            "notes": failure.notes,
        });
        format!("{line}\n")
    };
    tested.results.iter().map(line).collect()
}
