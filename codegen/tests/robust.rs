//! Whatever the text, the compiler answers: seeded damage to the shipped mapping.

use super::{found, shipped, with};

/// A small generator of our own, so that a failure repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn contact() -> String {
    shipped()
        .to_files()
        .into_iter()
        .find(|(name, _)| name == "contact.yaml")
        .unwrap()
        .1
}

#[test]
fn damage_never_panics() {
    let whole: Vec<char> = contact().chars().collect();
    let pieces = [
        "\t", "\"", "'", "{", "}", "[", "]", ":", "- ", "\n", "  ", "#", "&a", "*a", "!t", "---\n",
        "é", "\u{feff}", "|", ">", ",", "\r", "%", "\0",
    ];
    let mut random = Random(0x9e37_79b9);
    for _ in 0..400 {
        let mut text = whole.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => drop(text.drain(at..(at + random.below(12)).min(text.len()))),
                1 => drop(text.splice(at..at, pieces[random.below(pieces.len())].chars())),
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        let sources = with("contact.yaml", &text);
        for diagnostic in codegen::check(&sources).diagnostics {
            assert!(!codegen::diagnostic::text(&diagnostic, &sources, false).is_empty());
        }
    }
}

#[test]
fn odd_files_are_answered() {
    for text in [
        "",
        "\u{feff}",
        "# only a comment\n",
        "---\n---\n",
        "a",
        "[]",
        "{}",
        "- a\n",
        "\t",
        "a: b: c",
        "mapping:\n",
        "fields: 3\n",
        "? [a]\n: b\n",
    ] {
        assert!(!found(&with("odd.yaml", text)).is_empty(), "{text:?}");
    }
    let deep = "[".repeat(10_000);
    assert!(!found(&with("deep.yaml", &deep)).is_empty());
}

#[test]
fn windows_line_ends_change_nothing() {
    let text = contact().replace('\n', "\r\n");
    assert_eq!(found(&with("contact.yaml", &text)), []);
}

#[test]
fn the_output_is_the_same_every_time() {
    let first = codegen::generate(&shipped()).files.unwrap();
    assert_eq!(first, codegen::generate(&shipped()).files.unwrap());
}
