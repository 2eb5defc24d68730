//! Records that were born in Salesforce, in three steps that each stay: an intent; the identity made, or found by the
//! conflict, and linked; the external id written back, which is the pair's first change.

mod known;
mod pending;

use std::collections::BTreeSet;

use runtime::change::present;
use runtime::entity::Entity;
use runtime::json;
use runtime::mapping::{MappingDescriptor, Side};
use runtime::merge::{LinkState, missing_required};
use runtime::queue::{
    Captured, GateNote, Intent, IntentKey, Link, NewItem, Outcome, Repeat, SALESFORCE_CHANGED,
    Settlement, StoreError,
};
use runtime::salesforce::{CallError, RETRIEVE_MAX};
use runtime::ticketure::{Created, Row};
use serde_json::{Map, Value};

use super::endpoint;
use crate::sync::batch::{give_back, handler_of, to_record, version_of};
use crate::sync::meeting::{Meeting, source_key};
use crate::sync::notes::missing;
use crate::sync::outcome::{cannot_go_back, dead, settle, unfit};
use crate::sync::{Broken, TwoWaySync, Unit, image};

/// Wait for a pair that moves to its heir.
const HEIR_MS: i64 = 2_000;

/// A record that may go, in both wordings.
struct Birth {
    unit: Unit,
    id: String,
    record: Box<dyn Entity>,
    body: Row,
    /// Its record is what an earlier create says whose answer never came.
    repeats: bool,
    /// As Salesforce showed it.
    found: Map<String, Value>,
}

impl TwoWaySync {
    /// Units of one mapping that only Salesforce knows.
    pub(crate) async fn born(
        &self,
        mapping: &'static MappingDescriptor,
        units: Vec<Unit>,
        meeting: &mut Meeting,
    ) -> Result<Vec<Settlement>, StoreError> {
        let (mut left, mut settlements) = self.births_as_decided(mapping, units).await?;
        let mut births = Vec::new();
        while !left.is_empty() {
            let rest = left.split_off(left.len().min(RETRIEVE_MAX));
            let chunk = std::mem::replace(&mut left, rest);
            let ids: Vec<String> = chunk
                .iter()
                .filter_map(|unit| unit.destination_id.clone())
                .collect();
            // Before the links: a pair that moves to its heir meanwhile is seen there.
            let heirs = match self.heirs_of_pairs(mapping, &ids).await? {
                Ok(heirs) => heirs,
                Err(error) => {
                    for unit in chunk {
                        let outcome = self.not_answered(&unit, &error);
                        settlements.extend(settle(unit, &outcome, None));
                    }
                    continue;
                }
            };
            // A batch before this one, or this one, may have linked it.
            let links = self
                .store
                .links_by_destination(mapping.name, ids.clone())
                .await?;
            let keys = ids.iter().map(|id| birth_key(mapping, id).key).collect();
            let open = match self.breaks(Broken::Intents) {
                true => Vec::new(),
                false => self.store.intents(mapping.name, keys).await?,
            };
            let select = image::select(mapping, self.has_npsp());
            let found = match self
                .salesforce
                .retrieve(mapping.object, &ids, &select)
                .await
            {
                Ok(found) => found,
                Err(error) => {
                    for unit in chunk {
                        let outcome = self.not_answered(&unit, &error);
                        settlements.extend(settle(unit, &outcome, None));
                    }
                    continue;
                }
            };
            for ((unit, id), found) in chunk.into_iter().zip(ids).zip(found) {
                let begun = open
                    .iter()
                    .find(|intent| intent.key == birth_key(mapping, &id));
                // A begun create may already be carried out, so it continues.
                if heirs.contains(&id) && begun.is_none() {
                    let outcome = self.again(HEIR_MS, "its record is about to take a pair over");
                    settlements.extend(settle(unit, &outcome, None));
                    continue;
                }
                if links.contains_key(&id) {
                    settlements.extend(settle(unit, &give_back(), None));
                    continue;
                }
                let judged = self.judge(mapping, unit, id, found, begun, meeting);
                match judged.await? {
                    Ok(birth) => births.push(birth),
                    Err(settled) => settlements.extend(settled),
                }
            }
        }
        let intents = births
            .iter()
            .map(|birth| self.birth_intent(mapping, birth))
            .collect();
        self.store.begin(intents, Vec::new(), Vec::new()).await?;
        for birth in births {
            settlements.extend(self.bring(mapping, birth, meeting).await?);
        }
        Ok(settlements)
    }

