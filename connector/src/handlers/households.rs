//! Families: the people of one cart are one household, that of its buyer, and those of a membership that of its
//! primary member.
//!
//! NPSP makes a household for each contact that comes without one (reference: NPSP, "Household Account model"). One that
//! it made for a single person is moved into the buyer's; who is in a household with others stays there, and a person
//! is asked. Nobody is brought into the same household twice: who was taken out of it stays out.

mod donations;
mod moves;

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{Review, StoreError, TreeRecord};
use runtime::salesforce::{CallError, normalise};
use serde_json::{Map, Value, json};

use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::trees::{Tree, Work};
pub(crate) use donations::Moving;

/// The mapping of people.
pub(crate) const PEOPLE: &str = "contact";
/// The organization that a person belongs to, with NPSP.
pub(crate) const AFFILIATION: &str = "npsp__Primary_Affiliation__c";
/// The person whose donation an opportunity is, and the field that has their household.
pub(crate) const DONOR: &str = "npsp__Primary_Contact__c";
pub(crate) const HOUSEHOLD_OF: &str = "AccountId";
/// What NPSP calls the households that it makes.
const HOUSEHOLD: &str = "Household Account";
/// What is kept of people who were brought into a household, by the household.
pub(crate) const PLACED: &str = "household";

/// Identities that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Whose household it is.
    pub(crate) anchor: String,
    pub(crate) members: BTreeSet<String>,
}

/// The members of a membership; else the buyer and whoever else has tickets of the cart in their own name. None where
/// nobody else has, or an organization bought.
pub(crate) fn family(rows: &BTreeMap<String, Vec<Value>>) -> Option<Family> {
    let of = |kind: &str| rows.get(kind).map(Vec::as_slice).unwrap_or_default();
    let text =
        |row: &Value, name: &str| runtime::json::text_at(row, &[name]).filter(|id| !id.is_empty());
    let (carts, tickets) = (of("cart_changed"), of("ticket_audit"));
    if let Some(family) = of_membership(of("membership_changed")) {
        return Some(family);
    }
    if carts
        .iter()
        .any(|cart| text(cart, "organization_id").is_some())
    {
        return None;
    }
    let latest = carts.iter().max_by_key(|cart| text(cart, "$at"));
    let first = tickets
        .iter()
        .filter(|ticket| text(ticket, "identity_id").is_some())
        .min_by_key(|ticket| (text(ticket, "occurred_at"), text(ticket, "id")));
    let anchor = latest
        .and_then(|cart| text(cart, "identity_id"))
        .or_else(|| text(first?, "identity_id"))?;
    // Whom a membership admits it says itself; whoever bought it may have given it away.
    let is_visit = |ticket: &&Value| text(ticket, "item_kind").as_deref() != Some("membership");
    let mut members: BTreeSet<String> = tickets
        .iter()
        .filter(is_visit)
        .filter_map(|ticket| text(ticket, "identity_id"))
        .collect();
    members.remove(&anchor);
    (!members.is_empty()).then_some(Family { anchor, members })
}

/// The primary member and everybody else whom a membership admits, or admitted once: who leaves it is not moved out of
/// the household, and so it is the same whichever row is heard of first.
fn of_membership(rows: &[Value]) -> Option<Family> {
    let text =
        |row: &Value, name: &str| runtime::json::text_at(row, &[name]).filter(|id| !id.is_empty());
    let members = |row: &Value| {
        let members = row.get("members").and_then(Value::as_array);
        members.cloned().unwrap_or_default()
    };
    let latest = rows.iter().max_by_key(|row| text(row, "updated_at"))?;
    let is_primary = |one: &Value| text(one, "role").as_deref() == Some("primary");
    let primary = members(latest).into_iter().find(is_primary);
    let anchor = text(latest, "primary_identity_id").or_else(|| text(&primary?, "identity_id"))?;
    let all = rows.iter().flat_map(members);
    let mut others: BTreeSet<String> = all.filter_map(|one| text(&one, "identity_id")).collect();
    others.remove(&anchor);
    (!others.is_empty()).then_some(Family {
        anchor,
        members: others,
    })
}

/// One who has to move, or to be asked about.
struct Relative {
    /// The places of the trees that say so, and the source id.
    trees: Vec<usize>,
    identity: String,
    contact: String,
    /// The contact whose household it is.
    anchor: String,
    from: String,
    to: String,
}

