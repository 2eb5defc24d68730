//! The generated tree as a reviewer sees it: formatted, the same every time, and its diff no larger than the edit.

use std::path::Path;
use std::process::Command;

use codegen::output::{self, Files};
use codegen::source::Sources;
use similar::{ChangeTag, TextDiff};

use super::random::{Size, draw};
use super::{shipped, with};

/// The tree; nothing when the mappings have a mistake.
fn tree(sources: &Sources) -> Option<Files> {
    codegen::generate(sources).files
}

/// What rustfmt would change in the tree, with the settings of `generated/`. Handlers are laid out by prettyplease,
/// which has no settings: of them rustfmt sees nothing.
fn unformatted(files: &Files) -> String {
    let mut files = files.clone();
    for (name, text) in &mut files {
        if name.starts_with("on_") {
            *text = "//! Not judged.\n".to_owned();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated/rustfmt.toml");
    std::fs::copy(settings, folder.path().join("rustfmt.toml")).unwrap();
    output::write(folder.path(), &files).unwrap();
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
    assert_eq!(unformatted(&tree(&super::everything()).unwrap()), "");
}

#[test]
fn random_mappings_are_formatted_as_well() {
    for seed in 0..12 {
        let size = Size {
            mappings: 6,
            rows: 0,
        };
        let files = tree(&Sources::from_files(draw(seed, size).files)).unwrap();
        assert_eq!(unformatted(&files), "", "seed {seed}");
    }
}

/// Another folder, written in another order, from another place, in another locale, by another process.
#[test]
fn it_is_the_same_bytes_wherever_it_is_made() {
    let expected = tree(&super::everything()).unwrap();
    for (locale, backwards) in [("C", false), ("tr_TR.UTF-8", true), ("", true)] {
        let folder = tempfile::tempdir().unwrap();
        let mappings = folder.path().join("some where/else");
        let mut files = super::everything().to_files();
        if backwards {
            files.reverse();
        }
        for (name, text) in files {
            let path = mappings.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let made = Command::new(env!("CARGO_BIN_EXE_mapc"))
            .current_dir(folder.path())
            .env("LC_ALL", locale)
            .env("LANG", locale)
            .env("TZ", "Pacific/Auckland")
            .args(["generate", "some where/else", "--out", "tree"])
            .output()
            .unwrap();
        assert!(made.status.success());
        for (name, text) in &expected {
            let made = std::fs::read_to_string(folder.path().join("tree").join(name)).unwrap();
            assert_eq!(*text, made, "{name} under {locale:?}");
        }
    }
}

/// One edit of one entry of `fields:`, and the names that the entry has or had.
struct Edit {
    file: &'static str,
    text: String,
    names: Vec<String>,
}

/// What each entry can become: nothing, one with another flag or conversion, one with a new entry before it.
fn edits(file: &'static str, text: &str) -> Vec<Edit> {
    const NEW: &str = "  - { source: customer_note, destination: Description, direction: forward }";
    let lines: Vec<&str> = text.lines().collect();
    let is_entry = |line: &str| line.starts_with("  - { ") && line.contains("destination: ");
    let mut edits = Vec::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| is_entry(line)) {
        let mut edit = |entry: &[&str]| {
            let mut changed = lines.clone();
            changed.splice(number..=number, entry.iter().copied());
            let touched = entry.iter().filter(|kept| **kept != *line);
            let names = touched.chain((entry != [NEW, line]).then_some(line));
            edits.push(Edit {
                file,
                text: changed.join("\n") + "\n",
                names: names.flat_map(|entry| names_of(entry)).collect(),
            });
        };
        edit(&[]);
        edit(&[NEW, line]);
        edit(&[line, NEW]);
        edit(&[&line.replace(" }", ", convert: phone }")]);
        edit(&[&line.replace(", convert: phone", "")]);
        edit(&[&line.replace(", monitored: true", "")]);
        edit(&[&line.replace(", pii: true", "")]);
        edit(&[&line.replace(" }", ", when_creating: true }")]);
        edit(&[&line.replace(" }", ", conflict: review }")]);
    }
    edits
}

/// An entry's two names, as the mapping, as Rust's fields and as Rust's variants spell them.
fn names_of(entry: &str) -> Vec<String> {
    let mut names = Vec::new();
    for key in ["source: ", "destination: "] {
        let Some((_, rest)) = entry.split_once(key) else {
            continue;
        };
        let name = rest.split([',', ' ']).next().unwrap();
        names.push(format!("`{name}`"));
        names.push(format!("\"{name}\""));
        names.push(format!("// {name}"));
        let quoted: Vec<String> = name.split('.').map(|part| format!("{part:?}")).collect();
        names.push(quoted.join(", "));
        let bare = name.strip_suffix("__c").unwrap_or(name);
        let mut snake = String::new();
        for letter in bare.chars() {
            let small = snake.ends_with(|last: char| last.is_ascii_lowercase());
            if small && letter.is_ascii_uppercase() {
                snake.push('_');
            }
            let letter = if letter == '.' { '_' } else { letter };
            if letter != '_' || !snake.ends_with('_') {
                snake.push(letter.to_ascii_lowercase());
            }
        }
        let pascal: String = snake
            .split('_')
            .flat_map(|word| word.chars().enumerate())
            .map(|(at, letter)| {
                if at == 0 {
                    letter.to_ascii_uppercase()
                } else {
                    letter
                }
            })
            .collect();
        names.extend([
            format!(".{snake}"),
            format!(" {snake}:"),
            format!("::{pascal}"),
        ]);
        names.push(format!("    {pascal},"));
    }
    names
}

/// Lines that an edit touched without naming the field. A row goes with the comment above it, and imports with what
/// they are for.
fn strays(before: &Files, after: &Files, names: &[String]) -> Vec<String> {
    let mut strays = Vec::new();
    assert!(before.keys().eq(after.keys()));
    let differs = |path: &String| *path != "lines.rs" && before[path] != after[path];
    for (path, text) in before.iter().filter(|(path, _)| differs(path)) {
        let diff = TextDiff::from_lines(text.as_str(), after[path].as_str());
        // Named comments whose row has not been seen; of equal rows, diff may take either.
        let mut rows_due = 0;
        for change in diff.iter_all_changes() {
            let line = change.value().trim_end();
            let named = names.iter().any(|name| line.contains(name.as_str()));
            let is_import = line.starts_with("use ") || line.ends_with("Side,");
            let is_comment = line.trim_start().starts_with("// ");
            match change.tag() {
                ChangeTag::Equal => rows_due = if named && is_comment { 2 } else { 0 },
                _ if named => rows_due += i32::from(is_comment),
                _ if is_import => {}
                // The rest of what was too long for one line.
                _ if line.trim_start().starts_with('.') => {}
                _ if line.trim().chars().all(|letter| "}),;".contains(letter)) => {}
                _ if line.trim_start().starts_with("FieldSync::")
                    || line.trim_start().starts_with("Origin::") =>
                {
                    rows_due -= 1;
                }
                tag => strays.push(format!("{path}: {tag}{line}")),
            }
            if rows_due < -1 {
                strays.push(format!("{path}: {}{line}", change.tag()));
            }
        }
    }
    strays
}

#[test]
fn an_edit_of_a_field_touches_that_field_and_the_lines() {
    let before = tree(&shipped()).unwrap();
    let mut compiled = 0;
    for file in ["account.yaml", "contact.yaml"] {
        let text = text_of(file);
        // Tests and matches speak of fields too: without them every field can go.
        let bare = [without(&text, "tests:"), without(&text, "match:")];
        for base in [text.as_str(), &bare[0], &without(&bare[0], "match:")] {
            let before = tree(&with(file, base)).unwrap_or_else(|| before.clone());
            for edit in edits(file, base) {
                let Some(after) = tree(&with(edit.file, &edit.text)) else {
                    continue;
                };
                compiled += 1;
                let strays = strays(&before, &after, &edit.names);
                assert!(
                    strays.is_empty(),
                    "{}\n{}",
                    edit.names.join(" "),
                    strays.join("\n")
                );
            }
        }
    }
    assert!(compiled > 200, "only {compiled} edits compile");
}

fn text_of(name: &str) -> String {
    let mut files = shipped().to_files().into_iter();
    files.find(|(known, _)| known == name).unwrap().1
}

/// The mapping without one of its top-level keys.
fn without(text: &str, key: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        if !line.starts_with(' ') {
            inside = line.starts_with(key);
        }
        !inside
    });
    kept.map(|line| format!("{line}\n")).collect()
}

/// What the benches run is what the compiler makes today. `UPDATE=1` writes it.
#[test]
fn the_mapping_that_the_benches_run_is_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/run/mapped");
    let files = tree(&super::synthetic::sources(1)).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        output::write(&folder, &files).unwrap();
    }
    assert_eq!(output::diff(&folder, &files).unwrap(), "");
}
