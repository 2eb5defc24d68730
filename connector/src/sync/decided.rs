//! What people have decided in the review list, where a batch meets it: what is kept out of Salesforce does nothing,
//! what is new is looked for no more, and what an answer brings back is asked for.

use std::collections::HashMap;

use runtime::mapping::{Duplicates, MappingDescriptor};
use runtime::queue::{Choice, Decided, Item, LOOK_AGAIN, Outcome, Settlement, StoreError};
use runtime::retry::{ATTEMPTS_MAX, Verdict};

use super::calls::{Record, Sent};
use super::outcome::{dead, settle};
use super::{TwoWaySync, Unit, batch};
use crate::to_salesforce::references::{LeftOut, Resolved};

impl TwoWaySync {
    /// Unlinked rows: those that a person keeps out are settled, those that are new know it.
    pub(super) async fn as_decided(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Unit>, Vec<Settlement>), StoreError> {
        let ids = units.iter().map(|unit| unit.source_id.clone()).collect();
        let decided = self.latest(mapping.name, ids).await?;
        if decided.is_empty() {
            return Ok((units, Vec::new()));
        }
        let (mut going, mut settlements) = (Vec::with_capacity(units.len()), Vec::new());
        for mut unit in units {
            match decided.get(&unit.source_id) {
                Some(answer) if answer.decision.choice == Choice::Ignore => {
                    let outcome = ignored(answer);
                    settlements.extend(settle(unit, &outcome, None));
                    continue;
                }
                Some(answer) if answer.decision.choice == Choice::Create => {
                    unit.new_since_ms = Some(answer.at_ms);
                }
                Some(_) | None => {}
            }
            going.push(unit);
        }
        Ok((going, settlements))
    }

    /// Records that only Salesforce knows: those that a person leaves there are settled.
    pub(crate) async fn births_as_decided(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Unit>, Vec<Settlement>), StoreError> {
        let key =
            |unit: &Unit| format!("sf:{}", unit.destination_id.as_deref().unwrap_or_default());
        let decided = self.latest(mapping.name, units.iter().map(key).collect());
        let decided = decided.await?;
        let (mut going, mut settlements) = (Vec::with_capacity(units.len()), Vec::new());
        for unit in units {
            match decided.get(&key(&unit)) {
                Some(answer) if answer.decision.choice == Choice::Ignore => {
                    settlements.extend(settle(unit, &ignored(answer), None));
                }
                Some(_) | None => going.push(unit),
            }
        }
        Ok((going, settlements))
    }

