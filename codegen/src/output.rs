//! The generated tree on disk: written, or compared. The only writing of disk in the compiler.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

/// Paths below the tree's root and their texts.
pub type Files = BTreeMap<String, String>;

/// A tree that could not be read or written.
#[derive(Debug)]
pub struct OutputError {
    pub path: PathBuf,
    pub source: io::Error,
}

impl std::fmt::Display for OutputError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "cannot read or write {}: {}",
            self.path.display(),
            self.source
        )
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Writes what differs and removes Rust files that are no longer generated. Gives the paths that changed.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write(root: &Path, files: &Files) -> Result<Vec<String>, OutputError> {
    let present = read(root)?;
    fs::create_dir_all(root).map_err(|source| at(root, source))?;
    let mut changed = Vec::new();
    for (name, text) in files {
        if present.get(name) != Some(text) {
            let path = root.join(name);
            fs::write(&path, text).map_err(|source| at(&path, source))?;
            changed.push(name.clone());
        }
    }
    for name in present.keys().filter(|name| !files.contains_key(*name)) {
        let path = root.join(name);
        fs::remove_file(&path).map_err(|source| at(&path, source))?;
        changed.push(name.clone());
    }
    Ok(changed)
}

/// A unified diff from the tree on disk to `files`; empty when they are equal.
///
/// # Errors
/// When a file cannot be read.
pub fn diff(root: &Path, files: &Files) -> Result<String, OutputError> {
    let present = read(root)?;
    let names: std::collections::BTreeSet<&String> = present.keys().chain(files.keys()).collect();
    let mut text = String::new();
    for name in names {
        let before = present.get(name).map_or("", String::as_str);
        let after = files.get(name).map_or("", String::as_str);
        if before != after {
            let diff = TextDiff::from_lines(before, after);
            let header = (format!("a/{name}"), format!("b/{name}"));
            text += &diff.unified_diff().header(&header.0, &header.1).to_string();
        }
    }
    Ok(text)
}

/// The tree's Rust files. A tree that is not there has none.
fn read(root: &Path) -> Result<Files, OutputError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Files::new()),
        Err(error) => return Err(at(root, error)),
    };
    let mut files = Files::new();
    for entry in entries {
        let path = entry.map_err(|source| at(root, source))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(|source| at(&path, source))?;
            // A checkout on Windows may have changed the ends of lines, which is not drift.
            files.insert(name.to_owned(), text.replace("\r\n", "\n"));
        }
    }
    Ok(files)
}

fn at(path: &Path, source: io::Error) -> OutputError {
    OutputError {
        path: path.to_owned(),
        source,
    }
}
