//! Messages of errors: Salesforce's words stay, and what they quote of a record goes.

use super::Redactor;
use super::values::is_id;

/// Words that a value follows.
const BEFORE_VALUES: [&str; 9] = [
    "data value too large: ",
    "invalid email address: ",
    "bad value for restricted picklist field: ",
    "Duplicate external id specified: ",
    "id value of incorrect type: ",
    "invalid date: ",
    "Foreign key external ID: ",
    "value outside of valid range on numeric field: ",
    "Cannot deserialize instance of date from VALUE_STRING value ",
];
/// A value ends before the first of these.
const AFTER_VALUES: [&str; 5] = [
    " (max length=",
    ": [",
    " not found for field ",
    " or request",
    "\n",
];

impl Redactor {
    /// A message of an error, without values.
    pub(super) fn message(&mut self, message: &str) -> String {
        let message = self.after_words(message);
        let message = self.known(&message);
        let message = self.quoted(&message);
        self.each_word(&message)
    }

    /// Replaces what follows words that announce a value.
    fn after_words(&mut self, message: &str) -> String {
        let found = BEFORE_VALUES.iter().find_map(|words| {
            let start = message.find(words)? + words.len();
            let rest = message.get(start..)?;
            let ends = AFTER_VALUES.iter().filter_map(|end| rest.find(end));
            Some((start, start + ends.min().unwrap_or(rest.len())))
        });
        let Some((start, end)) = found else {
            return message.to_owned();
        };
        let (before, value, after) = (
            message.get(..start).unwrap_or_default(),
            message.get(start..end).unwrap_or_default(),
            message.get(end..).unwrap_or_default(),
        );
        format!("{before}{}{after}", self.text(None, value))
    }

    /// Replaces every value that was replaced before, the longest first, so that no part of one is left.
    fn known(&self, message: &str) -> String {
        let mut found: Vec<(&String, &String)> = self
            .seen
            .iter()
            .filter(|(original, _)| message.contains(*original))
            .collect();
        found.sort_by_key(|(original, _)| std::cmp::Reverse(original.len()));
        let mut message = message.to_owned();
        for (original, replaced) in found {
            message = replace_words(&message, original, replaced);
        }
        message
    }

    /// Replaces what stands in quotes, unless it is the name of a field or an object.
    fn quoted(&mut self, message: &str) -> String {
        let mut rest = message;
        let mut redacted = String::with_capacity(message.len());
        while let Some(start) = rest.find(['\'', '"']) {
            let (before, from) = rest.split_at(start);
            redacted.push_str(before);
            let quote = from.chars().next().unwrap_or('\'');
            let inner = from.get(1..).unwrap_or_default();
            // An apostrophe within a word quotes nothing.
            let in_word = before.ends_with(char::is_alphanumeric);
            match inner.find(quote).filter(|_| !in_word) {
                Some(end) => {
                    let value = inner.get(..end).unwrap_or_default();
                    let value = match self.is_name(value) {
                        true => value.to_owned(),
                        false => self.text(None, value),
                    };
                    redacted.push(quote);
                    redacted.push_str(&value);
                    redacted.push(quote);
                    rest = inner.get(end + 1..).unwrap_or_default();
                }
                None => {
                    redacted.push(quote);
                    rest = inner;
                }
            }
        }
        redacted.push_str(rest);
        redacted
    }

    fn is_name(&self, text: &str) -> bool {
        self.names.contains(text) || self.fields.has_object(text) || self.fields.has_field(text)
    }

    /// Replaces ids and addresses that stand in the text.
    fn each_word(&mut self, message: &str) -> String {
        let is_part = |letter: char| letter.is_alphanumeric() || "@._%+-".contains(letter);
        let mut redacted = String::with_capacity(message.len());
        let mut word = String::new();
        for letter in message.chars().chain(['\0']) {
            if is_part(letter) {
                word.push(letter);
                continue;
            }
            if !word.is_empty() {
                let end = word.trim_end_matches('.').len();
                let dots = word.split_off(end);
                let is_value = is_id(&word) || word.contains('@');
                let is_ours = word.get(3..6) == Some("RED") || word.ends_with("@example.org");
                match is_value && !is_ours {
                    true => redacted.push_str(&self.text(None, &word)),
                    false => redacted.push_str(&word),
                }
                redacted.push_str(&dots);
                word.clear();
            }
            if letter != '\0' {
                redacted.push(letter);
            }
        }
        redacted
    }
}

/// Replaces the text where it stands alone, not as part of a longer word.
fn replace_words(message: &str, text: &str, replaced: &str) -> String {
    let mut rest = message;
    let mut done = String::with_capacity(message.len());
    while let Some(start) = rest.find(text) {
        let (before, from) = rest.split_at(start);
        let after = from.get(text.len()..).unwrap_or_default();
        let is_alone =
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        done.push_str(before);
        done.push_str(if is_alone { replaced } else { text });
        rest = after;
    }
    done.push_str(rest);
    done
}