    /// What counts of what was decided, by source id.
    async fn latest(
        &self,
        mapping: &str,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Decided>, StoreError> {
        let mut latest = HashMap::new();
        if ids.is_empty() {
            return Ok(latest);
        }
        let all = self.store.decided(Some((mapping.to_owned(), ids))).await?;
        for decided in all {
            let id = decided.decision.source_id.clone();
            latest.entry(id).or_insert(decided);
        }
        Ok(latest)
    }

    /// References that lead nowhere since a person keeps their records out of Salesforce.
    pub(crate) async fn left_out(
        &self,
        references: &[(&'static str, String)],
        resolved: &Resolved,
    ) -> Result<LeftOut, StoreError> {
        let mut missing: HashMap<&'static str, Vec<String>> = HashMap::new();
        for key in references.iter().filter(|key| !resolved.contains_key(*key)) {
            missing.entry(key.0).or_default().push(key.1.clone());
        }
        let mut left_out = LeftOut::new();
        for (mapping, ids) in missing {
            let choices = self.store.choices(mapping, ids).await?;
            let ignored = choices
                .into_iter()
                .filter(|(_, choice)| *choice == Choice::Ignore);
            left_out.extend(ignored.map(|(id, _)| (mapping, id)));
        }
        Ok(left_out)
    }

    /// What a duplicate rule refused, and a person says is none of the records that the rule found, is sent once more:
    /// it is to be saved all the same.
    pub(crate) async fn once_more<T: Send>(
        &self,
        mapping: &'static MappingDescriptor,
        sent: Vec<(T, Sent)>,
        key: impl Fn(&T) -> String,
        record: impl Fn(T) -> Record<T>,
    ) -> Result<Vec<(T, Sent)>, StoreError> {
        let refused = sent.iter().filter(|(_, sent)| is_duplicate(sent));
        let ids: Vec<String> = refused.map(|(of, _)| key(of)).collect();
        if ids.is_empty() {
            return Ok(sent);
        }
        let choices = self.store.choices(mapping.name, ids).await?;
        let (again, mut done): (Vec<_>, Vec<_>) = sent.into_iter().partition(|(of, sent)| {
            is_duplicate(sent) && choices.get(&key(of)) == Some(&Choice::Create)
        });
        let records = again.into_iter().map(|(of, _)| record(of)).collect();
        let saved = self
            .in_calls_with(mapping, Duplicates::Allow, records)
            .await;
        done.extend(saved.into_iter().map(|(of, sent)| (of, decided(sent))));
        Ok(done)
    }

    /// Items that an answer made, for which nothing waited: the row is asked of Ticketure and enqueued.
    pub(super) async fn without_asked(&self, items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let (asked, others): (Vec<Item>, Vec<Item>) = items
            .into_iter()
            .partition(|item| item.payload_type == LOOK_AGAIN);
        for item in asked {
            let outcome = self.ask_again(&item).await?;
            let settlement = batch::settlement(&item, outcome);
            self.store.settle(vec![settlement]).await?;
        }
        Ok(others)
    }

    async fn ask_again(&self, item: &Item) -> Result<Outcome, StoreError> {
        let Some(mapping) = self.mapping(item.mapping.as_deref().unwrap_or_default()) else {
            return Ok(super::outcome::unknown(item));
        };
        if self.ticketure.is_none() {
            return Ok(nobody_to_ask(mapping, item));
        }
        match self.row_of(mapping, &item.key).await {
            Ok(Some(row)) => {
                self.store.add(vec![row]).await?;
                Ok(Outcome::Done)
            }
            Ok(None) => Ok(dead(
                "NOT_FOUND",
                format!("Ticketure has no {} {}", mapping.payload.name, item.key),
                None,
                "Look for it in Ticketure: it may have been deleted, or be of another kind.",
            )),
            Err(error) if error.is_everybodys() || item.attempts + 1 < ATTEMPTS_MAX => {
                let charge = !error.is_everybodys();
                let held = self.held_back().filter(|_| !charge);
                Ok(held.unwrap_or_else(|| Outcome::Retry {
                    due_ms: self.now_ms() + self.backoff_ms(item.attempts),
                    error: error.to_string(),
                    charge,
                }))
            }
            Err(error) => Ok(dead(
                error.code(),
                error.to_string(),
                None,
                runtime::retry::help(error.code()),
            )),
        }
    }
}

fn nobody_to_ask(mapping: &MappingDescriptor, item: &Item) -> Outcome {
    dead(
        "NOBODY_TO_ASK",
        format!(
            "there is no way to Ticketure to ask for {} {}",
            mapping.payload.name, item.key
        ),
        None,
        "Save it in Ticketure once more, so that it is sent again: what was decided is kept.",
    )
}

fn is_duplicate(sent: &Sent) -> bool {
    match sent {
        Sent::Refused(refusal) => refusal
            .errors
            .first()
            .is_some_and(|error| error.verdict() == Verdict::Duplicate),
        _ => false,
    }
}

fn decided(sent: Sent) -> Sent {
    match sent {
        Sent::Refused(mut refusal) => {
            refusal.decided = true;
            Sent::Refused(refusal)
        }
        other => other,
    }
}

fn ignored(answer: &Decided) -> Outcome {
    let decision = &answer.decision;
    let because = match decision.because.as_str() {
        "" => String::new(),
        because => format!(" ({because})"),
    };
    Outcome::Ignored {
        reason: format!(
            "a person decided that it stays where it is{because}; `usher review --create {} {}` takes it over",
            decision.mapping, decision.source_id
        ),
    }
}
