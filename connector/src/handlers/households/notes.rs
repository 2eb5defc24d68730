//! What is stored of people's households: where each contact was last seen or put, and whose family it belongs to.
//!
//! A move is noted before its call. So after a crash between the call and its answer, a contact that is neither where it
//! was nor where it was about to go has been moved by the office.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{StoreError, TreeRecord};
use serde::{Deserialize, Serialize};

use super::PEOPLE;
use crate::sync::TwoWaySync;

/// Notes of homes, by contact.
const HOME: &str = "home";
/// Notes of claims, by the member's contact.
const KIN: &str = "kin";
/// Notes of contacts that were merged in Salesforce, by the contact into which.
const ABSORBED: &str = "home_of_merged";
/// Stands where a note names no record of Salesforce.
const NOTED: &str = "noted";

/// Where a contact lives, as far as usher knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Home {
    /// True: usher inserted the contact.
    pub(super) inserted: bool,
    /// The household that NPSP made for the contact.
    pub(super) own: Option<String>,
    /// The household in which usher last saw or put the contact.
    pub(super) at: Option<String>,
    /// The household into which usher is about to move the contact.
    pub(super) going: Option<String>,
    /// True: NPSP made the household of `going` for a contact that usher inserted.
    pub(super) going_ours: bool,
    /// The household that the contact left when usher moved it last: those who were to follow may be there still.
    pub(super) left: Option<String>,
    /// True: NPSP made the household of `at` for a contact that usher inserted, this one or one that this one joined.
    pub(super) ours: bool,
    /// The question about the contact, as it was asked.
    pub(super) asked: Option<Asked>,
    /// The household from which the office took the contact, last.
    pub(super) taken_from: Option<String>,
    /// The households from which the office took the contact before.
    pub(super) taken_before: BTreeSet<String>,
    /// When that was noticed, by our clock.
    pub(super) taken_ms: Option<i64>,
    /// When usher was about to move the contact last, by our clock.
    pub(super) moved_ms: Option<i64>,
}

/// A question that waits for a person, or has been answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) identity: String,
    pub(super) anchor: String,
    pub(super) tree: (String, String),
    pub(super) from: String,
    pub(super) to: String,
}

impl Home {
    /// A contact that usher has just inserted, and the household that NPSP made for it.
    pub(super) fn inserted(household: &str) -> Self {
        let at = Some(household.to_owned()).filter(|id| !id.is_empty());
        Home {
            inserted: true,
            ours: at.is_some(),
            own: at.clone(),
            at,
            ..Home::default()
        }
    }

    /// Takes in where the contact is now. `is_own`: NPSP made that household together with the contact.
    pub(super) fn see(&mut self, account: &str, is_own: bool) {
        if self.going.as_deref() == Some(account) {
            self.left = std::mem::replace(&mut self.at, self.going.take());
            self.ours = std::mem::take(&mut self.going_ours);
        }
        match &self.at {
            Some(at) if at == account => {}
            Some(_) => {
                let before = std::mem::replace(&mut self.taken_from, self.at.take());
                self.taken_before.extend(before);
                self.at = Some(account.to_owned());
                (self.going, self.going_ours, self.ours) = (None, false, false);
            }
            None => {
                self.at = Some(account.to_owned());
                self.ours = self.inserted && is_own;
                self.own = self.at.clone().filter(|_| self.ours);
                // NPSP made a household with the contact, and the office was there before usher looked.
                if self.inserted && !is_own {
                    self.taken_from = Some(String::new());
                }
            }
        }
    }

    /// Did the office move the contact?
    pub(super) fn is_taken(&self) -> bool {
        self.taken_from.is_some()
    }

    /// The households from which the office took the contact.
    pub(super) fn taken(&self) -> impl Iterator<Item = &str> {
        let all = self.taken_from.iter().chain(&self.taken_before);
        all.map(String::as_str)
    }

    /// Is a contact in this household where usher saw it last, or is about to move it?
    pub(super) fn is_at(&self, account: &str) -> bool {
        let known = [&self.at, &self.going];
        known.into_iter().flatten().any(|at| at == account)
    }
}

/// A cart or a membership in which a contact is of the family of another, with whom it shares the name or address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    /// When the member was first heard of beside the anchor: the earliest claim counts.
    pub(super) since: String,
    /// The mapping of the cart or membership, and its id.
    pub(super) tree: (String, String),
    /// The member's identity.
    pub(super) identity: String,
    pub(super) member: String,
    pub(super) anchor: String,
    /// True: the contact is the one that the identity had before it was merged into another.
    pub(super) is_former: bool,
}

impl Claim {
    /// Is it by the same cart or membership, about the same contact?
    pub(super) fn is_of(&self, other: &Claim) -> bool {
        self.member == other.member && self.tree == other.tree
    }
}

#[derive(Serialize, Deserialize)]
struct ClaimBase {
    since: String,
    identity: String,
    anchor: String,
    #[serde(default)]
    is_former: bool,
}

impl TwoWaySync {
    /// Notes that usher inserted contacts, each with the household that NPSP made for it, or a blank.
    pub(crate) async fn note_inserted(
        &self,
        mapping: &str,
        contacts: Vec<(String, String)>,
    ) -> Result<(), StoreError> {
        if mapping != PEOPLE || !self.has_npsp() || contacts.is_empty() {
            return Ok(());
        }
        let home = |(id, household): (String, String)| {
            let household = runtime::salesforce::normalise(&household);
            home_note(
                &runtime::salesforce::normalise(&id),
                &Home::inserted(&household),
            )
        };
        let notes = contacts.into_iter().map(home).collect();
        self.store.keep_records(notes).await
    }

