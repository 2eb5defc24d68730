//! Texts as a terminal may show them: control characters in letters, long texts cut.
//!
//! Ticketure and Salesforce hold whatever people type. A terminal would carry out what is in it.

use std::fmt::Write;

/// The most characters of one value.
const VALUE_MAX: usize = 200;
/// The most characters of one line.
const LINE_MAX: usize = 2_000;
/// The most characters of a payload.
const PAYLOAD_MAX: usize = 10_000;

/// A value in one line: control characters in letters, and cut with its length where it is long.
pub fn value(text: &str) -> String {
    cut(&shown(text, false), text, VALUE_MAX)
}

/// A sentence in one line, cut where it is long.
pub fn sentence(text: &str) -> String {
    cut(&shown(text, false), text, LINE_MAX)
}

/// A payload as it came, cut where it is long.
pub fn payload(text: &str) -> String {
    let cut = cut(text, text, PAYLOAD_MAX);
    match cut.len() == text.len() {
        true => cut,
        false => format!("{cut}; --json prints all of it"),
    }
}

/// A whole page: the last thing before it is printed.
pub fn page(text: &str) -> String {
    let lines = text.lines().map(|line| {
        // A payload was cut before.
        cut(&shown(line, true), line, PAYLOAD_MAX + LINE_MAX)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes control characters in letters, and those that change the direction of the text.
fn shown(text: &str, keeps_tabs: bool) -> String {
    let is_plain = |letter: char| {
        let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (keeps_tabs && letter == '\t') || !(letter.is_control() || turns)
    };
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            letter if is_plain(letter) => shown.push(letter),
            '\n' => shown.push_str("\\n"),
            letter => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(letter));
            }
        }
    }
    shown
}

/// Cuts a text, and says how long the original is.
fn cut(shown: &str, original: &str, most: usize) -> String {
    match shown.char_indices().nth(most) {
        None => shown.to_owned(),
        Some((end, _)) => format!(
            "{}... ({} characters)",
            shown.get(..end).unwrap_or_default(),
            original.chars().count()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_in_letters() {
        let name = "\u{1b}]0;owned\u{7}\u{1b}[2Jx\n  item 7 is done\u{202e}\u{9b}\t";
        let shown = value(name);
        assert_eq!(
            shown,
            "\\u{1b}]0;owned\\u{7}\\u{1b}[2Jx\\n  item 7 is done\\u{202e}\\u{9b}\\u{9}"
        );
        assert_eq!(page("a\tb\n\u{1b}c"), "a\tb\n\\u{1b}c");
        assert_eq!(value("Zoë Müller 李"), "Zoë Müller 李");
    }

    #[test]
    fn a_long_text_is_cut_and_says_how_long_it_is() {
        let long = "ä".repeat(1_000_000);
        for (shown, most) in [
            (value(&long), VALUE_MAX),
            (sentence(&long), LINE_MAX),
            (page(&long), 12_000),
        ] {
            assert!(shown.ends_with("... (1000000 characters)"), "{shown:.40}");
            assert!(shown.chars().count() < most + 40);
        }
        assert!(payload(&long).ends_with("(1000000 characters); --json prints all of it"));
        assert_eq!(payload("{}"), "{}");
    }
}