impl TwoWaySync {
    /// Brings the families of carts together, before anything that needs their accounts.
    pub(crate) async fn place_families(&self, work: &mut Work) -> Result<(), StoreError> {
        if !work.npsp() {
            return Ok(());
        }
        let families: Vec<(usize, Family)> = work
            .trees
            .iter()
            .enumerate()
            .filter(|(_, tree)| tree.goes_on() && !tree.wanted.is_empty())
            .filter_map(|(place, tree)| Some((place, family(&tree.rows)?)))
            .collect();
        if families.is_empty() {
            return Ok(());
        }
        let apart = match self.apart(work, &families).await {
            Ok(apart) if apart.is_empty() => return Ok(()),
            // Another batch may be moving them as well: it is looked again when it cannot.
            Ok(apart) => {
                self.claim_homes(work, &apart);
                let going = |(place, _): &(usize, Family)| {
                    work.trees.get(*place).is_some_and(Tree::goes_on)
                };
                let families: Vec<(usize, Family)> = families.into_iter().filter(going).collect();
                match self.apart(work, &families).await {
                    Ok(apart) => Ok(apart),
                    Err(error) => Err((families, error)),
                }
            }
            Err(error) => Err((families, error)),
        };
        match apart {
            Ok(apart) => self.bring_together(work, apart).await,
            Err((families, error)) => {
                for (place, _) in families {
                    self.stop_unanswered(work, place, &error);
                }
                Ok(())
            }
        }
    }

    fn claim_homes(&self, work: &mut Work, apart: &[Relative]) {
        for relative in apart {
            for tree in &relative.trees {
                self.claim_home(work, *tree, &relative.contact);
                // Whose household it is stays there meanwhile.
                self.claim_home(work, *tree, &relative.anchor);
            }
        }
    }

    /// Nobody else moves the contact meanwhile, or what follows it.
    fn claim_home(&self, work: &mut Work, tree: usize, contact: &str) {
        let key = format!("home of {}", normalise(contact));
        let reason = "another batch is moving a contact of its family";
        self.claim(work, tree, key, reason);
    }

    /// Members who have another account than their family's anchor. Accounts are read, not remembered: people move.
    async fn apart(
        &self,
        work: &Work,
        families: &[(usize, Family)],
    ) -> Result<Vec<Relative>, CallError> {
        let contact = |id: &String| work.outside.get(&(PEOPLE, id.clone())).cloned();
        let people: Vec<String> = families
            .iter()
            .flat_map(|(_, family)| family.members.iter().chain([&family.anchor]))
            .filter_map(contact)
            .collect();
        let accounts = self.account_of_people(&people).await?;
        let account = |id: &String| accounts.get(&contact(id)?).cloned();
        let mut apart: Vec<Relative> = Vec::new();
        for (tree, family) in families {
            let (Some(anchor), Some(to)) = (contact(&family.anchor), account(&family.anchor))
            else {
                continue;
            };
            for identity in &family.members {
                let (Some(contact), Some(from)) = (contact(identity), account(identity)) else {
                    continue;
                };
                let known = apart.iter_mut().find(|one| one.contact == contact);
                match known {
                    _ if from == to => {}
                    // Two terms of one membership, for instance. One of two households is enough to begin with.
                    Some(known) => known.trees.push(*tree),
                    None => apart.push(Relative {
                        trees: vec![*tree],
                        identity: identity.clone(),
                        contact,
                        anchor: anchor.clone(),
                        from,
                        to: to.clone(),
                    }),
                }
            }
        }
        Ok(apart)
    }

    async fn bring_together(
        &self,
        work: &mut Work,
        apart: Vec<Relative>,
    ) -> Result<(), StoreError> {
        let accounts = apart
            .iter()
            .flat_map(|relative| [&relative.from, &relative.to]);
        let accounts: BTreeSet<String> = accounts.cloned().collect();
        let read = match self.households(accounts).await {
            Ok(read) => read,
            Err(error) => {
                for tree in apart.into_iter().flat_map(|relative| relative.trees) {
                    self.stop_unanswered(work, tree, &error);
                }
                return Ok(());
            }
        };
        let placed = self.placed(&apart).await?;
        let mut moving = Vec::new();
        for relative in apart {
            let is_household =
                |id: &String| read.get(id).is_some_and(|account| account.is_household);
            if !is_household(&relative.to) {
                continue;
            }
            let alone = read
                .get(&relative.from)
                .is_some_and(|account| account.is_household && account.members <= 1);
            // Whom we brought there once, and who is elsewhere now, somebody took out.
            if placed.contains(&(relative.to.clone(), relative.contact.clone())) {
                continue;
            }
            if alone {
                moving.push(relative);
            } else {
                self.ask_about(&relative).await?;
            }
        }
        let Some(people) = self.mapping(PEOPLE) else {
            return Ok(());
        };
        moves::follow(&mut moving);
        let records = moving.into_iter().map(moved).collect();
        let mut placed = Vec::new();
        for (relative, sent) in self.in_calls(people, records).await {
            match sent {
                Sent::Landed(_) => placed.push(placement(relative)),
                sent => {
                    for tree in relative.trees {
                        self.stop_for(work, tree, PEOPLE, &sent);
                    }
                }
            }
        }
        match placed.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(placed).await,
        }
    }

    /// Households and the contacts that we brought there.
    async fn placed(&self, apart: &[Relative]) -> Result<BTreeSet<(String, String)>, StoreError> {
        let to: BTreeSet<String> = apart.iter().map(|one| one.to.clone()).collect();
        let kept = self.store.tree_records(PLACED, to.into_iter().collect());
        let kept = kept.await?.into_iter();
        Ok(kept.map(|one| (one.root, one.key)).collect())
    }

    /// How many live there is counted: the number that NPSP keeps follows a moment later.
    async fn households(
        &self,
        ids: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Household>, CallError> {
        const TYPE: &str = "npe01__SYSTEM_AccountType__c";
        let groups: Vec<Vec<Option<String>>> =
            ids.iter().map(|id| vec![Some(id.clone())]).collect();
        let by = [HOUSEHOLD_OF];
        let people = self
            .salesforce
            .query_in("Contact", &["Id", HOUSEHOLD_OF], &by, &groups)
            .await?;
        let home = |person: &Map<String, Value>| {
            person
                .get(HOUSEHOLD_OF)
                .and_then(Value::as_str)
                .map(normalise)
        };
        let ids: Vec<String> = ids.into_iter().collect();
        let mut read = BTreeMap::new();
        for chunk in ids.chunks(runtime::salesforce::RETRIEVE_MAX) {
            let records: Vec<Option<Map<String, Value>>> = self
                .salesforce
                .retrieve("Account", chunk, &["Id", TYPE])
                .await?;
            for (id, record) in chunk.iter().zip(records) {
                let Some(record) = record else { continue };
                let id = normalise(id);
                let household = Household {
                    is_household: record.get(TYPE).and_then(Value::as_str) == Some(HOUSEHOLD),
                    members: people
                        .iter()
                        .filter(|one| home(one).as_ref() == Some(&id))
                        .count(),
                };
                read.insert(id, household);
            }
        }
        Ok(read)
    }

    async fn ask_about(&self, relative: &Relative) -> Result<(), StoreError> {
        // It is another question than which contact the identity is, and has an answer of its own.
        let question = format!("{}:household", relative.identity);
        let asked = Some((PEOPLE.to_owned(), vec![question.clone()]));
        if !self.store.decided(asked).await?.is_empty() {
            return Ok(());
        }
        self.store
            .add_review(Review {
                mapping: PEOPLE.to_owned(),
                source_id: question,
                candidates: vec![relative.to.clone(), relative.from.clone()],
                reason: format!(
                    "has tickets of a cart whose buyer is in household {}, but is in {} with others: move the contact in Salesforce if they are one family, or leave it",
                    relative.to, relative.from
                ),
            })
            .await
    }
}

