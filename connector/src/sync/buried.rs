//! Rows of pairs that are no more: what was deleted stays so, unless the mapping or a person says otherwise.

use runtime::mapping::{AfterDelete, MappingDescriptor, Side};
use runtime::queue::{Captured, Link, Outcome, Review, Settlement, StoreError, Tombstone};
use serde_json::Value;

use super::batch::{Fate, give_back};
use super::outcome::settle;
use super::pair::Pair;
use super::{TwoWaySync, Unit};

/// Time for the webhook of a merge to arrive, once Ticketure says that it has the identity no longer.
const MERGE_TOLD_MS: i64 = 60_000;

impl TwoWaySync {
    /// Returns a retry while a missing identity may still turn out to be merged. The webhook of a merge may come later
    /// than the 404.
    pub(super) fn may_be_merged(&self, pair: &Pair) -> Option<Outcome> {
        let first = pair.unit.items.iter().map(|item| item.received_at_ms).min();
        let told_ms = first.unwrap_or_default() + MERGE_TOLD_MS;
        (self.now_ms() < told_ms).then(|| Outcome::Retry {
            due_ms: told_ms,
            error: "Ticketure no longer has this identity: the webhook of a merge may follow"
                .to_owned(),
            charge: false,
        })
    }

    /// Rows whose pair was deleted: an older row does not bring it back, a newer one is not lost.
    pub(super) async fn without_buried(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Unit>, Vec<Settlement>), StoreError> {
        let ids = units.iter().map(|unit| unit.source_id.clone()).collect();
        let buried = self
            .store
            .tombstones(mapping.name, Side::Source, ids)
            .await?;
        let mut living = Vec::with_capacity(units.len());
        let mut settlements = Vec::new();
        for unit in units {
            let tombstone = buried
                .iter()
                .find(|tombstone| tombstone.source_id == unit.source_id);
            let recreate = mapping.policies.after_delete == AfterDelete::Recreate;
            let deleted_at = tombstone.map_or(0, |tombstone| self.deleted_at(tombstone));
            match tombstone {
                // Told once more, or a delete from before a merge: what was asked because of it stays asked. An opt-out may
                // be news: rows come in any order.
                Some(tombstone) if tombstone.side == Side::Source && is_known(&unit, tombstone) => {
                    if let Some(outcome) = self.opt_out_left(&unit, tombstone).await? {
                        settlements.extend(settle(unit, &outcome, None));
                        continue;
                    }
                    self.hand_on_of(&unit).await?;
                    settlements.extend(settle(unit, &Outcome::Done, None));
                }
                // The identity looked deleted, and was merged: the pair comes back, and ends as that of a merge.
                Some(tombstone)
                    if survivor(&unit).is_some()
                        && was_deleted_there(tombstone)
                        && !self.is_taken(tombstone).await? =>
                {
                    let link = Link {
                        mapping: mapping.name.to_owned(),
                        source_id: unit.source_id.clone(),
                        destination_id: tombstone.destination_id.clone(),
                        base: "{}".to_owned(),
                        lock: String::new(),
                        lane: super::lane_of(&unit),
                    };
                    settlements.extend(settle(unit, &give_back(), Some(link)));
                }
                _ if unit.fate.is_some() => {
                    self.hand_on_of(&unit).await?;
                    self.answered_by_its_end(&unit, tombstone).await?;
                    settlements.extend(never_linked(unit, tombstone));
                }
                None => living.push(unit),
                Some(tombstone) if recreate && tombstone.side == Side::Destination => {
                    living.push(unit)
                }
                // A person wants it again.
                Some(_) if unit.new_since_ms > Some(deleted_at) => living.push(unit),
                Some(tombstone) => {
                    let clocks = self.clocks();
                    let is_newer = unit.version_ms() - clocks.source_offset_ms > deleted_at;
                    if is_newer && was_never_linked(tombstone) {
                        living.push(unit);
                        continue;
                    }
                    if is_newer && was_deleted_there(tombstone) {
                        match self.still_there(mapping, &unit, tombstone).await {
                            // The identity was restored: the ladder finds the record by its external id.
                            Ok(true) => {
                                living.push(unit);
                                continue;
                            }
                            Ok(false) => {}
                            Err(outcome) => {
                                settlements.extend(settle(unit, &outcome, None));
                                continue;
                            }
                        }
                    }
                    if merged_there(tombstone) {
                        self.hand_on_to_owner(&unit, tombstone).await?;
                    } else if is_newer {
                        self.note_newer(&unit, tombstone).await?;
                    }
                    settlements.extend(settle(unit, &Outcome::Done, None));
                }
            }
        }
        Ok((living, settlements))
    }

    /// Hands on the opt-outs of an identity without a pair that was merged.
    async fn hand_on_of(&self, unit: &Unit) -> Result<(), StoreError> {
        let Some(survivor) = survivor(unit) else {
            return Ok(());
        };
        let refused = self.refused_by_unlinked(unit).await?;
        let both = (unit.source_id.as_str(), survivor.as_str());
        self.hand_on(unit.mapping, both, &refused).await
    }

    /// Opts out the record that a merged identity had, where its row has news. An answer that stays out is returned.
    async fn opt_out_left(
        &self,
        unit: &Unit,
        tombstone: &Tombstone,
    ) -> Result<Option<Outcome>, StoreError> {
        let Some(survivor) = survivor(unit).filter(|_| !tombstone.destination_id.is_empty()) else {
            return Ok(None);
        };
        let refused = self.refused_by_unlinked(unit).await?;
        let both = (unit.source_id.as_str(), survivor.as_str());
        let new = self.not_handed_on(unit.mapping, both, &refused).await?;
        // The survivor's own is opted out with the survivor.
        if new.is_empty() || self.is_taken(tombstone).await? {
            return Ok(None);
        }
        let left = &tombstone.destination_id;
        Ok(self.opt_out_record(unit, left, &new).await)
    }

