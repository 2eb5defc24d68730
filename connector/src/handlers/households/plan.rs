//! Who moves into whose household, and who is asked about. A pure function of the facts and the claims.
//!
//! Everybody follows the anchor of their earliest claim, and goes where that one goes. So the end is the same in whatever
//! order the claims were heard of.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Person};
use super::notes::{Asked, Claim, Home};

/// A contact that has to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) contact: String,
    pub(super) from: String,
    pub(super) to: String,
    /// True: NPSP made the household for a contact that usher inserted.
    pub(super) to_ours: bool,
}

/// What follows from the facts.
pub(super) struct Plan<'f> {
    facts: &'f Facts,
    /// Whom each contact follows.
    follows: BTreeMap<&'f str, &'f str>,
    /// Contacts that would follow one of their own followers.
    circular: BTreeSet<&'f str>,
}

impl<'f> Plan<'f> {
    /// Decides whom everybody follows: the earliest claim counts, and of a circle the one that closes it does not.
    pub(super) fn of(facts: &'f Facts) -> Self {
        let mut plan = Plan {
            facts,
            follows: BTreeMap::new(),
            circular: BTreeSet::new(),
        };
        let mut claims: Vec<&Claim> = facts.claims.iter().collect();
        claims.sort();
        for claim in claims {
            let follower = claim.member.as_str();
            let counts = plan.may_move(follower) && !plan.is_parted(claim);
            if !counts || plan.follows.contains_key(follower) {
                continue;
            }
            if plan.leader(&claim.anchor) == follower {
                plan.circular.insert(follower);
            } else {
                plan.follows.insert(follower, &claim.anchor);
            }
        }
        plan
    }

    /// The moves, sorted by contact.
    pub(super) fn moves(&self) -> Vec<Move> {
        let people = self.facts.people.keys();
        people
            .filter_map(|contact| self.movement(contact))
            .collect()
    }

