//! Records that were deleted, or merged into others.

use std::collections::BTreeMap;

use runtime::mapping::{AfterDelete, MappingDescriptor, Side};
use runtime::merge::{LinkState, opted_out};
use runtime::queue::{
    Captured, Intent, Link, NewItem, Outcome, Review, SALESFORCE_CHANGED, Settlement, StoreError,
    Tombstone,
};
use runtime::retry::ATTEMPTS_MAX;
use runtime::salesforce::normalise;
use serde_json::{Map, Value};

use super::batch::Fate;
use super::outcome::settle;
use super::pair::{Pair, wanted};
use super::{Broken, TwoWaySync, Unit};

/// A merge shows as a delete first; so long it has to become one.
pub(crate) const GRACE_MS: i64 = 60_000;
/// Time for the survivor of a merge in Ticketure to be heard of. Until then the merged identity keeps its record, so
/// that the end does not depend on which of the two webhooks arrives first.
const SURVIVOR_MS: i64 = 180_000;
/// Wait before each new try, longer than a merge needs to show.
const DELETED_MS: i64 = GRACE_MS + 15_000;

impl TwoWaySync {
    /// Retries a row whose person is paired with another record, if that record was deleted in Salesforce. Once that
    /// pair is removed, this record becomes the person's.
    pub(crate) async fn unless_stands(
        &self,
        mapping: &MappingDescriptor,
        unit: &Unit,
        other: &Link,
    ) -> Option<Outcome> {
        let ids = [other.destination_id.clone()];
        let found = self
            .salesforce
            .with_deleted(mapping.object, "Id", &ids)
            .await;
        let found = match found {
            Ok(found) => found.into_iter().next(),
            Err(error) => return Some(self.not_answered(unit, &error)),
        };
        let stands = found.is_some_and(|found| found.get("IsDeleted") != Some(&Value::Bool(true)));
        let attempts = unit.items.iter().map(|item| item.attempts).max();
        let tried = attempts.unwrap_or_default() + 1 >= ATTEMPTS_MAX;
        (!stands && !tried).then(|| Outcome::Retry {
            due_ms: self.now_ms() + DELETED_MS,
            error: format!(
                "{} is {} in Ticketure, whose record in Salesforce was deleted: a merge may follow",
                mapping.payload.name, other.source_id
            ),
            charge: true,
        })
    }

    /// Salesforce no longer has the record.
    pub(crate) async fn gone_from_salesforce(&self, pair: &mut Pair) -> Result<(), StoreError> {
        match self.what_became_of(pair).await {
            Some(found) => self.gone(pair, &found).await,
            None => Ok(()),
        }
    }

    /// The same when that is not sure: a record that is there leaves the pair as it is.
    pub(crate) async fn gone_unless_there(&self, pair: &mut Pair) -> Result<(), StoreError> {
        match self.what_became_of(pair).await {
            Some(found) if found.get("IsDeleted") != Some(&Value::Bool(false)) => {
                self.gone(pair, &found).await
            }
            _ => Ok(()),
        }
    }

    /// The record, deleted or not; empty when there is no trace of it. Where that cannot be asked, the pair stops.
    async fn what_became_of(&self, pair: &mut Pair) -> Option<Map<String, Value>> {
        let ids = [pair.link.destination_id.clone()];
        let object = pair.mapping().object;
        match self.salesforce.with_deleted(object, "Id", &ids).await {
            Ok(found) => Some(found.into_iter().next().unwrap_or_default()),
            Err(error) => {
                pair.stopped = Some(self.not_answered(&pair.unit, &error));
                None
            }
        }
    }

    async fn gone(&self, pair: &mut Pair, found: &Map<String, Value>) -> Result<(), StoreError> {
        let text = |name: &str| found.get(name).and_then(Value::as_str);
        if let Some(master) = text("MasterRecordId") {
            return self
                .merged_in_salesforce(pair, &runtime::salesforce::normalise(master))
                .await;
        }
        let deleted_at_ms = text("SystemModstamp")
            .and_then(runtime::clock::parse_ms)
            .unwrap_or_else(|| self.now_ms() + self.salesforce.offset_ms());
        let settled_at = deleted_at_ms - self.salesforce.offset_ms() + GRACE_MS;
        // Where no trace is left, it is long past the time in which a merge shows.
        if !found.is_empty() && self.now_ms() < settled_at {
            pair.stopped = Some(Outcome::Retry {
                due_ms: settled_at,
                error: "deleted in Salesforce: a merge may follow".to_owned(),
                charge: false,
            });
            return Ok(());
        }
        let outcome = match pair.mapping().policies.after_delete {
            // Without its link the row is a new one: it is made again.
            AfterDelete::Recreate => self.again_from_its_row(pair).await?,
            AfterDelete::Detach => Outcome::Done,
            AfterDelete::Review => {
                self.ask(pair, "it was deleted in Salesforce").await?;
                Outcome::Done
            }
        };
        // While Ticketure does not answer, the pair stays.
        let asks_again = matches!(outcome, Outcome::Retry { .. }) && !pair.unit.goes_forward();
        if !asks_again {
            pair.tombstone = Some(tombstone(pair, Side::Destination, deleted_at_ms, None));
            pair.forget = true;
        }
        pair.stopped = Some(outcome);
        Ok(())
    }

