//! Records over which calls were refused as a whole. Each goes in a call of its own until it is written: a call with
//! others would be refused again, and divided again, while the others wait.

use std::collections::HashMap;

/// So long nobody has to have mended it; then it is tried with others once more.
const REMEMBERED_MS: i64 = 3_600_000;
/// An org that refuses more records than these has another trouble.
const MOST: usize = 2_000;

/// By key of the source record: when it was to blame last.
#[derive(Default)]
pub(crate) struct Blamed {
    since_ms: HashMap<String, i64>,
}

impl Blamed {
    /// What became of a call with nothing else in it.
    pub(crate) fn note(&mut self, key: &str, to_blame: bool, now_ms: i64) {
        if !to_blame {
            self.since_ms.remove(key);
            return;
        }
        if self.since_ms.len() >= MOST {
            self.since_ms
                .retain(|_, since| now_ms - *since < REMEMBERED_MS);
        }
        if self.since_ms.len() < MOST {
            self.since_ms.insert(key.to_owned(), now_ms);
        }
    }

    pub(crate) fn is(&self, key: &str, now_ms: i64) -> bool {
        let since = self.since_ms.get(key);
        since.is_some_and(|since| now_ms - since < REMEMBERED_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered_for_an_hour_or_until_it_is_written() {
        let mut blamed = Blamed::default();
        blamed.note("a", true, 0);
        assert!(blamed.is("a", REMEMBERED_MS - 1) && !blamed.is("b", 0));
        assert!(!blamed.is("a", REMEMBERED_MS));
        blamed.note("a", false, 1);
        assert!(!blamed.is("a", 1));
    }

    #[test]
    fn no_more_are_remembered_than_is_sensible() {
        let mut blamed = Blamed::default();
        for key in 0..=MOST {
            blamed.note(&key.to_string(), true, 0);
        }
        assert!(!blamed.is(&MOST.to_string(), 0));
        blamed.note("later", true, REMEMBERED_MS);
        assert!(blamed.is("later", REMEMBERED_MS));
    }
}
