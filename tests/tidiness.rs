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

#[test]
fn no_file_is_longer_than_one_sitting() {
    let mut found = Vec::new();
    files(&root(), &mut found);
    let long: Vec<String> = found
        .iter()
        .filter(|path| !path.to_string_lossy().contains("generated/src/mappings"))
        .map(|path| (path, std::fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(path, lines)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn what_builds_the_generated_crate_needs_no_network_and_no_command_line() {
    let tree =
        std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root())
            .args([
                "tree",
                "--package",
                "codegen",
                "--no-default-features",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--offline",
            ])
            .output()
            .unwrap();
    let names = String::from_utf8(tree.stdout).unwrap();
    assert!(
        names.contains("granit-parser"),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    for refused in [
        "tokio",
        "reqwest",
        "hyper",
        "clap",
        "askama",
        "axum",
        "lsp-server",
        "rusqlite",
    ] {
        assert!(
            !names
                .lines()
                .any(|line| line.starts_with(&format!("{refused} "))),
            "codegen pulls in {refused}"
        );
    }
}
