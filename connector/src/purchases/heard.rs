//! Checks that each amount which is neither booked nor voided is named by a waiting item or the error log.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{FailedItem, ItemView};

use super::{Books, money};

/// Texts of all waiting items, and of the error log.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) waiting: Vec<String>,
    pub(crate) errors: Vec<String>,
}

impl Entries {
    pub(crate) fn of(waiting: &[ItemView], errors: &[FailedItem]) -> Entries {
        Entries {
            waiting: waiting.iter().map(of_item).collect(),
            errors: errors.iter().map(of_error).collect(),
        }
    }
}

/// The text that an operator reads about a waiting item.
pub(crate) fn of_item(item: &ItemView) -> String {
    let wait_key = item.wait_key.as_deref().unwrap_or_default();
    let note = item.note.as_deref().unwrap_or_default();
    let message = item.error.as_ref().map_or("", |error| &error.message);
    format!("{} {wait_key} {note} {message}", item.key)
}

pub(crate) fn of_error(error: &FailedItem) -> String {
    format!("{} {}", error.key, error.error.message)
}

/// A cart and its books. `is_judged` is false for a cart without an opportunity, since all its money waits.
pub(crate) struct Heard<'b> {
    pub(crate) cart: &'b str,
    pub(crate) books: &'b Books,
    pub(crate) is_judged: bool,
}

/// Rows of the gateway, by whether an entry has to name them, may name them, or must not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Cart and unbooked cents of each row, by the row's id. Only carts that are judged.
    due: BTreeMap<String, (String, i64)>,
    /// Rows of judged carts whose money is all booked or voided.
    settled: BTreeSet<String>,
    /// Rows that an entry may name.
    nameable: BTreeSet<String>,
    words: BTreeSet<String>,
}

impl Ledger {
    pub(crate) fn of<'b>(carts: impl IntoIterator<Item = Heard<'b>>) -> Ledger {
        let mut ledger = Ledger::default();
        for heard in carts {
            ledger.words.extend(heard.books.words.iter().cloned());
            for (id, part) in &heard.books.parts {
                if part.waits > 0 {
                    ledger.nameable.insert(id.clone());
                }
                match part.waits {
                    _ if !heard.is_judged => {}
                    0 => _ = ledger.settled.insert(id.clone()),
                    cents => {
                        let due = (heard.cart.to_owned(), cents);
                        ledger.due.insert(id.clone(), due);
                    }
                }
            }
        }
        ledger
    }

    /// Returns whether a waiting row or an unknown word is the reason for the entry.
    pub(crate) fn explains(&self, text: &str) -> bool {
        let mut words = words(text);
        words.any(|word| self.nameable.contains(word) || self.words.contains(&word.to_lowercase()))
    }

    /// Returns unbooked amounts that no entry names, and entries that name booked money.
    ///
    /// `are_ours` is true if usher creates the payments. Otherwise no payment may wait.
    pub(crate) fn faults(&self, entries: &Entries, are_ours: bool) -> Vec<String> {
        let mut faults = Vec::new();
        let all = || entries.waiting.iter().chain(&entries.errors);
        let named: BTreeSet<&str> = all().flat_map(|text| words(text)).collect();
        for (id, (cart, cents)) in self.due.iter().filter(|_| are_ours) {
            if !named.contains(id.as_str()) {
                let cents = money(*cents);
                faults.push(format!(
                    "{cents} of {id} of {cart} are not booked, and no entry says so"
                ));
            }
        }
        for text in all() {
            let of_payments = words(text).any(|word| self.settled.contains(word));
            if of_payments && !self.explains(text) {
                faults.push(format!("an entry names money that is booked: {text}"));
            }
        }
        for text in entries.waiting.iter().filter(|_| !are_ours) {
            if words(text).any(|word| self.due.contains_key(word)) {
                faults.push(format!("a payment waits where none is made: {text}"));
            }
        }
        let errors = entries.errors.iter();
        let in_log: BTreeSet<String> = errors
            .flat_map(|text| words(text).map(str::to_lowercase))
            .collect();
        for word in self.words.difference(&in_log) {
            faults.push(format!(
                "nobody understands {word}, and the error log does not say so"
            ));
        }
        faults
    }
}

/// Splits a text into ids and words. A hyphen belongs to an id; a colon or a blank ends it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |letter: char| !letter.is_alphanumeric() && letter != '-' && letter != '_';
    text.split(ends).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;
