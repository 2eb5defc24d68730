//! Families: people of one cart join the household of its buyer, and those of a membership that of its primary member.
//!
//! NPSP makes a household for each contact that comes without one (reference: NPSP, "Household Account model"). Whoever
//! shares the last name or the postal address with the anchor joins its household (`shared`), as far as the museum's
//! setting allows. Contacts are moved only out of households that are all usher's doing (`plan`); else a person is asked.
//! Whom the office took out is known by where usher put or saw everybody last (`notes`).

mod buyers;
mod donations;
mod facts;
mod family;
mod notes;
mod plan;
mod shared;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use runtime::mapping::Side;
use runtime::queue::{Review, StoreError, TreeRecord};
use runtime::salesforce::normalise;
use serde_json::json;

use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::trees::{Tree, Work};
pub(crate) use donations::Moving;
use facts::Facts;
pub(crate) use facts::Unknown;
use family::{Family, family};
use notes::{Asked, Claim, Home, claim_note, forget_claim, home_note};
use plan::{Move, Plan};
pub(crate) use waits::home_key;

/// The mapping of people.
pub(crate) const PEOPLE: &str = "contact";
/// The organization that a person belongs to, with NPSP.
pub(crate) const AFFILIATION: &str = "npsp__Primary_Affiliation__c";
/// The person whose donation an opportunity is, and the field that has their household.
pub(crate) const DONOR: &str = "npsp__Primary_Contact__c";
pub(crate) const HOUSEHOLD_OF: &str = "AccountId";
/// Earlier versions noted under this name whom they brought into a household, by the household.
pub(crate) const PLACED: &str = "household";
/// The setting that says who joins another's household, and its words.
const SETTING: &str = "households";
const MEMBERS: &str = "members";
const NEVER: &str = "never";

/// Somebody of the family of an anchor, by a cart or a membership.
struct Kin {
    /// The place of the tree.
    tree: usize,
    /// The anchor's identity.
    anchor: String,
    claim: Claim,
}

impl TwoWaySync {
    /// Brings the families of carts and memberships together, before anything that needs their accounts.
    pub(crate) async fn place_families(&self, work: &mut Work) -> Result<(), StoreError> {
        if !work.npsp() || work.setting(SETTING) == Some(NEVER) {
            return Ok(());
        }
        let mut kin = self.kin(work).await?;
        if kin.is_empty() {
            return Ok(());
        }
        match self.settle_kin(work, &mut kin).await {
            Ok(()) => Ok(()),
            Err(Unknown::Store(error)) => Err(error),
            Err(Unknown::Call(error)) => {
                for one in kin {
                    self.stop_unanswered(work, one.tree, &error);
                }
                Ok(())
            }
        }
    }

    async fn settle_kin(&self, work: &mut Work, kin: &mut Vec<Kin>) -> Result<(), Unknown> {
        let people = contacts(kin);
        let mut facts = self.facts(people).await?;
        let strangers = judge(work, kin, &mut facts);
        // Before the names are read once more: a change that is written in between wakes the tree.
        self.wait_for_kin(work, kin, &strangers).await?;
        if strangers.is_empty() && is_settled(kin, &facts, self.now_ms()) {
            return Ok(());
        }
        let mut claimed = BTreeSet::new();
        loop {
            self.claim_homes(work, kin, &facts);
            claimed.extend(facts.people.keys().cloned());
            kin.retain(|one| work.trees.get(one.tree).is_some_and(Tree::goes_on));
            facts = self.facts(contacts(kin)).await?;
            // Whoever came into such a household meanwhile is claimed as well.
            if facts.people.keys().all(|contact| claimed.contains(contact)) {
                break;
            }
        }
        let strangers = judge(work, kin, &mut facts);
        self.wait_for_kin(work, kin, &strangers).await?;
        self.bring_together(work, kin, &facts).await
    }

