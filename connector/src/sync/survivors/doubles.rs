//! Records that join two, like contact roles: what joins the old one may stand beside what joins its survivor.

use std::collections::{BTreeMap, BTreeSet};

use runtime::queue::StoreError;
use runtime::retry::Verdict;
use runtime::salesforce::{COLLECTION_MAX, CallError};
use serde_json::{Map, Value};

use super::{Merge, Referred, Referring, parent, text};
use crate::handlers::households::{DONOR, home_key};
use crate::sync::TwoWaySync;
use crate::sync::meeting::Meeting;
use crate::trees::{Joined, ROLE, children};

/// A record that is to go, and the place of its merge.
pub(super) type Double = (usize, String);

/// Records that stand beside the survivor's.
#[derive(Default)]
pub(super) struct Doubles {
    pub(super) gone: Vec<Double>,
    pub(super) joined: Vec<Joined>,
}

impl TwoWaySync {
    /// Where the survivor's record stands already, beside the old one, the old one is to go: what was checked on it is
    /// checked on the other, which then has its words as well, such as the buyer's role. Gives those that are to go, and the merges' places.
    pub(super) async fn doubles(
        &self,
        referring: Referring,
        merges: &[Merge],
        referred: &mut Vec<Referred>,
    ) -> Result<Doubles, CallError> {
        let Referring { mapping, field } = referring;
        let Some((parent, _)) = parent(mapping) else {
            return Ok(Doubles::default());
        };
        let checks = self.checked(mapping.object);
        let key = super::natural_key(mapping);
        let mut words = self.worded(mapping.object);
        words.retain(|name| !key.contains(name));
        let parents = referred.iter().filter_map(|of| text(&of.record, parent));
        let parents: BTreeSet<String> = parents.collect();
        let parents: Vec<Vec<Option<String>>> =
            parents.into_iter().map(|id| vec![Some(id)]).collect();
        let mut select = vec!["Id", field, parent];
        select.extend(checks.iter().chain(&words));
        let there = self
            .salesforce
            .query_in(mapping.object, &select, &[parent], &parents)
            .await?;
        let mut taken: BTreeMap<(Option<String>, Option<String>), Map<String, Value>> = there
            .into_iter()
            .map(|record| ((text(&record, parent), text(&record, field)), record))
            .collect();
        let mut doubles = Doubles::default();
        for of in referred.iter_mut() {
            let to = merges.get(of.merge).map(|merge| merge.to.clone());
            let place = (text(&of.record, parent), to);
            // Contacts that were merged in Salesforce meanwhile: the record names the survivor by now, and is no double.
            let is_other =
                |double: &&Map<String, Value>| text(double, "Id") != text(&of.record, "Id");
            let Some(double) = taken.get(&place).filter(is_other) else {
                // Another that was merged may come to stand here as well.
                taken.insert(place, of.record.clone());
                continue;
            };
            let gone = text(&of.record, "Id").map(|id| (of.merge, id));
            doubles.gone.extend(gone);
            let rank = |role: &Map<String, Value>| self.role_rank(mapping.object, role);
            let is_more = rank(&of.record) > rank(double);
            let checks = checks.iter();
            let checks = checks.filter(|name| of.record.get(**name) == Some(&Value::Bool(true)));
            of.body = checks
                .map(|name| ((*name).to_owned(), Value::Bool(true)))
                .collect();
            let goes_over = is_more || !of.body.is_empty();
            for name in words.iter().filter(|_| goes_over) {
                let word = of.record.get(*name).filter(|word| word.is_string());
                of.body
                    .extend(word.map(|word| ((*name).to_owned(), word.clone())));
            }
            let goes = std::mem::replace(&mut of.record, double.clone());
            doubles.joined.push(Joined {
                opportunity: place.0.unwrap_or_default(),
                goes,
                stays: of.record.clone(),
            });
        }
        referred.retain(|of| !of.body.is_empty());
        Ok(doubles)
    }

    /// Notes for the trees which of two roles is left.
    pub(super) async fn keep_doubles(
        &self,
        referring: Referring,
        doubles: &Doubles,
    ) -> Result<(), StoreError> {
        let root = parent(referring.mapping).and_then(|(_, root)| self.mapping(root));
        match root.filter(|_| referring.mapping.object == ROLE) {
            Some(root) => self.keep_joined(root, &doubles.joined).await,
            None => Ok(()),
        }
    }

    /// Claims the roles of the opportunities that are about to change. Merges whose roles a tree is making wait.
    pub(super) fn claim_roles_of(
        &self,
        referring: Referring,
        merges: &mut [Merge],
        referred: &mut Vec<Referred>,
        meeting: &mut Meeting,
    ) {
        let by = match parent(referring.mapping) {
            Some((parent, _)) if referring.mapping.object == ROLE => parent,
            _ if referring.field == DONOR => "Id",
            _ => return,
        };
        for of in referred.iter() {
            let Some(merge) = merges.get_mut(of.merge) else {
                continue;
            };
            let mut keys: Vec<String> = Vec::new();
            keys.extend(text(&of.record, by).map(|id| children(ROLE, &id)));
            if referring.field == DONOR {
                // Reserves both contacts: the donation gets the survivor's household.
                keys.extend([&merge.from, &merge.to].map(|contact| home_key(contact)));
            }
            if !meeting.claim(keys) {
                merge.outcome.get_or_insert(self.meets_elsewhere());
            }
        }
        let goes_on = |of: &Referred| {
            let merge = merges.get(of.merge);
            merge.is_some_and(|merge| merge.outcome.is_none())
        };
        referred.retain(goes_on);
    }

    /// Those whose other has all that they had.
    pub(super) async fn delete_doubles(
        &self,
        referring: Referring,
        merges: &mut [Merge],
        doubles: Vec<Double>,
    ) {
        let went_well = |(place, _): &Double| {
            merges
                .get(*place)
                .is_some_and(|merge| merge.outcome.is_none())
        };
        let gone: Vec<Double> = doubles.into_iter().filter(went_well).collect();
        for call in gone.chunks(COLLECTION_MAX) {
            let ids: Vec<String> = call.iter().map(|(_, id)| id.clone()).collect();
            match self.salesforce.delete(&ids).await {
                Err(error) => {
                    for (place, _) in call {
                        self.note_no_answer(merges, *place, referring.mapping, &error);
                    }
                }
                Ok(results) => {
                    for ((place, _), result) in call.iter().zip(results) {
                        let error = result.err().and_then(|errors| errors.into_iter().next());
                        // One that is gone already is as it has to be.
                        let error = error.filter(|error| error.verdict() != Verdict::Stale);
                        if let (Some(error), Some(merge)) = (error, merges.get_mut(*place)) {
                            let outcome = self.refused_move(merge, referring, &error);
                            merge.outcome.get_or_insert(outcome);
                        }
                    }
                }
            }
        }
    }
}
