//! A donation whose donor becomes another: it goes along into that one's household, unless somebody put it elsewhere.
//! NPSP gives an opportunity its donor's household when it is made, and moves it when its donor moves out of that one.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::{StoreError, TreeRecord};
use runtime::salesforce::{CallError, RETRIEVE_MAX, normalise};
use serde_json::{Map, Value, json};

use super::{DONOR, HOUSEHOLD_OF};
use crate::handlers::organizations::ORGANIZATIONS;
use crate::sync::TwoWaySync;
use crate::sync::calls::{Record, Sent};
use crate::to_salesforce::adopt::is_id;
use crate::trees::{Tree, Work};

/// An opportunity that gets another donor: its tree's place, its id, and the contact.
#[derive(Clone)]
pub(crate) struct Moving {
    pub(crate) tree: usize,
    pub(crate) opportunity: String,
    pub(crate) donor: String,
    /// True if the account that it was given is not said any longer.
    pub(crate) is_taken_back: bool,
}

/// An opportunity that goes along with its new donor.
#[derive(Clone)]
pub(crate) struct Placed {
    moving: Moving,
    /// The household that is written with the donor.
    household: String,
}

/// An opportunity as Salesforce has it.
#[derive(Clone)]
struct Donation {
    donor: Option<String>,
    account: Option<String>,
}

/// The name under which it is kept with which household a tree's donor is about to be written, by the tree's source id.
const PLACED_DONATION: &str = "placed_donation";
/// Kept in the place of an id.
const NOTED: &str = "noted";
/// Readings of donors after the write. Each finds a move of the last seconds: the office makes no more of them.
const ROUNDS_MAX: usize = 3;

/// Whose the anonymous sales are, where the museum has an account for them.
const HOUSE: &str = "house_account";