    /// Members of families with contacts, of trees that go on. A tree whose buyer Salesforce does not tell stops.
    async fn kin(&self, work: &mut Work) -> Result<Vec<Kin>, StoreError> {
        let (mut kin, mut unanswered) = (Vec::new(), Vec::new());
        for (place, tree) in work.trees.iter().enumerate() {
            if !tree.goes_on() || tree.wanted.is_empty() {
                continue;
            }
            let is_membership = family::is_membership(&tree.rows);
            if work.setting(SETTING) == Some(MEMBERS) && !is_membership {
                continue;
            }
            let Some(family) = family_of(work, tree) else {
                continue;
            };
            let may_be = match is_membership {
                true => self.may_be_family(work, tree).await,
                false => Ok(true),
            };
            match may_be {
                Ok(true) => kin.extend(self.kin_of(work, place, &family).await?),
                Ok(false) => {}
                Err(Unknown::Call(error)) => unanswered.push((place, error)),
                Err(Unknown::Store(error)) => return Err(error),
            }
        }
        for (place, error) in unanswered {
            self.stop_unanswered(work, place, &error);
        }
        Ok(kin)
    }

    async fn kin_of(
        &self,
        work: &Work,
        place: usize,
        family: &Family,
    ) -> Result<Vec<Kin>, StoreError> {
        let contact = |id: &String| work.outside.get(&(PEOPLE, id.clone()));
        let tree = work.trees.get(place);
        let (Some(tree), Some(anchor)) = (tree, contact(&family.anchor)) else {
            return Ok(Vec::new());
        };
        let identities = family.members.keys().cloned().collect();
        // The contact of an identity that was merged stays until somebody merges it as well.
        let heirs = self.store.heirs(PEOPLE, identities).await?;
        let identities = family.members.keys().cloned().collect();
        let former = self
            .store
            .tombstones(PEOPLE, Side::Source, identities)
            .await?;
        let former = former.into_iter();
        let former = former.filter(|one| one.side == Side::Source && one.merged_into.is_some());
        let former: Vec<(String, String)> = former
            .map(|one| (one.source_id, one.destination_id))
            .collect();
        let now = family.members.keys();
        let now = now.filter_map(|id| Some((id, contact(id)?, false)));
        let before = former.iter().map(|(id, contact)| (id, contact, true));
        let kin = now
            .chain(before)
            .filter(|(_, contact, _)| !contact.is_empty());
        let kin = kin.map(|(identity, contact, is_former)| Kin {
            tree: place,
            anchor: family.anchor.clone(),
            claim: Claim {
                since: family.members.get(identity).cloned().unwrap_or_default(),
                tree: (work.root.name.to_owned(), tree.id.clone()),
                identity: match heirs.get(identity).and_then(|heir| heir.source_id.clone()) {
                    Some(survivor) if !is_former => survivor,
                    _ => identity.clone(),
                },
                member: normalise(contact),
                anchor: normalise(anchor),
                is_former,
            },
        });
        // A member who was merged with the anchor stays among them: an earlier claim may have to go.
        let mut kin: Vec<Kin> = kin.collect();
        // Of identities that became one, the one counts that was heard of first.
        kin.sort_by(|one, other| one.claim.cmp(&other.claim));
        let mut members = BTreeSet::new();
        kin.retain(|one| members.insert(one.claim.member.clone()));
        Ok(kin)
    }

    /// Nobody else moves these contacts meanwhile, or those who live with them.
    fn claim_homes(&self, work: &mut Work, kin: &[Kin], facts: &Facts) {
        let trees: BTreeSet<usize> = kin.iter().map(|one| one.tree).collect();
        for one in kin {
            for contact in [&one.claim.member, &one.claim.anchor] {
                self.claim_home(work, one.tree, contact);
            }
        }
        let of_kin = contacts(kin);
        let others = facts.people.keys().filter(|id| !of_kin.contains(*id));
        for contact in others {
            for tree in &trees {
                self.claim_home(work, *tree, contact);
            }
        }
    }

    /// Nobody else moves the contact meanwhile, or what follows it.
    fn claim_home(&self, work: &mut Work, tree: usize, contact: &str) {
        let key = home_key(&normalise(contact));
        let reason = "another batch is moving a contact of its family";
        self.claim(work, tree, key, reason);
    }

