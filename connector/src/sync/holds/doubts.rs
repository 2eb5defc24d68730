//! Refusals that may be about one record, although they sound like all.

use std::collections::{BTreeMap, BTreeSet};

use super::Holds;

/// Time after a landing in which a refusal may be about one record alone.
const LATELY_MS: i64 = 600_000;

/// When a record of each mapping landed last.
pub(super) type Landings = BTreeMap<&'static str, i64>;

/// Records that were refused with a code of the whole org.
#[derive(Debug, Default)]
pub(super) struct OrgDoubt {
    code: String,
    keys: BTreeSet<String>,
    /// Another record has landed since.
    landed: bool,
}

/// The meaning of a code of the whole org in the answer about one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrgSaid {
    /// Another record may go and find out.
    Doubt,
    /// A second record was refused alike: no record gets through.
    Everybodys,
    /// Others landed meanwhile: it is this record.
    Own,
}

impl Holds {
    /// Notes a code of the whole org in the answer about one record, while no other record of its call landed.
    pub(crate) fn org_said(&mut self, key: String, code: &str) -> OrgSaid {
        let doubt = self.org.get_or_insert_default();
        if doubt.code != code {
            *doubt = OrgDoubt {
                code: code.to_owned(),
                ..OrgDoubt::default()
            };
        }
        let is_new = doubt.keys.insert(key.clone());
        match (is_new, doubt.landed) {
            (false, true) => OrgSaid::Own,
            (true, true) => {
                doubt.landed = false;
                doubt.keys = BTreeSet::from([key]);
                OrgSaid::Doubt
            }
            (_, false) if doubt.keys.len() > 1 => OrgSaid::Everybodys,
            (_, false) => OrgSaid::Doubt,
        }
    }

    /// Returns whether a record of the mapping landed a short while ago.
    pub(crate) fn landed_lately(&self, name: &str, now_ms: i64) -> bool {
        let at_ms = self.landings.get(name);
        at_ms.is_some_and(|at_ms| now_ms - at_ms < LATELY_MS)
    }

    pub(super) fn note_landing(&mut self, name: &'static str, now_ms: i64) {
        self.landings.insert(name, now_ms);
        if let Some(doubt) = &mut self.org {
            doubt.landed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_record_makes_it_the_orgs_and_a_landing_the_records_own() {
        let mut holds = Holds::default();
        let said = |holds: &mut Holds, key: &str| holds.org_said(key.to_owned(), "OFF");
        assert_eq!(said(&mut holds, "a"), OrgSaid::Doubt);
        assert_eq!(said(&mut holds, "a"), OrgSaid::Doubt);
        assert_eq!(said(&mut holds, "b"), OrgSaid::Everybodys);
        holds.landed("contact", 0);
        assert_eq!(said(&mut holds, "a"), OrgSaid::Own);
        assert_eq!(said(&mut holds, "c"), OrgSaid::Doubt);
        assert_eq!(said(&mut holds, "d"), OrgSaid::Everybodys);
    }
}
