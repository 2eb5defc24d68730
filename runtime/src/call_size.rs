//! How many records go into one call, by object: fewer after Salesforce ran out of time with them, more again when it
//! goes well. State and what happened in, a number out.

use std::collections::HashMap;

/// So many calls of full size that went well double the size.
const GOOD_CALLS: u32 = 5;

/// The sizes of all objects; what was never too much is at the most.
#[derive(Debug)]
pub struct CallSizes {
    max: usize,
    by_object: HashMap<String, Size>,
}

#[derive(Debug)]
struct Size {
    records: usize,
    /// Calls of that size that went well since it changed.
    good: u32,
}

impl CallSizes {
    /// `max`: records that a call may have.
    pub fn new(max: usize) -> Self {
        CallSizes {
            max,
            by_object: HashMap::new(),
        }
    }

    /// Records that the next call for the object takes.
    pub fn of(&self, object: &str) -> usize {
        self.by_object
            .get(object)
            .map_or(self.max, |size| size.records)
    }

    /// Salesforce did not get through a call of so many records. Calls that were under way together halve it once.
    pub fn too_many(&mut self, object: &str, sent: usize) {
        let records = self.of(object).min(sent / 2).max(1);
        self.by_object
            .insert(object.to_owned(), Size { records, good: 0 });
    }

    /// It did.
    pub fn went_well(&mut self, object: &str, sent: usize) {
        let Some(size) = self.by_object.get_mut(object) else {
            return;
        };
        if sent < size.records {
            return;
        }
        size.good += 1;
        if size.good < GOOD_CALLS {
            return;
        }
        size.records *= 2;
        size.good = 0;
        if size.records >= self.max {
            self.by_object.remove(object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_down_to_one_and_no_further() {
        let mut sizes = CallSizes::new(200);
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push(sizes.of("Contact"));
            sizes.too_many("Contact", sizes.of("Contact"));
        }
        assert_eq!(seen, [200, 100, 50, 25, 12, 6, 3, 1, 1, 1]);
        assert_eq!(sizes.of("Account"), 200, "each object has its own");
    }

    #[test]
    fn calls_that_were_under_way_together_halve_it_once() {
        let mut sizes = CallSizes::new(200);
        sizes.too_many("Contact", 200);
        sizes.too_many("Contact", 200);
        assert_eq!(sizes.of("Contact"), 100);
    }

    #[test]
    fn it_recovers_by_full_calls_that_go_well() {
        let mut sizes = CallSizes::new(200);
        sizes.too_many("Contact", 4);
        assert_eq!(sizes.of("Contact"), 2);
        for _ in 0..100 {
            sizes.went_well("Contact", 1);
        }
        assert_eq!(sizes.of("Contact"), 2, "small calls show nothing");
        let mut calls = 0;
        while sizes.of("Contact") < 200 {
            sizes.went_well("Contact", sizes.of("Contact"));
            calls += 1;
        }
        assert_eq!(calls, 7 * GOOD_CALLS);
        sizes.went_well("Contact", 200);
        assert_eq!(sizes.of("Contact"), 200);
    }
}
