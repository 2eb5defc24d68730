//! What other people's programs make of the schema for editors: check-jsonschema and the YAML language server that
//! editors run, both set up by tests/run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use codegen::ast::language::{MAPPING, Map, Takes};
use codegen::source::Sources;
use serde_json::Value;

use crate::world::root;

#[path = "../codegen/tests/broken/cases.rs"]
mod broken;

/// A schema sees every mistake of these codes: unknown keys, words, names of fields, mappings and conversions, and wrong
/// shapes. Of M0103, M0203, M0301, M0303 and M0306 it sees those that are about a name alone.
const SEEN: &[&str] = &[
    "M0004", "M0006", "M0007", "M0008", "M0101", "M0102", "M0104", "M0105",
];

fn validator() -> Command {
    let bin = std::env::var_os("USHER_PYTHON").map_or_else(
        || root().join("target/foreign/bin"),
        |python| PathBuf::from(python).with_file_name(""),
    );
    Command::new(bin.join("check-jsonschema"))
}

fn schema() -> PathBuf {
    root().join("mappings/schemas/mapping.schema.json")
}

/// The files of a folder that the schema, or the validator's YAML parser, refuses.
fn refused(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let output = validator()
        .args(["--output-format", "json", "--schemafile"])
        .arg(schema())
        .args(files.map(|file| file.path()))
        .output()
        .expect("the foreign validator is not set up: run tests/run");
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    ["errors", "parse_errors"]
        .iter()
        .flat_map(|kind| answer[*kind].as_array().into_iter().flatten())
        .map(|error| Path::new(error["filename"].as_str().unwrap()).file_name())
        .map(|name| name.unwrap().to_string_lossy().into_owned())
        .collect()
}

fn contact() -> String {
    std::fs::read_to_string(root().join("mappings/contact.yaml")).unwrap()
}

#[test]
fn the_schema_is_valid_and_takes_the_shipped_mappings() {
    let meta = validator()
        .arg("--check-metaschema")
        .arg(schema())
        .output()
        .expect("the foreign validator is not set up: run tests/run");
    assert!(
        meta.status.success(),
        "{}",
        String::from_utf8_lossy(&meta.stdout)
    );
    let folder = tempfile::tempdir().unwrap();
    for name in ["account.yaml", "contact.yaml"] {
        std::fs::copy(root().join("mappings").join(name), folder.path().join(name)).unwrap();
    }
    assert_eq!(refused(folder.path()), BTreeSet::new());
}

#[test]
fn mistakes_that_a_schema_can_see_are_refused() {
    let whole = contact();
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = Vec::new();
    for (index, case) in broken::CASES.iter().enumerate() {
        let name = format!("{index:03}.yaml");
        std::fs::write(
            folder.path().join(&name),
            whole.replacen(case.from, case.to, 1),
        )
        .unwrap();
        if case.expected.iter().any(|(code, _)| SEEN.contains(code)) {
            wanted.push((name, case));
        }
    }
    let refused = refused(folder.path());
    assert!(wanted.len() > 20);
    let missed: Vec<&str> = wanted
        .iter()
        .filter(|(name, _)| !refused.contains(name))
        .map(|(_, case)| case.to)
        .collect();
    assert!(missed.is_empty(), "the schema accepts {missed:?}");
}

/// Every mapping that `mapc check` finds clean is one that the schema takes.
#[test]
fn what_is_clean_is_accepted() {
    let sources = Sources::load(&root().join("mappings")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for (index, text) in edited(&contact()).into_iter().enumerate() {
        let mut files = sources.to_files();
        files.retain(|(name, _)| name != "contact.yaml");
        files.push(("contact.yaml".to_owned(), text.clone()));
        if codegen::check(&Sources::from_files(files)).is_clean() {
            tried += 1;
            std::fs::write(folder.path().join(format!("{index:03}.yaml")), text).unwrap();
        }
    }
    assert!(tried > 40, "only {tried} of the edits are legal");
    let refused: Vec<String> = refused(folder.path())
        .iter()
        .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n---\n"));
}

/// The mapping without each of its lines, with each word in its place, and in other styles. Not all are legal.
fn edited(whole: &str) -> Vec<String> {
    let lines: Vec<&str> = whole.lines().collect();
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != gone);
        kept.map(|(_, line)| format!("{line}\n")).collect()
    };
    let mut texts: Vec<String> = (0..lines.len()).map(without).collect();
    words(&MAPPING, &mut |key, word| {
        let line = format!("{key}: {word}");
        for (index, written) in lines.iter().enumerate() {
            if written.trim_start().starts_with(&format!("{key}: ")) {
                let indent = " ".repeat(written.len() - written.trim_start().len());
                let mut changed = lines.clone();
                let text = format!("{indent}{line}");
                changed[index] = &text;
                texts.push(changed.join("\n"));
            }
        }
        texts.push(format!("{whole}{line}\n"));
        texts.push(whole.replacen(
            "destination: LastName,",
            &format!("destination: LastName, {line},"),
            1,
        ));
    });
    for (from, to) in [
        (
            "  - { source: mobile, destination: MobilePhone, monitored: true, convert: phone, pii: true }",
            "  - source: mobile\n    destination: \"MobilePhone\"\n    convert: 'phone'",
        ),
        (
            "value: Ticketure, destination: LeadSource",
            "value: 42, destination: Department",
        ),
        ("ignore: [Fax, Salutation]", "ignore:"),
        ("lock: AccountId", "lock: ReportsToId"),
        (
            "  source: { identity_type: person }",
            "  source: { identity_type: person, deleted: null, language: en }\n  destination: { Fax: { not: null }, HasOptedOutOfEmail: false, LeadSource: Anything }",
        ),
        (
            "given: { id: \"i-1\", identity_type: person, first_name: Ada, last_name: Lovelace, email: \" Ada@Example.org \"",
            "given: { id: 1, identity_type: person, first_name: Ada, last_name: Lovelace, address: null, email: \" Ada@Example.org \"",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        texts.push(whole.replacen(from, to, 1));
    }
    texts
}

fn words(map: &Map, each: &mut impl FnMut(&str, &str)) {
    for key in map.keys {
        match &key.takes {
            Takes::Word(words) => words.iter().for_each(|word| each(key.name, word)),
            Takes::Truth => ["true", "false"]
                .iter()
                .for_each(|word| each(key.name, word)),
            Takes::Map(inner)
            | Takes::List {
                of: Takes::Map(inner),
                ..
            } => words(inner, each),
            _ => {}
        }
    }
}

#[test]
fn a_language_server_completes_explains_and_marks() {
    let modules = std::env::var_os("USHER_NODE_MODULES").map_or_else(
        || root().join("target/foreign-js/node_modules"),
        PathBuf::from,
    );
    let output = Command::new("node")
        .arg(root().join("tests/foreign/yaml_language_server_check.cjs"))
        .arg(modules.join("yaml-language-server/bin/yaml-language-server"))
        .arg(root().join("mappings"))
        .output()
        .expect("node is not there: run tests/run");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