    async fn bring_together(
        &self,
        work: &mut Work,
        kin: &[Kin],
        facts: &Facts,
    ) -> Result<(), Unknown> {
        let plan = Plan::of(facts);
        self.ask_about(facts, &plan).await?;
        // On the disk before the calls: after a crash it is known who was about to go where.
        let homes = homes(facts, &plan, self.now_ms());
        let notes = notes(kin, facts, &homes);
        if !notes.is_empty() {
            self.store.keep_records(notes).await?;
        }
        let Some(people) = self.mapping(PEOPLE) else {
            return Ok(());
        };
        let records = plan.moves().into_iter().map(moved).collect();
        let mut landed = Vec::new();
        for (one, sent) in self.in_calls(people, records).await {
            match sent {
                Sent::Landed(_) => landed.extend(homes.get(&one.contact).map(|home| {
                    let mut home = home.clone();
                    home.see(&one.to, false);
                    home_note(&one.contact, &home)
                })),
                sent => {
                    for tree in trees_of(kin, &one.contact) {
                        self.stop_for(work, tree, PEOPLE, &sent);
                    }
                }
            }
        }
        match landed.is_empty() {
            true => Ok(()),
            false => Ok(self.store.keep_records(landed).await?),
        }
    }

    /// Asks what has not been asked in the same words, and takes back what has no reason any longer.
    async fn ask_about(&self, facts: &Facts, plan: &Plan<'_>) -> Result<(), StoreError> {
        let questions = plan.questions();
        for (contact, person) in &facts.people {
            let question = questions.get(contact.as_str());
            let is_other = |old: &&Asked| question.is_none_or(|new| new.identity != old.identity);
            if let Some(old) = person.home.asked.as_ref().filter(is_other) {
                let id = question_id(&old.identity);
                self.store.close_review(PEOPLE, &id).await?;
            }
            if let Some(new) = question.filter(|new| person.home.asked.as_ref() != Some(*new)) {
                self.ask_household(contact, new).await?;
            }
        }
        Ok(())
    }

    /// Nobody is asked about whom an earlier version brought there, who is elsewhere now, nor once it is decided.
    async fn ask_household(&self, contact: &str, question: &Asked) -> Result<(), StoreError> {
        let placed = self.store.tree_records(PLACED, vec![question.to.clone()]);
        if placed.await?.iter().any(|one| one.key == contact) {
            return Ok(());
        }
        let id = question_id(&question.identity);
        let asked = Some((PEOPLE.to_owned(), vec![id.clone()]));
        if !self.store.decided(asked).await?.is_empty() {
            return Ok(());
        }
        let (kind, of) = &question.tree;
        let Asked {
            anchor, from, to, ..
        } = question;
        self.store
            .add_review(Review {
                mapping: PEOPLE.to_owned(),
                source_id: id,
                candidates: vec![to.clone(), from.clone()],
                reason: format!(
                    "is of the family of contact {anchor} by {kind} {of}, in household {to}, but may not be moved from {from}, which is not of usher's making or has others in it: move the contact in Salesforce if they are one family, or leave it"
                ),
            })
            .await
    }
}

/// Adds to the facts the claims of those who share with their anchors, and takes away those that hold no longer.
/// A claim with the same anchor stays, whatever became of names and addresses. Returns the places of the others.
fn judge(work: &Work, kin: &[Kin], facts: &mut Facts) -> Vec<usize> {
    let all = work.setting(SETTING) == Some(MEMBERS);
    let mut strangers = Vec::new();
    let mut claims = Vec::new();
    let others = kin.iter().enumerate();
    for (index, one) in others.filter(|(_, one)| one.claim.member != one.claim.anchor) {
        let claim = &one.claim;
        let is_it = |known: &&Claim| {
            known.member == claim.member && known.tree == claim.tree && known.anchor == claim.anchor
        };
        let is_known = facts.claims.iter().any(|known| is_it(&known));
        let shares = || facts.share(&claim.member, &claim.anchor);
        match all || is_known || shares() {
            true => claims.push(claim.clone()),
            false => strangers.push(index),
        }
    }
    let of_kin = |known: &Claim| kin.iter().any(|one| is_replaced(known, &one.claim));
    facts.claims.retain(|known| !of_kin(known));
    facts.claims.extend(claims);
    strangers
}