    /// What Ticketure says is to come again, as of a record that was never linked.
    async fn again_from_its_row(&self, pair: &Pair) -> Result<Outcome, StoreError> {
        let Some(ticketure) = self
            .ticketure
            .as_ref()
            .filter(|_| !pair.unit.goes_forward())
        else {
            return Ok(super::batch::give_back());
        };
        let entity = crate::to_ticketure::endpoint::entity(pair.mapping());
        let row = match ticketure.read(entity, &pair.unit.source_id).await {
            Err(error) => return Ok(self.not_pushed(&pair.unit, &error)),
            Ok(None) => return Ok(Outcome::Done),
            Ok(Some(row)) => Value::Object(row),
        };
        let item = NewItem {
            mapping: Some(pair.mapping().name.to_owned()),
            payload_type: pair.mapping().payload_type.to_owned(),
            lane: pair.link.lane.clone(),
            key: pair.unit.source_id.clone(),
            payload: row.to_string(),
            ..NewItem::default()
        };
        self.store.add(vec![item]).await?;
        Ok(Outcome::Done)
    }

    /// Records that a call of ours may have made before a crash, and that somebody has deleted since: they are pairs
    /// whose record is gone, and not records to be made again.
    pub(crate) async fn without_made_and_deleted(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
    ) -> Result<(Vec<Unit>, Vec<Settlement>), StoreError> {
        let keys = units.iter().map(|unit| unit.source_id.clone()).collect();
        let open = self.store.intents(mapping.name, keys).await?;
        let open: BTreeMap<String, Intent> = open
            .into_iter()
            .filter(|intent| intent.key.side == Side::Destination)
            .map(|intent| (intent.key.key.clone(), intent))
            .collect();
        let begun: Vec<String> = open.keys().cloned().collect();
        if begun.is_empty() || self.breaks(Broken::Intents) {
            return Ok((units, Vec::new()));
        }
        let asked = self
            .salesforce
            .with_deleted(mapping.object, mapping.external_id, &begun)
            .await;
        let found = match asked {
            Ok(found) => found,
            Err(error) => {
                let put_off = units.into_iter().flat_map(|unit| {
                    let outcome = self.not_answered(&unit, &error);
                    settle(unit, &outcome, None)
                });
                return Ok((Vec::new(), put_off.collect()));
            }
        };
        // Records of pairs that ended earlier: no open create has made them.
        let buried = self
            .store
            .tombstones(mapping.name, Side::Source, begun)
            .await?;
        let mut left = Vec::with_capacity(units.len());
        let mut settlements = Vec::new();
        for unit in units {
            let text = |record: &Map<String, Value>, name: &str| {
                record
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let Some(intent) = open.get(&unit.source_id) else {
                left.push(unit);
                continue;
            };
            let is_buried = |id: &str| buried.iter().any(|buried| buried.destination_id == id);
            let made = found.iter().find(|record| {
                text(record, mapping.external_id) == unit.source_id
                    && !is_buried(&normalise(&text(record, "Id")))
                    && !self.was_deleted_before(record, intent)
            });
            let Some(made) = made else {
                left.push(unit);
                continue;
            };
            // What was sent is what both had; the rows of today may say something newer.
            let mut state = LinkState::created(mapping, wanted(mapping, intent).as_ref(), 0);
            state.made(Side::Destination);
            let link = Link {
                mapping: mapping.name.to_owned(),
                source_id: unit.source_id.clone(),
                destination_id: text(made, "Id"),
                base: state.to_json(),
                lock: String::new(),
                lane: super::lane_of(&unit),
            };
            settlements.extend(settle(unit, &super::batch::give_back(), Some(link)));
        }
        Ok((left, settlements))
    }

    /// Returns whether a record was deleted before a create began, which has therefore not made it.
    fn was_deleted_before(&self, record: &Map<String, Value>, begun: &Intent) -> bool {
        let modified = record.get("SystemModstamp").and_then(Value::as_str);
        let modified = modified.and_then(runtime::clock::parse_ms);
        let deleted_ms = modified.map(|at| at - self.salesforce.offset_ms() + GRACE_MS);
        record.get("IsDeleted") == Some(&Value::Bool(true))
            && deleted_ms.is_some_and(|at| at < begun.made_at_ms)
    }

    /// The surviving record takes the pair over, unless it has an identity of its own.
    async fn merged_in_salesforce(&self, pair: &mut Pair, master: &str) -> Result<(), StoreError> {
        let waits = self.until_created(pair, master).await?;
        let taken = self.person_of_record(pair, master).await?;
        if waits.is_some() && taken.is_none() {
            pair.stopped = waits;
            return Ok(());
        }
        let mut refused = self.refused_by(pair);
        if let Some(link) = &taken {
            for field in self.refused_by_link(pair.mapping(), link).await? {
                if !refused.contains(&field) {
                    refused.push(field);
                }
            }
            pair.tombstone = Some(tombstone(
                pair,
                Side::Destination,
                self.now_ms(),
                Some(master),
            ));
            pair.forget = true;
            let known = opted_out(pair.mapping(), pair.state.current(Side::Source).as_ref());
            let missing = refused.iter().filter(|field| !known.contains(field));
            let missing: Vec<usize> = missing.copied().collect();
            if let Some(outcome) = self
                .opt_out_identity(&pair.unit, &pair.unit.source_id, &missing)
                .await?
            {
                (pair.tombstone, pair.forget) = (None, false);
                pair.stopped = Some(outcome);
                return Ok(());
            }
            let both = (pair.link.source_id.as_str(), link.source_id.as_str());
            self.hand_on(pair.mapping(), both, &refused).await?;
            self.ask(pair, &format!("its record was merged into {master}, which is another identity's: merge the two in Ticketure as well"))
                .await?;
            pair.stopped = Some(Outcome::Done);
            return Ok(());
        }
        self.owe(pair.mapping(), &pair.link.source_id, &refused)
            .await?;
        // Nothing is agreed with the survivor: the two meet.
        pair.replace = Some(Link {
            destination_id: master.to_owned(),
            base: self
                .base_of_takeover(pair, Side::Source, (&pair.link.source_id, master))
                .await?,
            ..pair.link.clone()
        });
        self.look_at(pair, master).await?;
        pair.stopped = Some(Outcome::Done);
        Ok(())
    }

    /// Returns the pair of another identity that the survivor of a merge in Salesforce stands for: its own, or that of
    /// the identity into which its own was merged in Ticketure.
    async fn person_of_record(
        &self,
        pair: &Pair,
        record: &str,
    ) -> Result<Option<Link>, StoreError> {
        let (name, ids) = (pair.mapping().name, vec![record.to_owned()]);
        let others = |links: Vec<Link>| {
            let mut links = links.into_iter();
            links.find(|link| link.source_id != pair.link.source_id)
        };
        let own = self.store.links_by_destination(name, ids.clone()).await?;
        if !own.is_empty() {
            return Ok(others(own.into_values().collect()));
        }
        let ended = self.store.tombstones(name, Side::Destination, ids).await?;
        let was_merged = |one: &&Tombstone| one.side == Side::Source && one.merged_into.is_some();
        let ended = ended.iter().filter(was_merged);
        let ended: Vec<String> = ended.map(|one| one.source_id.clone()).collect();
        let heirs = self.store.heirs(name, ended).await?;
        let heirs = heirs.into_values().filter_map(|heir| heir.source_id);
        let links = self.store.links(name, heirs.collect()).await?;
        Ok(others(links.into_values().collect()))
    }

    /// Returns the base of the link by which a survivor takes over the record of the side that stays. Where each system
    /// merged the two the other way round, both are survivors, and meet as such.
    async fn base_of_takeover(
        &self,
        pair: &Pair,
        stays: Side,
        (source_id, record): (&str, &str),
    ) -> Result<String, StoreError> {
        let id = match stays {
            Side::Source => record,
            Side::Destination => source_id,
        };
        let name = pair.mapping().name;
        let ended = self
            .store
            .tombstones(name, stays.other(), vec![id.to_owned()]);
        let ended = ended.await?;
        let was_merged = |one: &Tombstone| one.side == stays && one.merged_into.is_some();
        Ok(match ended.iter().any(was_merged) {
            true => "{}".to_owned(),
            false => pair.taken_over(stays),
        })
    }

    /// Ticketure no longer has the identity, or says that it is another now.
    pub(crate) async fn gone_from_ticketure(
        &self,
        pair: &mut Pair,
        fate: Fate,
    ) -> Result<(), StoreError> {
        let now = self.now_ms();
        match fate {
            Fate::Deleted => {
                // By Ticketure's clock: a restore that is heard of together with the delete is newer.
                let deleted_at_ms = pair.unit.fate_ms;
                pair.tombstone = Some(tombstone(pair, Side::Source, deleted_at_ms, None));
                if pair.mapping().policies.after_delete == AfterDelete::Review {
                    self.ask(pair, "it was deleted in Ticketure").await?;
                }
            }
            Fate::MergedInto(other) => {
                let last = self.last_of_chain(&pair.unit, &other).await?;
                let taken = self
                    .store
                    .links(pair.mapping().name, vec![last.clone()])
                    .await?;
                let first = pair.unit.items.iter().map(|item| item.received_at_ms).min();
                let heard_by = first.unwrap_or(now) + SURVIVOR_MS;
                if taken.is_empty() && now < heard_by {
                    pair.stopped = Some(Outcome::Retry {
                        due_ms: heard_by,
                        error: format!("it was merged into {other}, of which a row may come"),
                        charge: false,
                    });
                    return Ok(());
                }
                let mut refused = self.refused_by(pair);
                let mut there = opted_out(
                    pair.mapping(),
                    pair.state.current(Side::Destination).as_ref(),
                );
                if pair.unknown && !taken.is_empty() {
                    match self.refused_in_salesforce(pair).await {
                        Ok(fields) => {
                            refused.extend(&fields);
                            there = fields;
                        }
                        Err(error) => {
                            pair.stopped = Some(self.not_answered(&pair.unit, &error));
                            return Ok(());
                        }
                    }
                }
                let both = (pair.unit.source_id.as_str(), other.as_str());
                self.hand_on(pair.mapping(), both, &refused).await?;
                // Its own record stays, and is opted out as the identity was.
                let missing = refused.iter().filter(|field| !there.contains(field));
                let missing: Vec<usize> = missing.copied().collect();
                let own = &pair.link.destination_id;
                if !taken.is_empty()
                    && let Some(outcome) = self.opt_out_record(&pair.unit, own, &missing).await
                {
                    pair.stopped = Some(outcome);
                    return Ok(());
                }
                pair.tombstone = Some(tombstone(pair, Side::Source, now, Some(&other)));
                if taken.is_empty() {
                    pair.replace = Some(Link {
                        source_id: last.clone(),
                        base: self
                            .base_of_takeover(
                                pair,
                                Side::Destination,
                                (&last, &pair.link.destination_id),
                            )
                            .await?,
                        lane: last,
                        ..pair.link.clone()
                    });
                    let destination = pair.link.destination_id.clone();
                    self.look_at(pair, &destination).await?;
                } else {
                    self.ask(pair, &format!("it was merged into {other} in Ticketure, which is another record's. What came from Ticketure goes to that one by itself; merge the two records in Salesforce for the rest"))
                        .await?;
                }
            }
        }
        pair.forget = true;
        pair.stopped = Some(Outcome::Done);
        Ok(())
    }

    /// Returns the identity that the survivor of a merge is now: itself, or the last of a chain of merges.
    pub(super) async fn last_of_chain(
        &self,
        merged: &Unit,
        survivor: &str,
    ) -> Result<String, StoreError> {
        let (mapping, ids) = (merged.mapping.name, vec![survivor.to_owned()]);
        if !self.store.links(mapping, ids.clone()).await?.is_empty() {
            return Ok(survivor.to_owned());
        }
        let heir = self.store.heirs(mapping, ids).await?.remove(survivor);
        let last = heir.and_then(|heir| heir.source_id);
        let last = last.filter(|last| *last != merged.source_id);
        Ok(last.unwrap_or_else(|| survivor.to_owned()))
    }

    /// Both sides of a pair that has changed are looked at afresh.
    async fn look_at(&self, pair: &Pair, destination_id: &str) -> Result<(), StoreError> {
        self.look_at_link(&pair.link, destination_id).await
    }

    pub(super) async fn look_at_link(
        &self,
        link: &Link,
        destination_id: &str,
    ) -> Result<(), StoreError> {
        let item = NewItem {
            mapping: Some(link.mapping.clone()),
            payload_type: SALESFORCE_CHANGED.to_owned(),
            lane: format!("sf:{destination_id}"),
            key: destination_id.to_owned(),
            payload: "{}".to_owned(),
            ..NewItem::default()
        };
        let captured = Captured {
            items: vec![item],
            ..Captured::default()
        };
        self.store.capture(captured).await.map(|_| ())
    }

    async fn ask(&self, pair: &Pair, reason: &str) -> Result<(), StoreError> {
        self.store
            .add_review(Review {
                mapping: pair.link.mapping.clone(),
                source_id: pair.link.source_id.clone(),
                candidates: vec![pair.link.destination_id.clone()],
                reason: reason.to_owned(),
            })
            .await
    }
}

fn tombstone(pair: &Pair, side: Side, deleted_at_ms: i64, merged_into: Option<&str>) -> Tombstone {
    Tombstone {
        mapping: pair.link.mapping.clone(),
        source_id: pair.link.source_id.clone(),
        destination_id: pair.link.destination_id.clone(),
        side,
        deleted_at_ms,
        merged_into: merged_into.map(str::to_owned),
    }
}
