//! What the records of one call are together. Salesforce runs automation once for all of them: lines are added up when all
//! are written, and an allocation is judged beside what the others of the call say.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Org;
use super::collections::{Outcome, is_a, rolled_back};
use super::table::Record;
use super::values::owned;

/// What is special while a call of many records is carried out.
#[derive(Default)]
pub(super) struct Bulk {
    /// The opportunities whose lines are added up at the end.
    pub(super) carts: Option<BTreeSet<String>>,
    /// Allocations of the call that are not written yet.
    allocations: Vec<Map<String, Value>>,
}

impl Org {
    /// What is done to each of many; where it is all or none, nothing is when one fails. Lines whose sum is refused are
    /// tried one by one, as Salesforce does.
    pub(super) fn together(
        &mut self,
        all_or_none: bool,
        of_lines: bool,
        act: impl Fn(&mut Org) -> Vec<Outcome>,
    ) -> Vec<Outcome> {
        let whole =
            |outcomes: Vec<Outcome>| match all_or_none && outcomes.iter().any(Result::is_err) {
                true => Err(Some(outcomes)),
                false => Ok(outcomes),
            };
        let mut done = Err(None);
        if of_lines {
            done = self.all_or_nothing(|org| {
                let outcomes = org.added_up_at_the_end(&act).ok_or(None)?;
                whole(outcomes)
            });
        }
        if matches!(done, Err(None)) {
            done = match all_or_none {
                true => self.all_or_nothing(|org| whole(act(org))),
                false => Ok(act(self)),
            };
        }
        self.bulk = Bulk::default();
        match done {
            Ok(outcomes) => outcomes,
            Err(failed) => {
                let failed = failed.unwrap_or_default().into_iter();
                failed.map(rolled_back).collect()
            }
        }
    }

    /// Nothing when a sum is refused.
    fn added_up_at_the_end(
        &mut self,
        act: impl Fn(&mut Org) -> Vec<Outcome>,
    ) -> Option<Vec<Outcome>> {
        self.bulk.carts = Some(BTreeSet::new());
        let outcomes = act(self);
        for cart in self.bulk.carts.take().unwrap_or_default() {
            if self.found("Opportunity", &cart).is_some() {
                self.add_up_lines(&cart).ok()?;
            }
        }
        Some(outcomes)
    }

    /// The records of the call that come after the one that is written next.
    pub(super) fn still_to_come(&mut self, records: &[Map<String, Value>]) {
        let allocations = records
            .iter()
            .filter(|record| is_a(record, "npsp__Allocation__c"));
        self.bulk.allocations = allocations.cloned().collect();
    }

    /// The other allocations of a donation as the call will have written them.
    pub(super) fn beside_in_the_call(&self, donation: &str, stored: Vec<Record>) -> Vec<Record> {
        let mut all = stored;
        for coming in &self.bulk.allocations {
            let id = coming.get("id").or_else(|| coming.get("Id"));
            let id = id.and_then(Value::as_str).and_then(crate::id::long);
            let is_it = |one: &&mut Record| Some(owned(one, "Id")) == id;
            if let Some(known) = all.iter_mut().find(is_it) {
                known.extend(coming.clone());
            } else if id.is_none() && is_of(coming, donation) {
                all.push(coming.clone());
            }
        }
        all
    }
}

fn is_of(allocation: &Map<String, Value>, donation: &str) -> bool {
    let of = allocation.get("npsp__Opportunity__c");
    let of = of.and_then(Value::as_str).and_then(crate::id::long);
    of.as_deref() == Some(donation)
}