    /// Those into which the record of a pair was merged: they are about to take the pair over, and become no identity of
    /// their own.
    async fn heirs_of_pairs(
        &self,
        mapping: &MappingDescriptor,
        ids: &[String],
    ) -> Result<Result<BTreeSet<String>, CallError>, StoreError> {
        let merged = self
            .salesforce
            .with_deleted(mapping.object, "MasterRecordId", ids);
        let merged = match merged.await {
            Ok(merged) => merged,
            Err(error) => return Ok(Err(error)),
        };
        let id = |record: &Map<String, Value>, name: &str| {
            let id = record.get(name).and_then(Value::as_str)?;
            Some(runtime::salesforce::normalise(id))
        };
        let losers = merged.iter().filter_map(|record| id(record, "Id"));
        let losers: Vec<String> = losers.collect();
        if losers.is_empty() {
            return Ok(Ok(BTreeSet::new()));
        }
        let pairs = self
            .store
            .links_by_destination(mapping.name, losers)
            .await?;
        let of_pair = |record: &&Map<String, Value>| {
            id(record, "Id").is_some_and(|id| pairs.contains_key(&id))
        };
        let heirs = merged.iter().filter(of_pair);
        Ok(Ok(heirs
            .filter_map(|record| id(record, "MasterRecordId"))
            .collect()))
    }

    /// May it go, and what does it say? What may not is settled.
    async fn judge(
        &self,
        mapping: &'static MappingDescriptor,
        unit: Unit,
        id: String,
        found: Option<Map<String, Value>>,
        begun: Option<&Intent>,
        meeting: &mut Meeting,
    ) -> Result<Result<Birth, Vec<Settlement>>, StoreError> {
        let gate = |held| GateNote {
            mapping: mapping.name.to_owned(),
            destination_id: id.clone(),
            held,
        };
        let done = |unit: Unit, note: GateNote| {
            let mut settled = settle(unit, &Outcome::Done, None);
            if let Some(last) = settled.last_mut() {
                last.gate = Some(note);
            }
            Ok(Err(settled))
        };
        if found.is_none() {
            let owed = self.owe_of_deleted(mapping, &unit, &id).await?;
            if let Err(error) = owed {
                let outcome = self.not_answered(&unit, &error);
                return Ok(Err(settle(unit, &outcome, None)));
            }
        }
        let Some(found) = found.filter(|found| mapping.takes_back(found, self.has_npsp())) else {
            return done(unit, gate(None));
        };
        let external = found.get(mapping.external_id).and_then(Value::as_str);
        if let Some(source_id) = external.filter(|id| !id.is_empty()) {
            // It may be the record that another batch is making, and has not heard of yet.
            if !meeting.claim(vec![source_key(mapping, source_id)]) {
                self.remember_seen(mapping, &id, found).await?;
                return Ok(Err(settle(unit, &self.meets_elsewhere(), None)));
            }
            let ids = (id.as_str(), source_id);
            return Ok(Err(self.link_by_id(mapping, unit, ids, &found).await?));
        }
        let seen = match image::of(&self.handlers, mapping, &found, self.has_npsp()) {
            Ok(seen) => seen,
            Err(error) => return Ok(Err(settle(unit, &unfit(mapping, &error), None))),
        };
        let mut record = seen.record;
        if let Some(begun) = begun {
            // An earlier try may have made it: every repeat says the same, and the pair brings the rest.
            record = mapping.new_record();
            let _ = json::read(record.as_mut(), begun.fields.as_bytes());
        }
        let blank = missing_required(mapping, record.as_ref());
        if !blank.is_empty() && !self.breaks(Broken::Gates) {
            return done(unit, gate(Some(("incomplete", missing(mapping, &blank)))));
        }
        if !seen.errors.is_empty() {
            return Ok(Err(settle(unit, &cannot_go_back(&seen.errors), None)));
        }
        let back = handler_of(&self.handlers, mapping)
            .and_then(|handler| handler.back(mapping.name, record.as_ref()));
        for field in 0..mapping.record.fields.len() {
            if !mapping.sync(field).both {
                record.slot_mut(field).set_absent();
            }
        }
        match back {
            Err(error) => Ok(Err(settle(unit, &unfit(mapping, &error), None))),
            Ok(back) => {
                let mut body =
                    json::write_tree(back.payload.as_ref(), &present(back.payload.as_ref()));
                body.retain(|_, value| !value.is_null());
                body.insert("external_ref".to_owned(), Value::from(id.as_str()));
                Ok(Ok(Birth {
                    unit,
                    id,
                    record,
                    body,
                    repeats: begun.is_some(),
                    found,
                }))
            }
        }
    }

