//! A donation whose donor becomes another: it goes along into that one's household, unless somebody put it elsewhere.
//! NPSP gives an opportunity its donor's household when it is made, and leaves it there.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::StoreError;
use runtime::salesforce::{CallError, RETRIEVE_MAX, normalise};
use serde_json::{Map, Value};

use super::{DONOR, HOUSEHOLD_OF};
use crate::handlers::organizations::ORGANIZATIONS;
use crate::sync::TwoWaySync;
use crate::to_salesforce::adopt::is_id;
use crate::trees::Work;

/// An opportunity that gets another donor: its tree's place, its id, and the contact.
pub(crate) struct Moving {
    pub(crate) tree: usize,
    pub(crate) opportunity: String,
    pub(crate) donor: String,
    /// True if the account that it was given is not said any longer.
    pub(crate) is_taken_back: bool,
}

/// Whose the anonymous sales are, where the museum has an account for them.
const HOUSE: &str = "house_account";

impl TwoWaySync {
    /// What is written with the new donor, before it is.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn move_donations(&self, work: &mut Work) -> Result<(), StoreError> {
        // A sale whose buyer is known by now is the house's no longer, and one that is a person's no organization's.
        let given = self.accounts_given(work).await?;
        work.take_back(HOUSEHOLD_OF, &given);
        if !work.npsp() {
            return Ok(());
        }
        for one in work.moving(DONOR, HOUSEHOLD_OF, &given) {
            self.claim_home(work, one.tree, &one.donor);
        }
        let moving = work.moving(DONOR, HOUSEHOLD_OF, &given);
        if moving.is_empty() {
            return Ok(());
        }
        let given: BTreeSet<String> = given.into_values().collect();
        match self.households_of_donors(&moving, &given).await {
            Ok(found) => {
                for (one, household) in found {
                    let with = if one.is_taken_back {
                        HOUSEHOLD_OF
                    } else {
                        DONOR
                    };
                    work.write_along(one.tree, with, HOUSEHOLD_OF, household);
                }
            }
            Err(error) => {
                for one in &moving {
                    self.stop_unanswered(work, one.tree, &error);
                }
            }
        }
        Ok(())
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

    async fn households_of_donors<'m>(
        &self,
        moving: &'m [Moving],
        given: &BTreeSet<String>,
    ) -> Result<Vec<(&'m Moving, String)>, CallError> {
        let ids: Vec<String> = moving.iter().map(|one| one.opportunity.clone()).collect();
        let mut there: Vec<Option<Map<String, Value>>> = Vec::new();
        for chunk in ids.chunks(RETRIEVE_MAX) {
            let select = ["Id", DONOR, HOUSEHOLD_OF];
            there.extend(
                self.salesforce
                    .retrieve("Opportunity", chunk, &select)
                    .await?,
            );
        }
        let text = |record: &Option<Map<String, Value>>, field: &str| {
            record.as_ref()?.get(field)?.as_str().map(normalise)
        };
        let before = there.iter().filter_map(|record| text(record, DONOR));
        let people: Vec<String> = before
            .chain(moving.iter().map(|one| one.donor.clone()))
            .collect();
        let households = self.account_of_people(&people).await?;
        let each = moving.iter().zip(&there).filter_map(|(one, record)| {
            let account = text(record, HOUSEHOLD_OF);
            let is_given = account.as_ref().is_some_and(|id| given.contains(id));
            let is_there = match text(record, DONOR) {
                Some(_) if is_given => true,
                Some(donor) => account.as_ref() == Some(households.get(&donor)?),
                // One that had no donor so far is in nobody's household.
                None => account.is_none() || is_given,
            };
            let new = households.get(&one.donor).filter(|_| is_there);
            let new = new.filter(|new| Some(*new) != account.as_ref())?;
            Some((one, new.clone()))
        });
        Ok(each.collect())
    }
}
