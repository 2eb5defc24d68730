//! Refusals that may be about one record, although they sound like all.

use std::collections::BTreeMap;

use super::{COUNTED_MAX, CREATES, Holds, key_of};

/// Time after a landing in which a refusal may be about one record alone.
const LATELY_MS: i64 = 600_000;

/// Time of the last landing, by mapping.
pub(super) type Landings = BTreeMap<&'static str, i64>;

/// Tries after which a record that lacks room alone is to blame.
const ROOM_TRIES: u32 = 5;
/// Time for which a refusal with a code of the whole org is remembered.
const DOUBT_MS: i64 = 600_000;

/// Records that were refused with a code of the whole org.
#[derive(Debug, Default)]
pub(super) struct OrgDoubt {
    code: String,
    /// By the record's key.
    refused: BTreeMap<String, Doubted>,
}

/// The refusal of one record.
#[derive(Debug)]
struct Doubted {
    at_ms: i64,
    /// Another record has landed since.
    others_landed: bool,
}

/// The meaning of a code of the whole org in the answer about one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrgSaid {
    /// Unclear: the next record decides.
    Doubt,
    /// A second record was refused alike: no record gets through.
    Everybodys,
    /// Others landed meanwhile: it is this record.
    Own,
}

impl Holds {
    /// Notes a code of the whole org in the answer about one record, while no other record of its call landed.
    pub(crate) fn org_said(&mut self, key: String, code: &str, now_ms: i64) -> OrgSaid {
        let doubt = &mut self.org;
        if doubt.code != code {
            *doubt = OrgDoubt {
                code: code.to_owned(),
                ..OrgDoubt::default()
            };
        }
        doubt.refused.retain(|_, one| now_ms - one.at_ms < DOUBT_MS);
        if doubt.refused.get(&key).is_some_and(|one| one.others_landed) {
            return OrgSaid::Own;
        }
        let refused = Doubted {
            at_ms: now_ms,
            others_landed: false,
        };
        doubt.refused.insert(key, refused);
        let in_a_row = doubt.refused.values().filter(|one| !one.others_landed);
        if in_a_row.count() < 2 {
            return OrgSaid::Doubt;
        }
        // The org is to blame: what was refused until now says nothing of its record.
        doubt.refused.clear();
        OrgSaid::Everybodys
    }

    /// Returns whether a record of the mapping landed a short while ago.
    pub(crate) fn landed_lately(&self, name: &str, now_ms: i64) -> bool {
        let at_ms = self.landings.get(name);
        at_ms.is_some_and(|at_ms| now_ms - at_ms < LATELY_MS)
    }

    pub(super) fn note_landing(&mut self, name: &'static str, now_ms: i64) {
        self.landings.insert(name, now_ms);
        for one in self.org.refused.values_mut() {
            one.others_landed = true;
        }
    }

    /// Returns whether a record that was refused alone for want of room says that the org is full.
    pub(crate) fn lacks_room(&mut self, of: &str, key: &str) -> bool {
        if self.without_room.len() >= COUNTED_MAX {
            self.without_room.clear();
        }
        let times = self.without_room.entry(key_of(of, key)).or_default();
        *times += 1;
        *times < ROOM_TRIES || self.get(CREATES).is_some_and(|hold| !hold.is_of_one())
    }

    /// Forgets the doubt about a record that landed.
    pub(super) fn forget_doubt(&mut self, key: &str) {
        self.org.refused.remove(key);
        self.without_room.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(holds: &mut Holds, key: &str, now_ms: i64) -> OrgSaid {
        holds.org_said(key.to_owned(), "OFF", now_ms)
    }

    #[test]
    fn a_second_record_makes_it_the_orgs_and_a_landing_the_records_own() {
        let mut holds = Holds::default();
        assert_eq!(said(&mut holds, "a", 0), OrgSaid::Doubt);
        assert_eq!(said(&mut holds, "a", 0), OrgSaid::Doubt);
        holds.landed("contact", 0);
        assert_eq!(said(&mut holds, "a", 0), OrgSaid::Own);
        assert_eq!(said(&mut holds, "c", 0), OrgSaid::Doubt);
        assert_eq!(said(&mut holds, "d", 0), OrgSaid::Everybodys);
    }

    #[test]
    fn the_orgs_trouble_is_no_records_when_it_comes_again() {
        let mut holds = Holds::default();
        assert_eq!(said(&mut holds, "contact:a", 0), OrgSaid::Doubt);
        assert_eq!(said(&mut holds, "contact:b", 0), OrgSaid::Everybodys);
        holds.landed("contact", 0);
        assert_eq!(said(&mut holds, "contact:a", 0), OrgSaid::Doubt);
        holds.landed("contact", 0);
        holds.record_landed("contact", "a");
        assert_eq!(said(&mut holds, "contact:a", 0), OrgSaid::Doubt);
        holds.landed("contact", 0);
        assert_eq!(said(&mut holds, "contact:a", DOUBT_MS), OrgSaid::Doubt);
    }

    #[test]
    fn two_bad_records_are_told_apart_from_the_org() {
        let mut holds = Holds::default();
        for key in ["a", "b"] {
            assert_eq!(said(&mut holds, key, 0), OrgSaid::Doubt);
            holds.landed("contact", 0);
        }
        assert_eq!(said(&mut holds, "a", 0), OrgSaid::Own);
        assert_eq!(said(&mut holds, "b", 0), OrgSaid::Own);
    }
}