    /// Stores that contacts were merged in Salesforce: the contact, the survivor, and the household as it was.
    pub(super) async fn note_absorbed(
        &self,
        merged: impl Iterator<Item = (String, String, String)>,
    ) -> Result<(), StoreError> {
        let note = |(contact, survivor, account)| TreeRecord {
            tree: ABSORBED.to_owned(),
            root: survivor,
            mapping: PEOPLE.to_owned(),
            key: contact,
            destination_id: NOTED.to_owned(),
            base: account,
        };
        let notes: Vec<TreeRecord> = merged.map(note).collect();
        match notes.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(notes).await,
        }
    }

    /// Returns contacts that were merged in Salesforce: the survivor, the contact, and the household as it was.
    pub(super) async fn absorbed_contacts(
        &self,
        survivors: Vec<String>,
    ) -> Result<Vec<(String, String, String)>, StoreError> {
        let notes = self.store.tree_records(ABSORBED, survivors).await?;
        let each = notes
            .into_iter()
            .map(|note| (note.root, note.key, note.base));
        Ok(each.collect())
    }

    pub(super) async fn homes(
        &self,
        contacts: Vec<String>,
    ) -> Result<BTreeMap<String, Home>, StoreError> {
        let notes = self.store.tree_records(HOME, contacts).await?.into_iter();
        Ok(notes
            .filter_map(|note| Some((note.root, serde_json::from_str(&note.base).ok()?)))
            .collect())
    }

    /// Returns the households in which usher put or saw each of these contacts: the latest, the one before, and its own.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn households_left(
        &self,
        contacts: Vec<String>,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
        let homes = self.homes(contacts).await?.into_iter();
        let known = homes.map(|(contact, home)| {
            let known = [home.at, home.left, home.own].into_iter();
            (contact, known.flatten().collect())
        });
        Ok(known.collect())
    }

    pub(super) async fn claims(&self, contacts: Vec<String>) -> Result<Vec<Claim>, StoreError> {
        let notes = self.store.tree_records(KIN, contacts).await?.into_iter();
        Ok(notes.filter_map(claim).collect())
    }
}

fn claim(note: TreeRecord) -> Option<Claim> {
    let base: ClaimBase = serde_json::from_str(&note.base).ok()?;
    let (tree, id) = note.key.split_once(':')?;
    Some(Claim {
        since: base.since,
        tree: (tree.to_owned(), id.to_owned()),
        identity: base.identity,
        member: note.root,
        anchor: base.anchor,
        is_former: base.is_former,
    })
}

pub(super) fn home_note(contact: &str, home: &Home) -> TreeRecord {
    TreeRecord {
        tree: HOME.to_owned(),
        root: contact.to_owned(),
        mapping: PEOPLE.to_owned(),
        key: HOME.to_owned(),
        destination_id: NOTED.to_owned(),
        base: serde_json::to_string(home).unwrap_or_default(),
    }
}

pub(super) fn claim_note(claim: &Claim) -> TreeRecord {
    let base = ClaimBase {
        since: claim.since.clone(),
        identity: claim.identity.clone(),
        anchor: claim.anchor.clone(),
        is_former: claim.is_former,
    };
    TreeRecord {
        base: serde_json::to_string(&base).unwrap_or_default(),
        ..no_claim(&claim.member, &claim.tree)
    }
}

/// Forgets the claim of a cart or membership on a contact when stored, since nothing is named.
pub(super) fn forget_claim(member: &str, tree: &(String, String)) -> TreeRecord {
    TreeRecord {
        destination_id: String::new(),
        ..no_claim(member, tree)
    }
}

fn no_claim(member: &str, (tree, id): &(String, String)) -> TreeRecord {
    TreeRecord {
        tree: KIN.to_owned(),
        root: member.to_owned(),
        mapping: PEOPLE.to_owned(),
        key: format!("{tree}:{id}"),
        destination_id: NOTED.to_owned(),
        base: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving() -> Home {
        let mut home = Home::inserted("h1");
        home.going = Some("h2".to_owned());
        home.going_ours = true;
        home
    }

    #[test]
    fn a_move_without_an_answer_has_landed_or_may_still_land() {
        let mut home = moving();
        home.see("h1", false);
        assert_eq!(home, moving());
        home.see("h2", false);
        assert_eq!((home.at.as_deref(), home.ours), (Some("h2"), true));
        assert!(!home.is_taken());
    }

    #[test]
    fn who_is_elsewhere_was_moved_by_the_office() {
        let mut home = moving();
        home.see("h3", false);
        assert_eq!(home.taken_from.as_deref(), Some("h1"));
        assert!(home.is_taken() && !home.ours && home.going.is_none());
        home.see("h1", false);
        assert!(home.is_taken());
    }

    #[test]
    fn only_the_household_of_one_who_was_inserted_is_ours() {
        let mut adopted = Home::default();
        adopted.see("h1", true);
        assert!(!adopted.ours);
        let mut unread = Home::inserted("");
        unread.see("h1", true);
        assert!(unread.ours);
        let mut elsewhere = Home::inserted("");
        elsewhere.see("h9", false);
        assert!(!elsewhere.ours && elsewhere.is_taken());
    }
}
