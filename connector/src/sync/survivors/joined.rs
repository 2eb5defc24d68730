//! Roles of a contact that others were merged into in Salesforce: the merge moves their roles, so that one opportunity may
//! have two of them.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::StoreError;
use runtime::salesforce::CallError;
use serde_json::{Map, Value};

use super::doubles::Doubles;
use super::{Merge, Referring, natural_key, parent, text};
use crate::sync::TwoWaySync;
use crate::sync::meeting::Meeting;
use crate::trees::{Joined, ROLE, children};

/// A role, and the place of the merge into its contact.
type Role = (usize, Map<String, Value>);

impl TwoWaySync {
    /// Leaves the survivors one role in each opportunity. Roles that usher did not make stay.
    pub(super) async fn join_roles(
        &self,
        referring: Referring,
        merges: &mut [Merge],
        meeting: &mut Meeting,
    ) -> Result<(), StoreError> {
        let mapping = referring.mapping;
        let Some((parent, root)) = parent(mapping).filter(|_| mapping.object == ROLE) else {
            return Ok(());
        };
        if natural_key(mapping).is_empty() {
            return Ok(());
        }
        let roles = match self.roles_of_survivors(referring, parent, merges).await {
            Ok(roles) => roles,
            Err(error) => {
                for place in 0..merges.len() {
                    self.note_no_answer(merges, place, mapping, &error);
                }
                return Ok(());
            }
        };
        let several = roles.into_iter().filter(|(_, roles)| roles.len() > 1);
        let mut several: Vec<(String, Vec<Role>)> = several
            .map(|((opportunity, _), roles)| (opportunity, roles))
            .collect();
        several.retain(|(opportunity, roles)| {
            let is_ours = meeting.claim(vec![children(ROLE, opportunity)]);
            let place = roles.first().map(|(place, _)| *place);
            if let Some(merge) = place.and_then(|place| merges.get_mut(place))
                && !is_ours
            {
                merge.outcome.get_or_insert(self.meets_elsewhere());
            }
            is_ours
        });
        if several.is_empty() {
            return Ok(());
        }
        let object = self.mapping(root).map_or("", |root| root.object);
        let doubles = self.doubles_of(object, several).await?;
        // Noted before the calls: after a crash the trees know whose role is left.
        self.keep_doubles(referring, &doubles).await?;
        self.delete_doubles(referring, merges, doubles.gone).await;
        Ok(())
    }

    /// The roles of the survivors, by opportunity and contact.
    async fn roles_of_survivors(
        &self,
        referring: Referring,
        parent: &'static str,
        merges: &[Merge],
    ) -> Result<BTreeMap<(String, String), Vec<Role>>, CallError> {
        let Referring { mapping, field } = referring;
        let mut select = BTreeSet::from(["Id", field, parent]);
        select.extend(self.checked(mapping.object));
        select.extend(self.worded(mapping.object));
        let select: Vec<&str> = select.into_iter().collect();
        let survivors: BTreeSet<&String> = merges.iter().map(|merge| &merge.to).collect();
        let survivors = survivors.into_iter().map(|id| vec![Some(id.clone())]);
        let survivors: Vec<Vec<Option<String>>> = survivors.collect();
        let found = self
            .salesforce
            .query_in(mapping.object, &select, &[field], &survivors)
            .await?;
        let mut roles: BTreeMap<(String, String), Vec<Role>> = BTreeMap::new();
        for record in found {
            let (Some(opportunity), Some(contact)) = (text(&record, parent), text(&record, field))
            else {
                continue;
            };
            let place = merges.iter().position(|merge| merge.to == contact);
            if let Some(place) = place {
                let of_contact = roles.entry((opportunity, contact)).or_default();
                of_contact.push((place, record));
            }
        }
        Ok(roles)
    }

    /// Keeps the highest role of each contact, and marks those of ours beside it for deletion.
    async fn doubles_of(
        &self,
        object: &str,
        several: Vec<(String, Vec<Role>)>,
    ) -> Result<Doubles, StoreError> {
        let opportunities = several.iter().map(|(id, _)| id.as_str()).collect();
        let kept = self.roles_known(object, &opportunities).await?;
        let mut doubles = Doubles::default();
        for (opportunity, mut roles) in several {
            roles.sort_by_key(|(_, role)| std::cmp::Reverse(self.role_rank(ROLE, role)));
            let mut roles = roles.into_iter();
            let Some((_, stays)) = roles.next() else {
                continue;
            };
            for (place, goes) in roles {
                // After a crash between the note and the call, the role is known by its word alone.
                let is_ours = self.role_rank(ROLE, &goes) > 0
                    || kept.iter().any(|kept| self.is_made(kept, &goes));
                let Some(id) = text(&goes, "Id").filter(|_| is_ours) else {
                    continue;
                };
                doubles.gone.push((place, id));
                doubles.joined.push(Joined {
                    opportunity: opportunity.clone(),
                    goes,
                    stays: stays.clone(),
                });
            }
        }
        Ok(doubles)
    }
}