    /// What was seen of a record that another batch links: by the time that this one may go on, the other may have
    /// written over what somebody typed.
    async fn remember_seen(
        &self,
        mapping: &MappingDescriptor,
        id: &str,
        mut found: Map<String, Value>,
    ) -> Result<(), StoreError> {
        found.remove("attributes");
        let item = NewItem {
            mapping: Some(mapping.name.to_owned()),
            payload_type: SALESFORCE_CHANGED.to_owned(),
            lane: format!("sf:{id}"),
            key: id.to_owned(),
            payload: Value::Object(found).to_string(),
            ..NewItem::default()
        };
        let captured = Captured {
            items: vec![item],
            ..Captured::default()
        };
        self.store.capture(captured).await.map(|_| ())
    }

    /// The record carries an external id: the identity is named already.
    async fn link_by_id(
        &self,
        mapping: &'static MappingDescriptor,
        unit: Unit,
        (id, source_id): (&str, &str),
        found: &Map<String, Value>,
    ) -> Result<Vec<Settlement>, StoreError> {
        let unit = match self.unless_cloned(mapping, unit, id, source_id).await? {
            Ok(unit) => unit,
            Err(settled) => return Ok(settled),
        };
        let buried = self
            .store
            .tombstones(mapping.name, Side::Source, vec![source_id.to_owned()])
            .await?;
        self.hand_on_of_record(mapping, &buried, (id, found))
            .await?;
        let Some(ticketure) = self.ticketure.as_ref().filter(|_| buried.is_empty()) else {
            return Ok(settle(unit, &Outcome::Done, None));
        };
        match ticketure.read(endpoint::entity(mapping), source_id).await {
            Ok(None) => Ok(settle(unit, &Outcome::Done, None)),
            Ok(Some(_)) => Ok(settle(
                unit,
                &give_back(),
                Some(blank_link(mapping, source_id, id)),
            )),
            Err(error) => {
                let outcome = self.not_pushed(&unit, &error);
                Ok(settle(unit, &outcome, None))
            }
        }
    }

    fn birth_intent(&self, mapping: &MappingDescriptor, birth: &Birth) -> Intent {
        let record = birth.record.as_ref();
        Intent {
            key: birth_key(mapping, &birth.id),
            kind: "create",
            fields: json::write(record, &present(record), &json::as_source_id).unwrap_or_default(),
            repeat: Repeat::ConflictAdopts,
            made_at_ms: self.now_ms(),
        }
    }

