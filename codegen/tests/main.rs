//! The compiler from outside: pages, broken mappings, and that no input makes it panic.

// All of it is test code, helpers included, which clippy.toml's allowance for tests does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken;
mod describes;
mod editor;
mod emitted;
mod envelope;
mod facts;
mod mutations;
mod pages;
mod quick;
mod random;
mod robust;
mod transcripts;

// Parts of it are for the benches alone.
#[allow(dead_code)]
#[path = "../benches/synthetic.rs"]
mod synthetic;

use std::path::Path;

use codegen::source::Sources;

/// The shipped mappings and schemas.
fn everything() -> Sources {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    Sources::load(&folder).unwrap().shown_below("mappings")
}

/// The shipped mappings of people and organizations with what they need: small enough to be mutated at every place.
fn shipped() -> Sources {
    let mut files = everything().to_files();
    files.retain(|(name, _)| PEOPLE.contains(&name.as_str()));
    Sources::from_files(files)
}

const PEOPLE: &[&str] = &[
    "account.yaml",
    "contact.yaml",
    "schemas/salesforce/Account.json",
    "schemas/salesforce/Contact.json",
    "schemas/salesforce/_org.json",
    "schemas/ticketure/identity.schema.json",
    "schemas/webhooks/identity_changed.schema.json",
];

/// The shipped files with one of them replaced or added.
fn with(name: &str, text: &str) -> Sources {
    let mut files = shipped().to_files();
    files.retain(|(known, _)| known != name);
    files.push((name.to_owned(), text.to_owned()));
    Sources::from_files(files)
}

/// Code and line of each diagnostic.
fn found(sources: &Sources) -> Vec<(String, u32)> {
    quick::agree_all(sources);
    let checked = codegen::check(sources);
    checked
        .diagnostics
        .iter()
        .map(|found| {
            (
                found.code.to_owned(),
                sources.position(found.span.file, found.span.start).0,
            )
        })
        .collect()
}

/// What the benches measure is the work, not the mistakes.
#[test]
fn mappings_by_the_thousand_are_clean() {
    assert_eq!(found(&synthetic::sources(25)), []);
}

/// What an operator can set is in the example, as it is when nobody does.
#[test]
fn every_setting_is_in_the_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../usher.example.toml");
    let example = std::fs::read_to_string(path).unwrap();
    for setting in codegen::settings::SETTINGS {
        let named = |line: &str| {
            let line = line.trim_start_matches("# ");
            let (name, value) = line.split_once(" = ")?;
            (name == setting.name).then(|| value.to_owned())
        };
        let value = example.lines().find_map(named);
        let value = value.unwrap_or_else(|| panic!("{} is not in the example", setting.name));
        if let Some(default) = setting.default {
            let default = format!("\"{default}\"");
            assert!(value.starts_with(&default), "{}: {value}", setting.name);
        }
    }
}
