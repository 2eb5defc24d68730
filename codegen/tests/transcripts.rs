//! What `mapc` prints, to the letter: a folder a case, with its mappings and what was typed and answered.
//!
//! A file `NAME.out` begins with the command, then holds what it printed, its complaints marked, and its exit code.
//! `UPDATE=1 cargo test -p codegen` writes the answers down; the difference is to be read.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The shipped schemas, and the case's mappings.
fn folder(case: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in super::shipped().to_files() {
        if name.contains('/') {
            let path = folder.path().join("mappings").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    for mapping in files(case, "yaml") {
        let name = mapping.file_name().unwrap();
        fs::copy(&mapping, folder.path().join("mappings").join(name)).unwrap();
    }
    folder
}

/// Sorted by name.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

fn answer(command: &str, folder: &Path) -> String {
    let arguments = command.strip_prefix("$ mapc ").expect("`$ mapc ...`");
    let output = Command::new(env!("CARGO_BIN_EXE_mapc"))
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    let mut text = format!("{command}\n{}", String::from_utf8(output.stdout).unwrap());
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        writeln!(text, "stderr: {line}").unwrap();
    }
    writeln!(text, "exit {}", output.status.code().unwrap()).unwrap();
    text
}

#[test]
fn mapc_answers_as_written_down() {
    let update = std::env::var_os("UPDATE").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for case in fs::read_dir(root).unwrap() {
        let case = case.unwrap().path();
        let folder = folder(&case);
        for path in files(&case, "out") {
            let expected = fs::read_to_string(&path).unwrap();
            let command = expected.lines().next().unwrap_or_default();
            let got = answer(command, folder.path());
            seen += 1;
            if got != expected && update {
                fs::write(&path, got).unwrap();
            } else if got != expected {
                let path = path.display();
                wrong.push(format!("{path}: expected\n{expected}\ngot\n{got}"));
            }
        }
    }
    assert!(seen > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn colours_are_for_terminals_and_for_whoever_forces_them() {
    let folder = folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/rendered"));
    let coloured = |name: &str, value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_mapc"))
            .current_dir(folder.path())
            .args(["check"])
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env(name, value)
            .output()
            .unwrap();
        assert!(!output.stdout.is_empty());
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured("NO_COLOR", "1"));
    assert!(!coloured("CLICOLOR_FORCE", ""));
    assert!(coloured("CLICOLOR_FORCE", "1"));
}
