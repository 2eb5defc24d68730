//! Whatever the input, the compiler answers: no panic, no hang, and what it says is about a place in the file.

mod named;
mod random;

use std::time::{Duration, Instant};

use codegen::diagnostic::{self, Diagnostic, Severity};
use codegen::source::Sources;
use codegen::span::Span;

use super::{found, quick, shipped, with};

/// Longer than this is a hang: the process ends, and says over what.
const HANG: Duration = Duration::from_secs(120);

/// Runs everything over these files, and gives what was found.
fn answer(sources: &Sources) -> Vec<Diagnostic> {
    quick::agree_all(sources);
    let generated = codegen::generate(sources);
    let found = generated.diagnostics;
    let errors = found.iter().any(|found| found.severity == Severity::Error);
    assert_eq!(generated.files.is_none(), errors);
    assert!(codegen::editor::schema(sources).ends_with("}\n"));
    for found in &found {
        well_formed(found, sources);
        let text = diagnostic::text(found, sources, false);
        assert!(text.contains(&format!("[{}]", found.code)), "{text}");
        assert!(
            text.len() < 20_000,
            "{} bytes of text for {found:?}",
            text.len()
        );
        let json = diagnostic::json_line(found, sources);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(
            json["line"].as_u64() >= Some(1) && json["column"].as_u64() >= Some(1),
            "{json}"
        );
        let github = diagnostic::github(found, sources);
        assert!(!github.contains(['\n', '\r']), "{github}");
    }
    found
}

fn well_formed(found: &Diagnostic, sources: &Sources) {
    let one_line =
        |text: &str| !text.is_empty() && text.len() < 2_000 && !text.contains(char::is_control);
    assert!(one_line(&found.message), "{:?}", found.message);
    assert!(one_line(&found.label), "{:?}", found.label);
    assert!(found.help.as_deref().is_none_or(one_line), "{found:?}");
    in_file(found.span, sources, found);
    for (span, label) in &found.related {
        assert!(one_line(label), "{found:?}");
        in_file(*span, sources, found);
    }
    for edit in &found.fixes {
        in_file(edit.span, sources, found);
    }
}

/// Inside its file, on the borders of characters.
fn in_file(span: Span, sources: &Sources, found: &Diagnostic) {
    let text = &sources.file(span.file).expect("a file of the run").text;
    let part = text.get(span.start as usize..span.end as usize);
    assert!(part.is_some(), "{found:?} of {} bytes", text.len());
}

/// Gives its result, or ends the process when it takes too long: a test that hangs says nothing.
fn watched<T: Send + 'static>(what: &str, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    let name = what.to_owned();
    std::thread::spawn(move || {
        if waiting.recv_timeout(HANG) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("no answer after {} s: {name}", HANG.as_secs());
            std::process::abort();
        }
    });
    // A small stack, so that recursion over the input shows.
    let started = Instant::now();
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    let result = thread.spawn(run).unwrap().join();
    drop(done);
    println!("{:>8.1} ms  {what}", started.elapsed().as_secs_f64() * 1e3);
    result.unwrap_or_else(|panicked| {
        eprintln!("in: {what}");
        std::panic::resume_unwind(panicked)
    })
}

fn contact() -> String {
    shipped()
        .to_files()
        .into_iter()
        .find(|(name, _)| name == "contact.yaml")
        .unwrap()
        .1
}

#[test]
fn the_output_is_the_same_every_time() {
    let first = codegen::generate(&shipped()).files.unwrap();
    assert_eq!(first, codegen::generate(&shipped()).files.unwrap());
}
