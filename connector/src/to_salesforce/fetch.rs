//! Records that others wait for: Ticketure is asked for each, once, instead of waiting for a webhook that may not come.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{NewItem, Outcome, Settlement, StoreError, Word};
use runtime::ticketure::CallError;
use serde_json::Value;

use crate::handlers::organizations;
use crate::routing;
use crate::sync::TwoWaySync;
use crate::to_ticketure::endpoint;

/// What was asked for is not asked for again so soon.
const AGAIN_MS: i64 = 3_600_000;
/// Keys that are remembered; beyond them the oldest are forgotten, and asked for once more.
const REMEMBERED_MAX: usize = 100_000;

/// `Date` has whole seconds, and a clock's error is measured from their middle.
const HALF_A_SECOND_MS: i64 = 500;

/// What was asked for, and when.
#[derive(Default)]
pub(crate) struct Asked(Mutex<HashMap<String, i64>>, Owed);

/// What is still to be asked for: nobody answered, or an earlier process did not come to it.
#[derive(Default)]
struct Owed(Mutex<Vec<String>>);

impl Owed {
    fn add(&self, mut keys: Vec<String>) {
        let mut owed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key| !owed.contains(key));
        owed.append(&mut keys);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Asked {
    /// Those that are new, each noted as asked for.
    fn note(&self, keys: Vec<String>, now_ms: i64) -> Vec<String> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= REMEMBERED_MAX {
            asked.retain(|_, at| now_ms - *at < AGAIN_MS);
        }
        if asked.len() >= REMEMBERED_MAX {
            asked.clear();
        }
        let mut fresh = Vec::new();
        for key in keys {
            if asked.get(&key).is_none_or(|at| now_ms - at >= AGAIN_MS) {
                asked.insert(key.clone(), now_ms);
                fresh.push(key);
            }
        }
        fresh
    }

    fn forget(&self, key: &str) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(key);
    }
}

