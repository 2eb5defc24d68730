//! Records that fight for one lock go one after another. State and time in, a choice out.
//!
//! Salesforce locks a record's parents while it writes it. Where that has failed, records with the same lock share no
//! call any more, and no two such calls are under way together, for a while.

use std::collections::{HashMap, HashSet};

/// So long after it was last fought for, a lock is taken by one record at a time.
const CONTENDED_MS: i64 = 600_000;

/// The locks that are fought for, and those that a call has now.
#[derive(Debug, Default)]
pub struct LockGroups {
    /// Until when, by the id of the locked record.
    contended: HashMap<String, i64>,
    taken: HashSet<String>,
}

impl LockGroups {
    /// A record that needs these locks did not get them.
    pub fn contend(&mut self, locks: impl IntoIterator<Item = String>, now_ms: i64) {
        self.contended.retain(|_, until_ms| *until_ms > now_ms);
        let until_ms = now_ms + CONTENDED_MS;
        self.contended
            .extend(locks.into_iter().map(|lock| (lock, until_ms)));
    }

    /// May a record that needs these locks go with the others of its call? If so, it has them until [`Self::release`].
    pub fn take(&mut self, locks: &[String], now_ms: i64) -> bool {
        let fought_for = |lock: &&String| {
            self.contended
                .get(*lock)
                .is_some_and(|until_ms| *until_ms > now_ms)
        };
        let needed: Vec<&String> = locks.iter().filter(fought_for).collect();
        if needed.iter().any(|lock| self.taken.contains(*lock)) {
            return false;
        }
        self.taken.extend(needed.into_iter().cloned());
        true
    }

    /// The call is over.
    pub fn release<'l>(&mut self, locks: impl IntoIterator<Item = &'l String>) {
        for lock in locks {
            self.taken.remove(lock);
        }
    }
}

/// `unable to obtain exclusive access to this record or 1 records: 0015e00000AAAAAAAA,...`: the ids.
pub fn named_in(message: &str) -> Vec<String> {
    let ids = message.rsplit_once("records: ").map_or("", |(_, ids)| ids);
    ids.split([',', ' ', ':'])
        .filter(|id| matches!(id.len(), 15 | 18))
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locks(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn what_nobody_fights_for_is_shared() {
        let mut groups = LockGroups::default();
        assert!(groups.take(&locks(&["a"]), 0));
        assert!(groups.take(&locks(&["a"]), 0));
    }

    #[test]
    fn what_is_fought_for_goes_one_after_another_for_a_while() {
        let mut groups = LockGroups::default();
        groups.contend(locks(&["a"]), 0);
        assert!(groups.take(&locks(&["a", "b"]), 0));
        assert!(!groups.take(&locks(&["c", "a"]), 0));
        assert!(groups.take(&locks(&["b"]), 0), "b is not fought for");
        groups.release(&locks(&["a", "b"]));
        assert!(groups.take(&locks(&["a"]), CONTENDED_MS - 1));
        groups.release(&locks(&["a"]));
        assert!(groups.take(&locks(&["a"]), CONTENDED_MS));
        assert!(groups.take(&locks(&["a"]), CONTENDED_MS));
    }

    #[test]
    fn salesforce_names_the_records() {
        let message = "unable to obtain exclusive access to this record or 2 records: 0015e00000AAAAAAAA,0035e00000BBBBB";
        assert_eq!(named_in(message), ["0015e00000AAAAAAAA", "0035e00000BBBBB"]);
        assert_eq!(named_in("busy"), Vec::<String>::new());
    }
}
