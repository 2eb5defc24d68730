//! Donations of a contact that was merged: they go into the household of the survivor.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Merge, Referred, text};
use crate::handlers::households::{self, Unknown};
use crate::sync::TwoWaySync;

impl TwoWaySync {
    /// Moves donations to the survivor's household. A donation in a household that the donor never had stays. While a
    /// merge is followed, NPSP no longer moves the donation with its donor.
    pub(super) async fn with_households(
        &self,
        merges: &[Merge],
        referred: &mut [Referred],
    ) -> Result<(), Unknown> {
        let people = merges.iter().flat_map(|merge| [&merge.from, &merge.to]);
        let people: Vec<String> = people.cloned().collect();
        let households = self.account_of_people(&people).await?;
        let left = self.households_left(people).await?;
        for of in referred {
            let Some(merge) = merges.get(of.merge) else {
                continue;
            };
            let account = text(&of.record, households::HOUSEHOLD_OF);
            let old = households.get(&merge.from);
            let is_left = |account: &String| {
                let left = left.get(&merge.from).map(BTreeSet::iter);
                left.into_iter().flatten().any(|one| one == account)
            };
            let goes_along = account.as_ref() == old || account.as_ref().is_some_and(is_left);
            let new = households.get(&merge.to);
            if let Some(new) = new.filter(|new| goes_along && account.as_ref() != Some(*new)) {
                let new = Value::from(new.clone());
                of.body.insert(households::HOUSEHOLD_OF.to_owned(), new);
            }
        }
        Ok(())
    }
}