/// What these settlements park for.
pub(crate) fn wanted(settlements: &[Settlement]) -> Vec<String> {
    let mut keys: Vec<String> = settlements
        .iter()
        .filter(|settlement| settlement.review.is_none())
        .filter_map(|settlement| match &settlement.outcome {
            Outcome::Park { key, .. } => Some(key.clone()),
            _ => None,
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

impl TwoWaySync {
    /// Asks Ticketure for records that items have just parked for. What it has is enqueued as if it had sent it; what it
    /// does not have may still come.
    pub(crate) async fn fetch(&self, keys: Vec<String>) -> Result<(), StoreError> {
        if !self.fetches_missing || keys.is_empty() {
            return Ok(());
        }
        if self.held_back().is_some() {
            self.asked.1.add(keys);
            return Ok(());
        }
        let mut items = Vec::new();
        let keys = self.of_heirs(keys).await?;
        for key in self.asked.note(keys, self.now_ms()) {
            items.extend(self.fetched(&key).await);
        }
        if !items.is_empty() {
            self.store.add(items).await?;
        }
        Ok(())
    }

    /// What items wait for that parked in an earlier process is asked for: it may have ended before it did.
    pub(crate) async fn owe_parked(&self) -> Result<(), StoreError> {
        let mut waits = self.store.status().await?.parked_by_key;
        // What waits for a person is known to Ticketure.
        for review in self.store.reviews().await? {
            let own = format!("{}:{}", review.mapping, review.source_id);
            waits.retain(|(key, _)| *key != own);
        }
        self.asked
            .1
            .add(waits.into_iter().map(|(key, _)| key).collect());
        Ok(())
    }

    /// What could not be asked for is asked for once more.
    pub(crate) async fn fetch_owed(&self) -> Result<(), StoreError> {
        self.fetch(self.asked.1.take()).await
    }

    /// For records that were merged, the keys of those that they were merged into.
    async fn of_heirs(&self, keys: Vec<String>) -> Result<Vec<String>, StoreError> {
        let mut wanted = Vec::with_capacity(keys.len());
        for key in keys {
            let heir = match key.split_once(':') {
                Some((name, id)) => {
                    let heirs = self.store.heirs(name, vec![id.to_owned()]).await?;
                    let heir = heirs.get(id).and_then(|heir| heir.source_id.clone());
                    heir.map(|heir| format!("{name}:{heir}"))
                }
                None => None,
            };
            wanted.push(heir.unwrap_or(key));
        }
        Ok(wanted)
    }

    async fn fetched(&self, key: &str) -> Option<NewItem> {
        let (name, id) = key.split_once(':')?;
        let mapping = self.mapping(name)?;
        match self.asked_row(mapping, id).await {
            Ok(item) => item.and_then(|item| told(mapping, item)),
            Err(error) => {
                tracing::warn!(%error, mapping = name, "a record that others wait for could not be fetched");
                self.asked.forget(key);
                self.asked.1.add(vec![key.to_owned()]);
                None
            }
        }
    }

    /// What Ticketure says of a record, as if it had sent it; nothing where it has none that is this mapping's.
    pub(crate) async fn row_of(
        &self,
        mapping: &MappingDescriptor,
        id: &str,
    ) -> Result<Option<NewItem>, CallError> {
        let item = self.asked_row(mapping, id).await?;
        Ok(item.filter(|item| is_of(mapping, item)))
    }

    /// Reads the row of a record as an item of the mapping that takes it, if there is one.
    async fn asked_row(
        &self,
        mapping: &MappingDescriptor,
        id: &str,
    ) -> Result<Option<NewItem>, CallError> {
        let Some(ticketure) = &self.ticketure else {
            return Ok(None);
        };
        let asked_ms = self.now_ms();
        let Some(row) = ticketure.read(endpoint::entity(mapping), id).await? else {
            return Ok(None);
        };
        let mut row = row;
        if mapping.tree.is_some() {
            // It says what is so now, and nothing of when that came to be: at the `Date` of the answer, by Ticketure's
            // clock and not by ours. What happens after that is told of, and may not look older than this.
            let middle_ms = asked_ms + (self.now_ms() - asked_ms) / 2;
            let at_ms = middle_ms + ticketure.offset_ms() - HALF_A_SECOND_MS;
            let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
            row.insert("$at".to_owned(), Value::from(at.to_string()));
        }
        let row = Value::Object(row).to_string();
        Ok(routing::of_row_alone(
            &self.handlers,
            mapping.payload_type,
            &row,
        ))
    }
}

/// Returns whether the mapping takes the row, and can process it.
fn is_of(mapping: &MappingDescriptor, item: &NewItem) -> bool {
    item.mapping.as_deref() == Some(mapping.name)
        && item.reason.is_none()
        && item.word != Word::Nothing
}

/// Returns whether the row turned out to be an organization's where a person's was asked for.
fn stands_in(mapping: &MappingDescriptor, item: &NewItem) -> bool {
    let mut stand_ins = organizations::stand_ins().into_iter();
    let is_other = stand_ins
        .any(|one| one.waited_for == mapping.name && item.mapping.as_deref() == Some(one.instead));
    is_other && item.reason.is_none() && item.word != Word::Nothing
}

/// The item to store: a row of the mapping or of one that stands in for it, or the error of an unknown word.
fn told(mapping: &MappingDescriptor, item: NewItem) -> Option<NewItem> {
    match item.word.clone() {
        Word::Unknown { error, .. } => Some(NewItem {
            word: Word::Unknown { error, asked: true },
            ..item
        }),
        _ => Some(item).filter(|item| is_of(mapping, item) || stands_in(mapping, item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_asked_for_once_an_hour_and_again_when_nobody_answered() {
        let asked = Asked::default();
        let keys = || vec!["account:a".to_owned(), "account:b".to_owned()];
        assert_eq!(asked.note(keys(), 0), keys());
        assert!(asked.note(keys(), AGAIN_MS - 1).is_empty());
        asked.forget("account:a");
        assert_eq!(asked.note(keys(), 1), ["account:a"]);
        assert_eq!(asked.note(keys(), AGAIN_MS), ["account:b"]);
    }
}