    /// The questions by contact: one for each, about its earliest claim that is not met. A merged identity's former
    /// contact is asked about otherwise: whether to merge it.
    pub(super) fn questions(&self) -> BTreeMap<&'f str, Asked> {
        let mut claims: Vec<&'f Claim> = self.facts.claims.iter().collect();
        claims.sort();
        let mut asked: BTreeMap<&str, Asked> = BTreeMap::new();
        for claim in claims.into_iter().filter(|claim| !claim.is_former) {
            let member = claim.member.as_str();
            if !asked.contains_key(member)
                && let Some(question) = self.question(claim)
            {
                asked.insert(member, question);
            }
        }
        asked
    }

    fn question(&self, claim: &Claim) -> Option<Asked> {
        let is_taken = self.is_taken(&claim.member);
        let (from, to) = (self.end(&claim.member)?, self.end(&claim.anchor)?);
        let is_apart = from != to && self.is_household(to);
        (is_apart && !is_taken && !self.is_parted(claim)).then(|| Asked {
            identity: claim.identity.clone(),
            anchor: claim.anchor.clone(),
            tree: claim.tree.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }

    fn movement(&self, contact: &str) -> Option<Move> {
        let leader = self.leader(contact);
        let own = self.own(leader);
        let to = own.or_else(|| self.account(leader).filter(|_| leader != contact))?;
        let from = self.account(contact)?;
        let moves = from != to && self.is_household(to);
        moves.then(|| Move {
            contact: contact.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            to_ours: own.is_some() || self.is_ours(to),
        })
    }

    /// Where the contact is when everybody has moved.
    fn end(&self, contact: &str) -> Option<&str> {
        let leader = self.leader(contact);
        let to = self.own(leader).or_else(|| self.account(leader));
        let to = to.filter(|to| self.is_household(to));
        to.or_else(|| self.account(contact))
    }

    /// The leader of a circle lives in the household that NPSP made for it, unless others are there. By then it may have
    /// followed one of the others, whose claim was heard of first.
    fn own(&self, leader: &str) -> Option<&str> {
        let own = self.person(leader)?.home.own.as_deref()?;
        let place = self.facts.places.get(own)?;
        let is_free = place.is_household && (place.people.is_empty() || self.is_ours(own));
        let goes = self.circular.contains(leader) && self.may_move(leader);
        let goes = goes || self.goes_back(leader) || self.has_outlived_its_anchor(leader);
        Some(own).filter(|_| goes && is_free)
    }

    /// Returns whether usher moved the leader to an anchor that was then merged into the leader. Where the merge is heard
    /// of first, the leader never moves. Beside an anchor that lives the leader stays.
    fn has_outlived_its_anchor(&self, leader: &str) -> bool {
        let Some(person) = self.person(leader) else {
            return false;
        };
        let mut claims = self.facts.claims.iter().filter(|one| one.member == leader);
        let has_anchor =
            claims.any(|claim| self.account(&claim.anchor) == person.account.as_deref());
        let was_put = person.home.left.is_some() && !has_anchor && !self.is_taken(leader);
        let mut absorbed = self.facts.homes_of(leader).into_iter().skip(1);
        was_put && absorbed.any(|home| home.at.is_some() && home.at == person.account)
    }

    /// Did usher move the contact to where the office had taken the person out before? A renewal may name the survivor
    /// before the merge is heard of.
    fn goes_back(&self, contact: &str) -> bool {
        let (Some(person), homes) = (self.person(contact), self.facts.homes_of(contact)) else {
            return false;
        };
        let home = &person.home;
        let Some(at) = home.at.as_deref().filter(|_| home.left.is_some()) else {
            return false;
        };
        let mut absorbed = homes.into_iter().skip(1);
        !home.is_taken()
            && absorbed.any(|one| {
                one.taken_ms < home.moved_ms && one.taken().any(|household| household == at)
            })
    }

    /// The one whom the contact follows at last, or the contact itself. Circles are never made.
    fn leader<'c>(&self, contact: &'c str) -> &'c str
    where
        'f: 'c,
    {
        let mut last = contact;
        while let Some(next) = self.follows.get(last) {
            last = next;
        }
        last
    }

    /// Only contacts that usher inserted, and that live with none but people whom usher moved there, in a household that
    /// NPSP made for one of them.
    fn may_move(&self, contact: &str) -> bool {
        let Some(person) = self.person(contact) else {
            return false;
        };
        let account = person.account.as_deref();
        let free = person.home.inserted && !self.is_taken(contact);
        free && account
            .is_some_and(|account| self.is_ours(account) || self.is_left_behind(contact, account))
    }

    /// Did usher move the contact to one who was merged into another since? It then follows the survivor, as if the merge
    /// had been heard of first: also where the household was there before usher.
    fn is_left_behind(&self, contact: &str, account: &str) -> bool {
        let was_put = self
            .person(contact)
            .is_some_and(|person| person.home.left.is_some());
        let mut claims = self.facts.claims.iter().filter(|one| one.member == contact);
        was_put
            && claims.any(|claim| {
                let homes = self.facts.homes_of(&claim.anchor);
                let mut merged = homes.into_iter().skip(1);
                merged.any(|home| home.at.as_deref() == Some(account))
            })
    }

    /// Did the office move the contact, or one that was merged into it?
    fn is_taken(&self, contact: &str) -> bool {
        let homes = self.facts.homes_of(contact);
        homes.into_iter().any(Home::is_taken)
    }

    /// Are none but contacts of ours in the household?
    fn is_ours(&self, household: &str) -> bool {
        let place = self.facts.places.get(household);
        let is_there = |contact: &String| {
            let person = self.person(contact);
            person.is_some_and(|person| {
                person.home.ours && person.home.at.as_deref() == Some(household)
            })
        };
        place.is_some_and(|place| {
            place.is_household && !place.people.is_empty() && place.people.iter().all(is_there)
        })
    }

    /// Did the office take the anchor away from the member? Either may have been merged since.
    fn is_parted(&self, claim: &Claim) -> bool {
        let members = self.facts.homes_of(&claim.member);
        let anchors = self.facts.homes_of(&claim.anchor);
        let mut taken_from = anchors.into_iter().flat_map(Home::taken);
        taken_from.any(|household| {
            let is_there = |home: &&Home| home.at.as_deref() == Some(household);
            self.account(&claim.member) == Some(household) || members.iter().any(is_there)
        })
    }

    fn is_household(&self, account: &str) -> bool {
        let place = self.facts.places.get(account);
        place.is_some_and(|place| place.is_household)
    }

    fn account(&self, contact: &str) -> Option<&str> {
        self.person(contact)?.account.as_deref()
    }

    fn person(&self, contact: &str) -> Option<&'f Person> {
        self.facts.people.get(contact)
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Place;
    use super::*;

    /// Each contact in the household that NPSP made for it, `h` and its name.
    fn facts(contacts: &[&str], claims: &[(&str, &str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for contact in contacts {
            let household = format!("h{contact}");
            let person = Person {
                account: Some(household.clone()),
                home: Home::inserted(&household),
                ..Person::default()
            };
            facts.people.insert((*contact).to_owned(), person);
        }
        facts.claims = claims.iter().map(|one| claim(*one)).collect();
        housed(facts)
    }

    fn claim((since, member, anchor): (&str, &str, &str)) -> Claim {
        Claim {
            since: since.to_owned(),
            tree: ("cart".to_owned(), format!("c{since}")),
            identity: format!("i{member}"),
            member: member.to_owned(),
            anchor: anchor.to_owned(),
            is_former: false,
        }
    }

    fn housed(mut facts: Facts) -> Facts {
        facts.places.clear();
        for (contact, person) in &facts.people {
            let place = facts.places.entry(person.account.clone().unwrap());
            let place = place.or_insert_with(|| Place {
                is_household: true,
                ..Place::default()
            });
            place.people.insert(contact.clone());
        }
        facts
    }

    /// Usher puts the contact there.
    fn put(facts: &mut Facts, contact: &str, household: &str) {
        let person = facts.people.get_mut(contact).unwrap();
        person.account = Some(household.to_owned());
        person.home.at = Some(household.to_owned());
    }

    /// Usher moved `b` and `c` to `a`, and the household of `b` is empty.
    fn moved_to_a(mut facts: Facts) -> Facts {
        for contact in ["b", "c"] {
            put(&mut facts, contact, "ha");
            let home = &mut facts.people.get_mut(contact).unwrap().home;
            home.left = home.own.clone();
        }
        let mut facts = housed(facts);
        let empty = Place {
            is_household: true,
            ..Place::default()
        };
        facts.places.insert("hb".to_owned(), empty);
        facts
    }

    fn moves(facts: &Facts) -> Vec<(String, String)> {
        let moves = Plan::of(facts).moves().into_iter();
        moves.map(|one| (one.contact, one.to)).collect()
    }

    fn to(moves: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(contact, to): &(&str, &str)| ((*contact).to_owned(), (*to).to_owned());
        moves.iter().map(owned).collect()
    }

    #[test]
    fn whoever_follows_one_who_follows_goes_along() {
        let found = facts(&["a", "b", "c"], &[("1", "c", "b"), ("2", "b", "a")]);
        assert_eq!(moves(&found), to(&[("b", "ha"), ("c", "ha")]));
    }

    #[test]
    fn the_earliest_claim_counts_whatever_was_done_before() {
        let claims = [("1", "c", "a"), ("2", "c", "b")];
        let mut found = facts(&["a", "b", "c"], &claims);
        assert_eq!(moves(&found), to(&[("c", "ha")]));
        put(&mut found, "c", "hb");
        let found = housed(found);
        assert_eq!(moves(&found), to(&[("c", "ha")]));
        let asked = Plan::of(&found).questions();
        assert_eq!(asked.len(), 1);
        let asked = &asked["c"];
        assert_eq!((asked.from.as_str(), asked.to.as_str()), ("ha", "hb"));
    }

    #[test]
    fn of_a_circle_one_stays() {
        let found = facts(&["a", "b"], &[("1", "b", "a"), ("2", "a", "b")]);
        assert_eq!(moves(&found), to(&[("b", "ha")]));
        assert!(Plan::of(&found).questions().is_empty());
    }

    #[test]
    fn a_circle_ends_where_its_leader_began() {
        let mut found = facts(&["a", "b"], &[("1", "b", "a"), ("2", "a", "b")]);
        put(&mut found, "a", "hb");
        let mut found = housed(found);
        let empty = Place {
            is_household: true,
            ..Place::default()
        };
        found.places.insert("ha".to_owned(), empty);
        assert_eq!(moves(&found), to(&[("a", "ha"), ("b", "ha")]));
    }

    #[test]
    fn whoever_followed_a_contact_that_was_merged_into_it_goes_home() {
        let found = facts(&["a", "b", "c"], &[("1", "c", "b")]);
        let mut found = moved_to_a(found);
        assert!(moves(&found).is_empty());
        found.people.get_mut("b").unwrap().absorbed = BTreeSet::from(["a".to_owned()]);
        assert_eq!(moves(&found), to(&[("b", "hb"), ("c", "hb")]));
    }

    #[test]
    fn whoever_has_an_anchor_that_lives_stays_after_a_merge() {
        let mut found = facts(&["a", "b", "c"], &[("1", "b", "a"), ("2", "c", "a")]);
        found.people.get_mut("a").unwrap().home = Home {
            at: Some("ha".to_owned()),
            ..Home::default()
        };
        let mut found = moved_to_a(found);
        found.people.get_mut("b").unwrap().absorbed = BTreeSet::from(["c".to_owned()]);
        assert!(moves(&found).is_empty());
    }

    #[test]
    fn a_contact_that_was_adopted_is_asked_about() {
        let mut found = facts(&["a", "b"], &[("1", "b", "a")]);
        found.people.get_mut("b").unwrap().home = Home {
            at: Some("hb".to_owned()),
            ..Home::default()
        };
        assert!(moves(&found).is_empty());
        assert_eq!(Plan::of(&found).questions().len(), 1);
    }

    #[test]
    fn nobody_leaves_a_household_in_which_somebody_else_lives() {
        let mut found = facts(&["a", "b", "x"], &[("1", "b", "a")]);
        let stranger = found.people.get_mut("x").unwrap();
        stranger.account = Some("hb".to_owned());
        stranger.home = Home {
            at: Some("hb".to_owned()),
            ..Home::default()
        };
        let found = housed(found);
        assert!(moves(&found).is_empty());
        assert_eq!(Plan::of(&found).questions().len(), 1);
    }

    #[test]
    fn who_was_taken_out_stays_out_and_nobody_is_asked() {
        let claims = [("1", "b", "a")];
        let mut found = facts(&["a", "b"], &claims);
        put(&mut found, "b", "ha");
        let taken = found.people.get_mut("b").unwrap();
        taken.account = Some("h9".to_owned());
        taken.home.see("h9", false);
        let found = housed(found);
        assert!(moves(&found).is_empty());
        assert!(Plan::of(&found).questions().is_empty());
    }

    #[test]
    fn where_the_anchor_was_taken_out_the_others_stay() {
        let mut found = facts(&["a", "b", "c"], &[("1", "b", "a"), ("2", "c", "a")]);
        put(&mut found, "b", "ha");
        let taken = found.people.get_mut("a").unwrap();
        taken.account = Some("h9".to_owned());
        taken.home.see("h9", false);
        let found = housed(found);
        assert_eq!(moves(&found), to(&[("c", "h9")]));
        assert!(Plan::of(&found).questions().is_empty());
    }

    #[test]
    fn a_parting_goes_with_the_person_over_merges() {
        let claims = [("1", "b", "a")];
        let mut found = facts(&["a", "b", "merged"], &claims);
        put(&mut found, "merged", "ha");
        let taken = found.people.get_mut("merged").unwrap();
        taken.account = None;
        taken.home.see("h9", false);
        found.people.get_mut("b").unwrap().absorbed = BTreeSet::from(["merged".to_owned()]);
        assert!(moves(&found).is_empty());
        assert!(Plan::of(&found).questions().is_empty());
    }
}
