//! The generated tree as a reviewer sees it.

use std::path::Path;
use std::process::Command;

use codegen::output::{self, Files};
use codegen::source::Sources;

use super::shipped;

fn tree(sources: &Sources) -> Files {
    let generated = codegen::generate(sources);
    let shown: Vec<String> = generated
        .diagnostics
        .iter()
        .map(|found| codegen::diagnostic::text(found, sources, false))
        .collect();
    generated
        .files
        .unwrap_or_else(|| panic!("{}", shown.join("\n")))
}

/// What rustfmt would change in the tree, with the settings of `generated/`.
fn unformatted(files: &Files) -> String {
    let folder = tempfile::tempdir().unwrap();
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated/rustfmt.toml");
    std::fs::copy(settings, folder.path().join("rustfmt.toml")).unwrap();
    output::write(folder.path(), files).unwrap();
    let result = Command::new("rustfmt")
        .args(["--check", "--color", "never", "--edition", "2024"])
        .arg(folder.path().join("root.rs"))
        .output()
        .unwrap();
    let said = [result.stdout, result.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn it_is_formatted_as_rustfmt_does() {
    assert_eq!(unformatted(&tree(&shipped())), "");
}
