//! Differences that were found once: a folder each, with the mappings, their schemas and the question.

use std::fs;
use std::path::{Path, PathBuf};

use codegen::source::Sources;
use serde_json::{Map, Value};

use crate::world::root;

pub struct Case {
    pub name: String,
    pub files: Vec<(String, String)>,
    pub question: Value,
}

fn folder() -> PathBuf {
    root().join("tests/differential/cases")
}

/// Sorted by name.
pub fn all() -> Vec<Case> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.into_iter().map(read).collect()
}

fn read(folder: PathBuf) -> Case {
    let question = fs::read_to_string(folder.join("question.json")).unwrap();
    Case {
        files: Sources::load(&folder).unwrap().to_files(),
        question: serde_json::from_str(&question).unwrap(),
        name: shown(&folder),
    }
}

/// From the workspace's root.
fn shown(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("tests/differential/cases/{name}")
}

/// Writes a case down; gives its folder.
pub fn keep(name: &str, files: &[(String, String)], question: &Value) -> String {
    let folder = folder().join(name);
    let write = |name: &str, text: &str| {
        let path: &Path = &folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (name, text) in files {
        write(name, text);
    }
    let mut question = question.clone();
    // Its number in one run is none of the case's.
    question["program"] = Value::Null;
    let mut text = serde_json::to_string_pretty(&question).unwrap();
    text.push('\n');
    write("question.json", &text);
    shown(&folder)
}

/// The question without what is not needed: members are left out while `differs` holds.
pub fn smaller(question: &Value, mut differs: impl FnMut(&Value) -> bool) -> Value {
    let mut small = question.clone();
    for part in ["row", "other", "base", "now"] {
        let whole = small[part]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let Some(mut members): Option<Map<String, Value>> = whole else {
            continue;
        };
        for name in members.keys().cloned().collect::<Vec<_>>() {
            let mut fewer = members.clone();
            fewer.remove(&name);
            let mut tried = small.clone();
            tried[part] = Value::Object(fewer.clone()).to_string().into();
            if differs(&tried) {
                (small, members) = (tried, fewer);
            }
        }
    }
    small
}
