//! Rust names for what mappings and schemas call things.

use std::collections::BTreeSet;

/// What no name may be, sorted: Rust's strict and reserved words.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Keeps the names of one scope apart.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// The name, or with the first free number behind it.
    pub fn unique(&mut self, name: String) -> String {
        let mut candidate = name.clone();
        let mut number = 2;
        while !self.0.insert(candidate.clone()) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        candidate
    }
}

/// `npsp__Primary_Affiliation__c` becomes `npsp_primary_affiliation`.
pub fn destination(name: &str) -> String {
    snake(name.strip_suffix("__c").unwrap_or(name))
}

/// `first_name` of `FirstName`, `first name`, `FIRST-NAME`; never a keyword, never empty, never a digit first.
pub fn snake(name: &str) -> String {
    let mut words = words(name).join("_");
    if words.is_empty() || words.starts_with(|first: char| first.is_ascii_digit()) {
        words.insert(0, '_');
        words.insert(0, 'n');
    }
    if KEYWORDS.binary_search(&words.as_str()).is_ok() {
        words.push('_');
    }
    words
}

/// `IdentityChanged` of `identity_changed`.
pub fn pascal(name: &str) -> String {
    let snake = snake(name);
    let mut pascal = String::with_capacity(snake.len());
    for word in snake.split('_') {
        let mut letters = word.chars();
        pascal.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        pascal.push_str(letters.as_str());
    }
    if pascal == "Self" {
        pascal.push('_');
    }
    pascal
}

/// `CONTACT` of `contact`.
pub fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// Words in lower case, parted at what is no letter or digit and where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        let parts = !letter.is_ascii_alphanumeric() || (after_small && letter.is_ascii_uppercase());
        if parts && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_lowercase());
        }
        after_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rust() {
        assert_eq!(
            destination("npsp__Primary_Affiliation__c"),
            "npsp_primary_affiliation"
        );
        assert_eq!(destination("HasOptedOutOfEmail"), "has_opted_out_of_email");
        assert_eq!(snake("type"), "type_");
        assert_eq!(snake("2nd line"), "n_2nd_line");
        assert_eq!(pascal("identity_changed"), "IdentityChanged");
    }

    #[test]
    fn no_name_is_a_word_of_rust() {
        assert!(KEYWORDS.is_sorted());
        for word in KEYWORDS {
            assert_eq!(snake(word), format!("{word}_"));
        }
        assert_eq!(pascal("self"), "Self_");
    }

    #[test]
    fn two_of_one_name_are_kept_apart() {
        let mut names = Names::default();
        assert_eq!(names.unique("a".into()), "a");
        assert_eq!(names.unique("a".into()), "a_2");
    }
}
