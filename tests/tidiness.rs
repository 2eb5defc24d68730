//! Rules of the house that no compiler knows.

use std::path::{Path, PathBuf};

use crate::world::root;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// What `mapc` wrote is as long as its mappings.
const WRITTEN_BY_MAPC: &[&str] = &["generated/src/mappings", "codegen/benches/run/mapped"];

#[test]
fn no_file_is_longer_than_one_sitting() {
    let mut found = Vec::new();
    files(&root(), &mut found);
    let long: Vec<String> = found
        .iter()
        .filter(|path| {
            let path = path.to_string_lossy();
            !WRITTEN_BY_MAPC.iter().any(|folder| path.contains(folder))
        })
        .map(|path| (path, std::fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(path, lines)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The packages that `codegen` is built with, by name.
fn behind_codegen(features: &[&str]) -> Vec<String> {
    let tree =
        std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root())
            .args(["tree", "--package", "codegen", "--edges", "normal"])
            .args(["--prefix", "none", "--offline"])
            .args(features)
            .output()
            .unwrap();
    let names: Vec<String> = String::from_utf8(tree.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    assert!(
        names.contains(&"granit-parser".to_owned()),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    names
}

const OF_A_SERVICE: &[&str] = &[
    "axum",
    "bytes",
    "hyper",
    "jsonwebtoken",
    "reqwest",
    "rusqlite",
    "rustls",
    "tokio",
    "tracing",
];

#[test]
fn what_builds_the_generated_crate_needs_no_network_and_no_command_line() {
    let names = behind_codegen(&["--no-default-features"]);
    let command_line = ["askama", "clap", "lsp-server", "runtime"];
    for refused in command_line.iter().chain(OF_A_SERVICE) {
        assert!(
            !names.contains(&(*refused).to_owned()),
            "codegen pulls in {refused}"
        );
    }
}

#[test]
fn mapc_knows_the_tables_of_the_runtime_and_not_its_service() {
    let names = behind_codegen(&[]);
    assert!(names.contains(&"runtime".to_owned()));
    for refused in OF_A_SERVICE {
        assert!(
            !names.contains(&(*refused).to_owned()),
            "mapc pulls in {refused}"
        );
    }
}
