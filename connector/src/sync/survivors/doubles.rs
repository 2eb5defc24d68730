//! Records that join two, like contact roles: what joins the old one may stand beside what joins its survivor.

use std::collections::{BTreeMap, BTreeSet};

use runtime::retry::Verdict;
use runtime::salesforce::{COLLECTION_MAX, CallError};
use serde_json::{Map, Value};

use super::{Merge, Referred, Referring, parent, text};
use crate::sync::TwoWaySync;

/// A record that is to go, and the place of its merge.
pub(super) type Double = (usize, String);

impl TwoWaySync {
    /// Where the survivor's record stands already, beside the old one, the old one is to go: what was checked on it is
    /// checked on the other, which then has its words as well, such as the buyer's role. Gives those that are to go, and the merges' places.
    pub(super) async fn doubles(
        &self,
        referring: Referring,
        merges: &[Merge],
        referred: &mut Vec<Referred>,
    ) -> Result<Vec<Double>, CallError> {
        let Referring { mapping, field } = referring;
        let Some((parent, _)) = parent(mapping) else {
            return Ok(Vec::new());
        };
        let parents = referred.iter().filter_map(|of| text(&of.record, parent));
        let parents: BTreeSet<String> = parents.collect();
        let parents: Vec<Vec<Option<String>>> =
            parents.into_iter().map(|id| vec![Some(id)]).collect();
        let there = self
            .salesforce
            .query_in(mapping.object, &["Id", field, parent], &[parent], &parents)
            .await?;
        let mut taken: BTreeMap<(Option<String>, Option<String>), Map<String, Value>> = there
            .into_iter()
            .map(|record| ((text(&record, parent), text(&record, field)), record))
            .collect();
        let checks = self.checked(mapping.object);
        let key = super::natural_key(mapping);
        let mut words = self.worded(mapping.object);
        words.retain(|name| !key.contains(name));
        let mut gone = Vec::new();
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
            gone.extend(text(&of.record, "Id").map(|id| (of.merge, id)));
            let checks = checks.iter();
            let checks = checks.filter(|name| of.record.get(**name) == Some(&Value::Bool(true)));
            of.body = checks
                .map(|name| ((*name).to_owned(), Value::Bool(true)))
                .collect();
            let leads = !of.body.is_empty();
            for name in words.iter().filter(|_| leads) {
                let word = of.record.get(*name).filter(|word| word.is_string());
                of.body
                    .extend(word.map(|word| ((*name).to_owned(), word.clone())));
            }
            of.record = double.clone();
        }
        referred.retain(|of| !of.body.is_empty());
        Ok(gone)
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
                        self.note_no_answer(merges, *place, &error);
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
