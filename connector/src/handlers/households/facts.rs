//! What there is to know before anybody is moved: the contacts of the families, those who live with them, whose
//! families they belong to, and the households. All of it is read, not remembered: people move.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::StoreError;
use runtime::salesforce::{CallError, RETRIEVE_MAX, normalise};
use serde_json::{Map, Value};

use super::notes::{Claim, Home};
use super::shared::{self, Shared};
use super::{HOUSEHOLD_OF, PEOPLE};
use crate::sync::TwoWaySync;

/// What NPSP calls the households that it makes.
const HOUSEHOLD: &str = "Household Account";
const KIND: &str = "npe01__SYSTEM_AccountType__c";
const CREATED: &str = "CreatedDate";
/// NPSP makes the household of a new contact in the contact's own transaction, which is over by then.
const TOGETHER_MS: i64 = 10_000;
/// Whoever lives with whoever lives with somebody: so far it is read.
const ROUNDS_MAX: usize = 8;

/// A contact as it is now.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    pub(super) account: Option<String>,
    pub(super) shared: Shared,
    /// As it is noted, with what was seen now.
    pub(super) home: Home,
    /// As it is noted.
    pub(super) noted: Option<Home>,
    /// The contacts that were merged into this one, on either side.
    pub(super) absorbed: BTreeSet<String>,
    pub(super) created_ms: i64,
}

/// An account that somebody belongs to.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) is_household: bool,
    /// The contacts in a household.
    pub(super) people: BTreeSet<String>,
    pub(super) created_ms: i64,
}

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) people: BTreeMap<String, Person>,
    pub(super) places: BTreeMap<String, Place>,
    /// The claims that count.
    pub(super) claims: Vec<Claim>,
    /// The claims that are noted.
    pub(super) noted_claims: Vec<Claim>,
    /// The last households of contacts that were merged in Salesforce.
    last: BTreeMap<String, String>,
}

/// Reasons for which the facts are not known.
pub(crate) enum Unknown {
    Call(CallError),
    Store(StoreError),
}

impl From<CallError> for Unknown {
    fn from(error: CallError) -> Self {
        Unknown::Call(error)
    }
}

impl From<StoreError> for Unknown {
    fn from(error: StoreError) -> Self {
        Unknown::Store(error)
    }
}

impl TwoWaySync {
    /// Reads these contacts, whoever lives with them, and whose families they are of.
    pub(super) async fn facts(&self, contacts: BTreeSet<String>) -> Result<Facts, Unknown> {
        let mut facts = Facts::default();
        let mut new = contacts;
        for _ in 0..ROUNDS_MAX {
            if new.is_empty() {
                break;
            }
            new = self.more_facts(&mut facts, new).await?;
        }
        facts.see_all(self.now_ms());
        facts.claims = facts.noted_claims.clone();
        Ok(facts)
    }

    /// Reads these contacts. Returns those that have to be read next.
    async fn more_facts(
        &self,
        facts: &mut Facts,
        contacts: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Unknown> {
        let ids: Vec<String> = contacts.into_iter().collect();
        let mut homes = self.homes(ids.clone()).await?;
        let claims = self.claims(ids.clone()).await?;
        let mut next: BTreeSet<String> = claims.iter().map(|one| one.anchor.clone()).collect();
        let mut absorbed = self.absorbed(facts, &ids).await?;
        next.extend(absorbed.values().flatten().cloned());
        facts.noted_claims.extend(claims);
        let mut places = BTreeSet::new();
        for (id, mut person) in self.people(&ids).await? {
            person.noted = homes.remove(&id);
            person.home = person.noted.clone().unwrap_or_default();
            person.absorbed = absorbed.remove(&id).unwrap_or_default();
            let home = &person.home;
            let known = [
                &person.account,
                &home.at,
                &home.going,
                &home.left,
                &home.own,
            ];
            let known = known.into_iter();
            places.extend(known.flatten().cloned());
            facts.people.insert(id, person);
        }
        places.retain(|id| !facts.places.contains_key(id));
        for (id, place) in self.places(places).await? {
            next.extend(place.people.iter().cloned());
            facts.places.insert(id, place);
        }
        next.retain(|id| !facts.people.contains_key(id));
        Ok(next)
    }

    /// The contacts that were merged into these: in Ticketure by the tombstones, in Salesforce by the notes of capture.
    async fn absorbed(
        &self,
        facts: &mut Facts,
        ids: &[String],
    ) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (survivor, contact, account) in self.absorbed_contacts(ids.to_vec()).await? {
            facts.last.insert(contact.clone(), account);
            all.entry(survivor).or_default().insert(contact);
        }
        for (survivor, found) in self.store.absorbed(PEOPLE, ids.to_vec()).await? {
            all.entry(survivor).or_default().extend(found.records);
        }
        Ok(all)
    }

