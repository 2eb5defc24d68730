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
        text += &difference(name, before, after);
    }
    Ok(text)
}

/// Writes one file beside the tree, when it differs. Gives whether it did.
///
/// # Errors
/// When the file cannot be read or written.
pub fn write_file(path: &Path, text: &str) -> Result<bool, OutputError> {
    if read_file(path)?.as_deref() == Some(text) {
        return Ok(false);
    }
    fs::write(path, text).map_err(|source| at(path, source))?;
    Ok(true)
}

/// A unified diff from one file on disk to `text`; empty when they are equal.
///
/// # Errors
/// When the file cannot be read.
pub fn diff_file(path: &Path, text: &str) -> Result<String, OutputError> {
    let name = path.to_string_lossy().replace('\\', "/");
    let before = read_file(path)?.unwrap_or_default();
    Ok(difference(&name, &before, text))
}

fn difference(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (old, new) = (format!("a/{name}"), format!("b/{name}"));
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff().header(&old, &new).to_string()
}

/// Nothing when it is not there.
fn read_file(path: &Path) -> Result<Option<String>, OutputError> {
    match fs::read_to_string(path) {
        // A checkout on Windows may have changed the ends of lines, which is not drift.
        Ok(text) => Ok(Some(text.replace("\r\n", "\n"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path, error)),
    }
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
            files.extend(read_file(&path)?.map(|text| (name.to_owned(), text)));
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
