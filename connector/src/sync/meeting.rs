//! Records that meet for the first time: which of them a batch is about to link, so that no other batch links them
//! meanwhile.
//!
//! Two batches that look for the same record at once would both take it, and one that is making a record does not know
//! yet what it is. So a batch claims the ids, of either side, of what it may link, until it is through. Nobody waits for
//! a claim: what another batch has is put off for a moment, and its lane alone with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::mapping::MappingDescriptor;
use runtime::queue::{Outcome, Settlement, StoreError};
use runtime::salesforce::normalise;

use super::batch::Fate;
use super::outcome::settle;
use super::pair::Pair;
use super::{TwoWaySync, Unit};

/// Another batch is about to link the record; so long that takes, about.
const AGAIN_MS: i64 = 500;

/// What batches are about to link.
#[derive(Default)]
pub(crate) struct Meetings {
    by_key: Mutex<Claims>,
}

#[derive(Default)]
struct Claims {
    owners: HashMap<String, u64>,
    batches: u64,
}

impl Meetings {
    /// Nothing is claimed yet.
    pub(crate) fn open(self: &Arc<Self>) -> Meeting {
        let mut claims = self.locked();
        claims.batches += 1;
        Meeting {
            batch: claims.batches,
            meetings: self.clone(),
            keys: Vec::new(),
        }
    }

    /// Returns whether another batch than this one has claimed the key.
    pub(crate) fn is_elsewhere(&self, key: &str, batch: u64) -> bool {
        let claims = self.locked();
        claims.owners.get(key).is_some_and(|of| *of != batch)
    }

    fn locked(&self) -> MutexGuard<'_, Claims> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one batch has claimed: its own until it ends, whichever way.
pub(crate) struct Meeting {
    batch: u64,
    meetings: Arc<Meetings>,
    keys: Vec<String>,
}

impl Meeting {
    /// All of them, or none. What this batch has already it may claim again.
    pub(crate) fn claim(&mut self, keys: Vec<String>) -> bool {
        let mut claims = self.meetings.locked();
        let others = |key: &String| claims.owners.get(key).is_some_and(|of| *of != self.batch);
        if keys.iter().any(others) {
            return false;
        }
        for key in keys {
            if claims.owners.insert(key.clone(), self.batch).is_none() {
                self.keys.push(key);
            }
        }
        true
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.meetings.locked().owners.get(key) == Some(&self.batch)
    }

    /// It turned out not to be meant.
    pub(crate) fn leave(&mut self, key: &str) {
        if self.has(key) {
            self.meetings.locked().owners.remove(key);
            self.keys.retain(|mine| mine != key);
        }
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        let mut claims = self.meetings.locked();
        for key in &self.keys {
            claims.owners.remove(key);
        }
    }
}

impl TwoWaySync {
    /// What a batch is about to link, nothing so far.
    pub(crate) fn meeting(&self) -> Meeting {
        self.meetings.open()
    }
}

/// A record of Ticketure's.
pub(crate) fn source_key(mapping: &MappingDescriptor, id: &str) -> String {
    format!("{}:{id}", mapping.name)
}

/// A record of Salesforce's.
pub(crate) fn destination_key(mapping: &MappingDescriptor, id: &str) -> String {
    format!("{}:sf:{}", mapping.name, normalise(id))
}

fn keys(mapping: &MappingDescriptor, unit: &Unit, linked_to: Option<&str>) -> Vec<String> {
    let merged_into = match &unit.fate {
        Some(Fate::MergedInto(other)) => Some(other.as_str()),
        _ => None,
    };
    let sources = [Some(unit.source_id.as_str()), merged_into];
    let destinations = [
        unit.destination_id.as_deref(),
        unit.external_ref.as_deref(),
        linked_to,
    ];
    let filled = |id: &&str| !id.is_empty();
    let sources = sources.into_iter().flatten().filter(filled);
    let destinations = destinations.into_iter().flatten().filter(filled);
    sources
        .map(|id| source_key(mapping, id))
        .chain(destinations.map(|id| destination_key(mapping, id)))
        .collect()
}

/// The units of a batch that may be linked now.
pub(super) struct Met {
    pub(super) meeting: Meeting,
    pub(super) pairs: Vec<Pair>,
    pub(super) unlinked: Vec<Unit>,
    /// What another batch is about to link.
    pub(super) put_off: Vec<Settlement>,
}

impl TwoWaySync {
    /// Claims what the units may be linked to, and looks again whether another batch has linked some meanwhile.
    pub(super) async fn meet(
        &self,
        mapping: &'static MappingDescriptor,
        pairs: Vec<Pair>,
        unlinked: Vec<Unit>,
    ) -> Result<Met, StoreError> {
        let mut meeting = self.meetings.open();
        let (mut kept, mut claimed) = (Vec::with_capacity(pairs.len()), Vec::new());
        let mut put_off = Vec::new();
        for mut pair in pairs {
            pair.batch = meeting.batch;
            let linked_to = Some(pair.link.destination_id.as_str());
            let ended = pair.unit.fate.is_some();
            let mut wanted = keys(mapping, &pair.unit, linked_to);
            if let Some(Fate::MergedInto(survivor)) = &pair.unit.fate {
                let last = self.last_of_chain(&pair.unit, survivor).await?;
                wanted.push(source_key(mapping, &last));
            }
            match !ended || meeting.claim(wanted) {
                true => kept.push(pair),
                false => put_off.extend(settle(pair.unit, &self.meets_elsewhere(), None)),
            }
        }
        for unit in unlinked {
            match meeting.claim(keys(mapping, &unit, None)) {
                true => claimed.push(unit),
                false => put_off.extend(settle(unit, &self.meets_elsewhere(), None)),
            }
        }
        let (linked, unlinked) = match claimed.is_empty() {
            true => (Vec::new(), claimed),
            false => self.split_by_link(mapping, claimed).await?,
        };
        kept.extend(linked);
        Ok(Met {
            meeting,
            pairs: kept,
            unlinked,
            put_off,
        })
    }

    /// Another batch is about to link the record, or one that it may be.
    pub(crate) fn meets_elsewhere(&self) -> Outcome {
        self.again(AGAIN_MS, "another batch is linking its record")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn what_one_batch_claims_no_other_has_until_it_ends() {
        let meetings = Arc::new(Meetings::default());
        let (mut one, mut other) = (meetings.open(), meetings.open());
        assert!(one.claim(texts(&["a", "b"])));
        assert!(one.claim(texts(&["b", "c"])), "its own");
        assert!(!other.claim(texts(&["d", "c"])), "all or none");
        assert!(!other.has("d"));
        one.leave("c");
        one.leave("d");
        assert!(other.claim(texts(&["d", "c"])));
        other.leave("a");
        assert!(one.has("a"), "nobody leaves what is another's");
        drop(one);
        assert!(other.claim(texts(&["a", "b"])));
        assert!(other.has("c") && other.has("d"));
    }
}