    /// Contacts by id. One that was deleted is a person without an account.
    async fn people(&self, ids: &[String]) -> Result<Vec<(String, Person)>, CallError> {
        let select: Vec<&str> = ["Id", HOUSEHOLD_OF, CREATED]
            .into_iter()
            .chain(shared::fields())
            .collect();
        let mut people = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(RETRIEVE_MAX) {
            let read: Vec<Option<Map<String, Value>>> =
                self.salesforce.retrieve("Contact", chunk, &select).await?;
            let read = read.into_iter().map(Option::unwrap_or_default);
            people.extend(chunk.iter().cloned().zip(read.map(|record| Person {
                account: text(&record, HOUSEHOLD_OF).map(normalise),
                shared: Shared::of(&record),
                created_ms: created_ms(&record),
                ..Person::default()
            })));
        }
        Ok(people)
    }

    /// Accounts by id, and who is in those that are households. People are counted here: NPSP's number comes later.
    async fn places(&self, ids: BTreeSet<String>) -> Result<BTreeMap<String, Place>, CallError> {
        let ids: Vec<String> = ids.into_iter().collect();
        let mut places = BTreeMap::new();
        for chunk in ids.chunks(RETRIEVE_MAX) {
            let select = ["Id", KIND, CREATED];
            let read: Vec<Option<Map<String, Value>>> =
                self.salesforce.retrieve("Account", chunk, &select).await?;
            let read = read.into_iter().map(Option::unwrap_or_default);
            places.extend(chunk.iter().cloned().zip(read.map(|record| Place {
                is_household: text(&record, KIND) == Some(HOUSEHOLD),
                created_ms: created_ms(&record),
                people: BTreeSet::new(),
            })));
        }
        let households = places.iter().filter(|(_, place)| place.is_household);
        let groups: Vec<Vec<Option<String>>> =
            households.map(|(id, _)| vec![Some(id.clone())]).collect();
        if groups.is_empty() {
            return Ok(places);
        }
        let select = ["Id", HOUSEHOLD_OF];
        let by = [HOUSEHOLD_OF];
        for contact in self
            .salesforce
            .query_in("Contact", &select, &by, &groups)
            .await?
        {
            let place = text(&contact, HOUSEHOLD_OF).map(normalise);
            let place = place.and_then(|id| places.get_mut(&id));
            if let (Some(place), Some(id)) = (place, text(&contact, "Id")) {
                place.people.insert(normalise(id));
            }
        }
        Ok(places)
    }

    /// The identities of these contacts, as far as they have any.
    pub(super) async fn identities_of(
        &self,
        contacts: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        let links = self.store.links_by_destination(PEOPLE, contacts).await?;
        Ok(links.into_values().map(|link| link.source_id).collect())
    }
}

impl Facts {
    fn see_all(&mut self, now_ms: i64) {
        for (id, person) in &mut self.people {
            // Whom the office moved right before the merge was taken out as well. Where a contact that is gone lived
            // first is not known, if usher never saw it there.
            let is_known = person.home.at.is_some();
            let last = || {
                self.last
                    .get(id)
                    .filter(|last| is_known && !last.is_empty())
            };
            let Some(account) = person.account.as_ref().or_else(last) else {
                continue;
            };
            let place = self.places.get(account);
            let is_own = place.is_some_and(|place| {
                let apart_ms = (place.created_ms - person.created_ms).abs();
                place.is_household && apart_ms <= TOGETHER_MS
            });
            let taken = person.home.taken().count();
            person.home.see(account, is_own);
            if person.home.taken().count() > taken {
                person.home.taken_ms = Some(now_ms);
            }
        }
    }
}

impl Facts {
    /// The homes of the contact and of all that were merged into it: a person stays who they are.
    pub(super) fn homes_of(&self, contact: &str) -> Vec<&Home> {
        let people = self.all_of(contact).into_iter();
        people.map(|(_, person)| &person.home).collect()
    }

    /// Returns whether two people share the last name or the address, by any of the contacts that each of them had.
    pub(super) fn share(&self, one: &str, other: &str) -> bool {
        let others = self.all_of(other);
        let mut ones = self.all_of(one).into_iter();
        ones.any(|(id, one)| {
            let mut others = others.iter().filter(|(other, _)| *other != id);
            others.any(|(_, other)| one.shared.is_shared_with(&other.shared))
        })
    }

    /// Returns the contact and every contact that was merged into it.
    fn all_of(&self, contact: &str) -> Vec<(&str, &Person)> {
        let mut all = BTreeSet::from([contact]);
        let mut left = vec![contact];
        let mut people = Vec::new();
        while let Some((id, person)) = left.pop().and_then(|id| self.people.get_key_value(id)) {
            people.push((id.as_str(), person));
            let absorbed = person.absorbed.iter().map(String::as_str);
            left.extend(absorbed.filter(|id| self.people.contains_key(*id) && all.insert(id)));
        }
        people
    }
}

fn text<'r>(record: &'r Map<String, Value>, field: &str) -> Option<&'r str> {
    record.get(field).and_then(Value::as_str)
}

fn created_ms(record: &Map<String, Value>) -> i64 {
    let at = text(record, CREATED).and_then(runtime::clock::parse_ms);
    at.unwrap_or_default()
}
