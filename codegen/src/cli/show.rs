//! Diagnostics on standard output, in colours on a terminal only.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};

use super::Format;
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::source::Sources;

/// Prints them all.
///
/// # Errors
/// When nobody reads the output.
pub(super) fn show(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    format: Format,
) -> io::Result<()> {
    // NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM are obeyed.
    let colours = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let mut out = AutoStream::auto(io::stdout()).lock();
    for diagnostic in diagnostics {
        match format {
            Format::Text => writeln!(out, "{}\n", diagnostic::text(diagnostic, sources, colours))?,
            Format::Json => writeln!(out, "{}", diagnostic::json_line(diagnostic, sources))?,
            Format::Github => writeln!(out, "{}", diagnostic::github(diagnostic, sources))?,
        }
    }
    out.flush()
}

/// Prints a text as it is.
///
/// # Errors
/// When nobody reads the output.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Was it that nobody reads the output any more?
pub(super) fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The last line: how many, and what to type to know more.
pub(super) fn summary(diagnostics: &[Diagnostic], left_out: usize, mappings: usize) -> String {
    let of = |severity: Severity| {
        let of = diagnostics
            .iter()
            .filter(|found| found.severity == severity);
        of.count()
    };
    let (errors, warnings) = (of(Severity::Error) + left_out, of(Severity::Warning));
    let mappings = counted(mappings, "mapping");
    let Some(first) = diagnostics.first() else {
        return format!("{mappings}, no mistakes");
    };
    let mut found = Vec::new();
    if errors > 0 {
        found.push(counted(errors, "mistake"));
    }
    if warnings > 0 {
        found.push(counted(warnings, "warning"));
    }
    let left_out = match left_out {
        0 => String::new(),
        many => format!(" ({many} of them are not shown: mend these first)"),
    };
    let (found, code) = (found.join(" and "), first.code);
    format!("{found} in {mappings}{left_out}; `mapc explain {code}` tells more")
}

/// `1 file`, `2 files`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
