//! Random input, with a seed and a budget: random text, text of YAML's own pieces, and damaged copies of what there is.

use std::time::{Duration, Instant};

use codegen::source::Sources;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::{answer, quick, shipped, watched};
use crate::everything;

/// Tries until the time is over; what fails is made smaller and shown.
fn tried<S: Strategy>(what: &str, strategy: S, check: impl Fn(S::Value)) {
    let long = std::env::var_os("USHER_LONG").is_some();
    let budget = Duration::from_secs(if long { 60 } else { 3 });
    let config = Config {
        failure_persistence: None,
        max_shrink_time: 20_000,
        ..Config::default()
    };
    let seed = [7; 32];
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let until = Instant::now() + budget;
    let mut tries = 0;
    while Instant::now() < until {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let result = runner.run_one(tree, |value| {
            check(value);
            Ok(())
        });
        if let Err(TestError::Fail(reason, value)) = result {
            panic!("{what}, after {tries} tries: {reason}\n{value:#?}");
        }
        tries += 1;
    }
    println!("{what}: {tries} tries");
    assert!(tries > 5);
}

/// A mapping of this text in a small world of its own: small, so that many are tried.
fn small(text: String) -> Sources {
    let schema = r#"{ "required": ["id"], "properties": { "id": { "type": "string" }, "first_name": { "type": ["string", "null"], "maxLength": 40 }, "address": { "type": "object", "properties": { "city": { "type": "string" } } } } }"#;
    let envelope = r#"{ "properties": { "rows": { "items": { "$ref": "../ticketure/identity.schema.json" } } } }"#;
    let object = r#"{ "object": "Contact", "keyPrefix": "003", "fields": [ { "name": "FirstName", "type": "string", "length": 40, "createable": true, "updateable": true, "nillable": true }, { "name": "Key__c", "type": "string", "length": 40, "createable": true, "updateable": true, "nillable": true, "externalId": true, "unique": true } ] }"#;
    let files = [
        ("odd.yaml", text.as_str()),
        ("schemas/ticketure/identity.schema.json", schema),
        ("schemas/webhooks/identity_changed.schema.json", envelope),
        ("schemas/salesforce/Contact.json", object),
    ];
    Sources::from_files(files.map(|(name, text)| (name.to_owned(), text.to_owned())))
}

/// What YAML and mappings are made of.
const PIECES: &[&str] = &[
    "\t",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n    - ",
    "  ",
    "#",
    " #",
    "&a ",
    "*a",
    "!t ",
    "---\n",
    "...\n",
    "é",
    "界",
    "😀",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "|",
    ">",
    "|-\n",
    ",",
    ", ",
    "\r",
    "\r\n",
    "%",
    "\0",
    "?",
    "? ",
    "<<: ",
    "~",
    "null",
    "true",
    "0x1",
    "1e9",
    ".inf",
    "\\",
    "\"\\u0041\"",
    "mapping: ",
    "source: ",
    "destination: ",
    "fields:",
    "value: ",
    "when: ",
    "match: ",
    "tests:",
    "given: ",
    "expect: ",
    "not: ",
    "first_name",
    "address.city",
    "FirstName",
    "salesforce.Contact",
    "ticketure.identity",
    "$name",
];

fn yaml_shaped() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

/// One change to a text.
#[derive(Debug, Clone)]
enum Damage {
    Delete(Index, usize),
    Insert(Index, String),
    Truncate(Index),
    Double(Index, usize),
    Swap(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        (index(), 1..14_usize).prop_map(|(at, length)| Damage::Delete(at, length)),
        (index(), select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece.to_owned())),
        (index(), "\\PC{1,4}").prop_map(|(at, text)| Damage::Insert(at, text)),
        index().prop_map(Damage::Truncate),
        (index(), 1..200_usize).prop_map(|(at, length)| Damage::Double(at, length)),
        (index(), index()).prop_map(|(one, other)| Damage::Swap(one, other)),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for damage in damages {
        if letters.is_empty() {
            break;
        }
        let length = letters.len();
        match damage {
            Damage::Delete(at, many) => {
                let at = at.index(length);
                letters.drain(at..(at + many).min(length));
            }
            Damage::Insert(at, text) => {
                let at = at.index(length);
                letters.splice(at..at, text.chars());
            }
            Damage::Truncate(at) => letters.truncate(at.index(length).max(1)),
            Damage::Double(at, many) => {
                let at = at.index(length);
                let part = letters[at..(at + many).min(length)].to_vec();
                letters.splice(at..at, part);
            }
            Damage::Swap(one, other) => letters.swap(one.index(length), other.index(length)),
        }
    }
    letters.into_iter().collect()
}

fn shipped_names() -> Vec<String> {
    let files = shipped().to_files().into_iter();
    files.map(|(name, _)| name).collect()
}

/// Files by name, each to be damaged: the shipped ones, and the examples of the pages.
fn cases() -> Vec<(String, String)> {
    let mut cases = everything().to_files();
    cases.retain(|(name, _)| !name.contains('/') || shipped_names().contains(name));
    for (_, page) in codegen::diagnostic::CODES {
        let examples = page.split("```").skip(1).step_by(2);
        cases.extend(examples.filter_map(|block| {
            let (kind, text) = block.split_once('\n')?;
            let name = if kind == "json" {
                "schemas/salesforce/Campaign.json"
            } else {
                "example.yaml"
            };
            Some((name.to_owned(), text.to_owned()))
        }));
    }
    cases
}

#[test]
fn random_text_is_answered() {
    watched("random text", || {
        tried("random text", "(?s).{0,200}", |text| {
            answer(&small(text));
        });
    });
}

#[test]
fn text_of_yamls_pieces_is_answered() {
    watched("YAML-shaped text", || {
        tried("YAML-shaped text", yaml_shaped(), |text| {
            answer(&small(text));
        });
    });
}

#[test]
fn damaged_copies_are_answered() {
    watched("damaged copies", || {
        let (cases, few, all) = (cases(), shipped().to_files(), everything().to_files());
        let people = shipped_names();
        let changes = (any::<Index>(), prop::collection::vec(damage(), 1..5));
        tried("damaged copies", changes, |(which, damages)| {
            let (name, text) = &cases[which.index(cases.len())];
            // A tree needs the others; the rest is quicker alone.
            let is_tree = text.contains("\npart_of:") && !name.starts_with("example");
            let mut files = if is_tree && !people.contains(name) {
                all.clone()
            } else {
                few.clone()
            };
            files.retain(|(known, _)| known != name);
            files.push((name.clone(), damaged(text, &damages)));
            answer(&Sources::from_files(files));
        });
    });
}

/// Many more than can be compiled, since they are only read.
#[test]
fn damaged_copies_are_read_the_same() {
    watched("damaged copies, read", || {
        let cases = cases();
        let changes = (any::<Index>(), prop::collection::vec(damage(), 1..4));
        tried("damaged copies, read", changes, |(which, damages)| {
            let (name, text) = &cases[which.index(cases.len())];
            quick::agree(name, &damaged(text, &damages));
        });
    });
}

#[test]
fn random_bytes_are_answered() {
    watched("random bytes", || {
        let files = shipped().to_files().into_iter();
        let files: Vec<(String, Vec<u8>)> = files
            .map(|(name, text)| (name, text.into_bytes()))
            .collect();
        let changes = (
            any::<Index>(),
            prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        );
        tried("random bytes", changes, |(which, changes)| {
            let mut files = files.clone();
            let which = which.index(files.len());
            let bytes = &mut files[which].1;
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            answer(&Sources::from_bytes(files));
        });
    });
}
