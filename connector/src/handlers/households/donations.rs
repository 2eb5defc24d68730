//! A donation whose donor becomes another: it goes along into that one's household, unless somebody put it elsewhere.
//! NPSP gives an opportunity its donor's household when it is made, and leaves it there.

use runtime::salesforce::{CallError, RETRIEVE_MAX, normalise};
use serde_json::{Map, Value};

use super::{DONOR, HOUSEHOLD_OF};
use crate::sync::TwoWaySync;
use crate::trees::Work;

/// An opportunity that gets another donor: its tree's place, its id, and the contact.
pub(crate) struct Moving {
    pub(crate) tree: usize,
    pub(crate) opportunity: String,
    pub(crate) donor: String,
}

/// Whose the anonymous sales are, where the museum has an account for them.
const HOUSE: &str = "house_account";

impl TwoWaySync {
    /// What is written with the new donor, before it is.
    pub(crate) async fn move_donations(&self, work: &mut Work) {
        let house = work.setting(HOUSE).map(normalise);
        if let Some(house) = &house {
            // A sale whose buyer is known by now is the house's no longer.
            work.take_back(HOUSEHOLD_OF, house);
        }
        if !work.npsp() {
            return;
        }
        for one in work.moving(DONOR, HOUSEHOLD_OF) {
            self.claim_home(work, one.tree, &one.donor);
        }
        let moving = work.moving(DONOR, HOUSEHOLD_OF);
        if moving.is_empty() {
            return;
        }
        match self.households_of_donors(&moving, house.as_ref()).await {
            Ok(found) => {
                for (tree, household) in found {
                    work.write_along(tree, DONOR, HOUSEHOLD_OF, household);
                }
            }
            Err(error) => {
                for one in moving {
                    self.stop_unanswered(work, one.tree, &error);
                }
            }
        }
    }

    async fn households_of_donors(
        &self,
        moving: &[Moving],
        house: Option<&String>,
    ) -> Result<Vec<(usize, String)>, CallError> {
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
            let is_there = match text(record, DONOR) {
                Some(donor) => account.as_ref() == Some(households.get(&donor)?),
                // One that had no donor so far is in nobody's household.
                None => account.is_none() || account.as_ref() == house,
            };
            let new = households.get(&one.donor).filter(|_| is_there);
            let new = new.filter(|new| Some(*new) != account.as_ref())?;
            Some((one.tree, new.clone()))
        });
        Ok(each.collect())
    }
}