/// The family of a tree, with the settings.
pub(crate) fn family_of(work: &Work, tree: &Tree) -> Option<Family> {
    family(&tree.rows, work.setting("cart_source") == Some("derived"))
}

/// It is another question than which contact the identity is, and has an answer of its own.
fn question_id(identity: &str) -> String {
    format!("{identity}:household")
}

fn contacts(kin: &[Kin]) -> BTreeSet<String> {
    let pairs = kin
        .iter()
        .flat_map(|one| [&one.claim.member, &one.claim.anchor]);
    pairs.cloned().collect()
}

/// Does the new claim of a tree take the place of the known one? The anchor has none by the same tree.
fn is_replaced(known: &Claim, new: &Claim) -> bool {
    known.tree == new.tree && (known.member == new.member || known.member == new.anchor)
}

/// Is there nothing to move, to ask, or to note?
fn is_settled(kin: &[Kin], facts: &Facts, now_ms: i64) -> bool {
    let plan = Plan::of(facts);
    plan.moves().is_empty() && notes(kin, facts, &homes(facts, &plan, now_ms)).is_empty()
}

/// Homes as they are when everybody is on the way, with what is asked.
fn homes(facts: &Facts, plan: &Plan<'_>, now_ms: i64) -> BTreeMap<String, Home> {
    let moves = plan.moves();
    let mut questions = plan.questions();
    let home = |(contact, person): (&String, &facts::Person)| {
        let movement = moves.iter().find(|one| one.contact == *contact);
        let home = movement.map_or_else(
            || person.home.clone(),
            |one| going(&person.home, one, now_ms),
        );
        let asked = questions.remove(contact.as_str());
        (contact.clone(), Home { asked, ..home })
    };
    facts.people.iter().map(home).collect()
}

/// Notes that differ from what is stored: homes, and the claims of these trees.
fn notes(kin: &[Kin], facts: &Facts, homes: &BTreeMap<String, Home>) -> Vec<TreeRecord> {
    let is_new = |(contact, home): &(&String, &Home)| {
        let person = facts.people.get(*contact);
        person.is_some_and(|one| one.account.is_some() && one.noted.as_ref() != Some(*home))
    };
    let new = homes.iter().filter(is_new);
    let homes = new.map(|(contact, home)| home_note(contact, home));
    homes.chain(claims(kin, facts)).collect()
}

fn claims(kin: &[Kin], facts: &Facts) -> Vec<TreeRecord> {
    let gone = facts.noted_claims.iter();
    let gone = gone.filter(|known| !facts.claims.iter().any(|claim| claim.is_of(known)));
    let gone = gone.filter(|known| kin.iter().any(|one| is_replaced(known, &one.claim)));
    let gone = gone.map(|known| forget_claim(&known.member, &known.tree));
    let new = facts
        .claims
        .iter()
        .filter(|claim| !facts.noted_claims.contains(claim));
    gone.chain(new.map(claim_note)).collect()
}

/// The home of a contact that is about to move.
fn going(home: &Home, to: &Move, now_ms: i64) -> Home {
    Home {
        going: Some(to.to.clone()),
        going_ours: to.to_ours,
        moved_ms: Some(now_ms),
        ..home.clone()
    }
}

/// The trees that name the contact; all of them where it only goes along.
fn trees_of(kin: &[Kin], contact: &str) -> BTreeSet<usize> {
    let names = |one: &&Kin| [&one.claim.member, &one.claim.anchor].contains(&&contact.to_owned());
    let named: BTreeSet<usize> = kin.iter().filter(names).map(|one| one.tree).collect();
    match named.is_empty() {
        true => kin.iter().map(|one| one.tree).collect(),
        false => named,
    }
}

fn moved(to: Move) -> Record<Move> {
    Record {
        key: to.contact.clone(),
        id: Some(to.contact.clone()),
        body: json!({ HOUSEHOLD_OF: to.to }).to_string(),
        locks: vec![to.from.clone(), to.to.clone()],
        of: to,
    }
}