    async fn bring(
        &self,
        mapping: &'static MappingDescriptor,
        birth: Birth,
        meeting: &mut Meeting,
    ) -> Result<Vec<Settlement>, StoreError> {
        let Some(ticketure) = &self.ticketure else {
            return Ok(settle(birth.unit, &Outcome::Done, None));
        };
        let entity = endpoint::entity(mapping);
        let path = endpoint::create_path(mapping);
        // The same key for each try: where Ticketure honours it, a repeat makes nothing new.
        let key = format!("usher-{}-{}", mapping.name, birth.id);
        match ticketure.create(path, entity, &birth.body, &key).await {
            Ok(Created::New(row)) => {
                // Its webhook is on its way: what it brings waits until the link is there.
                let id = json::text_at(&Value::Object(row.clone()), mapping.key);
                meeting.claim(vec![source_key(mapping, &id.unwrap_or_default())]);
                Ok(self.made(mapping, birth, row))
            }
            Ok(Created::Known(source_id))
                if !meeting.claim(vec![source_key(mapping, &source_id)]) =>
            {
                self.remember_seen(mapping, &birth.id, birth.found).await?;
                let mut settled = settle(birth.unit, &self.meets_elsewhere(), None);
                // Nothing was made now; who links it meanwhile finds no write that may still come.
                if let (Some(last), false) = (settled.last_mut(), birth.repeats) {
                    last.closes.push(birth_key(mapping, &birth.id));
                }
                Ok(settled)
            }
            Ok(Created::Known(source_id)) => self.known_already(mapping, birth, &source_id).await,
            Err(error) => {
                let outcome = self.not_pushed(&birth.unit, &error);
                let mut settled = settle(birth.unit, &outcome, None);
                // Of an earlier try only what Ticketure makes of the record says something.
                let undone = match birth.repeats {
                    true => error.is_about_content(),
                    false => !error.may_have_committed(),
                };
                if undone && let Some(last) = settled.last_mut() {
                    last.closes.push(birth_key(mapping, &birth.id));
                }
                Ok(settled)
            }
        }
    }

    /// Linked: the external id is the first thing that Salesforce lacks, so the pair writes it next.
    fn made(&self, mapping: &'static MappingDescriptor, birth: Birth, row: Row) -> Vec<Settlement> {
        let row = Value::Object(row);
        let Some(source_id) = json::text_at(&row, mapping.key) else {
            let outcome = dead(
                "does_not_fit",
                format!("Ticketure's answer has no {}", mapping.key.join(".")),
                None,
                "The record was made in Ticketure: correct the schema of the entity, then retry the item.",
            );
            return settle(birth.unit, &outcome, None);
        };
        let mut state = LinkState::created(mapping, birth.record.as_ref(), 0);
        state.made(Side::Source);
        if let Ok(fitted) = to_record(
            &self.handlers,
            mapping,
            row.to_string().as_bytes(),
            self.terms(),
        ) {
            let version = version_of(&row).unwrap_or_default();
            state.observe(Side::Source, fitted.record.as_ref(), version, self.now_ms());
        }
        let link = Link {
            base: state.to_json(),
            ..blank_link(mapping, &source_id, &birth.id)
        };
        linked(mapping, birth, link)
    }
}

/// The second step is done; the items come again, as those of a pair.
fn linked(mapping: &MappingDescriptor, birth: Birth, link: Link) -> Vec<Settlement> {
    let mut settled = settle(birth.unit, &give_back(), Some(link));
    if let Some(last) = settled.last_mut() {
        last.closes.push(birth_key(mapping, &birth.id));
        last.gate = Some(GateNote {
            mapping: mapping.name.to_owned(),
            destination_id: birth.id,
            held: None,
        });
    }
    settled
}

fn birth_key(mapping: &MappingDescriptor, id: &str) -> IntentKey {
    IntentKey {
        mapping: mapping.name.to_owned(),
        key: format!("sf:{id}"),
        side: Side::Source,
    }
}

/// A link of which nothing is agreed: both sides are read, and meet.
fn blank_link(mapping: &MappingDescriptor, source_id: &str, id: &str) -> Link {
    Link {
        mapping: mapping.name.to_owned(),
        source_id: source_id.to_owned(),
        destination_id: id.to_owned(),
        base: "{}".to_owned(),
        lock: String::new(),
        lane: source_id.to_owned(),
    }
}
