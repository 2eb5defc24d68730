//! Records that fight for one lock go one after another. State and time in, a choice out.
//!
//! Salesforce locks a record's parents while it writes it. Where that has failed, records with the same lock share no
//! call any more, and no two such calls are under way together, for a while.

use std::collections::HashMap;

/// So long after it was last fought for, a lock is taken by one record at a time.
const CONTENDED_MS: i64 = 600_000;

/// The locks that are fought for, and those that a call has now.
#[derive(Debug, Default)]
pub struct LockGroups {
    /// Until when, by the id of the locked record.
    contended: HashMap<String, i64>,
    /// Whose they are.
    taken: HashMap<String, Ticket>,
    tickets: u64,
}

/// Who has a lock: one that takes and releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

impl LockGroups {
    /// A record that needs these locks did not get them.
    pub fn contend(&mut self, locks: impl IntoIterator<Item = String>, now_ms: i64) {
        self.contended.retain(|_, until_ms| *until_ms > now_ms);
        let until_ms = now_ms + CONTENDED_MS;
        self.contended
            .extend(locks.into_iter().map(|lock| (lock, until_ms)));
    }

    /// For whoever makes calls one after another.
    pub fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// May a record that needs these locks go with the others of its call? If so, those that are fought for are the
    /// ticket's until [`Self::release`].
    pub fn take(&mut self, ticket: Ticket, locks: &[String], now_ms: i64) -> bool {
        let fought_for = |lock: &&String| {
            self.contended
                .get(*lock)
                .is_some_and(|until_ms| *until_ms > now_ms)
        };
        let needed: Vec<&String> = locks.iter().filter(fought_for).collect();
        if needed.iter().any(|lock| self.taken.contains_key(*lock)) {
            return false;
        }
        let needed = needed.into_iter().cloned();
        self.taken.extend(needed.map(|lock| (lock, ticket)));
        true
    }

    /// The call of a record with these locks is over. What was not fought for when it began was never its own, and may
    /// be another's by now.
    pub fn release<'l>(&mut self, ticket: Ticket, locks: impl IntoIterator<Item = &'l String>) {
        for lock in locks {
            if self.taken.get(lock) == Some(&ticket) {
                self.taken.remove(lock);
            }
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
        let (one, other) = (groups.ticket(), groups.ticket());
        assert!(groups.take(one, &locks(&["a"]), 0));
        assert!(groups.take(other, &locks(&["a"]), 0));
    }

    #[test]
    fn what_is_fought_for_goes_one_after_another_for_a_while() {
        let mut groups = LockGroups::default();
        let ticket = groups.ticket();
        groups.contend(locks(&["a"]), 0);
        assert!(groups.take(ticket, &locks(&["a", "b"]), 0));
        assert!(!groups.take(ticket, &locks(&["c", "a"]), 0));
        assert!(
            groups.take(ticket, &locks(&["b"]), 0),
            "b is not fought for"
        );
        groups.release(ticket, &locks(&["a", "b"]));
        assert!(groups.take(ticket, &locks(&["a"]), CONTENDED_MS - 1));
        groups.release(ticket, &locks(&["a"]));
        assert!(groups.take(ticket, &locks(&["a"]), CONTENDED_MS));
        assert!(groups.take(ticket, &locks(&["a"]), CONTENDED_MS));
    }

    #[test]
    fn a_call_that_began_before_the_fight_frees_no_lock_of_a_later_one() {
        let mut groups = LockGroups::default();
        let (early, late, third) = (groups.ticket(), groups.ticket(), groups.ticket());
        assert!(groups.take(early, &locks(&["a"]), 0), "nobody fights yet");
        groups.contend(locks(&["a"]), 1);
        assert!(groups.take(late, &locks(&["a"]), 2));
        groups.release(early, &locks(&["a"]));
        assert!(
            !groups.take(third, &locks(&["a"]), 3),
            "it is the late one's"
        );
        groups.release(late, &locks(&["a"]));
        assert!(groups.take(third, &locks(&["a"]), 4));
    }

    #[test]
    fn salesforce_names_the_records() {
        let message = "unable to obtain exclusive access to this record or 2 records: 0015e00000AAAAAAAA,0035e00000BBBBB";
        assert_eq!(named_in(message), ["0015e00000AAAAAAAA", "0035e00000BBBBB"]);
        assert_eq!(named_in("busy"), Vec::<String>::new());
    }
}
