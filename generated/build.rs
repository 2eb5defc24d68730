//! Compiles the mappings on every build, so that an edit of a mapping is in the program at once.
//!
//! Writes to OUT_DIR only. The committed tree is what is compiled as long as it says the same.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use codegen::output::{self, Files};
use codegen::source::Sources;
use codegen::{diagnostic, generate};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => fail(&error.to_string()),
    }
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mappings = here.join("../mappings");
    let committed = here.join("src/mappings");
    watch(&mappings);
    println!("cargo::rerun-if-changed={}", committed.display());
    println!("cargo::rerun-if-env-changed=CI");
    let sources = Sources::load(&mappings)?.shown_below("mappings");
    let generated = generate(&sources);
    let shown: Vec<String> = generated
        .diagnostics
        .iter()
        .map(|found| diagnostic::text(found, &sources, false))
        .collect();
    let Some(files) = generated.files else {
        return Ok(fail(&shown.join("\n\n")));
    };
    for text in shown {
        warn(&text);
    }
    let diff = output::diff(&committed, &files)?;
    let root = if diff.is_empty() {
        committed
    } else if in_ci() {
        return Ok(fail(&format!("generated/ is behind mappings/: run cargo gen\n{diff}")));
    } else {
        warn("generated/ is behind mappings/: run cargo gen");
        fresh(&files)?
    };
    println!("cargo::rustc-env=GENERATED_ROOT={}", root.join("root.rs").display());
    Ok(ExitCode::SUCCESS)
}

/// The tree in OUT_DIR.
fn fresh(files: &Files) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("mappings");
    output::write(&out, files)?;
    Ok(out)
}

fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Every file by name: a folder alone would not tell of an edit inside.
fn watch(folder: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            watch(&path);
        } else {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}

fn warn(text: &str) {
    for line in text.lines() {
        println!("cargo::warning={line}");
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("\n{text}\n");
    for line in text.lines() {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}
