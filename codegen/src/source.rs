//! The files of a run: read here, and nowhere else in the compiler.

mod encoding;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::span::{FileId, Span};

/// One file's text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// As diagnostics show it: `mappings/contact.yaml`.
    pub path: String,
    /// `contact.yaml`, or `schemas/salesforce/Contact.json`.
    pub name: String,
    pub text: String,
    /// The text is not what the file's bytes say by themselves.
    encoding: Option<encoding::Fault>,
    /// Byte offsets at which lines start.
    lines: Vec<usize>,
}

impl SourceFile {
    /// The line of a byte, counted from 0.
    pub fn line_at(&self, offset: u32) -> usize {
        let offset = (offset as usize).min(self.text.len());
        let after = self.lines.partition_point(|start| *start <= offset);
        after.saturating_sub(1)
    }

    /// The bytes of a line, counted from 0, without its end.
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let length = self.text.len();
        let start = self.lines.get(line).copied().unwrap_or(length);
        let end = self.lines.get(line + 1).map_or(length, |next| next - 1);
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches('\r').len()
    }

    /// The text is what the file's bytes are, so that bytes of it can be replaced there.
    pub fn is_as_written(&self) -> bool {
        self.encoding.is_none()
    }
}

/// All files of a run, sorted by name.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// Diagnostics are wanted of this file only.
    only: Option<String>,
}

/// Why the compiler cannot run at all.
#[derive(Debug)]
pub enum LoadError {
    Missing(PathBuf),
    NoSchemas(PathBuf),
    NoMappings(PathBuf),
    Io(PathBuf, io::Error),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Missing(path) => {
                write!(
                    formatter,
                    "there is no {}; name a mappings folder, or one mapping in it",
                    path.display()
                )
            }
            LoadError::NoSchemas(path) => write!(
                formatter,
                "there is no folder {}; a mappings folder holds its schemas in schemas/salesforce, schemas/ticketure and schemas/webhooks",
                path.display()
            ),
            LoadError::NoMappings(path) => write!(
                formatter,
                "there is no mapping in {}; a mapping is a file NAME.yaml in that folder",
                path.display()
            ),
            LoadError::Io(path, error) => {
                write!(formatter, "cannot read {}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for LoadError {}

impl Sources {
    /// A mappings folder, or one mapping in such a folder: the others are read too, for what refers to them.
    ///
    /// # Errors
    /// When there is no such folder, it has no schemas or no mappings, or a file cannot be read.
    pub fn load(path: &Path) -> Result<Sources, LoadError> {
        if !path.exists() {
            return Err(LoadError::Missing(path.to_owned()));
        }
        let (folder, only) = folder_and_file(path);
        let schemas = folder.join("schemas");
        if !schemas.is_dir() {
            return Err(LoadError::NoSchemas(schemas));
        }
        let mut found = Vec::new();
        list(&folder, "", &["yaml", "yml"], &mut found)?;
        if found.is_empty() {
            return Err(LoadError::NoMappings(folder));
        }
        for kind in ["salesforce", "ticketure", "webhooks"] {
            let below = format!("schemas/{kind}/");
            list(
                &folder.join("schemas").join(kind),
                &below,
                &["json"],
                &mut found,
            )?;
        }
        let mut sources = Sources {
            files: Vec::new(),
            only,
        };
        for (name, path) in found {
            let bytes = fs::read(&path).map_err(|error| LoadError::Io(path.clone(), error))?;
            sources.add(shown(&path), name, bytes);
        }
        sources.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(sources)
    }

    /// The same from memory: names below the mappings folder, and texts.
    pub fn from_files(files: impl IntoIterator<Item = (String, String)>) -> Sources {
        let bytes = |(name, text): (String, String)| (name, text.into_bytes());
        Self::from_bytes(files.into_iter().map(bytes))
    }

    /// The same from the bytes of files.
    pub fn from_bytes(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Sources {
        let mut sources = Sources::default();
        for (name, bytes) in files {
            sources.add(format!("mappings/{name}"), name, bytes);
        }
        sources.files.sort_by(|a, b| a.name.cmp(&b.name));
        sources
    }

    /// Names and texts, to change some and check again.
    pub fn to_files(&self) -> Vec<(String, String)> {
        self.files
            .iter()
            .map(|file| (file.name.clone(), file.text.clone()))
            .collect()
    }

    /// The same files, shown as below this folder: builds run elsewhere than where people look.
    pub fn shown_below(mut self, folder: &str) -> Sources {
        for file in &mut self.files {
            file.path = format!("{folder}/{}", file.name);
        }
        self
    }

    fn add(&mut self, path: String, name: String, bytes: Vec<u8>) {
        let (text, encoding) = encoding::decode(bytes);
        // Spans are of 32 bits; a mapping of this size is a mistake, and is refused as one.
        let text = if text.len() > u32::MAX as usize {
            String::new()
        } else {
            encoding::with_line_feeds(text)
        };
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        self.files.push(SourceFile {
            path,
            name,
            text,
            encoding,
            lines,
        });
    }

    /// The files that are not UTF-8.
    pub fn encodings(&self) -> impl Iterator<Item = Diagnostic> {
        self.iter()
            .filter_map(|(id, file)| Some(file.encoding?.report(id)))
    }

    /// The files whose name starts so, with their ids.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (FileId, &'a SourceFile)> {
        self.iter()
            .filter(move |(_, file)| file.name.starts_with(folder))
    }

    /// The mapping files.
    pub fn mappings(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.iter().filter(|(_, file)| !file.name.contains('/'))
    }

    fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index as u32), file))
    }

    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Are diagnostics of this file wanted?
    pub fn is_wanted(&self, id: FileId) -> bool {
        let name = self.file(id).map(|file| file.name.as_str());
        self.only.as_deref().is_none_or(|only| name == Some(only))
    }

    /// Line and column of a byte, both counted from 1, the column in characters.
    pub fn position(&self, file: FileId, offset: u32) -> (u32, u32) {
        let Some(file) = self.file(file) else {
            return (1, 1);
        };
        let line = file.line_at(offset);
        let start = file.lines.get(line).copied().unwrap_or_default();
        let offset = (offset as usize).min(file.text.len());
        let before = file.text.get(start..offset).unwrap_or_default();
        (line as u32 + 1, before.chars().count() as u32 + 1)
    }
}

impl crate::lower::Places for Sources {
    fn file_name(&self, file: FileId) -> String {
        self.file(file)
            .map(|file| file.name.clone())
            .unwrap_or_default()
    }

    fn line(&self, span: Span) -> u32 {
        self.position(span.file, span.start).0
    }
}

/// The mappings folder that a path names, and the one mapping in it, if it names one.
pub fn folder_and_file(path: &Path) -> (PathBuf, Option<String>) {
    if path.is_dir() {
        return (path.to_owned(), None);
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned);
    (parent.unwrap_or(Path::new(".")).to_owned(), name)
}

fn list(
    folder: &Path,
    below: &str,
    extensions: &[&str],
    found: &mut Vec<(String, PathBuf)>,
) -> Result<(), LoadError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LoadError::Io(folder.to_owned(), error)),
    };
    for entry in entries {
        let path = entry
            .map_err(|error| LoadError::Io(folder.to_owned(), error))?
            .path();
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_ours = !name.starts_with(['_', '.']) || name == "_org.json";
        if path.is_file() && extensions.contains(&extension) && is_ours {
            found.push((format!("{below}{name}"), path));
        }
    }
    Ok(())
}

/// With forward slashes, so that output is the same everywhere.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}
