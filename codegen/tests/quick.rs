//! The quick readers of YAML and JSON: where they read a text at all, the thorough ones read the same, places included,
//! and find nothing wrong with it.

use std::path::Path;

use codegen::parse;
use codegen::schema::json;
use codegen::source::Sources;
use codegen::span::FileId;

use super::{random, synthetic};

/// Both read the same of each of these files.
pub fn agree_all(sources: &Sources) {
    for (name, text) in sources.to_files() {
        agree(&name, &text);
    }
}

/// Both read the same of this file. Gives whether the quick one reads it at all.
pub fn agree(name: &str, text: &str) -> bool {
    let file = FileId(7);
    if name.ends_with(".json") {
        let quick = json::quickly(file, text);
        if let Some(quick) = &quick {
            assert_eq!(Ok(quick), json::thoroughly(file, text).as_ref(), "{text}");
        }
        return quick.is_some();
    }
    let quick = parse::quickly(file, text);
    if let Some(quick) = &quick {
        let mut sink = Vec::new();
        let thorough = parse::thoroughly(file, text, &mut sink);
        assert_eq!(sink, [], "{text}");
        assert_eq!(Some(quick), thorough.as_ref(), "{text}");
    }
    quick.is_some()
}

/// A reader that reads nothing would agree as well.
#[test]
fn what_is_well_formed_is_read_quickly() {
    for (name, text) in super::everything()
        .to_files()
        .into_iter()
        .chain(synthetic::files(3))
    {
        assert!(agree(&name, &text), "{name} is read slowly:\n{text}");
    }
    let size = random::Size {
        mappings: 8,
        rows: 1,
    };
    let drawn: Vec<_> = (0..150)
        .flat_map(|seed| random::draw(seed, size).files)
        .collect();
    let read = drawn
        .iter()
        .filter(|(name, text)| agree(name, text))
        .count();
    println!("{read} of {} read quickly", drawn.len());
    // Some have texts with letters beyond ASCII, or rows as JSON writes them.
    assert!(read > drawn.len() / 2, "only {read} of {}", drawn.len());
}

/// Files of the repository that are there to be read, right or wrong.
#[test]
fn every_file_of_the_repository_is_read_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = ["mappings", "codegen/tests", "tests"]
        .map(|name| root.join(name))
        .to_vec();
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".yaml") || name.ends_with(".json") {
                agree(&name, &std::fs::read_to_string(path).unwrap());
                files += 1;
            }
        }
    }
    assert!(files > 10, "{files} files");
}

/// Every row of up to so many pieces, between these texts.
fn every_text(name: &str, around: &[(&str, &str)], pieces: &[&str], length: usize) {
    let (mut read, mut all) = (0, 0);
    for (before, after) in around {
        let mut rows = vec![String::new()];
        for _ in 0..=length {
            for row in &rows {
                read += usize::from(agree(name, &format!("{before}{row}{after}")));
            }
            all += rows.len();
            let longer = |row: &String| {
                pieces
                    .iter()
                    .map(move |piece| format!("{row}{piece}"))
                    .collect::<Vec<_>>()
            };
            rows = rows.iter().flat_map(longer).collect();
        }
    }
    println!("{name}: {read} of {all} read quickly");
    assert!(read > 100, "only {read} of {all}");
}

fn length() -> usize {
    3 + usize::from(std::env::var_os("USHER_LONG").is_some())
}

#[test]
fn every_short_yaml_is_read_the_same() {
    let pieces = [
        "a", "-", "- ", " ", "\n", "\n  ", ":", ": ", ",", "{", "}", "[", "]", "#", " # ", "\"",
        "'", "\"a\"", "\\", "?", "&", "\na: ", "\n  b: ", "\n   '",
    ];
    let around = [
        ("", ""),
        ("a: ", "\n"),
        ("a:\n  ", "\nb: c"),
        ("a:\n  - ", "\n  - b: c\n"),
        ("a:\n  - b: ", "\n    c: d\n"),
        ("a:\n  - [", "\n  - b\n"),
        ("a: { b: ", " }\n"),
        ("a: { b ", ": c }\n"),
        ("a: [b", "]\n"),
        ("a: b", " # c\n"),
    ];
    every_text("short.yaml", &around, &pieces, length());
}