struct Household {
    is_household: bool,
    members: usize,
}

/// What is kept of it: the household, and who was brought there.
fn placement(relative: Relative) -> TreeRecord {
    TreeRecord {
        tree: PLACED.to_owned(),
        root: relative.to.clone(),
        mapping: PEOPLE.to_owned(),
        key: relative.contact,
        destination_id: relative.to,
        base: "{}".to_owned(),
    }
}

fn moved(relative: Relative) -> Record<Relative> {
    Record {
        key: relative.identity.clone(),
        id: Some(relative.contact.clone()),
        body: json!({ "AccountId": relative.to }).to_string(),
        locks: vec![relative.from.clone(), relative.to.clone()],
        of: relative,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cart: Value, tickets: &[&str]) -> BTreeMap<String, Vec<Value>> {
        let tickets = tickets.iter().enumerate().map(|(number, id)| {
            json!({ "id": number.to_string(), "identity_id": id, "occurred_at": "2026-03-01T18:00:00Z" })
        });
        [
            ("cart_changed".to_owned(), vec![cart]),
            ("ticket_audit".to_owned(), tickets.collect()),
        ]
        .into()
    }

    #[test]
    fn the_buyer_is_the_anchor_of_whoever_else_has_tickets() {
        let found = family(&rows(json!({ "identity_id": "i-2" }), &["i-1", "i-2", ""])).unwrap();
        assert_eq!(found.anchor, "i-2");
        assert_eq!(found.members, ["i-1".to_owned()].into());
        assert_eq!(
            family(&rows(json!({ "identity_id": "i-1" }), &["i-1"])),
            None
        );
    }

    #[test]
    fn who_is_given_a_membership_is_not_of_the_buyers_family() {
        let mut rows = rows(json!({ "identity_id": "i-2" }), &["i-1"]);
        let tickets = rows.get_mut("ticket_audit").unwrap();
        tickets[0]["item_kind"] = json!("membership");
        assert_eq!(family(&rows), None);
        let members = json!([{ "identity_id": "i-1", "role": "primary" }, { "identity_id": "i-3", "role": "child" }]);
        let membership = json!({ "updated_at": "2026-03-01T18:00:00Z", "members": members });
        let found = family(&[("membership_changed".to_owned(), vec![membership])].into());
        let found = found.unwrap();
        assert_eq!(
            (found.anchor.as_str(), found.members),
            ("i-1", ["i-3".to_owned()].into())
        );
    }

    #[test]
    fn without_a_cart_the_first_ticket_says_who_bought() {
        let found = family(&rows(json!({}), &["i-3", "i-1"])).unwrap();
        assert_eq!(found.anchor, "i-3");
    }

    #[test]
    fn a_school_is_no_family() {
        let cart = json!({ "identity_id": "i-1", "organization_id": "o-1" });
        assert_eq!(family(&rows(cart, &["i-1", "i-2"])), None);
    }
}