impl TwoWaySync {
    /// Takes back accounts that are not said any longer, and claims the homes of new donors.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn move_donations(&self, work: &mut Work) -> Result<(), StoreError> {
        // A sale whose buyer is known by now is the house's no longer, and one that is a person's no organization's.
        let given = self.accounts_given(work).await?;
        work.take_back(HOUSEHOLD_OF, &given);
        if work.npsp() {
            for one in work.moving(DONOR, HOUSEHOLD_OF, &given) {
                self.claim_home(work, one.tree, &one.donor);
            }
        }
        Ok(())
    }

    /// Reads which household is written with each new donor, and notes it. Comes right before the write: products and
    /// funds are created before it, and the office may move one of the donors meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn place_donations(&self, work: &mut Work) -> Result<Vec<Placed>, StoreError> {
        if !work.npsp() {
            return Ok(Vec::new());
        }
        let given = self.accounts_given(work).await?;
        let moving = work.moving(DONOR, HOUSEHOLD_OF, &given);
        let mut placed = self.noted(work, &moving).await?;
        if moving.is_empty() {
            return Ok(placed);
        }
        let given = given.into_values().collect();
        let new = match self.households_of_donors(moving.clone(), &given).await {
            Ok(new) => new,
            Err(error) => {
                for one in &moving {
                    self.stop_unanswered(work, one.tree, &error);
                }
                return Ok(placed);
            }
        };
        for Placed { moving, household } in &new {
            let with = match moving.is_taken_back {
                true => HOUSEHOLD_OF,
                false => DONOR,
            };
            // Also where it is there already: the office may move the former donor before the write, and NPSP then
            // moves the donation with that one.
            work.write_along(moving.tree, with, HOUSEHOLD_OF, household.clone());
        }
        self.note_placed(work, &new).await?;
        placed.extend(new);
        Ok(placed)
    }

    /// Moves donations after their new donors, whom the office moved between the reading and the write. From then on
    /// NPSP moves a donation with its donor.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn follow_donors(
        &self,
        work: &mut Work,
        placed: Vec<Placed>,
    ) -> Result<(), StoreError> {
        let goes_on = |work: &Work, one: &Placed| {
            let tree = work.trees.get(one.moving.tree);
            tree.is_some_and(Tree::goes_on)
        };
        let mut left = placed.clone();
        for _ in 0..ROUNDS_MAX {
            left.retain(|one| goes_on(work, one));
            left = match self.left_behind(&left).await {
                Ok(left) => left,
                Err(error) => {
                    for one in &left {
                        self.stop_unanswered(work, one.moving.tree, &error);
                    }
                    break;
                }
            };
            if left.is_empty() {
                break;
            }
            let records = left.iter().map(|one| Record {
                of: one.moving.tree,
                key: one.moving.opportunity.clone(),
                id: Some(one.moving.opportunity.clone()),
                body: json!({ HOUSEHOLD_OF: one.household }).to_string(),
                locks: vec![one.moving.opportunity.clone()],
            });
            for (tree, sent) in self.in_calls(work.root, records.collect()).await {
                if !matches!(sent, Sent::Landed(_)) {
                    self.stop_for(work, tree, work.root.name, &sent);
                }
            }
        }
        // The note of a tree that stopped stays until it was worked again.
        let done = placed.iter().filter(|one| goes_on(work, one));
        let done: Vec<TreeRecord> = done.filter_map(|one| no_note(work, one)).collect();
        match done.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(done).await,
        }
    }

    /// Stores where donations are about to be, so that a crash or a lost answer leaves none behind.
    async fn note_placed(&self, work: &Work, placed: &[Placed]) -> Result<(), StoreError> {
        let notes = placed.iter().filter_map(|one| {
            let Placed { moving, household } = one;
            Some(TreeRecord {
                destination_id: NOTED.to_owned(),
                base: json!([moving.opportunity, moving.donor, household]).to_string(),
                ..no_note(work, one)?
            })
        });
        let notes: Vec<TreeRecord> = notes.collect();
        match notes.is_empty() {
            true => Ok(()),
            false => self.store.keep_records(notes).await,
        }
    }

    /// Returns the notes of an earlier attempt, without those of donations that get another donor now.
    async fn noted(&self, work: &Work, moving: &[Moving]) -> Result<Vec<Placed>, StoreError> {
        let mut places = BTreeMap::new();
        for (place, tree) in work.trees.iter().enumerate() {
            let moves = moving.iter().any(|one| one.tree == place);
            if tree.goes_on() && tree.root_id.is_some() && !moves {
                places.insert(tree.id.clone(), place);
            }
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let ids = places.keys().cloned().collect();
        let notes = self.store.tree_records(PLACED_DONATION, ids).await?;
        let notes = notes.iter().filter(|one| one.mapping == work.root.name);
        let noted = notes.filter_map(|note| {
            let read = serde_json::from_str::<(String, String, String)>(&note.base);
            let (opportunity, donor, household) = read.ok()?;
            let moving = Moving {
                tree: *places.get(&note.root)?,
                opportunity,
                donor,
                is_taken_back: false,
            };
            Some(Placed { moving, household })
        });
        Ok(noted.collect())
    }

    /// Returns donations that are as they were written, and whose donors have another household by now.
    async fn left_behind(&self, placed: &[Placed]) -> Result<Vec<Placed>, CallError> {
        if placed.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.donations(placed.iter().map(|one| &one.moving)).await?;
        let donors: Vec<String> = placed.iter().map(|one| one.moving.donor.clone()).collect();
        let households = self.account_of_people(&donors).await?;
        let each = placed.iter().zip(&there).filter_map(|(one, donation)| {
            let is_as_written = donation.donor == Some(normalise(&one.moving.donor))
                && donation.account.as_ref() == Some(&one.household);
            let household = households.get(&one.moving.donor)?;
            (is_as_written && *household != one.household).then(|| Placed {
                moving: one.moving.clone(),
                household: household.clone(),
            })
        });
        Ok(each.collect())
    }

    /// The accounts of the house and of organizations that opportunities were given and are not said of them any longer:
    /// their Salesforce ids, by what was given.
    async fn accounts_given(&self, work: &Work) -> Result<BTreeMap<String, String>, StoreError> {
        let house = work.setting(HOUSE).map(normalise);
        let said = work.said_no_longer(HOUSEHOLD_OF);
        let (ids, names): (Vec<String>, Vec<String>) = said.into_iter().partition(|id| is_id(id));
        let mut given = BTreeMap::new();
        if ids.is_empty() && names.is_empty() {
            return Ok(given);
        }
        let linked = ids.iter().map(|id| normalise(id)).collect();
        let linked = self
            .store
            .links_by_destination(ORGANIZATIONS, linked)
            .await?;
        for id in ids {
            let long = normalise(&id);
            if Some(&long) == house.as_ref() || linked.contains_key(&long) {
                given.insert(id, long);
            }
        }
        let names = names.into_iter().map(|id| (ORGANIZATIONS, id)).collect();
        let (resolved, _) = self.resolve(names).await?;
        given.extend(resolved.into_iter().map(|((_, name), id)| (name, id)));
        Ok(given)
    }

    /// Returns the donations that go along, with the households of their new donors. One that somebody put elsewhere
    /// stays there.
    async fn households_of_donors(
        &self,
        moving: Vec<Moving>,
        given: &BTreeSet<String>,
    ) -> Result<Vec<Placed>, CallError> {
        let there = self.donations(&moving).await?;
        let before = there.iter().filter_map(|donation| donation.donor.clone());
        let donors = moving.iter().map(|one| one.donor.clone());
        let people: Vec<String> = before.chain(donors).collect();
        let households = self.account_of_people(&people).await?;
        let is_there = |donation: &Donation| {
            let account = donation.account.as_ref();
            let is_given = account.is_some_and(|id| given.contains(id));
            match &donation.donor {
                Some(_) if is_given => true,
                Some(donor) => account == households.get(donor),
                // One that had no donor so far is in nobody's household.
                None => account.is_none() || is_given,
            }
        };
        // The former donor may have moved between the two readings, and the donation with that one.
        let again = match there.iter().all(is_there) {
            true => there.clone(),
            false => self.donations(&moving).await?,
        };
        let each = moving.into_iter().zip(there.iter().zip(&again));
        let each = each.filter_map(|(moving, (first, second))| {
            let household = households.get(&moving.donor)?.clone();
            let goes_along = is_there(first) || is_there(second);
            goes_along.then_some(Placed { moving, household })
        });
        Ok(each.collect())
    }

    /// Reads the donors and the accounts of these opportunities.
    async fn donations(
        &self,
        moving: impl IntoIterator<Item = &Moving>,
    ) -> Result<Vec<Donation>, CallError> {
        let ids = moving.into_iter().map(|one| one.opportunity.clone());
        let ids: Vec<String> = ids.collect();
        let mut donations = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(RETRIEVE_MAX) {
            let select = ["Id", DONOR, HOUSEHOLD_OF];
            let read = self.salesforce.retrieve("Opportunity", chunk, &select);
            let read: Vec<Option<Map<String, Value>>> = read.await?;
            donations.extend(read.into_iter().map(|record| {
                let text = |field: &str| record.as_ref()?.get(field)?.as_str().map(normalise);
                Donation {
                    donor: text(DONOR),
                    account: text(HOUSEHOLD_OF),
                }
            }));
        }
        Ok(donations)
    }
}

/// Forgets the note of a tree when stored, since no id is there.
fn no_note(work: &Work, placed: &Placed) -> Option<TreeRecord> {
    Some(TreeRecord {
        tree: PLACED_DONATION.to_owned(),
        root: work.trees.get(placed.moving.tree)?.id.clone(),
        mapping: work.root.name.to_owned(),
        key: PLACED_DONATION.to_owned(),
        destination_id: String::new(),
        base: "{}".to_owned(),
    })
}