#[test]
fn every_short_json_is_read_the_same() {
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\":", "\"", "\\", "\\u0041", "\\n", "é", "\t",
        "\n", " ", "0", "1", "-", "+", ".", "e", "E1", "true", "null", "nul", "\0", "\u{feff}",
    ];
    let around = [
        ("", ""),
        ("{\"a\":", "}"),
        ("{\"b", ":0}"),
        ("[0,", "]"),
        ("[\"", "\"]"),
        ("\u{feff}{", "}\n"),
    ];
    every_text("short.json", &around, &pieces, length());
}

/// Everything that the quick reader of YAML reads.
const SAMPLE: &str = "# Its first line.
mapping: a_b-c
source:   t.d/e  # behind a value

when:
  # Deep.
  source: { status: [x, y 1, -2], 'q': \"a: #b\" }
key: { a: b:c, d#e: it's }
match:
  - [[a, b], [c]]
  - one
fields:
  - { source: a, value: x~ }
  - source: b
    value: { not: [] }
  -  source: null
list: [
  A, B, # some
  C__c,
]
tests:
  - name: a, b [c]
    given: { a: { b: {} }, c: \"\" }
";

/// The sample with one letter put in, taken out or replaced, at each place; and with lines moved to either side.
#[test]
fn every_edit_is_read_the_same() {
    let mut read = 0;
    let mut judge = |text: &str| read += usize::from(agree("edited.yaml", text));
    for at in 0..=SAMPLE.len() {
        let (before, after) = SAMPLE.split_at(at);
        for letter in "a0 \n:-,{}[]#\"'\\?&*!|>%@~.\t".chars() {
            judge(&format!("{before}{letter}{after}"));
            judge(&format!(
                "{before}{letter}{}",
                after.get(1..).unwrap_or_default()
            ));
        }
        judge(&format!("{before}{}", after.get(1..).unwrap_or_default()));
        judge(before);
    }
    let lines: Vec<&str> = SAMPLE.split_inclusive('\n').collect();
    for (from, to) in
        (0..lines.len()).flat_map(|from| (from..=lines.len()).map(move |to| (from, to)))
    {
        let moved = |change: &dyn Fn(&str) -> String| -> String {
            let line = |(at, line): (usize, &&str)| {
                if (from..to).contains(&at) {
                    change(line)
                } else {
                    (*line).to_owned()
                }
            };
            lines.iter().enumerate().map(line).collect()
        };
        judge(&moved(&|line| format!(" {line}")));
        judge(&moved(&|line| format!("  {line}")));
        judge(&moved(&|line| {
            line.strip_prefix(' ').unwrap_or(line).to_owned()
        }));
        judge(&moved(&|line| {
            line.strip_prefix("  ").unwrap_or(line).to_owned()
        }));
        judge(&moved(&|line| format!("{line}{line}")));
        judge(&moved(&|_| String::new()));
    }
    println!("{read} edits read quickly");
    assert!(read > 1_000);
}

/// Just inside and outside of the bounds within which the parser would find nothing wrong.
#[test]
fn bounds_are_read_the_same() {
    let wide = |many: usize| format!("a: [{}]", "a,".repeat(many));
    let nested = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
    let blocks = |depth: usize| -> String {
        (0..depth)
            .map(|level| format!("{}a:\n", " ".repeat(level)))
            .collect::<String>()
            + &" ".repeat(depth)
            + "a: b"
    };
    let long_key = |length: usize| format!("{}: b", "k".repeat(length));
    let commented = |lines: usize| format!("a:\n{}  - b\n", "# c\n".repeat(lines));
    for (text, quick) in [
        (wide(30_000), true),
        (wide(40_000), false),
        (nested(16), true),
        (nested(17), false),
        (nested(40), false),
        (blocks(16), true),
        (blocks(17), false),
        (long_key(1_000), true),
        (long_key(1_030), false),
        (commented(90), true),
        (commented(91), false),
        (commented(200), false),
    ] {
        assert_eq!(agree("bounds.yaml", &text), quick, "{text:.80}");
    }
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(agree("deep.json", &deep(61)));
    assert!(!agree("deep.json", &deep(62)));
}