    /// Hands the opt-outs of an identity whose record was merged in Salesforce on to the identity that has the survivor.
    async fn hand_on_to_owner(&self, unit: &Unit, tombstone: &Tombstone) -> Result<(), StoreError> {
        let asked = vec![unit.source_id.clone()];
        let mut heirs = self.store.heirs(&tombstone.mapping, asked).await?;
        let owner = heirs
            .remove(&unit.source_id)
            .and_then(|heir| heir.source_id);
        let Some(owner) = owner else { return Ok(()) };
        let refused = self.refused_by_unlinked(unit).await?;
        let both = (unit.source_id.as_str(), owner.as_str());
        self.hand_on(unit.mapping, both, &refused).await
    }

    /// Returns whether another pair has the record of a pair that ended.
    async fn is_taken(&self, tombstone: &Tombstone) -> Result<bool, StoreError> {
        let ids = vec![tombstone.destination_id.clone()];
        let links = self.store.links_by_destination(&tombstone.mapping, ids);
        Ok(!links.await?.is_empty())
    }

    /// Checks whether the record of a pair that ended in Ticketure is in Salesforce.
    async fn still_there(
        &self,
        mapping: &'static MappingDescriptor,
        unit: &Unit,
        tombstone: &Tombstone,
    ) -> Result<bool, Outcome> {
        let ids = [tombstone.destination_id.clone()];
        let found = self.salesforce.with_deleted(mapping.object, "Id", &ids);
        let found = found.await;
        let found = found.map_err(|error| self.not_answered(unit, &error))?;
        Ok(found
            .iter()
            .any(|record| record.get("IsDeleted") == Some(&Value::Bool(false))))
    }

    /// What was merged in Salesforce is merged, or deleted, in Ticketure as well: nothing is to be asked any more.
    async fn answered_by_its_end(
        &self,
        unit: &Unit,
        tombstone: Option<&Tombstone>,
    ) -> Result<(), StoreError> {
        if tombstone.is_none() {
            return Ok(());
        }
        let question = (unit.mapping.name.to_owned(), unit.source_id.clone());
        let captured = Captured {
            answered: vec![question],
            ..Captured::default()
        };
        self.store.capture(captured).await.map(|_| ())
    }

    /// By our clock.
    fn deleted_at(&self, tombstone: &Tombstone) -> i64 {
        let clocks = self.clocks();
        tombstone.deleted_at_ms
            - match tombstone.side {
                Side::Source => clocks.source_offset_ms,
                Side::Destination => clocks.destination_offset_ms,
            }
    }

    /// Somebody changed what was deleted on the other side: a person is told.
    async fn note_newer(&self, unit: &Unit, tombstone: &Tombstone) -> Result<(), StoreError> {
        self.store
            .add_review(Review {
                mapping: tombstone.mapping.clone(),
                source_id: unit.source_id.clone(),
                candidates: vec![tombstone.destination_id.clone()],
                reason: "its record was deleted, and it has been changed in Ticketure since: link it to another record, create it again, or leave it".to_owned(),
            })
            .await
    }
}

/// Returns whether the identity was deleted in Ticketure before it had a pair.
fn was_never_linked(tombstone: &Tombstone) -> bool {
    tombstone.side == Side::Source
        && tombstone.merged_into.is_none()
        && tombstone.destination_id.is_empty()
}

/// Returns whether the pair ended since its identity was deleted in Ticketure.
fn was_deleted_there(tombstone: &Tombstone) -> bool {
    tombstone.side == Side::Source
        && tombstone.merged_into.is_none()
        && !tombstone.destination_id.is_empty()
}

/// Returns whether the pair ended since its record was merged in Salesforce. It is asked already to merge the identities.
fn merged_there(tombstone: &Tombstone) -> bool {
    tombstone.side == Side::Destination && tombstone.merged_into.is_some()
}

/// Deleted or merged before it was ever linked: older rows that are still on their way make nothing of it.
fn never_linked(unit: Unit, before: Option<&Tombstone>) -> Vec<Settlement> {
    // What was deleted here first and turns out to be merged still has its record.
    let deleted_here = before.filter(|before| before.side == Side::Source);
    let tombstone = Tombstone {
        mapping: unit.mapping.name.to_owned(),
        source_id: unit.source_id.clone(),
        destination_id: deleted_here.map_or(String::new(), |before| before.destination_id.clone()),
        side: Side::Source,
        deleted_at_ms: unit.fate_ms,
        merged_into: survivor(&unit),
    };
    let mut settled = settle(unit, &Outcome::Done, None);
    if let Some(last) = settled.last_mut() {
        last.tombstone = Some(tombstone);
    }
    settled
}

/// Returns whether a row says of its end what is known. A merge counts on, whatever delete is heard of beside it.
fn is_known(unit: &Unit, tombstone: &Tombstone) -> bool {
    unit.fate == Some(Fate::Deleted)
        || unit.fate.is_some() && survivor(unit) == tombstone.merged_into
}

fn survivor(unit: &Unit) -> Option<String> {
    match &unit.fate {
        Some(Fate::MergedInto(other)) => Some(other.clone()),
        Some(Fate::Deleted) | None => None,
    }
}
